/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This worker's jobs: what makes packets for flows in place of their peers. By slot and generation, as flows are. A job that has
 * nothing to do has no timer and costs nothing. One that has waits in line for its turn: between two polls of the port there is one
 * slice of work (turn.h), so no packet waits longer than that for a job.
 *
 * The worker's thread; a job allocates when it is opened, and never per packet.
 */
#ifndef ENGINE_JOB_JOB_H
#define ENGINE_JOB_JOB_H

#include "base/wheel.h"
#include "engine/job/track.h"
#include "media/job.h"

struct job {
	struct job_id id; /* generation 0: the slot is free */
	uint64_t call;    /* 0: of none */
	struct wheel_timer timer;
	uint32_t behind; /* in line: slot + 1 of the next one; 0: it is the last */
	bool waits;      /* in line */
	struct track track;
};

struct job_table {
	struct job *list; /* NULL: this worker has no room for jobs */
	uint32_t capacity, count;
	uint32_t first, last; /* in line: slot + 1; 0: none waits */
	int16_t *pcm;         /* of the frame that is being made */
};

/* capacity 0: none can be opened. 0 or -ENOMEM. Memory is touched when a slot is first used. */
int job_table_open(struct job_table *t, uint32_t capacity) NODISCARD;
/* Closes what is open: control's thread, for it drops sounds. */
void job_table_close(struct job_table *t);

/* 0 with *out, -ERANGE (no such slot) or -EBUSY (slot in use). Its track is to be opened. */
int job_open(struct job_table *t, struct job_id id, struct job **out) NODISCARD;
void job_close(struct job_table *t, struct job *j);

/* NULL when the id is stale or never was. */
static inline struct job *job_find(const struct job_table *t, struct job_id id)
{
	if (id.generation == 0 || id.slot >= t->capacity)
		return NULL;

	struct job *j = &t->list[id.slot];

	return j->id.generation == id.generation ? j : NULL;
}

#endif
