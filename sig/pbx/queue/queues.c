/* SPDX-License-Identifier: Apache-2.0 */
/* The queues of a node's tenants, by name (queues.h): they come and go with their documents, and
 * stay as long as callers have them. Each knows what befell its callers since the start. */

#include "sig/pbx/queue/queues_table.h"

#include <errno.h>
#include <stdlib.h>

enum {
	EVERY_SHARE = 8, /* of the newest interval in the average */
	TENANTS = 1 << 16
};

void queues_free(struct queues *x)
{
	struct queue_caller *c;
	struct queue_walk w;
	struct queue *q;

	if (!x)
		return;
	for (uint32_t cursor = 0; (q = queues_next(x, &cursor)) != NULL;) {
		w = queue_walk(q);
		while ((c = queue_walk_next(&w)) != NULL) {
			free(c->callback);
			free(c);
		}
	}
	named_close(&x->by_name);
	named_close(&x->agents);
	table_close(&x->by_call);
	free(x->tenants);
	free(x);
}

struct queues *queues_create(void)
{
	struct queues *x = calloc(1, sizeof(*x));

	if (x)
		x->agents_version = 1;
	if (x && !table_open(&x->by_name, QUEUES_MAX) &&
	    !table_open(&x->agents, QUEUE_AGENTS_MAX) &&
	    !table_open(&x->by_call, QUEUE_CALLERS_MAX))
		return x;
	queues_free(x);
	return NULL;
}

struct queue *queues_make(struct queues *x, uint16_t tenant, struct bytes name, int *err)
{
	uint32_t before = x->by_name.count;
	struct queue *q;

	if (!x->tenants)
		x->tenants = calloc(TENANTS, sizeof(*x->tenants));
	*err = -ENOMEM;
	q = x->tenants ? named_put(&x->by_name, tenant, name, sizeof(*q), err) : NULL;
	if (q && x->by_name.count > before) {
		q->next = x->tenants[tenant].first;
		x->tenants[tenant].first = q;
	}
	return q;
}

void queues_drop(struct queues *x, struct queue *q)
{
	struct queue **at = &x->tenants[q->terms.tenant].first;

	if (q->is_there || q->waiting)
		return;
	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	named_remove(&x->by_name, q);
	free(q);
}

int queues_put(struct queues *x, const struct queue_terms *terms)
{
	int err;
	struct queue *q = queues_make(x, terms->tenant, bytes_str(terms->name), &err);
	bool resort;

	if (!q)
		return err;
	resort = q->terms.priority_age_s != terms->priority_age_s;
	queue_agents_forget(x, &q->terms);
	q->terms = *terms;
	q->is_there = true;
	q->agents_version = 0;
	if (resort)
		queue_lines_sort(q);
	return 0;
}

void queues_delete(struct queues *x, uint16_t tenant, struct bytes name)
{
	struct queue *q = queues_find(x, tenant, name);

	if (!q)
		return;
	q->is_there = false;
	queue_agents_forget(x, &q->terms);
	q->answered_utc_ms = q->joined = q->answered = q->left = q->wait_ms = 0;
	q->every_ms = 0;
	queues_drop(x, q);
}

struct queue *queues_find(const struct queues *x, uint16_t tenant, struct bytes name)
{
	struct queue *q = queues_any(x, tenant, name);

	return q && q->is_there ? q : NULL;
}

struct queue *queues_any(const struct queues *x, uint16_t tenant, struct bytes name)
{
	return x ? named_find(&x->by_name, tenant, name) : NULL;
}

struct queue *queues_next(const struct queues *x, uint32_t *cursor)
{
	return named_next(&x->by_name, cursor);
}

struct queue *queues_next_of(const struct queues *x, uint16_t tenant, struct bytes number,
			     uint32_t *cursor)
{
	struct queue *q;

	while ((q = named_next(&x->by_name, cursor)) != NULL) {
		if (q->is_there && q->terms.tenant == tenant && queue_has_member(&q->terms, number))
			break;
	}
	return q;
}

void queue_count(struct queues *x, struct queue *q, bool answered, uint64_t waited_ms,
		 uint64_t now_utc_ms)
{
	uint64_t since = now_utc_ms - q->answered_utc_ms;

	if (!answered) {
		q->left++;
		x->counts.left++;
		return;
	}
	x->counts.answered++;
	x->counts.wait_ms += waited_ms;
	if (q->answered_utc_ms && since < UINT32_MAX)
		q->every_ms = q->every_ms
				      ? (uint32_t)((q->every_ms * (EVERY_SHARE - 1ULL) + since) /
						   EVERY_SHARE)
				      : (uint32_t)since;
	q->answered_utc_ms = now_utc_ms;
	q->answered++;
	q->wait_ms += waited_ms;
}

void queues_count(const struct queues *x, struct queues_counts *out)
{
	const struct queue_caller *c;
	const struct queue_agent *a;
	const struct queue *q;
	uint32_t cursor = 0;

	*out = x->counts;
	while ((q = queues_next(x, &cursor)) != NULL) {
		struct queue_walk w = queue_walk(q);

		while ((c = queue_walk_next(&w)) != NULL)
			out->waiting += !c->process && !c->callback;
	}
	cursor = 0;
	while ((a = queues_agent_next(x, &cursor)) != NULL) {
		out->agents += a->state != AGENT_OUT;
		out->ready += a->state == AGENT_READY;
	}
}
