/* SPDX-License-Identifier: Apache-2.0 */
/* Records of calls: saved under the lease. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cluster/record.h"
#include "cluster/store_state.h"

/* Nobody waits for the answer. */
#define CHECK_NS (2 * NS_PER_S)

static void save_send(struct store_op *op, uint64_t call, struct bytes sealed)
{
	struct store *s = op->s;
	char lease[STORE_KEY_MAX], calls[STORE_KEY_MAX], record[STORE_KEY_MAX];
	char fence[LEASE_FENCE_TEXT], id[BASE32_U64_LEN];
	const struct bytes args[] = {
		store_key_shard(lease, s, "lease"), store_key_shard(calls, s, "calls"),
		store_key_call(record, s, call),    store_fence(s, fence),
		bytes_mem(id, sizeof(id)),          sealed,
	};

	base32_u64_put(id, call);
	store_op_run(op, &(struct script_call){ .id = SCRIPT_CALL_SAVE,
						.args = args,
						.keys = 3,
						.n = COUNT_OF(args),
						.deadline_ns = s->settings.deadline_ns });
}

/* On the heap: a record may have megabytes. */
static void save(struct store_op *op, uint64_t call, uint64_t version, struct bytes record)
{
	struct bytes whole;
	uint8_t *sealed =
		record_seal_new(&(struct record){ .version = version, .payload = record }, &whole);

	if (!sealed) {
		store_op_fail(op, STORE_REFUSED);
		return;
	}
	save_send(op, call, whole);
	free(sealed);
}

void store_call_save(struct store *s, uint64_t call, uint64_t version, struct bytes record,
		     store_done_fn *done, void *arg)
{
	struct store_op *op;

	store_enter(s);
	metric_add(s->metrics.saves, 1);
	op = store_op_user(s, done, arg, call, version);
	if (op)
		op->call_save = true;
	if (op && store_is_fenced(s)) {
		store_op_fail(op, STORE_FENCED);
	} else if (op) {
		save(op, call, version, record);
	}
	store_leave(s);
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

	if (a->result != STORE_OK || op->s->closing)
		return;
	for (size_t i = 2; i < redis_reply_count(a->reply); i++) {
		if (base32_u64_get(redis_reply_text(redis_reply_at(a->reply, i)), &call) == 0)
			missing(call, op->arg);
	}
}

static void calls_send(struct store_op *op, const uint64_t *calls, size_t n)
{
	struct store *s = op->s;
	char lease[STORE_KEY_MAX], index[STORE_KEY_MAX], fence[LEASE_FENCE_TEXT];
	char ids[STORE_CALLS_CHECKED][BASE32_U64_LEN], keys[STORE_CALLS_CHECKED][32];
	struct bytes args[3 + 2 * STORE_CALLS_CHECKED] = {
		store_key_shard(lease, s, "lease"),
		store_key_shard(index, s, "calls"), [2] = store_fence(s, fence)
	};

	args[2 + n] = args[2];
	for (size_t i = 0; i < n; i++) {
		struct writer w = writer_over(keys[i], sizeof(keys[i]));

		base32_u64_put(ids[i], calls[i]);
		writer_fmt(&w, "td:{s%u}:call:", s->settings.shard);
		writer_mem(&w, ids[i], BASE32_U64_LEN);
		args[2 + i] = writer_done(&w);
		args[3 + n + i] = bytes_mem(ids[i], BASE32_U64_LEN);
	}
	store_op_run(op, &(struct script_call){ .id = SCRIPT_CALLS_CHECK,
						.args = args,
						.keys = 2 + n,
						.n = 3 + 2 * n,
						.deadline_ns = CHECK_NS });
}

void store_calls_check(struct store *s, const uint64_t *calls, size_t n, store_missing_fn *missing,
		       void *arg)
{
	struct store_op *op;

	assert(n <= STORE_CALLS_CHECKED);
	if (!store_is_healthy(s) || !n)
		return;
	store_enter(s);
	op = store_op_new(s, sizeof(struct calls_op), calls_finish);
	if (op) {
		((struct calls_op *)op)->missing = missing;
		op->arg = arg;
		calls_send(op, calls, n);
	}
	store_leave(s);
}
