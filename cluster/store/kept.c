/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small values of extensions: a string each, with an expiry. Those of one extension have a hash tag
 * of their own, so with Redis Cluster they are spread over all servers. One command each, on the
 * link of what the shards save in the same round, so none costs another round trip.
 */
#include <assert.h>
#include <inttypes.h>

#include "base/decimal.h"
#include "base/log.h"
#include "cluster/store/state.h"

struct kv_op {
	struct store_op op;
	bool asks;
	bool claims;
	store_kept_fn *done;
	void *arg;
};

static struct bytes kv_key(char buf[STORE_KEY_MAX], const struct store_kept *of)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_str(&w, "td:{kept:");
	writer_bytes(&w, of->tenant);
	writer_str(&w, ":");
	writer_bytes(&w, of->user);
	WRITER_TEXTS(&w, "}:", of->name);
	return w.overflow ? (struct bytes){ 0 } : writer_done(&w);
}

static void kept_finish(struct store_op *op, const struct store_answer *a)
{
	const struct kv_op *k = (const struct kv_op *)op;
	const struct store_metrics *m = &op->base->metrics;
	enum redis_type type = redis_reply_type(a->reply);
	bool there = a->result == STORE_OK && type != REDIS_TYPE_NIL &&
		     (k->claims ? a->version != 0
				: type != REDIS_TYPE_INTEGER || redis_reply_integer(a->reply));

	if (a->result == STORE_REFUSED)
		metric_add(m->refused, 1);
	else if (a->result == STORE_UNKNOWN)
		metric_add(m->unknown, 1);
	if (k->done)
		k->done(a->result, there,
			there && k->asks ? redis_reply_text(a->reply) : (struct bytes){ 0 },
			k->arg);
}

/* NULL: done was called. */
static struct kv_op *kv_start(struct store_shared *s, store_kept_fn *done, void *arg)
{
	struct kv_op *k = (struct kv_op *)store_op_new(&s->base, sizeof(*k), kept_finish);

	if (!k) {
		if (done)
			done(STORE_UNKNOWN, false, (struct bytes){ 0 }, arg);
		return NULL;
	}
	k->done = done;
	k->arg = arg;
	return k;
}

/* args[1]: the key. */
static void kept_run(struct store_shared *s, const struct bytes *args, size_t n, bool asks,
		     store_kept_fn *done, void *arg)
{
	struct kv_op *k;

	store_enter(&s->base);
	k = kv_start(s, done, arg);
	if (k) {
		k->asks = asks;
		if (args[1].n)
			store_op_command(&k->op, args, n, s->base.deadline_ns);
		else
			store_op_fail(&k->op, STORE_REFUSED);
	}
	store_leave(&s->base);
}

void store_kept_put(struct store_shared *s, const struct store_kept *of, struct bytes value,
		    uint64_t ttl_ms, store_kept_fn *done, void *arg)
{
	char key[STORE_KEY_MAX];
	bool fits = value.n <= STORE_KEPT_MAX;
	struct bytes args[] = { BYTES_LIT("SET"), fits ? kv_key(key, of) : (struct bytes){ 0 },
				value, BYTES_LIT("PX"), DECIMAL_TEXT(ttl_ms) };

	metric_add(s->base.metrics.saves, 1);
	kept_run(s, args, COUNT_OF(args), false, done, arg);
}

void store_kept_get(struct store_shared *s, const struct store_kept *of, store_kept_fn *done,
		    void *arg)
{
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("GET"), kv_key(key, of) };

	kept_run(s, args, COUNT_OF(args), true, done, arg);
}

void store_kept_claim(struct store_shared *s, const struct store_kept *of,
		      const struct store_place *place, store_kept_fn *done, void *arg)
{
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { kv_key(key, of), place->holder, DECIMAL_TEXT(place->ttl_ms),
				      DECIMAL_TEXT(place->most) };
	struct kv_op *k;

	store_enter(&s->base);
	metric_add(s->base.metrics.saves, 1);
	k = kv_start(s, done, arg);
	if (k && args[0].n) {
		k->claims = true;
		store_op_run(&k->op, &(struct script_call){ .id = SCRIPT_KEPT_CLAIM,
							    .args = args,
							    .keys = 1,
							    .n = COUNT_OF(args),
							    .deadline_ns = s->base.deadline_ns });
	} else if (k) {
		store_op_fail(&k->op, STORE_REFUSED);
	}
	store_leave(&s->base);
}

void store_kept_drop(struct store_shared *s, const struct store_kept *of, store_kept_fn *done,
		     void *arg)
{
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("DEL"), kv_key(key, of) };

	kept_run(s, args, COUNT_OF(args), false, done, arg);
}

static struct bytes program_key(char buf[STORE_KEY_MAX], struct bytes tenant, struct bytes hash)
{
	struct writer w = writer_over(buf, STORE_KEY_MAX);

	writer_str(&w, "td:{t:");
	writer_bytes(&w, tenant);
	writer_str(&w, "}:program:");
	writer_bytes(&w, hash);
	return w.overflow ? (struct bytes){ 0 } : writer_done(&w);
}

static_assert(STORE_PROGRAM_S == 604800, "the texts below say it");

void store_program_put(struct store_shared *s, struct bytes tenant, struct bytes hash,
		       struct bytes text, bool once, store_kept_fn *done, void *arg)
{
	char key[STORE_KEY_MAX];
	bool fits = text.n <= STORE_PROGRAM_MAX;
	const struct bytes args[] = { BYTES_LIT("SET"),
				      fits ? program_key(key, tenant, hash) : (struct bytes){ 0 },
				      text, BYTES_LIT("EX"),
				      once ? BYTES_LIT("86400") : BYTES_LIT("604800") };

	metric_add(s->base.metrics.saves, 1);
	kept_run(s, args, COUNT_OF(args), false, done, arg);
}

void store_program_get(struct store_shared *s, struct bytes tenant, struct bytes hash,
		       store_kept_fn *done, void *arg)
{
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("GETEX"), program_key(key, tenant, hash),
				      BYTES_LIT("EX"), BYTES_LIT("604800") };

	kept_run(s, args, COUNT_OF(args), true, done, arg);
}

void store_program_touch(struct store_shared *s, struct bytes tenant, struct bytes hash,
			 store_kept_fn *done, void *arg)
{
	char key[STORE_KEY_MAX];
	const struct bytes args[] = { BYTES_LIT("EXPIRE"), program_key(key, tenant, hash),
				      BYTES_LIT("604800") };

	kept_run(s, args, COUNT_OF(args), false, done, arg);
}
