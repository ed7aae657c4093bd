/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk/pace.h"

#include "base/clock.h"
#include "engine/walk/worker.h"

uint64_t pace_wait_ns(uint64_t most_ns, uint32_t busy)
{
	uint64_t least_ns = most_ns / PACE_LEAST;

	if (busy <= PACE_LOW)
		return least_ns;
	if (busy >= PACE_HIGH)
		return most_ns;
	return least_ns + (most_ns - least_ns) * (busy - PACE_LOW) / (PACE_HIGH - PACE_LOW);
}

void pace_set(struct worker *w)
{
	uint32_t busy = atomic_load_explicit(&w->busy, memory_order_relaxed);

	w->wait_ns =
		pace_wait_ns(atomic_load_explicit(&w->batch_wait_ns, memory_order_relaxed), busy);
	/* without flows there is nothing to wait for: it sleeps until it is called */
	metric_set(w->metrics->wait_us, w->flows.count > 0 ? w->wait_ns / NS_PER_US : 0);
	metric_set(w->metrics->busy, busy);
}
