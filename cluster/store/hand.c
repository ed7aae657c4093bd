/* SPDX-License-Identifier: Apache-2.0 */
/* A shard goes from a node that lives to another one that wants it. */
#include "cluster/store/state.h"

static void hand_send(struct store_op *op, enum script_id script, const struct bytes *args,
		      size_t keys, size_t n)
{
	store_op_run(op, &(struct script_call){ .id = script,
						.args = args,
						.keys = keys,
						.n = n,
						.deadline_ns = op->base->deadline_ns });
}

void store_lease_want(struct store_shard *s)
{
	const struct identity *own = &s->settings.identity;
	struct lease_words words;
	const struct bytes args[] = { store_key_shard(words.key, s, "lease"),
				      bytes_str(s->shared->settings.node),
				      bytes_str(own->id),
				      bytes_str(own->place),
				      bytes_str(own->where),
				      store_id_write(&words, 0, identity_node(own)) };
	struct store_op *op;

	store_enter(&s->base);
	op = store_op_user(&s->base, NULL, NULL, s->settings.shard, 0);
	if (op)
		hand_send(op, SCRIPT_LEASE_WANT, args, 1, COUNT_OF(args));
	store_leave(&s->base);
}

bool store_lease_may_be_given(const struct store_shard *s)
{
	return s->lease.state == LEASE_HELD && !s->lease.question && spool_is_empty(s->spool);
}

/* False: not while the lease is not known to be ours, or Redis is asked about it. */
static bool lease_is_given(struct store_shard *s)
{
	store_lease_event(s, &(struct lease_event){ .type = LEASE_GIVE });
	return s->lease.state == LEASE_IDLE;
}

void store_lease_give(struct store_shard *s, uint64_t to, store_done_fn *done, void *arg)
{
	char key[STORE_KEY_MAX], fence_key[STORE_KEY_MAX], fence[LEASE_FENCE_TEXT];
	struct lease_words words;
	const struct bytes args[] = { store_key_shard(key, s, "lease"),
				      store_key_shard(fence_key, s, "fence"), store_fence(s, fence),
				      store_id_write(&words, 0, to),
				      store_number_write(&words, 1, s->lease.renewal + 1) };
	struct store_op *op;

	store_enter(&s->base);
	op = store_op_user(&s->base, done, arg, s->settings.shard, 0);
	if (op && lease_is_given(s))
		hand_send(op, SCRIPT_LEASE_GIVE, args, 2, COUNT_OF(args));
	else if (op)
		store_op_fail(op, STORE_REFUSED);
	store_leave(&s->base);
}

void store_lease_offer(struct store_shard *s, uint64_t to)
{
	char key[STORE_KEY_MAX], fence[LEASE_FENCE_TEXT];
	struct lease_words words;
	const struct bytes args[] = { store_key_shard(key, s, "lease"), store_fence(s, fence),
				      store_id_write(&words, 0, to) };
	struct store_op *op;

	store_enter(&s->base);
	op = s->lease.state == LEASE_HELD
		     ? store_op_user(&s->base, NULL, NULL, s->settings.shard, 0)
		     : NULL;
	if (op)
		hand_send(op, SCRIPT_LEASE_OFFER, args, 1, COUNT_OF(args));
	store_leave(&s->base);
}
