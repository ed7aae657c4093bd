/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/turn.h"

#include "engine/walk/originate.h"

void turn_want(struct job_table *t, struct job *j)
{
	uint32_t own = j->id.slot + 1;

	if (j->waits)
		return;
	j->waits = true;
	j->behind = 0;
	if (t->last)
		t->list[t->last - 1].behind = own;
	else
		t->first = own;
	t->last = own;
}

static struct job *first_take(struct job_table *t)
{
	struct job *j = &t->list[t->first - 1];

	t->first = j->behind;
	if (!t->first)
		t->last = 0;
	j->waits = false;
	return j;
}

/* Seldom, and the line is short: it is walked. */
void turn_forget(struct job_table *t, struct job *j)
{
	uint32_t before = 0, own = j->id.slot + 1;

	if (!j->waits)
		return;
	for (uint32_t at = t->first; at != own; at = t->list[at - 1].behind)
		before = at;
	if (before)
		t->list[before - 1].behind = j->behind;
	else
		t->first = j->behind;
	if (t->last == own)
		t->last = before;
	j->waits = false;
}

static void jobs_turn(struct worker *w)
{
	struct job_table *t = &w->jobs;
	uint32_t left = TURN_SLICE;

	while (t->first && left > 0) {
		struct job *j = &t->list[t->first - 1];

		if (j->kind->effort(j, w->now_ns) > left && left < TURN_SLICE)
			break;
		(void)first_take(t);
		left -= j->kind->turn(w, j, left);
		if (j->kind->effort(j, w->now_ns) > 0)
			turn_want(t, j);
	}
}

static bool line_is_wanted(const struct worker *w, enum turn_line line)
{
	switch (line) {
	case TURN_JOBS:
		return w->jobs.first != 0;
	case TURN_CODERS:
		return coder_is_wanted(&w->coders);
	case TURN_OVERLAYS:
		return overlay_is_wanted(&w->overlays);
	case TURN_EARS:
		return ear_is_wanted(&w->ears);
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
	case TURN_CODERS:
		coder_turn(w);
		break;
	case TURN_OVERLAYS:
		overlay_turn(w);
		break;
	case TURN_EARS:
		ear_turn(w);
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
