/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jobs that are looked after, by when each is due. Bounded: what does not fit lies on the disk, and is found by the next walk through the
 * folders. A job that is due later makes room for one that is due now.
 */
#ifndef APP_DELIVER_QUEUE_H
#define APP_DELIVER_QUEUE_H

#include "base/bytes.h"

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
