/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what is relayed: packets, loss and jitter of the source, digits (telephone events, RFC 4733). */
#ifndef ENGINE_WALK_MEASURE_H
#define ENGINE_WALK_MEASURE_H

#include "engine/flow/flow.h"

/* When a batch came, by the clock that was asked for last. */
struct arrival {
	uint64_t at_ns;
	uint32_t clock_hz; /* 0: none was yet */
	uint32_t at;
};

static inline uint32_t arrival_by(struct arrival *a, uint32_t clock_hz)
{
	if (UNLIKELY(a->clock_hz != clock_hz)) {
		a->clock_hz = clock_hz;
		a->at = jitter_arrival(a->at_ns, clock_hz);
	}
	return a->at;
}

/* Looks at relayed RTP only; decides nothing. Jitter is as exact as the batch: up to engine_settings.batch_wait_us. */
void measure_stage(struct worker *w, struct batch *b);

#endif
