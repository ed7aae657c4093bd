/* SPDX-License-Identifier: Apache-2.0 */
#include "app/node/answers.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"

enum { FIRST_CAPACITY = 64 };

static void answer_clear(struct answer *a)
{
	text_clear(&a->tenant);
	text_clear(&a->user);
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

static void feed_one(const struct answer *a, struct shard *s, struct instant now)
{
	switch (a->kind) {
	case ANSWER_CALL_SAVED:
		shard_call_saved(s, a->call, a->version, a->ok, now);
		return;
	case ANSWER_CALL_ENDED:
		shard_call_ended(s, a->call, a->ok, now);
		return;
	case ANSWER_BINDING_SAVED:
		shard_binding_saved(s, text_bytes(&a->tenant), text_bytes(&a->user), a->version,
				    a->binding, now);
		return;
	case ANSWER_MEDIA_FAILED:
		shard_media_failed(s, a->flow, a->call, a->error, now);
		return;
	case ANSWER_SEND_FAILED:
		shard_send_failed(s, &a->hop, a->error, now);
		return;
	case ANSWER_CONNECTION_CLOSED:
		shard_connection_closed(s, &a->hop, now);
		return;
	case ANSWER_CERTIFICATE:
		shard_security_event(s, SECURITY_CERTIFICATE, &a->hop.remote, (struct bytes){ 0 },
				     a->detail, now);
		return;
	case ANSWER_PLAY:
		shard_play_told(s, a->call, &a->news, now);
		return;
	case ANSWER_SET:
		shard_set_told(s, a->call, &a->set, now);
		return;
	case ANSWER_DEGRADED:
		if (a->ok && a->late)
			shard_caught_up(s, now);
		else
			shard_degraded(s, !a->ok, now);
		return;
	}
	assert(false && "an answer of no kind");
}

bool answers_feed(struct answers *q, struct shard *s, struct instant now)
{
	bool any = q->count > 0;

	/* count grows and list moves when a call of the shard leads to a further answer */
	for (uint32_t i = 0; i < q->count; i++) {
		struct answer a = q->list[i];

		feed_one(&a, s, now);
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
