/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/queue.h"

#include <assert.h>
#include <stdlib.h>

static bool before(const struct event *a, const struct event *b)
{
	return a->ns != b->ns ? a->ns < b->ns : a->seq < b->seq;
}

static void swap(struct event *a, struct event *b)
{
	struct event t = *a;

	*a = *b;
	*b = t;
}

void queue_close(struct queue *q)
{
	for (uint32_t i = 0; i < q->count; i++)
		text_clear(&q->heap[i].data);
	free(q->heap);
	*q = (struct queue){ 0 };
}

void queue_put(struct queue *q, const struct event *e)
{
	uint32_t i = q->count;

	if (q->count == q->capacity) {
		q->capacity = q->capacity ? q->capacity * 2 : 256;
		q->heap = reallocarray(q->heap, q->capacity, sizeof(*q->heap));
		assert(q->heap);
	}
	q->heap[q->count++] = *e;
	q->heap[i].seq = q->seq++;
	while (i > 0 && before(&q->heap[i], &q->heap[(i - 1) / 2])) {
		swap(&q->heap[i], &q->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static void sink(struct queue *q)
{
	uint32_t i = 0;

	for (;;) {
		uint32_t least = i;

		for (uint32_t k = 2 * i + 1; k <= 2 * i + 2 && k < q->count; k++) {
			if (before(&q->heap[k], &q->heap[least]))
				least = k;
		}
		if (least == i)
			return;
		swap(&q->heap[i], &q->heap[least]);
		i = least;
	}
}

bool queue_take(struct queue *q, struct event *out)
{
	if (q->count == 0)
		return false;
	*out = q->heap[0];
	q->heap[0] = q->heap[--q->count];
	sink(q);
	return true;
}
