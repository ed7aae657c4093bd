/* SPDX-License-Identifier: Apache-2.0 */
/* Fair schedules. Liveness: once nothing fails any more, somebody owns the shard soon. */
#include <string.h>

#include "tests/explore/world.h"

static bool is_fault(const struct world *w, const struct step *step)
{
	switch (step->kind) {
	case STEP_TICK:
	case STEP_LOSE:
	case STEP_CLAIM_LOSE:
	case STEP_FAILOVER:
	case STEP_CRASH:
	case STEP_SYNC:
	case STEP_FLUSH:
	case STEP_RESTART:
	case STEP_RUN:
		return true;
	case STEP_DELIVER:
		return w->nodes[step->c].dead;
	case STEP_LATE:
	case STEP_REPLICATE:
	case STEP_HEAL:
		return false;
	case STEP_DO:
	case STEP_ANSWER:
	case STEP_LOOK:
	case STEP_CLAIM:
	case STEP_CLAIMED:
		return w->nodes[step->a].dead;
	}
	return true;
}

/* Repairs come before all else, then what was sent. */
static int urgency(const struct step *step)
{
	return step->kind == STEP_HEAL ? 3 : step->kind == STEP_REPLICATE ? 2 : 1;
}

static bool step_next(struct world *w, const struct world_settings *s)
{
	struct step steps[STEPS_MAX];
	uint32_t count = world_steps(w, s, steps);
	const struct step *best = NULL;

	for (uint32_t i = 0; i < count; i++) {
		if (!is_fault(w, &steps[i]) && (!best || urgency(&steps[i]) > urgency(best)))
			best = &steps[i];
	}
	if (best)
		world_step(w, s, best);
	return best;
}

/* Each node's timers, and all that comes of them. */
static void round_run(struct world *w, const struct world_settings *s)
{
	for (uint32_t i = 0; i < s->nodes; i++) {
		const struct step run = { .kind = STEP_RUN, .a = i };

		while (step_next(w, s))
			;
		if (!w->nodes[i].dead)
			world_step(w, s, &run);
	}
	while (step_next(w, s))
		;
}

bool world_recovers(struct world w, const struct world_settings *s, uint32_t ticks)
{
	const struct step tick = { .kind = STEP_TICK };
	uint32_t steady = 0;

	for (uint32_t i = 0; i < ticks && steady < 3; i++) {
		round_run(&w, s);
		steady = world_owners(&w) == 1 ? steady + 1 : 0;
		world_step(&w, s, &tick);
	}
	return steady == 3;
}

static bool cut_next(struct world *w, const struct world_settings *s)
{
	struct step steps[STEPS_MAX];
	uint32_t count = world_steps(w, s, steps);

	for (uint32_t i = 0; i < count; i++) {
		bool side = !s->split || steps[i].b == (steps[i].a == 0);

		if ((steps[i].kind == STEP_LOOK && side) ||
		    (steps[i].kind == STEP_DELIVER && s->heard)) {
			world_step(w, s, &steps[i]);
			return true;
		}
	}
	return false;
}

void world_cut(struct world *w, const struct world_settings *s)
{
	if (s->split)
		world_step(w, s, &(struct step){ .kind = STEP_FAILOVER });
	for (uint32_t n = 0; n < s->cut; n++) {
		world_step(w, s, &(struct step){ .kind = STEP_TICK });
		if (!s->split)
			memset(w->messages, 0, sizeof(w->messages));
		for (uint32_t i = 0; i < s->nodes; i++)
			world_step(w, s, &(struct step){ .kind = STEP_RUN, .a = i });
		while (cut_next(w, s))
			;
	}
}
