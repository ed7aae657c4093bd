/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what is relayed: packets, loss and jitter of the source, digits (telephone events, RFC 4733). */
#ifndef ENGINE_MEASURE_H
#define ENGINE_MEASURE_H

#include "engine/flow.h"

/* Looks at relayed RTP only; decides nothing. Jitter is as exact as the batch: up to engine_settings.batch_wait_us. */
void measure_stage(struct worker *w, struct batch *b);

#endif
