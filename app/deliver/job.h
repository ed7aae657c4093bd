/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries of one finished file: one to each of its tenant's destinations, with its tries. A
 * small file beside the recording, so that a restarted process goes on. Pure: job, event and time
 * in, action out. Times are wall-clock, as the machine may restart, too.
 */
#ifndef APP_DELIVER_JOB_H
#define APP_DELIVER_JOB_H

#include "base/bytes.h"
#include "base/rand.h"

enum {
	JOB_DELIVERIES_MAX = 8,
	JOB_NAME_MAX = 32,
	JOB_REASON_MAX = 200,
	JOB_TEXT_MAX = 6144, /* octets of its file */
};

enum delivery_state {
	DELIVERY_WAITS,
	DELIVERY_DONE,
	DELIVERY_DEAD, /* abandoned; a command retries it */
	DELIVERY_STATES,
};
extern const char *const g_delivery_states[]; /* by their number */

struct delivery {
	char to[JOB_NAME_MAX]; /* name of the destination */
	enum delivery_state state;
	uint32_t tries;
	uint32_t refusals;           /* one after the other */
	uint64_t first_ms;           /* when it was tried first; 0: not yet */
	uint64_t next_ms;            /* when it is tried again */
	char reason[JOB_REASON_MAX]; /* of the last failure, with what to do */
};

struct job {
	uint32_t count;
	struct delivery of[JOB_DELIVERIES_MAX];
};

/* Pauses of tries, and when they end. */
struct job_terms {
	uint64_t first_ms, most_ms; /* pauses: the first one, doubled each time up to the longest */
	uint64_t give_up_ms;        /* since the first try */
	/* After so many in a row it is dead: waiting changes no password. */
	uint32_t refusals;
};

enum job_event_kind {
	JOB_DELIVERED,
	JOB_FAILED,  /* it may go well later */
	JOB_REFUSED, /* the destination says no: password, permission, size */
	JOB_ASKED,   /* a dead one is to be tried again */
};

struct job_event {
	enum job_event_kind kind;
	uint32_t delivery; /* its index */
	const char *reason;
};

enum job_action {
	JOB_NOTHING, /* the event changes nothing */
	JOB_KEEP,    /* write it down, and go on */
	JOB_DEAD,    /* the same, and say that this delivery is given up */
	JOB_FINISH,  /* the same, and all of it is delivered */
};

/* Adds missing names, and drops open deliveries that are not named. True: the job has changed. */
bool job_name(struct job *j, const char (*names)[JOB_NAME_MAX], uint32_t count);
enum job_action job_step(struct job *j, const struct job_event *e, const struct job_terms *t,
			 uint64_t now_ms, struct rand_source *rand);
/* The first delivery that is due, but for those of blocked (1 << its place), or count: none is. */
uint32_t job_due(const struct job *j, const struct job_terms *t, uint64_t now_ms, uint32_t blocked);
/* When the next one is due; UINT64_MAX: none ever. */
uint64_t job_next_ms(const struct job *j);
/* DELIVERY_DONE: all are, or the job is empty; DELIVERY_DEAD: none waits, and one is dead. */
enum delivery_state job_state(const struct job *j);

/* Its file. 0, -EBADMSG (out is as it was) or -ENOMEM. */
int job_parse(struct job *out, struct bytes json) NODISCARD;
void job_write(struct writer *w, const struct job *j);

/* Jobs in memory, by due time. Bounded: others are on the disk alone, and the next walk through the
 * folders finds them. A job that is due later makes room for an earlier one. */

enum { QUEUE_JOBS_MAX = 4096, QUEUE_PATH_MAX = 160 };

struct queue_job {
	char path[QUEUE_PATH_MAX]; /* of the finished file, below the folder of recordings */
	uint64_t next_ms;
	bool busy;        /* something is done with it */
	uint8_t waits;    /* 1 << kind: for work of that kind (app/deliver/process_work.c) */
	uint8_t failures; /* of that work, in turn */
};

struct queue {
	uint32_t count, capacity;
	struct queue_job *jobs;
};

/* 0 or -ENOMEM. */
int queue_open(struct queue *q, uint32_t capacity) NODISCARD;
void queue_close(struct queue *q);
/* Adds it, once. 0, -EEXIST, -ENAMETOOLONG, or -ENOSPC: nothing in it is due later. */
int queue_put(struct queue *q, struct bytes path, uint64_t next_ms) NODISCARD;
struct queue_job *queue_find(struct queue *q, struct bytes path); /* or NULL */
/* The one that is due first and not busy, where it is due by now; or NULL. held: those that
 * wait for one of these are not looked at. */
struct queue_job *queue_due(struct queue *q, uint64_t now_ms, uint32_t held);
/* Others may be at other places after it. */
void queue_drop(struct queue *q, struct queue_job *job);

#endif
