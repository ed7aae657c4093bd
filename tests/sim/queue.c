/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/queue.h"

#include <assert.h>
#include <stdlib.h>

static bool before(const struct queue_key *a, const struct queue_key *b)
{
	return a->ns != b->ns ? a->ns < b->ns : a->seq < b->seq;
}

void queue_close(struct event_queue *q)
{
	for (uint32_t i = 0; i < q->count; i++)
		text_clear(&q->events[q->heap[i].at].data);
	free(q->heap);
	free(q->events);
	*q = (struct event_queue){ 0 };
}

/* Behind the heap are the keys of places that are free. */
static void grow(struct event_queue *q)
{
	uint32_t capacity = q->capacity ? q->capacity * 2 : 256;

	q->heap = reallocarray(q->heap, capacity, sizeof(*q->heap));
	q->events = reallocarray(q->events, capacity, sizeof(*q->events));
	assert(q->heap && q->events);
	for (uint32_t i = q->capacity; i < capacity; i++)
		q->heap[i].at = i;
	q->capacity = capacity;
}

void queue_put(struct event_queue *q, const struct event *e)
{
	struct queue_key key = { .ns = e->ns, .seq = q->seq++ };
	uint32_t i = q->count;

	if (q->count == q->capacity)
		grow(q);
	key.at = q->heap[q->count++].at;
	q->events[key.at] = *e;
	for (; i > 0 && before(&key, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		q->heap[i] = q->heap[(i - 1) / 2];
	q->heap[i] = key;
}

static void sink(struct event_queue *q, const struct queue_key *key)
{
	uint32_t i = 0;

	for (;;) {
		uint32_t least = 2 * i + 1;

		if (least + 1 < q->count && before(&q->heap[least + 1], &q->heap[least]))
			least++;
		if (least >= q->count || before(key, &q->heap[least]))
			break;
		q->heap[i] = q->heap[least];
		i = least;
	}
	q->heap[i] = *key;
}

bool queue_take(struct event_queue *q, struct event *out)
{
	struct queue_key last;
	uint32_t free_at;

	if (q->count == 0)
		return false;
	free_at = q->heap[0].at;
	*out = q->events[free_at];
	last = q->heap[--q->count];
	if (q->count)
		sink(q, &last);
	q->heap[q->count].at = free_at;
	return true;
}
