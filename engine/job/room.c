/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/room.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/job/turn.h"

enum {
	VOICE_COST_NS = 200, /* of a tick at 8000 Hz */
	VOICES_A_COST = 16,  /* that are in the sum: each is looked at */
};

/* ---- open, close ---- */

static int room_mix_open(struct room *r, const struct media_room *spec)
{
	const struct mix_settings settings = { .members = spec->members,
					       .rate = spec->rate_hz,
					       .talkers = spec->talkers,
					       .hold_ms = spec->hold_ms,
					       .seams = true,
					       .lent = true };
	int err = mix_open(&r->mix, &settings);

	r->spec = *spec;
	r->everybody = spec->talkers == MEDIA_ROOM_TALKERS_ALL;
	r->tick = 1;
	r->bar = VOICE_LEVEL_SILENCE;
	return err ? err : payloads_open(&r->payloads, r->mix, 0);
}

static void room_free(struct room *r)
{
	room_video_free(r);
	room_voices_close(r);
	payloads_close(r->payloads);
	mix_close(r->mix);
	free(r->active);
	free(r);
}

/* A packet has whole ticks, or a tick whole packets. */
static bool packet_is_fit(uint8_t ms)
{
	return ms == 0 || ms == 10 || ms == 20 || ms == 40 || ms == 60;
}

static int room_job_open(struct job *j, const struct media_work *work)
{
	const struct media_room *spec = &work->room;
	struct room *r;
	int err;

	if (spec->members == 0 || spec->members > MEDIA_ROOM_MEMBERS_MAX ||
	    !packet_is_fit(spec->packet_ms))
		return -EINVAL;
	r = calloc(1, sizeof(*r) + spec->members * sizeof(struct room_member *));
	if (!r)
		return -ENOMEM;
	r->active = calloc(2UL * spec->members, sizeof(*r->active));
	r->here = r->active + spec->members;
	err = r->active ? room_mix_open(r, spec) : -ENOMEM;
	if (err)
		room_free(r);
	else
		j->work = r;
	return err;
}

static struct media_sound *room_job_close(struct job *j)
{
	room_parts_close(j->work);
	room_free(j->work);
	return NULL;
}

/* ---- its time ---- */

static uint64_t encodes_since(struct room *r)
{
	struct payloads_counts c = payloads_counts(r->payloads);
	uint64_t before = r->encoded;

	r->encoded = c.shared + c.own;
	return r->encoded - before;
}

/* Each voice is filtered and added, unless that is done already. */
static uint32_t mix_cost(const struct room *r)
{
	if (r->everybody)
		return 1 + r->active_n / VOICES_A_COST;
	return 1 + r->places_n * room_cost(r->spec.rate_hz / 8000 * VOICE_COST_NS);
}

/* Nobody speaks yet, unless a part of it does. */
static void room_wake(struct worker *w, struct job *j)
{
	struct room *r = j->work;

	r->phase = ROOM_SLEEPS;
	r->quiet_ms = 0;
	r->unsaid = 0;
	if (room_parts_want(r))
		room_awake(w, j);
}

/* What is left of this phase, at least; a slice where one part of it takes that. */
static uint32_t mix_effort(const struct room *r, uint64_t now_ns)
{
	switch (r->phase) {
	case ROOM_SLEEPS:
		break;
	case ROOM_WAITS:
		return now_ns >= r->due_ns;
	case ROOM_HEARS:
	case ROOM_SAYS:
		return 1;
	case ROOM_MIXES:
		return mix_cost(r);
	case ROOM_ENCODES:
		return room_cost(payloads_cost_ns(r->payloads));
	}
	return 0;
}

static uint32_t room_effort(const struct job *j, uint64_t now_ns)
{
	const struct room *r = j->work;

	if (UNLIKELY(room_video_wait(r, now_ns)))
		return 1;
	return mix_effort(r, now_ns);
}

static void room_late_skip(struct worker *w, struct room *r)
{
	uint64_t late_ns = w->now_ns - r->due_ns, n;

	if (late_ns < ROOM_LATE_MS * NS_PER_MS)
		return;
	n = late_ns / (ROOM_TICK_MS * NS_PER_MS);
	r->due_ns += n * ROOM_TICK_MS * NS_PER_MS;
	metric_add(w->metrics->frames_late, n);
}

static void tick_begin(struct worker *w, struct room *r)
{
	room_late_skip(w, r);
	r->tick++;
	r->tick_ns = w->now_ns;
	r->cursor = r->active_n;
	r->played = 0;
	r->phase = ROOM_HEARS;
	mix_lend(r->mix, w->jobs.space);
	mix_begin(r->mix);
}

static void tick_end(struct worker *w, struct job *j)
{
	struct room *r = j->work;
	bool told = room_talks_tell(w, j);

	room_video_tick(w, j);
	metric_add(w->metrics->frames_played, r->played);
	metric_add(w->metrics->frames_encoded, encodes_since(r));
	r->quiet_ms = r->heard || r->active_n || r->places_n || room_parts_want(r)
			      ? 0
			      : r->quiet_ms + ROOM_TICK_MS;
	r->due_ns += ROOM_TICK_MS * NS_PER_MS;
	if (r->quiet_ms >= ROOM_QUIET_MS && told) {
		r->phase = ROOM_SLEEPS;
		r->quiet_ms = 0;
		return;
	}
	r->phase = ROOM_WAITS;
	wheel_start(&w->wheel, &j->timer, r->due_ns);
}

static uint32_t phase_hear(struct worker *w, struct room *r, uint32_t most)
{
	uint32_t done = 0;

	while (r->cursor && done < most) {
		room_hear_fetch(r);
		done += room_hear(w, r, r->active[--r->cursor]);
	}
	if (!r->cursor)
		r->phase = ROOM_MIXES;
	return done;
}

static uint32_t phase_say(struct worker *w, struct job *j, uint32_t most)
{
	struct room *r = j->work;
	uint32_t done = 0;

	while (r->unsaid && done < most)
		done += room_say(w, r);
	if (!r->unsaid && r->phase == ROOM_SAYS)
		tick_end(w, j);
	return done;
}

static uint32_t phase_encode(struct room *r)
{
	uint32_t ns = payloads_step(r->payloads);

	if (ns)
		return room_cost(ns);
	r->phase = ROOM_SAYS;
	r->unsaid = payloads_any(r->payloads) ? r->here_n : 0;
	return 1;
}

static uint32_t phase_turn(struct worker *w, struct job *j, uint32_t most)
{
	struct room *r = j->work;

	switch (r->phase) {
	case ROOM_SLEEPS:
		break;
	case ROOM_WAITS:
		tick_begin(w, r);
		return 1;
	case ROOM_HEARS:
		return phase_hear(w, r, most);
	case ROOM_MIXES:
		room_say_fetch(w, r);
		room_mix(w, r);
		payloads_begin(r->payloads);
		r->phase = ROOM_ENCODES;
		return mix_cost(r);
	case ROOM_ENCODES:
		return phase_encode(r);
	case ROOM_SAYS:
		return phase_say(w, j, most);
	}
	return most;
}

/* Sound waits for pictures no longer than half of a slice. */
static uint32_t video_share(const struct room *r, uint32_t most, uint64_t now_ns)
{
	return most > 1 && mix_effort(r, now_ns) > 0 ? most / 2 : most;
}

/* Small rooms have their whole tick at once, as far as it is short. */
static uint32_t room_turn(struct worker *w, struct job *j, uint32_t most)
{
	const struct room *r = j->work;
	uint32_t done = 0;

	if (UNLIKELY(room_video_wait(r, w->now_ns)))
		done = room_video_turn(w, j, video_share(r, most, w->now_ns));
	while (done < most && mix_effort(r, w->now_ns) > 0)
		done += phase_turn(w, j, most - done);
	return done < most ? done : most;
}

/* It keeps time, and gets nowhere. */
static uint32_t room_place(const struct job *j)
{
	(void)j;
	return 0;
}

const struct job_kind job_room = {
	.open = room_job_open,
	.close = room_job_close,
	.wake = room_wake,
	.effort = room_effort,
	.turn = room_turn,
	.place = room_place,
	.take = room_take,
	.fetch = room_take_fetch,
	.near = room_near,
	.member = room_member_set,
	.asked = room_video_asked,
	.leave = room_member_leave,
};
