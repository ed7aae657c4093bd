/* SPDX-License-Identifier: Apache-2.0 */
/* Records of calls: saved under the lease. */
#include <stdlib.h>

#include "cluster/record.h"
#include "cluster/store_state.h"

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
	if (op && store_is_fenced(s)) {
		store_op_fail(op, STORE_FENCED);
	} else if (op) {
		save(op, call, version, record);
	}
	store_leave(s);
}
