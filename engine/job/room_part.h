/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What takes part in a room and is no member (media/job.h): a sound, who records, an application. Each is a job of the room's worker, which
 * no flow hears. In each tick of the room it may say a frame, which all hear, and then hear what has become of the mix.
 *
 * Private to room*.c. The worker's thread.
 */
#ifndef ENGINE_JOB_ROOM_PART_H
#define ENGINE_JOB_ROOM_PART_H

#include "dsp/limiter.h"
#include "dsp/mix/mix.h"
#include "media/job.h"

struct job;
struct room;
struct room_part;
struct worker;

enum { ROOM_PART_MS = 20 }; /* a frame: as long as a tick */

struct room_part_kind {
	/* It says something, or will in the next ticks: the room does not sleep. */
	bool (*wants)(const struct room_part *p);
	/* A frame at the rate of the mix. False: nothing. */
	bool (*say)(struct worker *w, struct room_part *p, int16_t *out);
	/* The mix without what it has said; NULL: it does not listen. heard: there is something in it. */
	void (*hear)(struct worker *w, struct room_part *p, const int16_t *mix, bool heard);
};

struct room_part {
	const struct room_part_kind *kind;
	struct job *job;  /* its own */
	struct job *room; /* NULL: that has closed, or it has not begun */
	struct room_part *next;
	struct limiter limiter; /* of what it hears while it says something */
	bool says;              /* in this tick; and its frame */
	int16_t said[MIX_SAMPLES_MAX];
};

/* 0, -ENOENT: there is no such room on this worker. */
int room_part_join(struct worker *w, struct room_part *p, struct job *own, struct job_id room);
void room_part_leave(struct room_part *p);
/* It wants to say something by now. */
void room_part_rouse(struct worker *w, const struct room_part *p);
/* That of its room, at which it speaks and hears; 0: the room has closed. */
uint32_t room_part_rate(const struct room_part *p);
/* The first sample of this tick, at a clock: for who needs timestamps. */
uint32_t room_part_timestamp(const struct room_part *p, uint32_t clock_hz);

/* Of struct job_kind, for parts that have no work of their own: the room's ticks are theirs. */
void room_part_unheard(struct worker *w, struct job *j);
uint32_t room_part_effort(const struct job *j, uint64_t now_ns);
uint32_t room_part_turn(struct worker *w, struct job *j, uint32_t most);

/* ---- the room ---- */

bool room_parts_want(const struct room *r);
/* In a tick, before the sum and behind it. */
void room_parts_say(struct worker *w, struct room *r);
void room_parts_hear(struct worker *w, struct room *r);
/* It closes: they take part in nothing any more. */
void room_parts_close(struct room *r);

#endif
