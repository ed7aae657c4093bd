/* SPDX-License-Identifier: Apache-2.0 */
#include "app/effect/answers.h"

#include <stdlib.h>

#include "base/log.h"

enum { FIRST_CAPACITY = 64 };

static void answer_clear(struct answer *a)
{
	text_clear(&a->tenant);
	text_clear(&a->user);
	text_clear(&a->record);
}

static bool answers_grow(struct answers *q)
{
	uint32_t capacity = q->capacity ? q->capacity * 2 : FIRST_CAPACITY;
	struct answer *list = calloc(capacity, sizeof(*list));

	if (!list)
		return false;
	for (uint32_t i = 0; i < q->count; i++)
		list[i] = q->list[i];
	free(q->list);
	q->list = list;
	q->capacity = capacity;
	return true;
}

void answers_add(struct answers *q, struct answer *a)
{
	if (q->count == q->capacity && !answers_grow(q)) {
		LOG_ERROR("effects", a->call, "out of memory: an answer is lost");
		answer_clear(a);
		return;
	}
	q->list[q->count++] = *a;
}

bool answers_feed(struct answers *q, answers_feed_fn *feed, void *arg)
{
	bool any = q->count > 0;

	/* count grows and list moves when a call of the shard leads to a further answer */
	for (uint32_t i = 0; i < q->count; i++) {
		struct answer a = q->list[i];

		feed(&a, arg);
		answer_clear(&a);
	}
	q->count = 0;
	return any;
}

void answers_close(struct answers *q)
{
	for (uint32_t i = 0; i < q->count; i++)
		answer_clear(&q->list[i]);
	free(q->list);
	*q = (struct answers){ 0 };
}
