/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the numbers of the party's packets become those of the one stream we send to the peer's party. A source is
 * relayed in runs: within one the offsets stand still. A run ends where the party changes its SSRC, its clock or jumps,
 * and where we took packets out of the stream or put our own into it. No two packets get the same number.
 */
#ifndef ENGINE_SOURCE_H
#define ENGINE_SOURCE_H

#include "engine/flow.h"

/* The run this packet belongs to, which may begin with it; NULL: it is too late for any. */
const struct source *source_of(struct flow *f, struct sink *k, struct pkt *p, uint64_t now_ns);
/* The packet is not sent on, and is not to be missed either: those after it close up. */
void source_skip(struct flow *f, const struct sink *k, const struct pkt *p);
/* A packet of ours took the next number of the sink that f feeds: those of f that follow give way. */
void source_give_way(struct flow *f);

/* What was sent last. clock_hz 0: as before, for it is an event. */
void sink_note(struct sink *k, uint16_t sequence, uint32_t timestamp, uint32_t clock_hz,
	       uint64_t now_ns);
/* The timestamp of this moment, in the clock of the audio sent last. */
uint32_t sink_timestamp(const struct sink *k, uint64_t now_ns);

#endif
