/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/room.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/job/turn.h"

/* ---- open, close ---- */

static int room_mix_open(struct room *r, const struct media_room *spec)
{
	const struct mix_settings settings = { .members = spec->members,
					       .rate = spec->rate_hz,
					       .talkers = spec->talkers,
					       .hold_ms = spec->hold_ms };
	int err = mix_open(&r->mix, &settings);

	r->spec = *spec;
	return err ? err : payloads_open(&r->payloads, r->mix, 0);
}

static void room_free(struct room *r)
{
	payloads_close(r->payloads);
	mix_close(r->mix);
	free(r);
}

static int room_job_open(struct job *j, const struct media_work *work)
{
	const struct media_room *spec = &work->room;
	struct room *r;
	int err;

	if (spec->members == 0 || spec->members > MEDIA_ROOM_MEMBERS_MAX)
		return -EINVAL;
	r = calloc(1, sizeof(*r) + spec->members * sizeof(struct room_member *));
	if (!r)
		return -ENOMEM;
	err = room_mix_open(r, spec);
	if (err)
		room_free(r);
	else
		j->work = r;
	return err;
}

static struct media_sound *room_job_close(struct job *j)
{
	room_free(j->work);
	return NULL;
}

/* Nobody speaks yet. */
static void room_wake(struct worker *w, struct job *j)
{
	(void)w;
	(void)j;
}

static uint32_t room_effort(const struct job *j, uint64_t now_ns)
{
	(void)j;
	(void)now_ns;
	return 0;
}

static uint32_t room_turn(struct worker *w, struct job *j, uint32_t most)
{
	(void)w;
	(void)j;
	return most;
}

/* It keeps time, and gets nowhere. */
static uint32_t room_place(const struct job *j)
{
	(void)j;
	return 0;
}

static enum verdict room_take(struct worker *w, struct job *j, const struct pkt *p)
{
	(void)w;
	(void)j;
	(void)p;
	return VERDICT_ALONE;
}

const struct job_kind job_room = {
	.open = room_job_open,
	.close = room_job_close,
	.wake = room_wake,
	.effort = room_effort,
	.turn = room_turn,
	.place = room_place,
	.take = room_take,
	.member = room_member_set,
	.leave = room_member_leave,
};
