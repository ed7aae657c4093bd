/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of callers (queues.h). Each queue has its callers in the order in which they are
 * served, those of this node and those of others apart; a walk merges the two. */

#include "sig/pbx/queue/queues_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void queue_caller_notify(const struct queues *x, const struct queue_caller *c, bool gone)
{
	if (x->listener.caller && !c->process && !c->callback)
		x->listener.caller(x->listener.arg, c, gone);
}

static bool caller_is_older(const struct queue_caller *a, const struct queue_caller *b)
{
	if (a->joined_utc_ms != b->joined_utc_ms)
		return a->joined_utc_ms < b->joined_utc_ms;
	return a->call < b->call;
}

/* When a caller without priority would have joined to be where this one is: both rise alike. */
static int64_t caller_rank_ms(const struct queue_caller *c, uint16_t age_s)
{
	return (int64_t)c->joined_utc_ms - c->priority * (int64_t)age_s * 1000;
}

bool queue_caller_is_before(const struct queue_caller *a, const struct queue_caller *b)
{
	uint16_t age_s = a->of && a->of == b->of ? a->of->terms.priority_age_s : 0;

	if (age_s && caller_rank_ms(a, age_s) != caller_rank_ms(b, age_s))
		return caller_rank_ms(a, age_s) < caller_rank_ms(b, age_s);
	if (!age_s && a->priority != b->priority)
		return a->priority > b->priority;
	return caller_is_older(a, b);
}

/* In thousandths of a step of priority. */
static uint64_t caller_urgency(const struct queue_caller *c, uint64_t now_utc_ms)
{
	uint64_t waited = now_utc_ms > c->joined_utc_ms ? now_utc_ms - c->joined_utc_ms : 0;
	uint16_t age_s = c->of->terms.priority_age_s;

	return c->priority * 1000ULL + (age_s ? waited / age_s : 0);
}

bool queue_caller_is_next(const struct queue_caller *a, const struct queue_caller *b,
			  uint64_t now_utc_ms)
{
	uint64_t one = caller_urgency(a, now_utc_ms), other = caller_urgency(b, now_utc_ms);

	return one != other ? one > other : caller_is_older(a, b);
}

struct queue_caller *queues_caller(const struct queues *x, uint64_t call)
{
	uint32_t cursor = 0;

	/* ids of calls are the node's own: nobody chooses collisions */
	return x ? (struct queue_caller *)(uintptr_t)table_next(&x->by_call, call, &cursor) : NULL;
}

struct queue_walk queue_walk(const struct queue *q)
{
	return (struct queue_walk){ { q->lines[0].first, q->lines[1].first } };
}

struct queue_caller *queue_walk_next(struct queue_walk *w)
{
	bool other = w->next[1] && (!w->next[0] || queue_caller_is_before(w->next[1], w->next[0]));
	struct queue_caller *c = w->next[other];

	if (c)
		w->next[other] = c->next;
	return c;
}

static void caller_unlink(struct queue_caller *c)
{
	struct queue_line *l = &c->of->lines[c->is_other];

	*(c->before ? &c->before->next : &l->first) = c->next;
	*(c->next ? &c->next->before : &l->last) = c->before;
	c->of->waiting--;
	c->of->callbacks -= c->callback != NULL;
}

/* The newest is mostly the last one. */
static void caller_link(struct queue_caller *c, struct queue *q)
{
	struct queue_line *l = &q->lines[c->process != 0];
	struct queue_caller *at = l->last;

	c->of = q;
	while (at && queue_caller_is_before(c, at))
		at = at->before;
	c->is_other = c->process;
	c->before = at;
	c->next = at ? at->next : l->first;
	*(at ? &at->next : &l->first) = c;
	*(c->next ? &c->next->before : &l->last) = c;
	q->waiting++;
	q->callbacks += c->callback != NULL;
}

void queue_lines_sort(struct queue *q)
{
	for (int i = 0; i < 2; i++) {
		struct queue_caller *c = q->lines[i].first, *next;

		q->lines[i] = (struct queue_line){ 0 };
		for (; c; c = next) {
			next = c->next;
			q->waiting--;
			q->callbacks -= c->callback != NULL;
			caller_link(c, q);
		}
	}
}

/* What nodes tell again moves nobody: a line of thousands is told every few seconds. */
static bool caller_stays(const struct queue_caller *c, const struct queue_caller *as)
{
	return c->priority == as->priority && c->joined_utc_ms == as->joined_utc_ms &&
	       c->is_other == !!as->process;
}

static struct queue_caller *caller_make(struct queues *x, const struct queue_caller *of, int *err)
{
	struct queue_caller *c = malloc(sizeof(*c));

	*err = c ? table_put(&x->by_call, of->call, (uintptr_t)c) : -ENOMEM;
	if (!*err)
		return c;
	free(c);
	return NULL;
}

int queues_caller_put(struct queues *x, const struct queue_caller *caller)
{
	struct queue_caller *c = queues_caller(x, caller->call), was;
	int err = 0;
	struct queue *q = queues_make(x, caller->tenant, bytes_str(caller->queue), &err);

	if (!q)
		return err;
	was = c ? *c : (struct queue_caller){ 0 };
	if (!c)
		c = caller_make(x, caller, &err);
	if (!c) {
		queues_drop(x, q);
		return err;
	}
	*c = *caller;
	if (was.of == q && caller_stays(&was, caller)) {
		c->of = q;
		c->is_other = was.is_other;
		c->next = was.next;
		c->before = was.before;
	} else {
		if (was.of) {
			c->of = was.of;
			c->is_other = was.is_other;
			c->next = was.next;
			c->before = was.before;
			caller_unlink(c);
		}
		caller_link(c, q);
		if (was.of)
			queues_drop(x, was.of);
	}
	queue_caller_notify(x, c, false);
	return 0;
}

void queues_caller_delete(struct queues *x, uint64_t call)
{
	struct queue_caller *c = queues_caller(x, call);

	if (!c)
		return;
	queue_caller_notify(x, c, true);
	caller_unlink(c);
	(void)table_del(&x->by_call, call, (uintptr_t)c);
	queues_drop(x, c->of);
	free(c->callback);
	free(c);
}

void queue_caller_rings(const struct queues *x, struct queue_caller *c, bool rings)
{
	c->rings = rings;
	queue_caller_notify(x, c, false);
}

void queues_caller_waits(struct queues *x, uint64_t call)
{
	struct queue_caller *c = queues_caller(x, call);

	if (c && c->rings)
		queue_caller_rings(x, c, false);
}

void queues_caller_release(struct queues *x, uint64_t call)
{
	struct queue_caller *c = queues_caller(x, call);

	if (!c || c->process)
		return;
	if (x->listener.caller) {
		caller_unlink(c);
		c->process = QUEUES_NOWHERE;
		c->away = true;
		caller_link(c, c->of);
	} else {
		queues_caller_delete(x, call);
	}
}

const struct queue_caller *queues_first(const struct queues *x, uint16_t tenant)
{
	const struct queue_caller *first = NULL;

	for (const struct queue *q = x && x->tenants ? x->tenants[tenant].first : NULL; q;
	     q = q->next) {
		const struct queue_caller *c = q->lines[0].first;

		while (c && (c->rings || c->callback))
			c = c->next;
		if (c && (!first || queue_caller_is_before(c, first)))
			first = c;
	}
	return first;
}

uint32_t queue_position(const struct queue_caller *of)
{
	struct queue_walk w = queue_walk(of->of);
	uint32_t n = 1;

	while (queue_walk_next(&w) != of)
		n++;
	return n;
}

uint32_t queue_wait_ms(const struct queue *q, uint32_t position)
{
	uint64_t ms = (uint64_t)q->every_ms * position;

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}
