/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/turn.h"

#include "base/compiler.h"
#include "engine/walk/originate.h"

void turn_want(struct job_table *t, struct job *j)
{
	job_line_put(&t->line, &j->place);
}

void turn_forget(struct job_table *t, struct job *j)
{
	job_line_forget(&t->line, &j->place);
}

static void waiting_near(const struct worker *w)
{
	struct job_place *p = w->jobs.line.first;

	for (uint32_t i = 1; p && i <= TURN_NEAR; i++, p = p->behind) {
		const struct job *j = CONTAINER_OF(p, struct job, place);

		if (j->kind->near)
			j->kind->near(w, j, i);
	}
}

static void jobs_turn(struct worker *w)
{
	struct job_table *t = &w->jobs;
	uint32_t left = TURN_SLICE;

	while (t->line.first && left > 0) {
		struct job *j = CONTAINER_OF(t->line.first, struct job, place);

		if (j->kind->effort(j, w->now_ns) > left && left < TURN_SLICE)
			break;
		(void)job_line_take(&t->line);
		waiting_near(w);
		left -= j->kind->turn(w, j, left);
		if (j->kind->effort(j, w->now_ns) > 0)
			turn_want(t, j);
	}
}

static bool line_is_wanted(const struct worker *w, enum turn_line line)
{
	switch (line) {
	case TURN_JOBS:
		return w->jobs.line.first != NULL;
	case TURN_TRANSCODERS:
		return transcoder_is_wanted(&w->transcoders);
	case TURN_OVERLAYS:
		return overlay_is_wanted(&w->overlays);
	case TURN_DETECTORS:
		return detector_is_wanted(&w->detectors);
	case TURN_LINES:
		break;
	}
	return false;
}

static void line_turn(struct worker *w, enum turn_line line)
{
	switch (line) {
	case TURN_JOBS:
		jobs_turn(w);
		break;
	case TURN_TRANSCODERS:
		transcoder_turn(w);
		break;
	case TURN_OVERLAYS:
		overlay_turn(w);
		break;
	case TURN_DETECTORS:
		detector_turn(w);
		break;
	case TURN_LINES:
		break;
	}
}

void turn_take(struct worker *w)
{
	for (uint8_t i = 1; i <= TURN_LINES; i++) {
		enum turn_line line = (enum turn_line)((w->turn + i) % TURN_LINES);

		if (!line_is_wanted(w, line))
			continue;
		w->turn = (uint8_t)line;
		line_turn(w, line);
		break;
	}
	originate_flush(w);
}
