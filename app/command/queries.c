/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/queries.h"

#include <assert.h>
#include <string.h>

struct query *queries_take(struct queries *x)
{
	for (size_t i = 0; i < QUERIES_MAX; i++) {
		struct query *q = &x->list[i];

		if (q->used)
			continue;
		*q = (struct query){ .used = true, .deadline_ns = UINT64_MAX };
		x->used++;
		return q;
	}
	return NULL;
}

static bool is_complete(const struct query *q)
{
	for (uint32_t i = 0; i < q->count; i++) {
		if (!q->flows[i].answered)
			return false;
	}
	return true;
}

/* done may take the next one. */
static void query_finish(struct queries *x, struct query *q)
{
	struct query ended = *q;

	q->used = false;
	x->used--;
	ended.done(&ended, ended.arg);
}

void queries_start(struct queries *x, struct query *q, uint64_t deadline_ns, query_done_fn *done,
		   void *arg)
{
	assert(q->used && q->count <= QUERY_FLOWS_MAX);
	q->deadline_ns = deadline_ns;
	q->done = done;
	q->arg = arg;
	if (is_complete(q))
		query_finish(x, q);
}

void queries_pause(struct query *q, uint64_t until_ns, query_done_fn *done, void *arg)
{
	assert(q->used && q->count == 0);
	q->deadline_ns = until_ns;
	q->done = done;
	q->arg = arg;
}

static bool note(struct query *q, const struct media_event *event)
{
	bool any = false;

	for (uint32_t i = 0; i < q->count; i++) {
		struct query_flow *flow = &q->flows[i];

		if (flow->answered || flow->id.slot != event->id.slot ||
		    flow->id.generation != event->id.generation)
			continue;
		flow->answered = any = true;
		flow->stats = event->stats;
		flow->detail = event->detail;
		flow->resume = event->resume;
	}
	return any;
}

void queries_event(struct queries *x, const struct media_event *event)
{
	if (event->kind != MEDIA_FLOW_STATS && event->kind != MEDIA_FLOW_CLOSED)
		return;
	for (size_t i = 0; x->used && i < QUERIES_MAX; i++) {
		struct query *q = &x->list[i];

		if (q->used && q->done && note(q, event) && is_complete(q))
			query_finish(x, q);
	}
}

void queries_expire(struct queries *x, uint64_t now_ns)
{
	for (size_t i = 0; x->used && i < QUERIES_MAX; i++) {
		if (x->list[i].used && x->list[i].deadline_ns <= now_ns)
			query_finish(x, &x->list[i]);
	}
}

uint64_t queries_next_ns(const struct queries *x)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; x->used && i < QUERIES_MAX; i++) {
		if (x->list[i].used && x->list[i].deadline_ns < next)
			next = x->list[i].deadline_ns;
	}
	return next;
}
