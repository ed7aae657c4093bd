/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/ease.h"

#include "engine/walk/worker.h"

void ease_tick(struct ease *e, uint32_t busy, uint32_t limit)
{
	if (busy >= limit) {
		e->calm = 0;
		if (e->step < EASE_STEPS)
			e->step++;
		return;
	}
	if (busy * 100 >= limit * EASE_CALM_PART || e->step == 0) {
		e->calm = 0;
		return;
	}
	if (++e->calm < EASE_CALM_TICKS)
		return;
	e->calm = 0;
	e->step--;
}

uint8_t ease_complexity(const struct ease *e, uint32_t most)
{
	return (uint8_t)(most * (EASE_STEPS - e->step) / EASE_STEPS);
}

void ease_set(struct worker *w)
{
	/* relaxed: a number that nothing else belongs to */
	uint32_t told = atomic_load_explicit(&w->coding, memory_order_relaxed);

	ease_tick(&w->transcoders.ease, atomic_load_explicit(&w->busy, memory_order_relaxed),
		  told & UINT16_MAX);
	w->transcoders.complexity = ease_complexity(&w->transcoders.ease, ease_most(told));
	metric_set(w->metrics->complexity, w->transcoders.complexity);
}
