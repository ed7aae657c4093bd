/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This worker's jobs, which make packets for flows in place of their peers. By slot and generation,
 * like flows. An idle job has no timer and costs nothing. A job with work waits in line for its
 * turn: between two polls of the port there is one slice of work (worker.h), so no packet waits
 * longer than that for a job.
 *
 * The worker's thread; a job allocates when it is opened, and never per packet.
 */
#ifndef ENGINE_WORKER_JOB_H
#define ENGINE_WORKER_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/wheel.h"
#include "engine/net/packet.h"
#include "media/flow.h"
#include "media/job.h"

/* Waiting for a turn (worker.h), first come first served. Each waits at most once. The worker's
 * thread; nothing is allocated. */

/* Within each waiting object; all zero: it does not wait. */
struct job_place {
	struct job_place *behind; /* NULL: it is the last */
	bool waits;
};

/* All zero: an empty line. */
struct job_line {
	struct job_place *first, *last; /* NULL: nothing waits */
};

/* At the end, unless it stands there. */
static inline void job_line_put(struct job_line *l, struct job_place *p)
{
	if (p->waits)
		return;
	*p = (struct job_place){ .waits = true };
	if (l->last)
		l->last->behind = p;
	else
		l->first = p;
	l->last = p;
}

/* The first one; the line is not empty. */
static inline struct job_place *job_line_pop(struct job_line *l)
{
	struct job_place *p = l->first;

	l->first = p->behind;
	if (!l->first)
		l->last = NULL;
	p->waits = false;
	return p;
}

/* Seldom, and the line is short: it is walked. */
static inline void job_line_forget(struct job_line *l, struct job_place *p)
{
	struct job_place *before = NULL;

	if (!p->waits)
		return;
	for (struct job_place *at = l->first; at != p; at = at->behind)
		before = at;
	if (before)
		before->behind = p->behind;
	else
		l->first = p->behind;
	if (l->last == p)
		l->last = before;
	p->waits = false;
}

struct flow_spec;
struct worker;
struct flow;
struct pkt;
struct job;

/* What a job of this kind does. */
struct job_kind {
	/* 0 with job.work, or -errno. What comes with its references stays the caller's then. */
	int (*open)(struct job *j, const struct media_work *work);
	/* It has no listeners. Returns its reference of a sound, or NULL. */
	struct media_sound *(*close)(struct job *j);
	/* The first flow hears it. */
	void (*wake)(struct worker *w, struct job *j);
	/* What there is to do now, at least, as a number of packets; 0: nothing. */
	uint32_t (*effort)(const struct job *j, uint64_t now_ns);
	/* Does so much of it, at least something. How much it was. */
	uint32_t (*turn)(struct worker *w, struct job *j, uint32_t most);
	/* NULL: not needed. It has its turn after so many others, up to TURN_NEAR: prefetches what
	 * it will touch, with each turn what the part before points to. */
	void (*near)(const struct worker *w, const struct job *j, uint32_t turns);
	/* Where it has got to (MEDIA_JOB_PLACE). */
	uint32_t (*place)(const struct job *j);
	/* Takes a listening party's packet, or NULL. Returns VERDICT_ALONE, or why it is
	 * dropped. */
	enum verdict (*receive)(struct worker *w, struct job *j, const struct pkt *p);
	/* NULL: not needed. Many packets will be taken: prefetches what each will touch. Called
	 * twice: for what is known at first, then for what that points to. */
	void (*fetch)(const struct job *j, const struct pkt *p, bool first);
	/* Of a room, else NULL: a flow that hears it becomes this member, or stops being one.
	 * Returns 0, or why it cannot be: it hears nothing then. */
	int (*member)(struct worker *w, struct job *j, struct flow *f,
		      const struct flow_spec *spec);
	void (*leave)(struct worker *w, struct job *j, struct flow *f);
	/* Of jobs with video, else NULL: whether a viewer's checked RTCP asks for a key frame. */
	bool (*asked)(struct worker *w, struct job *j, const struct flow *f, struct bytes rtcp);
	/* Of a part of a room, else NULL: it is open. 0, or why it cannot be. */
	int (*start)(struct worker *w, struct job *j);
};

/* The kinds lie in engine/job, which knows the worker; the worker knows this list alone. */
extern const struct job_kind job_track, job_delay, job_feed, job_room, job_room_play, job_room_tap,
	job_room_feed;

struct job {
	struct job_id id; /* generation 0: the slot is free */
	uint64_t call;    /* 0: no call */
	struct wheel_timer timer;
	struct job_place place;
	uint32_t first; /* listener: slot + 1; 0: none */
	uint32_t next;  /* the next listener: slot + 1; 0: all have the present packet */
	const struct job_kind *kind;
	void *work; /* the kind's own */
};

enum { JOB_SAMPLES_MAX = 2880 }; /* of a frame: 60 ms at 48 kHz */

struct job_table {
	struct job *list; /* NULL: this worker has no room for jobs */
	uint32_t capacity, count;
	uint32_t receivers; /* open jobs that take packets */
	struct job_line line;
	int16_t *pcm;            /* of the frame that is being made: JOB_SAMPLES_MAX */
	struct mix_space *space; /* of the room with a tick in progress */
};

/* capacity 0: no jobs. Returns 0 or -ENOMEM. Memory is touched when a slot is first used. */
int job_table_open(struct job_table *t, uint32_t capacity) NODISCARD;
/* Closes what is open: control's thread, for it drops sounds. */
void job_table_close(struct job_table *t);

/* It has no listeners. Returns its reference of a sound, or NULL. */
struct media_sound *job_close(struct job_table *t, struct job *j);

/* NULL when the id is stale or never was. */
static inline struct job *job_find(const struct job_table *t, struct job_id id)
{
	if (id.generation == 0 || id.slot >= t->capacity)
		return NULL;

	struct job *j = &t->list[id.slot];

	return j->id.generation == id.generation ? j : NULL;
}

/* Control's commands about jobs. */

void job_control_open(struct worker *w, const struct media_command *c);
void job_control_close(struct worker *w, struct job_id id);
void job_control_query(struct worker *w, struct job_id id);

/* A flow with a job in place of its peer. The job's packets continue the one stream that we send to
 * the party, like our digits do: its SSRC, its next sequence number, a timestamp advanced by the
 * elapsed time. When it hears its peer again the peer's packets begin a new run behind it
 * (engine/worker/source.h). */

/* A job's packet for its listeners. */
struct job_frame {
	struct bytes payload;
	uint32_t clock_hz, units; /* of RTP; from this packet to the next, mostly */
	uint32_t timestamp;       /* of the job's own time */
	uint8_t payload_type;     /* PAYLOAD_NONE: that of the listener */
	uint8_t marker;
};

/* Part of a flow; zero-initialised is "hears its peer". */
struct listener {
	uint32_t job;              /* slot + 1; 0: no job. An open one, as it would have let go */
	uint32_t next, before;     /* of the same job: slot + 1; 0: end */
	uint32_t member;           /* of a room: its index + 1; 0: no member */
	uint32_t timestamp_offset; /* out = of the job + offset; valid with begun */
	uint8_t payload_type;
	/* 1: it joined as video, though the flow's kind may have changed. */
	uint8_t video;
	uint8_t begun;  /* 1: its stream continues from the last frame to the next */
	uint8_t marked; /* 1: the first packet has left, with a marker (RFC 3551 4.1) */
};

/* By the spec; a missing job is ignored. Returns 0, or why it is not a member of its room. */
int listener_set(struct worker *w, struct flow *f, const struct flow_spec *spec) NODISCARD;
/* It hears its peer again, or closes. */
void listener_leave(struct worker *w, struct flow *f);
/* Sends the job's present frame, unless the party gets nothing now. True: a packet was made. */
bool listener_send(struct worker *w, struct flow *f, const struct job_frame *frame);

#endif
