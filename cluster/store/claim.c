/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of shards of others: looks at them, and claims (cluster/claim.h). What Redis says is read with care: anybody may have written it. */
#include "base/clock.h"
#include "base/log.h"
#include "cluster/store/state.h"

/* What lua/lease_look.lua tells, after its word. */
enum {
	TOLD_COUNTER = 1,
	TOLD_INCARNATION,
	TOLD_RENEWAL,
	TOLD_OWNER,
	TOLD_LENGTH,
	TOLD_NAMES,
	TOLD_NODE,
	TOLD_WHERE,
	TOLD_HISTORY,
};

struct look_op {
	struct store_op op;
	store_lease_fn *seen;
	void *arg;
};

/* ---- what Redis says ---- */

bool store_names_read(struct bytes text, struct members *named)
{
	struct members m = { 0 };

	for (size_t at = 0; at < text.n; at += 17) {
		uint64_t id = store_id_read(bytes_sub(text, at, 16));
		bool ends = at + 16 == text.n || text.p[at + 16 < text.n ? at + 16 : at] == ' ';

		if (!id || !ends || m.count == MEMBERS_MAX || members_has(&m, id))
			return false;
		m.ids[m.count++] = id;
	}
	*named = m;
	return true;
}

static struct bytes lease_word(const struct redisReply *reply, size_t at)
{
	return redis_reply_text(redis_reply_at(reply, at));
}

static void told_text(char *out, size_t cap, const struct redisReply *reply, size_t at)
{
	(void)bytes_cstr(bytes_sub(lease_word(reply, at), 0, cap - 1), out, cap);
}

static void lease_read(uint16_t shard, struct store_lease *seen, const struct redisReply *reply)
{
	struct claim_lease *l = &seen->lease;

	l->history = store_id_read(lease_word(reply, TOLD_HISTORY));
	l->epoch.counter = store_number(reply, TOLD_COUNTER);
	l->epoch.incarnation = store_id_read(lease_word(reply, TOLD_INCARNATION));
	l->renewal = store_number(reply, TOLD_RENEWAL);
	l->owner = store_id_read(lease_word(reply, TOLD_OWNER));
	seen->length_ns = store_length(reply, TOLD_LENGTH);
	told_text(seen->node, sizeof(seen->node), reply, TOLD_NODE);
	told_text(seen->where, sizeof(seen->where), reply, TOLD_WHERE);
	if (!store_names_read(lease_word(reply, TOLD_NAMES), &l->named)) {
		LOG_ERROR("store", 0, "the names in a lease cannot be read: see HGETALL",
			  LOG_U64("shard", shard),
			  LOG_BYTES("named", lease_word(reply, TOLD_NAMES)));
		seen->result = STORE_REFUSED;
	}
	if (!l->history) {
		LOG_ERROR("store", 0, "Redis does not say which it is: allow INFO to its user",
			  LOG_U64("shard", shard));
		seen->result = STORE_REFUSED;
	}
}

/* ---- looks ---- */

static void lease_look_finish(struct store_op *op, const struct store_answer *a)
{
	const struct look_op *look = (const struct look_op *)op;
	struct store_lease seen = { .result = a->result };

	if (a->result == STORE_OK)
		lease_read((uint16_t)op->key, &seen, a->reply);
	look->seen((uint16_t)op->key, &seen, look->arg);
}

void store_lease_look(struct store_shared *s, uint16_t shard, uint64_t note, store_lease_fn *seen,
		      void *arg)
{
	struct look_op *look;
	struct lease_words words;
	struct bytes args[2] = { store_key_shard_of(words.key, shard, "lease"),
				 store_number_write(&words, 0, note % 1000000000000000000U) };

	store_enter(&s->base);
	look = (struct look_op *)store_op_new(&s->base, sizeof(*look), lease_look_finish);
	if (look) {
		look->seen = seen;
		look->arg = arg;
		look->op.key = shard;
		store_op_run(&look->op,
			     &(struct script_call){ .id = SCRIPT_LEASE_LOOK,
						    .args = args,
						    .keys = 1,
						    .n = COUNT_OF(args),
						    .deadline_ns = s->base.deadline_ns });
	} else {
		seen(shard, &(struct store_lease){ .result = STORE_UNKNOWN }, arg);
	}
	store_leave(&s->base);
}

/* ---- claims ---- */

struct claim_op {
	struct store_op op;
	struct store_claim claim;
};

/* What one server has it keeps. Of several the others are asked where nobody else has to consent. */
static void claim_finish(struct store_op *op, const struct store_answer *a)
{
	struct store_shared *s = (struct store_shared *)op->base;
	const struct store_claim *c = &((const struct claim_op *)op)->claim;

	if (a->result == STORE_OK && s->settings.replicas && c->grant.named.count < 2)
		store_keep_claim(s, c, op->done, op->arg);
	else
		op->done(a->result, op->key, a->result == STORE_OK && !s->settings.replicas,
			 op->arg);
}

static void claim_send(struct store_op *op, const struct store_shared *s)
{
	const struct store_claim *c = &((const struct claim_op *)op)->claim;
	const struct lease_write write = { .shard = c->shard,
					   .identity = &c->identity,
					   .epoch = c->grant.epoch,
					   .renewal = c->grant.renewal,
					   .length_ns = c->length_ns,
					   .named = &c->grant.named };
	struct lease_words words;

	store_lease_words(&words, s->settings.node, &write);
	store_lease_seen(&words, c->seen.epoch, c->seen.renewal);
	words.args[LEASE_SEEN_WORDS + 3] = store_id_write(&words, 9, c->seen.history);
	store_op_run(op, &(struct script_call){ .id = SCRIPT_LEASE_CLAIM,
						.args = words.args,
						.keys = 2,
						.n = LEASE_SEEN_WORDS + 4,
						.deadline_ns = s->base.deadline_ns });
}

void store_lease_claim(struct store_shared *s, const struct store_claim *claim, store_done_fn *done,
		       void *arg)
{
	struct store_op *op;

	store_enter(&s->base);
	op = store_op_new(&s->base, sizeof(struct claim_op), claim_finish);
	if (op) {
		op->done = done;
		op->arg = arg;
		op->key = claim->shard;
		((struct claim_op *)op)->claim = *claim;
		claim_send(op, s);
	} else {
		done(STORE_UNKNOWN, claim->shard, 0, arg);
	}
	store_leave(&s->base);
}
