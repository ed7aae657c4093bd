/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Speech in place of stamps and patterns (--speech), for a server that mixes it: what comes back is nobody's payload any more. So packets are
 * counted by their numbers alone: what is missing between two of them is lost.
 */
#ifndef BENCH_LOAD_SPEECH_H
#define BENCH_LOAD_SPEECH_H

#include "bench/load/load.h"

void load_speech_open(void);
/* G.711 of 20 ms: frame number `frame` of what this stream says. */
const uint8_t *load_speech(uint32_t stream, uint32_t frame);
void load_speech_check(struct load *l, struct load_endpoint *e, const uint8_t *p, size_t n,
		       uint64_t now_ns);

#endif
