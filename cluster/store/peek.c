/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the calls of another node's shard are like, before the shard comes here: no lease is asked for, and nothing is written. Some come
 * twice, and what changes meanwhile may be missing.
 */
#include "base/clock.h"
#include "cluster/record.h"
#include "cluster/store/state.h"

/* Of one answer, which nobody else of Redis waits for long. */
#define PEEK_AT_ONCE BYTES_LIT("64")
#define PEEK_NS      (5 * NS_PER_S)

struct peek {
	struct store_op op;
	struct store_shard *shard;
	store_peek_fn *each;
	store_done_fn *done;
	void *arg;
	uint64_t count;
};

static void peek_send(const struct peek *from, struct bytes cursor);

static void peek_done(const struct peek *p, enum store_result result)
{
	p->done(result, 0, p->count, p->arg);
}

/* What is broken is found, and set aside, by whoever loads it. */
static void peek_tell(struct peek *p, const struct redisReply *pairs)
{
	for (size_t i = 1; i < redis_reply_count(pairs); i += 2) {
		struct bytes text = redis_reply_text(redis_reply_at(pairs, i));
		struct record record;
		const char *reason;

		if (record_open(&record, text, &reason))
			continue;
		p->each(record.payload, p->arg);
		p->count++;
	}
}

static void peek_finish(struct store_op *op, const struct store_answer *a)
{
	struct peek *p = (struct peek *)op;
	struct bytes cursor;

	if (a->result != STORE_OK || op->base->closing) {
		peek_done(p, a->result == STORE_OK ? STORE_UNKNOWN : a->result);
		return;
	}
	cursor = redis_reply_text(redis_reply_at(a->reply, 0));
	peek_tell(p, redis_reply_at(a->reply, 1));
	if (!cursor.n || bytes_is(cursor, "0"))
		peek_done(p, STORE_OK);
	else
		peek_send(p, cursor);
}

static void peek_send(const struct peek *from, struct bytes cursor)
{
	struct store_shard *s = from->shard;
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("HSCAN"), store_key_shard(key, s, "rec"), cursor,
				      BYTES_LIT("COUNT"), PEEK_AT_ONCE };
	struct store_op *op = store_op_new(&s->base, sizeof(*from), peek_finish);
	struct peek *p = (struct peek *)op;

	if (!op) {
		peek_done(from, STORE_UNKNOWN);
		return;
	}
	p->shard = s;
	p->each = from->each;
	p->done = from->done;
	p->arg = from->arg;
	p->count = from->count;
	store_op_command(op, args, COUNT_OF(args), PEEK_NS);
}

void store_peek_calls(struct store_shard *s, store_peek_fn *each, store_done_fn *done, void *arg)
{
	const struct peek first = { .shard = s, .each = each, .done = done, .arg = arg };

	store_enter(&s->base);
	peek_send(&first, BYTES_LIT("0"));
	store_leave(&s->base);
}
