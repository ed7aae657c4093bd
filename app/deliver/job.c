/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pure rules of deliveries: when to try again, when to give up, which job is next.
 * process_job.c feeds events and writes the result to the disk. Pauses double with jitter, refusals
 * (wrong password, no permission) give up sooner than failures, and a wall clock that was set back
 * delays nothing by more than the longest pause.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/deliver/job.h"

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

const char *const g_delivery_states[] = { "waits", "delivered", "dead", NULL };

static bool job_is_named(const char *name, const char (*names)[JOB_NAME_MAX], uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

static bool job_has(const struct job *j, const char *name)
{
	for (uint32_t i = 0; i < j->count; i++) {
		if (!strcmp(j->of[i].to, name))
			return true;
	}
	return false;
}

bool job_name(struct job *j, const char (*names)[JOB_NAME_MAX], uint32_t count)
{
	bool changed = false;

	for (uint32_t i = j->count; i-- > 0;) {
		if (j->of[i].state == DELIVERY_DONE || job_is_named(j->of[i].to, names, count))
			continue;
		memmove(&j->of[i], &j->of[i + 1], (--j->count - i) * sizeof(j->of[0]));
		changed = true;
	}
	for (uint32_t i = 0; i < count && j->count < JOB_DELIVERIES_MAX; i++) {
		if (job_has(j, names[i]))
			continue;
		j->of[j->count] = (struct delivery){ 0 };
		memcpy(j->of[j->count++].to, names[i], JOB_NAME_MAX);
		changed = true;
	}
	return changed;
}

/* Doubled with each try, less up to half of it at random,
 * so that failed ones do not come back together. */
static uint64_t job_pause_ms(const struct job_terms *t, uint32_t tries, struct rand_source *rand)
{
	uint64_t pause = t->first_ms;

	for (uint32_t i = 1; i < tries && pause < t->most_ms; i++)
		pause *= 2;
	if (pause > t->most_ms)
		pause = t->most_ms;
	return pause - rand_u64_from(rand) % (pause / 2 + 1);
}

static enum job_action delivery_failed(struct delivery *d, const struct job_event *e,
				       const struct job_terms *t, uint64_t now_ms,
				       struct rand_source *rand)
{
	struct writer reason = writer_over(d->reason, sizeof(d->reason) - 1);

	writer_mem(&reason, e->reason, strnlen(e->reason, sizeof(d->reason) - 1));
	d->reason[reason.n] = '\0';
	if (!d->first_ms || d->first_ms > now_ms)
		d->first_ms = now_ms;
	if (d->tries < UINT32_MAX)
		d->tries++;
	d->refusals = e->kind == JOB_REFUSED ? d->refusals + 1 : 0;
	d->next_ms = now_ms + job_pause_ms(t, d->tries, rand);
	if (d->refusals < t->refusals && now_ms - d->first_ms < t->give_up_ms)
		return JOB_KEEP;
	d->state = DELIVERY_DEAD;
	return JOB_DEAD;
}

static enum job_action delivery_on_retry(struct delivery *d)
{
	if (d->state != DELIVERY_DEAD)
		return JOB_NOTHING;
	d->state = DELIVERY_WAITS;
	d->tries = d->refusals = 0;
	d->first_ms = d->next_ms = 0;
	return JOB_KEEP;
}

enum job_action job_step(struct job *j, const struct job_event *e, const struct job_terms *t,
			 uint64_t now_ms, struct rand_source *rand)
{
	struct delivery *d = &j->of[e->delivery];

	assert(e->delivery < j->count);
	switch (e->kind) {
	case JOB_ASKED:
		return delivery_on_retry(d);
	case JOB_DELIVERED:
		if (d->state == DELIVERY_DONE)
			return JOB_NOTHING;
		d->state = DELIVERY_DONE;
		d->reason[0] = '\0';
		d->tries++;
		return job_state(j) == DELIVERY_DONE ? JOB_FINISH : JOB_KEEP;
	case JOB_FAILED:
	case JOB_REFUSED:
		return d->state == DELIVERY_WAITS ? delivery_failed(d, e, t, now_ms, rand)
						  : JOB_NOTHING;
	}
	assert(false);
	return JOB_NOTHING;
}

/* The wall may have been set back meanwhile: nothing waits longer than the longest pause. */
uint32_t job_due(const struct job *j, const struct job_terms *t, uint64_t now_ms, uint32_t blocked)
{
	for (uint32_t i = 0; i < j->count; i++) {
		const struct delivery *d = &j->of[i];

		if (d->state == DELIVERY_WAITS && !(blocked >> i & 1) &&
		    (d->next_ms <= now_ms || d->next_ms - now_ms > t->most_ms))
			return i;
	}
	return j->count;
}

uint64_t job_next_ms(const struct job *j)
{
	uint64_t next_ms = UINT64_MAX;

	for (uint32_t i = 0; i < j->count; i++) {
		if (j->of[i].state == DELIVERY_WAITS && j->of[i].next_ms < next_ms)
			next_ms = j->of[i].next_ms;
	}
	return next_ms;
}

enum delivery_state job_state(const struct job *j)
{
	enum delivery_state state = DELIVERY_DONE;

	for (uint32_t i = 0; i < j->count; i++) {
		if (j->of[i].state == DELIVERY_WAITS)
			return DELIVERY_WAITS;
		if (j->of[i].state == DELIVERY_DEAD)
			state = DELIVERY_DEAD;
	}
	return state;
}
