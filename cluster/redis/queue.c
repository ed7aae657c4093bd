/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redis/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int redis_queue_open(struct redis_queue *q, uint32_t capacity)
{
	assert(capacity > 0);
	*q = (struct redis_queue){ .capacity = capacity, .next_ns = UINT64_MAX };
	q->slots = calloc(capacity, sizeof(*q->slots));
	return q->slots ? 0 : -ENOMEM;
}

void redis_queue_close(struct redis_queue *q)
{
	free(q->slots);
	*q = (struct redis_queue){ 0 };
}

static struct redis_wait *queue_slot(const struct redis_queue *q, uint32_t i)
{
	return &q->slots[((uint64_t)q->head + i) % q->capacity];
}

bool redis_queue_push(struct redis_queue *q, const struct redis_wait *wait)
{
	if (q->count == q->capacity)
		return false;
	*queue_slot(q, q->count++) = *wait;
	if (!wait->expired && wait->deadline_ns < q->next_ns)
		q->next_ns = wait->deadline_ns;
	return true;
}

bool redis_queue_pop(struct redis_queue *q, struct redis_wait *out)
{
	if (q->count == 0)
		return false;
	*out = *queue_slot(q, 0);
	q->head = (q->head + 1) % q->capacity;
	q->count--;
	if (q->count == 0) {
		q->head =
			0; /* so that no more of the memory is used than there are waits at a time */
		q->next_ns = UINT64_MAX;
	}
	return true;
}

const struct redis_wait *redis_queue_oldest(const struct redis_queue *q)
{
	return q->count ? queue_slot(q, 0) : NULL;
}

bool redis_queue_expire(struct redis_queue *q, uint64_t now_ns, uint32_t *cursor,
			struct redis_wait *out)
{
	if (*cursor == 0) {
		if (now_ns < q->next_ns)
			return false;
		q->next_ns = UINT64_MAX;
	}
	while (*cursor < q->count) {
		struct redis_wait *wait = queue_slot(q, (*cursor)++);

		if (wait->expired)
			continue;
		if (wait->deadline_ns <= now_ns) {
			wait->expired = true;
			*out = *wait;
			return true;
		}
		if (wait->deadline_ns < q->next_ns)
			q->next_ns = wait->deadline_ns;
	}
	return false;
}
