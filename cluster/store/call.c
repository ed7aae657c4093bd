/* SPDX-License-Identifier: Apache-2.0 */
/* Records of calls: saved under the lease. */
#include <assert.h>

#include "base/clock.h"
#include "cluster/store/state.h"

/* Nobody waits for the answer. */
#define CALL_CHECK_NS (2 * NS_PER_S)

void store_call_save(struct store_shard *s, uint64_t call, uint64_t version, struct bytes record,
		     store_done_fn *done, void *arg)
{
	struct store_op *op;

	store_enter(&s->base);
	metric_add(s->base.metrics.saves, 1);
	op = store_op_user(&s->base, done, arg, call, version);
	if (op)
		op->call_save = true;
	if (op && store_is_fenced(s)) {
		store_op_fail(op, STORE_FENCED);
	} else if (op) {
		store_batch_save(op, call, version, record);
	}
	store_leave(&s->base);
}

static void beside_save(struct store_shard *s, enum batch_kind kind, uint64_t id, uint64_t version,
			struct bytes record, store_done_fn *done, void *arg)
{
	struct store_op *op;

	store_enter(&s->base);
	metric_add(s->base.metrics.saves, 1);
	op = store_op_user(&s->base, done, arg, id, version);
	if (op && store_is_fenced(s)) {
		store_op_fail(op, STORE_FENCED);
	} else if (op) {
		store_batch_beside(op, kind, id, version, record);
	}
	store_leave(&s->base);
}

void store_subscription_save(struct store_shard *s, uint64_t id, uint64_t version,
			     struct bytes record, store_done_fn *done, void *arg)
{
	beside_save(s, BATCH_SUBSCRIPTIONS, id, version, record, done, arg);
}

void store_room_save(struct store_shard *s, uint64_t id, uint64_t version, struct bytes record,
		     store_done_fn *done, void *arg)
{
	beside_save(s, BATCH_ROOMS, id, version, record, done, arg);
}

/* ---- are they still there? ---- */

struct calls_op {
	struct store_op op;
	store_missing_fn *missing;
};

static void calls_finish(struct store_op *op, const struct store_answer *a)
{
	store_missing_fn *missing = ((struct calls_op *)op)->missing;
	uint64_t call = 0;

	if (a->result != STORE_OK || op->base->closing)
		return;
	for (size_t i = 2; i < redis_reply_count(a->reply); i++) {
		if (base32_u64_get(redis_reply_text(redis_reply_at(a->reply, i)), &call) == 0)
			missing(call, op->arg);
	}
}

static void calls_send(struct store_op *op, const uint64_t *calls, size_t n)
{
	struct store_shard *s = store_shard_of(op);
	char lease[STORE_KEY_MAX], records[STORE_KEY_MAX], fence[LEASE_FENCE_TEXT];
	char ids[STORE_CALLS_CHECKED][BASE32_U64_LEN];
	struct bytes args[3 + STORE_CALLS_CHECKED] = {
		store_key_shard(lease, s, "lease"),
		store_key_shard(records, s, "rec"), [2] = store_fence(s, fence)
	};

	for (size_t i = 0; i < n; i++) {
		base32_u64_put(ids[i], calls[i]);
		args[3 + i] = bytes_mem(ids[i], BASE32_U64_LEN);
	}
	store_op_run(op, &(struct script_call){ .id = SCRIPT_CALLS_CHECK,
						.args = args,
						.keys = 2,
						.n = 3 + n,
						.deadline_ns = CALL_CHECK_NS });
}

void store_calls_check(struct store_shard *s, const uint64_t *calls, size_t n,
		       store_missing_fn *missing, void *arg)
{
	struct store_op *op;

	assert(n <= STORE_CALLS_CHECKED);
	if (!store_is_healthy(s) || !n)
		return;
	store_enter(&s->base);
	op = store_op_new(&s->base, sizeof(struct calls_op), calls_finish);
	if (op) {
		((struct calls_op *)op)->missing = missing;
		op->arg = arg;
		calls_send(op, calls, n);
	}
	store_leave(&s->base);
}
