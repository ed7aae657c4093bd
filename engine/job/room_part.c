/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/room_part.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "engine/job/room.h"
#include "engine/walk/worker.h"

static_assert((int)ROOM_PART_MS == (int)ROOM_TICK_MS, "one frame in each");

enum { END_PER_S = 200 }; /* so short is the slope behind what ends within a sound */

int room_part_join(struct worker *w, struct room_part *p, struct job *own, struct job_id room)
{
	struct job *j = job_find(&w->jobs, room);
	struct room *r;

	if (!j || j->kind != &job_room)
		return -ENOENT;
	r = j->work;
	p->job = own;
	p->room = j;
	p->next = r->parts;
	r->parts = p;
	room_part_rouse(w, p);
	return 0;
}

void room_part_leave(struct room_part *p)
{
	struct room *r = p->room ? p->room->work : NULL;
	struct room_part **at = r ? &r->parts : NULL;

	if (!r)
		return;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (p->says)
		r->parts_end += p->said[mix_samples(r->mix) - 1];
	p->room = NULL;
}

/* Where nobody hears it, it waits for the first one (room_wake). */
void room_part_rouse(struct worker *w, const struct room_part *p)
{
	const struct room *r = p->room ? p->room->work : NULL;

	if (r && p->room->first && r->phase == ROOM_SLEEPS && p->kind->wants(p))
		room_awake(w, p->room);
}

uint32_t room_part_rate(const struct room_part *p)
{
	const struct room *r = p->room ? p->room->work : NULL;

	return r ? r->spec.rate_hz : 0;
}

uint32_t room_part_timestamp(const struct room_part *p, uint32_t clock_hz)
{
	const struct room *r = p->room->work;
	uint64_t tick = r->due_ns / (ROOM_TICK_MS * NS_PER_MS);

	return (uint32_t)(tick * (clock_hz / 1000 * ROOM_TICK_MS));
}

void room_part_unheard(struct worker *w, struct job *j)
{
	(void)w;
	(void)j;
}

uint32_t room_part_effort(const struct job *j, uint64_t now_ns)
{
	(void)j;
	(void)now_ns;
	return 0;
}

uint32_t room_part_turn(struct worker *w, struct job *j, uint32_t most)
{
	(void)w;
	(void)j;
	return most;
}

/* ---- the room ---- */

bool room_parts_want(const struct room *r)
{
	for (const struct room_part *p = r->parts; p; p = p->next) {
		if (p->kind->wants(p))
			return true;
	}
	return false;
}

/* A step of the sum is a click. */
static void room_parts_end(struct room *r)
{
	int16_t slope[MIX_SAMPLES_MAX] = { 0 };
	int32_t n = (int32_t)(r->spec.rate_hz / END_PER_S), from = r->parts_end;

	if (from > INT16_MAX)
		from = INT16_MAX;
	if (from < INT16_MIN)
		from = INT16_MIN;
	for (int32_t i = 0; from && i < n; i++)
		slope[i] = (int16_t)(from * (n - i) / n);
	if (from)
		mix_guest(r->mix, slope);
	r->parts_end = 0;
}

void room_parts_say(struct worker *w, struct room *r)
{
	room_parts_end(r);
	for (struct room_part *p = r->parts; p; p = p->next) {
		p->says = p->kind->say(w, p, p->said);
		if (p->says)
			mix_guest(r->mix, p->said);
	}
}

void room_parts_hear(struct worker *w, struct room *r)
{
	for (struct room_part *p = r->parts; p; p = p->next) {
		int16_t own[MIX_SAMPLES_MAX];

		if (!p->kind->hear)
			continue;
		if (p->says)
			mix_guest_heard(r->mix, p->said, &p->limiter, own);
		p->kind->hear(w, p, p->says ? own : mix_shared(r->mix), r->heard);
	}
}

void room_parts_close(struct room *r)
{
	while (r->parts) {
		struct room_part *p = r->parts;

		r->parts = p->next;
		p->room = NULL;
	}
}
