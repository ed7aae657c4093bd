/* SPDX-License-Identifier: Apache-2.0 */
#include "app/deliver/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int queue_open(struct queue *q, uint32_t capacity)
{
	*q = (struct queue){ .capacity = capacity, .jobs = calloc(capacity, sizeof(q->jobs[0])) };
	return q->jobs ? 0 : -ENOMEM;
}

void queue_close(struct queue *q)
{
	free(q->jobs);
	*q = (struct queue){ 0 };
}

struct queue_job *queue_find(struct queue *q, struct bytes path)
{
	for (uint32_t i = 0; i < q->count; i++) {
		if (bytes_is(path, q->jobs[i].path))
			return &q->jobs[i];
	}
	return NULL;
}

/* The one that can wait longest. */
static struct queue_job *queue_latest(struct queue *q)
{
	struct queue_job *latest = NULL;

	for (uint32_t i = 0; i < q->count; i++) {
		if (!q->jobs[i].busy && (!latest || q->jobs[i].next_ms > latest->next_ms))
			latest = &q->jobs[i];
	}
	return latest;
}

int queue_put(struct queue *q, struct bytes path, uint64_t next_ms)
{
	struct queue_job *job;

	if (queue_find(q, path))
		return -EEXIST;
	if (q->count == q->capacity) {
		job = queue_latest(q);
		if (!job || job->next_ms <= next_ms)
			return -ENOSPC;
	} else {
		job = &q->jobs[q->count];
	}
	if (path.n >= sizeof(job->path))
		return -ENAMETOOLONG;
	q->count += q->count < q->capacity;
	*job = (struct queue_job){ .next_ms = next_ms };
	return bytes_cstr(path, job->path, sizeof(job->path));
}

struct queue_job *queue_due(struct queue *q, uint64_t now_ms, uint32_t held)
{
	struct queue_job *first = NULL;

	for (uint32_t i = 0; i < q->count; i++) {
		struct queue_job *job = &q->jobs[i];

		if (!job->busy && !(held & job->waits) && job->next_ms <= now_ms &&
		    (!first || job->next_ms < first->next_ms))
			first = job;
	}
	return first;
}

void queue_drop(struct queue *q, struct queue_job *job)
{
	assert(job >= q->jobs && job < q->jobs + q->count);
	*job = q->jobs[--q->count];
}
