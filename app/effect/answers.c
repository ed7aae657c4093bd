/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of answers for a shard, and two kinds of questions to the store that answer through it:
 * parking slots and small values of extensions. effects.c adds answers; app/daemon/round.c feeds
 * them at the end of a round. Texts of an answer are owned by the queue until they were fed.
 */

#include <assert.h>
#include <stdlib.h>

#include "app/effect/answers.h"
#include "base/log.h"

/* The answer as it will be fed; the asking call may have ended by then. */
struct park_request {
	struct answers *answers;
	enum park_act act;
	struct answer answer;
};

static enum park_result park_told_of(const struct park_request *ask,
				     const struct store_parked *parked)
{
	switch (parked->result) {
	case STORE_OK:
		return ask->act == PARK_LOOK && !parked->call ? PARK_EMPTY : PARK_OK;
	case STORE_CONFLICT:
		return parked->full ? PARK_FULL : PARK_TAKEN;
	case STORE_FENCED:
	case STORE_UNKNOWN:
	case STORE_REFUSED:
		return PARK_UNKNOWN;
	}
	return PARK_UNKNOWN;
}

static void on_parked(const struct store_parked *parked, void *arg)
{
	struct park_request *ask = arg;

	struct park_reply *outcome = &ask->answer.reply.park;

	outcome->told = park_told_of(ask, parked);
	outcome->owner = parked->call;
	if (text_set(&ask->answer.record, parked->beside))
		outcome->told = PARK_UNKNOWN;
	answers_add(ask->answers, &ask->answer);
	free(ask);
}

static void park_send(struct store_shared *store, struct park_request *ask, const struct effect *e)
{
	const struct request_park *park = e->request;
	const struct store_slot slot = { .tenant = text_bytes(&park->tenant),
					 .slot = text_bytes(&park->slot),
					 .room = ask->act >= PARK_ROOM_CLAIM };

	switch (ask->act) {
	case PARK_CLAIM:
	case PARK_ROOM_CLAIM:
		store_park_claim(store, &slot, e->call, text_bytes(&park->entry), on_parked, ask);
		return;
	case PARK_FREE:
	case PARK_ROOM_FREE:
		store_park_free(store, &slot, e->call, on_parked, ask);
		return;
	case PARK_LOOK:
		store_park_look(store, &slot, on_parked, ask);
		return;
	}
	assert(false && "an act of no kind");
}

void parks_carry(struct store_shared *store, struct answers *answers, uint16_t shard,
		 const struct effect *e)
{
	const struct request_park *park = e->request;
	struct park_request *ask = malloc(sizeof(*ask));
	struct answer answer = { .kind = ANSWER_REPLY,
				 .shard = shard,
				 .call = e->call,
				 .reply = {
					 .ask = ASK_PARK,
					 .of = e->call,
					 .park = { .serial = e->serial, .told = PARK_UNKNOWN } } };

	if (!ask) {
		LOG_ERROR("effects", e->call, "out of memory: a slot is not asked for");
		answers_add(answers, &answer);
		return;
	}
	*ask = (struct park_request){ answers, park->act, answer };
	park_send(store, ask, e);
}

/* ---- small values of extensions ---- */

struct kv_wait {
	struct answers *answers;
	struct answer answer;
};

static_assert((int)KV_VALUE_MAX == (int)STORE_KEPT_MAX, "what may be asked for is taken");

static void on_kept(enum store_result result, bool there, struct bytes value, void *arg)
{
	struct kv_wait *wait = arg;
	struct kv_reply *outcome = &wait->answer.reply.kept;

	if (result == STORE_OK)
		outcome->result = there ? KV_OK : KV_NONE;
	if (text_set(&wait->answer.record, value))
		outcome->result = KV_UNKNOWN;
	answers_add(wait->answers, &wait->answer);
	free(wait);
}

/* NULL: no answer is wanted, or no memory, and the answer says so. */
static struct kv_wait *kept_wait_open(struct answers *answers, uint16_t shard,
				      const struct effect *e)
{
	struct kv_wait *wait = e->serial ? malloc(sizeof(*wait)) : NULL;
	struct answer answer = { .kind = ANSWER_REPLY,
				 .shard = shard,
				 .call = e->call,
				 .reply = {
					 .ask = ASK_KV,
					 .of = e->call,
					 .kept = { .serial = e->serial, .result = KV_UNKNOWN } } };

	if (wait) {
		*wait = (struct kv_wait){ answers, answer };
		return wait;
	}
	if (e->serial)
		answers_add(answers, &answer);
	return NULL;
}

void kept_carry(struct store_shared *store, struct answers *answers, uint16_t shard,
		const struct effect *e)
{
	const struct request_kv *kept = e->request;
	const struct store_kept of = { .tenant = text_bytes(&kept->tenant),
				       .user = text_bytes(&kept->user),
				       .name = kv_name(kept->what) };
	const struct store_place place = { text_bytes(&kept->value), kept->ttl_ms, kept->most };
	struct kv_wait *wait = kept_wait_open(answers, shard, e);

	if (kept->most || kept->what == KV_ACCOUNTS)
		store_kept_claim(store, &of, &place, wait ? on_kept : NULL, wait);
	else if (kept->ttl_ms)
		store_kept_put(store, &of, text_bytes(&kept->value), kept->ttl_ms,
			       wait ? on_kept : NULL, wait);
	else if (wait)
		store_kept_get(store, &of, on_kept, wait);
}

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

void answers_reply(struct answers *q, const struct reply *reply)
{
	struct answer a = { .kind = ANSWER_REPLY, .call = reply->of, .reply = *reply };

	answers_add(q, &a);
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
