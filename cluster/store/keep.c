/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether Redis can forget its answer about a lease: it cannot when all servers that may become the
 * primary have it. The question goes by the link of its shard, since the order of fences is that of
 * one link. Then, on a link of its own:
 *
 *   lease_keep.lua of each shard that waits  ->  WAIT  ->  ... of those that came meanwhile
 *
 * What a server was told before that script runs precedes it in the replication stream. One WAIT is
 * for all, as the commands of a connection wait behind it. Any failure says that the lease is not
 * kept, and never that it is not held.
 *
 * A claim that Redis alone decides asks by itself: it is rare, and each lease is claimed at another
 * time.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/store/state.h"

/* A third of the length is between two renewals: both these waits end before. */
#define WAITS_OF_A_LEASE 6

struct keep_seat {
	struct keep_flight *flight;
	struct store_shard *s; /* NULL: closed meanwhile */
	bool written;          /* its script has answered OK, before WAIT did */
};

/* Its answers come, each once, also when the store is closed before. */
struct keep_flight {
	struct store_shared *shared; /* NULL: that is so */
	uint32_t waits;              /* answers that may still come */
	uint32_t count;
	struct keep_seat seats[];
};

static metric_id keep_metric(bool kept)
{
#define RENEWALS(result)                                                                         \
	metric_register(METRIC_COUNTER, "tandem_lease_waits_total", "result=\"" result "\"",     \
			"Answers of Redis about leases: all replicas of cluster.replicas had it" \
			" in time (kept), or not (unkept).")
	return kept ? RENEWALS("kept") : RENEWALS("unkept");
#undef RENEWALS
}

static void keep_settle(struct store_shard *s, bool kept)
{
	store_enter(&s->base);
	metric_add(keep_metric(kept), 1);
	store_lease_answered(s, kept);
	store_leave(&s->base);
}

/* A caller may close its store when it is told. */
static void waiting_fail(struct store_shared *shared)
{
	struct store_shard *s = shared->shards;

	while (s) {
		if (s->keep.state != STORE_KEEP_WAITS) {
			s = s->next;
			continue;
		}
		keep_settle(s, false);
		s = shared->shards;
	}
}

/* ---- answers ---- */

static void keep_flush(void *arg);

static void flight_answered(struct keep_flight *f)
{
	struct store_shared *shared = f->shared;

	if (--f->waits > 0)
		return;
	free(f);
	if (!shared)
		return;
	shared->keeps = NULL;
	keep_flush(shared);
}

static void on_written(int err, const struct redisReply *reply, void *arg)
{
	struct keep_seat *seat = arg;

	seat->written = !err && bytes_is(redis_reply_text(redis_reply_at(reply, 0)), "OK");
	flight_answered(seat->flight);
}

static bool is_with_all(const struct store_shared *s, int err, const struct redisReply *reply)
{
	return !err && redis_reply_type(reply) == REDIS_TYPE_INTEGER &&
	       redis_reply_integer(reply) >= (int64_t)s->settings.replicas;
}

static void on_waited(int err, const struct redisReply *reply, void *arg)
{
	struct keep_flight *f = arg;
	bool all = f->shared && is_with_all(f->shared, err, reply);

	for (uint32_t i = 0; i < f->count; i++) {
		struct keep_seat *seat = &f->seats[i];

		if (seat->s)
			keep_settle(seat->s, all && seat->written);
		seat->s = NULL;
	}
	flight_answered(f);
}

/* ---- departure ---- */

/* The fence of the answer: the lease itself is told when it is settled. */
static struct bytes fence_of_answer(char out[LEASE_FENCE_TEXT], const struct store_shard *s)
{
	const struct lease lease = { .epoch = s->keep.event.epoch, .link = s->lease.link };
	struct writer w = writer_over(out, LEASE_FENCE_TEXT);

	lease_fence_write(&w, &lease);
	return writer_done(&w);
}

static void seat_send(struct keep_flight *f, struct keep_seat *seat)
{
	char key[STORE_KEY_MAX], fence[LEASE_FENCE_TEXT];
	const struct store_shared *shared = f->shared;
	struct store_shard *s = seat->s;
	struct lease_words words;
	const struct bytes args[] = { store_key_shard(key, s, "lease"), fence_of_answer(fence, s),
				      store_number_write(&words, 0, s->lease.renewal) };
	const struct script_call call = { .id = SCRIPT_LEASE_KEEP,
					  .args = args,
					  .keys = 1,
					  .n = COUNT_OF(args),
					  .deadline_ns = shared->base.deadline_ns };

	s->keep.state = STORE_KEEP_ASKED;
	if (!script_run(&shared->scripts, shared->settings.leases, &call, on_written, seat))
		f->waits++;
}

static int wait_send(const struct store_shared *s, uint64_t length_ns, redis_reply_fn *fn,
		     void *arg)
{
	uint64_t wait_ms = length_ns / WAITS_OF_A_LEASE / NS_PER_MS;
	struct lease_words words;
	const struct bytes args[] = { BYTES_LIT("WAIT"),
				      store_number_write(&words, 0, s->settings.replicas),
				      store_number_write(&words, 1, wait_ms ? wait_ms : 1) };

	return redis_command(s->settings.leases, args, COUNT_OF(args),
			     length_ns / WAITS_OF_A_LEASE + s->base.deadline_ns, fn, arg);
}

static uint32_t waiting_count(const struct store_shared *shared)
{
	uint32_t count = 0;

	for (const struct store_shard *s = shared->shards; s; s = s->next)
		count += s->keep.state == STORE_KEEP_WAITS;
	return count;
}

static void keep_depart(struct store_shared *shared, uint32_t count)
{
	struct keep_flight *f = calloc(1, sizeof(*f) + count * sizeof(f->seats[0]));
	uint64_t length_ns = 0;

	if (!f) {
		waiting_fail(shared);
		return;
	}
	f->shared = shared;
	f->waits = 1;
	shared->keeps = f;
	for (struct store_shard *s = shared->shards; s; s = s->next) {
		if (s->keep.state != STORE_KEEP_WAITS)
			continue;
		f->seats[f->count] = (struct keep_seat){ .flight = f, .s = s };
		length_ns = s->lease.length_ns;
		seat_send(f, &f->seats[f->count++]);
	}
	if (wait_send(shared, length_ns, on_waited, f))
		on_waited(-ENOTCONN, NULL, f);
}

static void keep_flush(void *arg)
{
	struct store_shared *shared = arg;
	uint32_t count = shared->keeps ? 0 : waiting_count(shared);

	if (!count)
		return;
	if (redis_is_connected(shared->settings.leases))
		keep_depart(shared, count);
	else
		waiting_fail(shared);
}

void store_keep_wait(struct store_shard *s)
{
	struct store_shared *shared = s->shared;

	if (shared->keeper.redis && redis_is_connected(shared->settings.leases))
		s->keep.state = STORE_KEEP_WAITS;
	else if (shared->settings.replicas)
		keep_settle(s, false);
	else
		store_lease_answered(s, true); /* what one server has it keeps */
}

/* ---- a claim ---- */

/* Its answers come, each once, also when the store is closed before. */
struct claim_keep {
	struct store_op *op; /* NULL: that is so */
	uint32_t waits;
	bool written;
};

struct claim_keep_op {
	struct store_op op;
	struct claim_keep *keep;
};

static void claim_keep_finish(struct store_op *op, const struct store_answer *a)
{
	struct claim_keep *keep = ((struct claim_keep_op *)op)->keep;

	if (keep)
		keep->op = NULL;
	/* the claim itself was granted, whatever became of this */
	op->done(STORE_OK, op->key, a->result == STORE_OK && a->version, op->arg);
}

static void claim_keep_answered(struct claim_keep *keep)
{
	if (--keep->waits == 0)
		free(keep);
}

static void on_claim_written(int err, const struct redisReply *reply, void *arg)
{
	struct claim_keep *keep = arg;

	keep->written = !err && bytes_is(redis_reply_text(redis_reply_at(reply, 0)), "OK");
	claim_keep_answered(keep);
}

static void on_claim_waited(int err, const struct redisReply *reply, void *arg)
{
	struct claim_keep *keep = arg;
	struct store_op *op = keep->op;

	if (op) {
		struct store_shared *s = (struct store_shared *)op->base;
		struct store_answer a = { .result = STORE_OK };

		a.version = keep->written && is_with_all(s, err, reply);
		store_enter(&s->base);
		metric_add(keep_metric(a.version), 1);
		store_op_answer(op, &a);
		store_leave(&s->base);
	}
	claim_keep_answered(keep);
}

static void claim_keep_send(struct store_shared *s, struct claim_keep *keep,
			    const struct store_claim *c)
{
	const struct lease lease = { .epoch = c->grant.epoch };
	char key[STORE_KEY_MAX], fence[LEASE_FENCE_TEXT];
	struct writer w = writer_over(fence, sizeof(fence));
	struct lease_words words;
	struct bytes args[3] = { store_key_shard_of(key, c->shard, "lease") };
	struct script_call call = { .id = SCRIPT_LEASE_KEEP,
				    .args = args,
				    .keys = 1,
				    .n = COUNT_OF(args),
				    .deadline_ns = s->base.deadline_ns };

	lease_fence_write(&w, &lease);
	args[1] = writer_done(&w);
	args[2] = store_number_write(&words, 0, c->grant.renewal);
	keep->waits = 2;
	if (script_run(&s->scripts, s->settings.leases, &call, on_claim_written, keep))
		keep->waits--;
	if (wait_send(s, c->length_ns, on_claim_waited, keep))
		on_claim_waited(-ENOTCONN, NULL, keep);
}

void store_keep_claim(struct store_shared *s, const struct store_claim *claim, store_done_fn *done,
		      void *arg)
{
	struct claim_keep *keep = calloc(1, sizeof(*keep));
	struct claim_keep_op *op = NULL;

	if (keep && s->keeper.redis && redis_is_connected(s->settings.leases))
		op = (struct claim_keep_op *)store_op_new(&s->base, sizeof(*op), claim_keep_finish);
	if (!op) {
		free(keep);
		done(STORE_OK, claim->shard, !s->settings.replicas, arg);
		return;
	}
	op->op.done = done;
	op->op.arg = arg;
	op->op.key = claim->shard;
	op->keep = keep;
	keep->op = &op->op;
	claim_keep_send(s, keep, claim);
}

/* ---- life ---- */

static void keep_on_state(bool connected, void *arg)
{
	struct store_shared *shared = arg;

	if (connected) {
		scripts_load(&shared->scripts, shared->settings.leases);
		return;
	}
	LOG_WARN("store", 0, "the link to Redis for leases is down: none is kept until it is back");
	waiting_fail(shared);
}

static void keep_on_expire(uint64_t now_ns, void *arg)
{
	(void)now_ns;
	(void)arg;
}

void store_keep_open(struct store_shared *s)
{
	(void)keep_metric(true); /* shown from the start */
	(void)keep_metric(false);
	if (!s->settings.leases || !s->settings.replicas)
		return;
	s->keeper = (struct redis_guest){ .state = keep_on_state,
					  .expire = keep_on_expire,
					  .flush = keep_flush,
					  .next_ns = UINT64_MAX,
					  .arg = s };
	redis_join(s->settings.leases, &s->keeper);
	if (redis_is_connected(s->settings.leases))
		keep_on_state(true, s);
}

void store_keep_close(struct store_shared *s)
{
	if (s->keeps)
		s->keeps->shared = NULL;
	s->keeps = NULL;
	redis_leave(&s->keeper);
}

void store_keep_leave(struct store_shard *s)
{
	struct keep_flight *f = s->shared->keeps;

	s->keep.state = STORE_KEEP_NONE;
	for (uint32_t i = 0; f && i < f->count; i++) {
		if (f->seats[i].s == s)
			f->seats[i].s = NULL;
	}
}
