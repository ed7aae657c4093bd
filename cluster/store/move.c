/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of calls where older programs kept them: a key for each, and a set of their ids. Before calls are loaded they go into the one
 * hash. A record of a later format is left in their place, so that an older program says so and ends, where it would find no call.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/record.h"
#include "cluster/store/state.h"

enum { MOVE_WINDOW = 8, HEAD_KEYS = 4, MOVE_ARGS = 2, MARKER_MAX = 64 };

#define MARKER  "moved"
#define MOVE_NS (5 * NS_PER_S)

/* One move. */
struct move {
	store_done_fn *done;
	void *arg;
	uint32_t in_flight, aside;
	enum store_result result;
};

static void move_over(struct store_shard *s, struct move *m)
{
	if (--m->in_flight)
		return;
	if (m->aside) {
		s->calls_aside += m->aside;
		metric_add(s->base.metrics.broken, m->aside);
		LOG_ERROR("store", 0, "keys of calls that are no records are set aside",
			  LOG_U64("keys", m->aside));
	}
	m->done(m->result, 0, 0, m->arg);
	free(m);
}

static void window_finish(struct store_op *op, const struct store_answer *a)
{
	struct move *m = op->arg;

	if (a->result == STORE_OK)
		m->aside += (uint32_t)a->version;
	else
		m->result = a->result;
	move_over(store_shard_of(op), m);
}

/* Whole, and of a format that nobody has. */
static struct bytes marker_write(uint8_t space[MARKER_MAX])
{
	struct writer w = writer_over(space, MARKER_MAX);

	record_seal_later(&w);
	return writer_done(&w);
}

static void window_send(struct store_shard *s, struct move *m, const struct bytes *ids, size_t n)
{
	struct store_op *op = store_op_new(&s->base, sizeof(*op), window_finish);
	char head[HEAD_KEYS][STORE_KEY_MAX], keys[MOVE_WINDOW][STORE_KEY_MAX],
		fence[LEASE_FENCE_TEXT];
	struct bytes args[HEAD_KEYS + MOVE_ARGS + 2 * MOVE_WINDOW];
	uint8_t marker[MARKER_MAX];

	if (!op) {
		m->result = STORE_UNKNOWN;
		return;
	}
	args[0] = store_key_shard(head[0], s, "lease");
	args[1] = store_key_shard(head[1], s, "calls");
	args[2] = store_key_shard(head[2], s, "rec");
	args[3] = store_key_call_named(head[3], s, BYTES_LIT(MARKER));
	for (size_t i = 0; i < n; i++)
		args[HEAD_KEYS + i] = store_key_call_named(keys[i], s, ids[i]);
	args[HEAD_KEYS + n] = store_fence(s, fence);
	args[HEAD_KEYS + n + 1] = marker_write(marker);
	for (size_t i = 0; i < n; i++)
		args[HEAD_KEYS + MOVE_ARGS + n + i] = ids[i];
	op->arg = m;
	m->in_flight++;
	store_op_run(op, &(struct script_call){ .id = SCRIPT_CALLS_MOVE,
						.args = args,
						.keys = HEAD_KEYS + n,
						.n = HEAD_KEYS + MOVE_ARGS + 2 * n,
						.deadline_ns = MOVE_NS });
}

/* One window at least: for the marker. */
static void windows_send(struct store_shard *s, struct move *m, const struct redisReply *reply)
{
	size_t count = redis_reply_count(reply), i = 0;
	struct bytes ids[MOVE_WINDOW];

	do {
		size_t n = 0;

		for (; i < count && n < MOVE_WINDOW; i++) {
			struct bytes id = redis_reply_text(redis_reply_at(reply, i));

			if (!bytes_is(id, MARKER))
				ids[n++] = id;
		}
		window_send(s, m, ids, n);
	} while (i < count);
	if (count > 1)
		LOG_INFO("store", 0, "records of an older program are moved",
			 LOG_U64("calls", count));
}

static void move_list_finish(struct store_op *op, const struct store_answer *a)
{
	struct move *m = op->arg;

	m->result = a->result;
	if (a->result == STORE_OK && !op->base->closing)
		windows_send(store_shard_of(op), m, a->reply);
	move_over(store_shard_of(op), m);
}

void store_calls_move(struct store_shard *s, store_done_fn *done, void *arg)
{
	struct move *m = calloc(1, sizeof(*m));
	struct store_op *op = m ? store_op_new(&s->base, sizeof(*op), move_list_finish) : NULL;
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("SMEMBERS"), store_key_shard(key, s, "calls") };

	if (!op) {
		free(m);
		done(STORE_UNKNOWN, 0, 0, arg);
		return;
	}
	*m = (struct move){ .done = done, .arg = arg, .in_flight = 1 };
	op->arg = m;
	store_op_command(op, args, COUNT_OF(args), MOVE_NS);
}
