/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out what lease_step (cluster/lease.h) asks for: runs the scripts of leases
 * (cluster/lua/lease_*.lua) and turns their answers into events. It looks at and claims leases of
 * other nodes' shards, and hands shards over. Answers of Redis are validated, because anybody may
 * have written them. */

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/validity.h"
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

static uint64_t store_id_read(struct bytes text)
{
	uint8_t raw[8];
	size_t n = 0;

	if (text.n != 2 * sizeof(raw) || hex_decode(text, raw, sizeof(raw), &n) != 0 ||
	    n != sizeof(raw))
		return 0;
	return be64_get(raw);
}

/* All of them, or false: of half a list nobody should be bound. */
static bool store_names_read(struct bytes text, struct members *named)
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

/* Of an array: 0 where it is no number. */
static uint64_t store_number(const struct redisReply *reply, size_t at)
{
	uint64_t value = 0;

	return bytes_u64(redis_reply_text(redis_reply_at(reply, at)), &value) == 0 ? value : 0;
}

/* A stored length of a lease is clamped to these. */
#define LENGTH_MIN_NS (300 * NS_PER_MS)

#define LENGTH_MAX_NS (60 * NS_PER_S)

/* The length of a lease, clamped to the limits; 0: the reply has none. */
static uint64_t store_length(const struct redisReply *reply, size_t at)
{
	uint64_t ms = store_number(reply, at);

	if (!ms)
		return 0;
	if (ms > LENGTH_MAX_NS / NS_PER_MS)
		return LENGTH_MAX_NS;
	return ms * NS_PER_MS < LENGTH_MIN_NS ? LENGTH_MIN_NS : ms * NS_PER_MS;
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

/* A sole server keeps what it has. Of several, replicas are asked if no node has to consent. */
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

struct bytes store_number_write(struct lease_words *words, size_t i, uint64_t value)
{
	struct writer w = writer_over(words->numbers[i], sizeof(words->numbers[i]));

	writer_u64(&w, value);
	return writer_done(&w);
}

static struct bytes store_names_write(struct lease_words *words, const struct members *named)
{
	struct writer w = writer_over(words->names, sizeof(words->names));

	for (uint32_t i = 0; i < named->count; i++)
		writer_fmt(&w, i ? " %016" PRIx64 : "%016" PRIx64, named->ids[i]);
	return writer_done(&w);
}

/* i: which of its numbers; digits of a node, or of an incarnation. */
static struct bytes store_id_write(struct lease_words *words, size_t i, uint64_t value)
{
	struct writer w = writer_over(words->numbers[i], sizeof(words->numbers[i]));

	writer_fmt(&w, "%016" PRIx64, value);
	return writer_done(&w);
}

static void store_lease_words(struct lease_words *words, const char *node,
			      const struct lease_write *w)
{
	const struct identity *own = w->identity;
	const struct bytes args[LEASE_SEEN_WORDS] = {
		store_key_shard_of(words->key, w->shard, "lease"),
		store_key_shard_of(words->fence_key, w->shard, "fence"),
		bytes_str(node),
		store_id_write(words, 0, w->epoch.incarnation),
		store_number_write(words, 1, w->epoch.counter),
		store_number_write(words, 2, w->length_ns / NS_PER_MS),
		store_number_write(words, 3, w->link),
		bytes_str(own->id),
		bytes_str(own->place),
		bytes_str(own->where),
		store_id_write(words, 4, identity_node(own)),
		store_number_write(words, 5, w->renewal),
		store_names_write(words, w->named),
	};

	for (size_t i = 0; i < LEASE_SEEN_WORDS; i++)
		words->args[i] = args[i];
}

static void store_lease_seen(struct lease_words *words, struct lease_epoch epoch, uint64_t renewal)
{
	words->args[LEASE_SEEN_WORDS] = store_number_write(words, 6, epoch.counter);
	words->args[LEASE_SEEN_WORDS + 1] = store_id_write(words, 7, epoch.incarnation);
	words->args[LEASE_SEEN_WORDS + 2] = store_number_write(words, 8, renewal);
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

/* A shard goes from a node that lives to another one that wants it. */

static void hand_send(struct store_op *op, enum script_id script, const struct bytes *args,
		      size_t keys, size_t n)
{
	store_op_run(op, &(struct script_call){ .id = script,
						.args = args,
						.keys = keys,
						.n = n,
						.deadline_ns = op->base->deadline_ns });
}

void store_lease_request(struct store_shard *s)
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
	const struct lease *l = &s->lease;

	/* one that Redis can forget would lapse at once at the new owner, without acks */
	return l->state == LEASE_HELD && !l->question &&
	       (l->kept || !store_lease_named(s)->count) && spool_is_empty(s->spool);
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

/* ---- what Redis says ---- */

/* How long an acquisition waits for a link, and then for Redis. */
#define ACQUIRE_NS (2 * NS_PER_S)
/* Of the leases of programs that did not say it. */
#define LENGTH_OLDER_NS (10 * NS_PER_S)

struct bytes store_fence(struct store_shard *s, char buf[LEASE_FENCE_TEXT])
{
	const struct lease *l = &s->lease;
	struct store_fence_text *t = &s->fence;

	if (!t->n || t->link != l->link || t->epoch.counter != l->epoch.counter ||
	    t->epoch.incarnation != l->epoch.incarnation) {
		struct writer w = writer_over(t->text, sizeof(t->text));

		lease_fence_write(&w, l);
		t->n = writer_done(&w).n;
		t->epoch = l->epoch;
		t->link = l->link;
	}
	memcpy(buf, t->text, t->n);
	return bytes_mem(buf, t->n);
}

/* ---- questions ---- */

static void acquire_answer(struct store_shard *s, enum store_result result)
{
	struct store_op *op = s->acquire;

	s->acquire = NULL;
	if (!op)
		return;
	op->version = s->lease.epoch.counter;
	store_op_fail(op, result);
}

static void holder_text(char *out, size_t cap, const struct store_answer *a, size_t at)
{
	(void)bytes_cstr(bytes_sub(redis_reply_text(redis_reply_at(a->reply, at)), 0, cap - 1), out,
			 cap);
}

/* ---- a lease that another has ---- */

static bool is_same_lease(const struct store_watch *w, struct lease_epoch epoch, uint64_t renewal)
{
	return w->since_ns && w->epoch.counter == epoch.counter &&
	       w->epoch.incarnation == epoch.incarnation && w->renewal == renewal;
}

/* Since when it is as it is: by the clock of this node alone. */
static void watch_note(struct store_shard *s, const struct store_answer *a)
{
	struct store_watch *w = &s->watch;
	uint64_t renewal = store_number(a->reply, 4);

	s->holder.alive = false;
	if (redis_reply_text(redis_reply_at(a->reply, 3)).n) /* else it is lost */
		w->named = redis_reply_text(redis_reply_at(a->reply, 9)).n != 0;
	w->length_ns = store_length(a->reply, 7);
	if (!w->length_ns)
		w->length_ns = LENGTH_OLDER_NS;
	if (is_same_lease(w, a->lease.epoch, renewal))
		return;
	s->holder.alive = w->since_ns;
	w->epoch = a->lease.epoch;
	w->renewal = renewal;
	w->since_ns = clock_now_ns();
}

/* A lease may be valid by acks: its names alone may claim it. Redis may have forgotten them. */
static bool watch_names(const struct store_watch *w)
{
	if (lease_epoch_above(w->heard, w->epoch))
		return w->newer_named;
	return w->named || (w->newer_named && !lease_epoch_above(w->epoch, w->heard));
}

/* Its holder would have renewed it, or is silent: clocks may differ by a tenth. */
static bool watch_is_over(const struct store_watch *w)
{
	return w->since_ns && !watch_names(w) &&
	       clock_now_ns() > w->since_ns + w->length_ns + w->length_ns / 10;
}

static void holder_note(struct store_shard *s, const struct store_answer *a)
{
	struct store_holder *h = &s->holder;
	uint64_t offer = store_id_read(redis_reply_text(redis_reply_at(a->reply, 10)));

	holder_text(h->node, sizeof(h->node), a, 3);
	holder_text(h->where, sizeof(h->where), a, 6);
	h->copy = bytes_is(redis_reply_text(redis_reply_at(a->reply, 5)), s->settings.identity.id);
	h->leaves = offer != 0;
	h->offers = h->leaves && offer == identity_node(&s->settings.identity);
	watch_note(s, a);
}

static void wanted_note(struct store_shard *s, uint64_t by)
{
	if (by && s->settings.wanted && !s->base.closing)
		s->settings.wanted(by, s->arg);
}

/* They may have acked the former process and claim it now: nothing is sent until they know. */
static struct members names_before(const struct store_shard *s, const struct store_answer *a)
{
	struct members named = { 0 };

	if (s->settings.keeps_names)
		(void)!store_names_read(redis_reply_text(redis_reply_at(a->reply, 3)), &named);
	return named;
}

/* The link number begins anew with the counter, as the claim wrote it. */
static void lease_grant_apply(struct store_shard *s)
{
	const struct lease_grant *grant = &s->grant;
	const struct lease_event claimed = { .type = LEASE_CLAIMED,
					     .epoch = grant->epoch,
					     .renewal = grant->renewal,
					     .sent_ns = grant->sent_ns };

	if (!s->grant_waits || s->lease.question)
		return;
	s->grant_waits = false;
	if (s->lease.state == LEASE_HELD || s->lease.state == LEASE_DOUBT)
		return;
	s->lease.link = 0;
	lease_name(&s->lease, &grant->named, clock_now_ns());
	store_lease_event(s, &claimed);
	if (!redis_is_connected(s->link->redis)) /* who opens a shard may find Redis away */
		store_lease_event(s, &(struct lease_event){ .type = LEASE_LINK_DOWN });
}

void store_lease_answered(struct store_shard *s, bool kept)
{
	struct store_keep answer = s->keep;

	s->keep.state = STORE_KEEP_NONE;
	answer.event.kept = kept;
	if (answer.named.count)
		lease_name(&s->lease, &answer.named, clock_now_ns());
	store_lease_event(s, &answer.event);
	wanted_note(s, answer.wanted_by);
	if (answer.acquire)
		acquire_answer(s, answer.result);
	if (!s->base.closing)
		lease_grant_apply(s);
}

static void granted_note(struct store_shard *s, const struct store_answer *a)
{
	struct store_keep *keep = &s->keep;

	keep->event.epoch = (struct lease_epoch){ a->version, s->lease.epoch.incarnation };
	if (s->lease.question == LEASE_SEND_RENEW)
		keep->wanted_by = store_id_read(redis_reply_text(redis_reply_at(a->reply, 2)));
	else if (redis_reply_count(a->reply) > 2)
		holder_text(s->run_id, sizeof(s->run_id), a, 2);
	if (keep->acquire)
		keep->named = names_before(s, a);
}

static void question_finish(struct store_op *op, const struct store_answer *a)
{
	struct store_shard *s = store_shard_of(op);
	bool granted = a->lease.type == LEASE_GRANTED;

	s->keep = (struct store_keep){ .event = a->lease,
				       .result = a->result,
				       .acquire = s->lease.question == LEASE_SEND_ACQUIRE };
	if (granted)
		granted_note(s, a);
	if (a->lease.type == LEASE_TAKEN)
		holder_note(s, a);
	if (granted && !s->base.closing)
		store_keep_wait(s);
	else
		store_lease_answered(s, false);
}

/* A reader of the new names may claim by them from then on. */
static const struct members *names_to_write(const struct lease *l)
{
	return l->wanted_ns ? &l->wanted : &l->named;
}

static void renew_send(struct store_shard *s, struct store_op *op)
{
	char key[STORE_KEY_MAX], fence[LEASE_FENCE_TEXT];
	struct lease_words words;
	struct bytes args[] = { store_key_shard(key, s, "lease"),
				store_fence(s, fence),
				{ 0 },
				store_names_write(&words, names_to_write(&s->lease)),
				{ 0 } };

	args[2] = store_number_write(&words, 0, s->lease.renewal);
	args[4] = store_number_write(&words, 1, s->lease.length_ns / NS_PER_MS);
	store_op_run(op, &(struct script_call){ .id = SCRIPT_LEASE_RENEW,
						.args = args,
						.keys = 1,
						.n = COUNT_OF(args),
						.deadline_ns = s->base.deadline_ns });
}

static void acquire_send(struct store_shard *s, struct store_op *op)
{
	const struct store_watch *w = &s->watch;
	const struct lease_write write = { .shard = s->settings.shard,
					   .identity = &s->settings.identity,
					   .epoch = { s->lease.heard, s->lease.epoch.incarnation },
					   .link = s->lease.link,
					   .renewal = s->lease.renewal,
					   .length_ns = s->lease.length_ns,
					   .named = names_to_write(&s->lease) };
	struct lease_words words;

	store_lease_words(&words, s->shared->settings.node, &write);
	store_lease_seen(&words, watch_is_over(w) ? w->epoch : (struct lease_epoch){ 0 },
			 w->renewal);
	if (!watch_is_over(w))
		words.args[LEASE_SEEN_WORDS] = (struct bytes){ 0 };
	if (w->length_ns || s->lease.heard)
		words.args[LEASE_SEEN_WORDS + 3] = store_number_write(&words, 9, clock_now_ns());
	else
		words.args[LEASE_SEEN_WORDS + 3] = (struct bytes){ 0 };
	words.args[LEASE_SEEN_WORDS + 4] = bytes_str(s->settings.keeps_names ? "keep" : "");
	store_op_run(op, &(struct script_call){ .id = SCRIPT_LEASE_ACQUIRE,
						.args = words.args,
						.keys = 2,
						.n = LEASE_SEEN_WORDS + 5,
						.deadline_ns = ACQUIRE_NS });
}

static void assert_send(struct store_shard *s, struct store_op *op)
{
	const struct lease_write write = { .shard = s->settings.shard,
					   .identity = &s->settings.identity,
					   .epoch = s->lease.epoch,
					   .link = s->lease.link,
					   .renewal = s->lease.renewal,
					   .length_ns = s->lease.length_ns,
					   .named = names_to_write(&s->lease) };
	struct lease_words words;

	store_lease_words(&words, s->shared->settings.node, &write);
	store_op_run(op, &(struct script_call){ .id = SCRIPT_LEASE_ASSERT,
						.args = words.args,
						.keys = 2,
						.n = LEASE_SEEN_WORDS,
						.deadline_ns = s->base.deadline_ns });
}

static void lease_question_send(struct store_shard *s, enum lease_action question)
{
	struct store_op *op = store_op_new(&s->base, sizeof(*op), question_finish);

	if (!op)
		return;
	op->question = true;
	if (question == LEASE_SEND_RENEW)
		renew_send(s, op);
	else if (question == LEASE_SEND_ACQUIRE)
		acquire_send(s, op);
	else
		assert_send(s, op);
}

/* ---- health ---- */

static void healthy(struct store_shard *s)
{
	LOG_INFO("store", 0, "lease held", LOG_U64("epoch", s->lease.epoch.counter),
		 LOG_U64("link", s->lease.link));
	store_ends_resend(s);
	store_replay_start(s);
	if (s->health_fn && !s->base.closing)
		s->health_fn(true, s->arg);
}

static void unhealthy(struct store_shard *s, bool fenced)
{
	if (fenced) {
		LOG_ERROR("store", 0, "another owner holds the shard: silent from now on",
			  LOG_U64("epoch", s->lease.epoch.counter),
			  LOG_U64("higher", s->lease.heard));
	} else {
		LOG_WARN("store", 0, "degraded: going on without Redis",
			 LOG_STR("next", "calls go on and are not saved: see /healthz, and Redis"),
			 LOG_U64("epoch", s->lease.epoch.counter));
	}
	store_loads_resume(s, false);
	store_replay_start(s);
	if (s->health_fn && !s->base.closing)
		s->health_fn(false, s->arg);
}

/* Those who send for the shard hear it before anybody else does. */
static void valid_until_publish(const struct store_shard *s)
{
	const struct store_shard_settings *to = &s->settings;

	if (to->validity)
		validity_set(to->validity, to->place,
			     atomic_load_explicit(&s->lease.valid_until_ns, memory_order_relaxed));
}

static void named_are_notified(struct store_shard *s)
{
	const struct lease *l = &s->lease;
	struct store_claim_report tell = { .shard = s->settings.shard,
					   .told_ns = l->told_ns,
					   .epoch = l->epoch,
					   .named = *names_to_write(l),
					   .renewal = l->wanted_ns ? 0 : l->renewal };

	if (l->wanted_ns)
		tell.before = l->named;
	else if (!l->named.count)
		tell.others = l->others;
	if (s->settings.tell && !s->base.closing)
		s->settings.tell(&tell, s->arg);
}

void store_lease_event(struct store_shard *s, const struct lease_event *event)
{
	unsigned actions = lease_step(&s->lease, event, clock_now_ns());
	unsigned question = actions & (LEASE_SEND_ACQUIRE | LEASE_SEND_ASSERT | LEASE_SEND_RENEW);

	valid_until_publish(s);
	if (question && !s->base.closing)
		lease_question_send(s, (enum lease_action)question);
	s->late = !(actions & LEASE_ANEW);
	if (actions & LEASE_HEALTHY)
		healthy(s);
	if (actions & (LEASE_DEGRADED | LEASE_FENCE))
		unhealthy(s, actions & LEASE_FENCE);
	if (actions & LEASE_ANNOUNCE)
		named_are_notified(s);
}

void store_shard_anew(struct store_shard *s)
{
	if (s->lease.state == LEASE_HELD || s->lease.state == LEASE_DOUBT)
		store_lease_event(s, &(struct lease_event){ .type = LEASE_MISSING });
}

/* ---- those who may claim it ---- */

void store_lease_claimed(struct store_shard *s, const struct lease_grant *grant)
{
	store_enter(&s->base);
	s->grant = *grant;
	s->grant_waits = true;
	lease_grant_apply(s);
	store_leave(&s->base);
}

bool store_lease_is_past(const struct store_shard *s)
{
	return s->lease.state == LEASE_LAPSED;
}

bool store_lease_lasts(const struct store_shard *s)
{
	const struct lease *l = &s->lease;

	return lease_covers(l, clock_now_ns()) && l->epoch.counter == s->loads.counter &&
	       l->epoch.incarnation == s->loads.incarnation;
}

void store_lease_on_ack(struct store_shard *s, uint64_t from, uint64_t sent_ns)
{
	store_enter(&s->base);
	store_lease_event(
		s, &(struct lease_event){ .type = LEASE_ACK, .from = from, .sent_ns = sent_ns });
	store_leave(&s->base);
}

void store_lease_name(struct store_shard *s, const struct members *named)
{
	store_enter(&s->base);
	lease_name(&s->lease, named, clock_now_ns());
	valid_until_publish(s);
	store_leave(&s->base);
}

const struct members *store_lease_named(const struct store_shard *s)
{
	return names_to_write(&s->lease);
}

void store_lease_view(const struct store_shard *s, struct store_lease_view *out)
{
	const struct lease *l = &s->lease;

	*out = (struct store_lease_view){ .named = *names_to_write(l),
					  .granted_ns = l->granted_ns,
					  .kept_ns = l->kept_ns,
					  .kept = l->kept };
	out->valid_until_ns = atomic_load_explicit(&l->valid_until_ns, memory_order_relaxed);
}

void store_lease_on_epoch(struct store_shard *s, struct lease_epoch epoch)
{
	if (!lease_epoch_above(epoch, s->lease.epoch))
		return;
	store_enter(&s->base);
	store_lease_event(s, &(struct lease_event){ .type = LEASE_SEEN, .epoch = epoch });
	store_leave(&s->base);
}

void store_lease_renewed(struct store_shard *s, struct lease_epoch epoch)
{
	store_enter(&s->base);
	if (s->lease.state == LEASE_LAPSED)
		store_lease_event(s,
				  &(struct lease_event){ .type = LEASE_RENEWED, .epoch = epoch });
	store_leave(&s->base);
}

void store_lease_known(struct store_shard *s, struct lease_epoch epoch, bool named)
{
	s->watch.heard = epoch;
	s->watch.newer_named = named;
	store_lease_on_epoch(s, epoch);
}

/* ---- time ---- */

uint64_t store_lease_next_ns(const struct store_shard *s)
{
	const struct lease *l = &s->lease;
	return lease_tells(l) && l->tell_ns < l->next_ns ? l->tell_ns : l->next_ns;
}

void store_lease_expire(struct store_shard *s, uint64_t now_ns)
{
	if (store_lease_next_ns(s) <= now_ns)
		store_lease_event(s, &(struct lease_event){ .type = LEASE_TIMER });
	/* no link yet, so no question: nobody else would answer */
	if (s->acquire && s->acquire_until_ns <= now_ns && !s->lease.question) {
		store_lease_event(s, &(struct lease_event){ .type = LEASE_UNKNOWN });
		acquire_answer(s, STORE_UNKNOWN);
	}
}

void store_acquire(struct store_shard *s, store_done_fn *done, void *arg)
{
	struct store_op *op;
	enum lease_state state = s->lease.state;

	store_enter(&s->base);
	op = store_op_user(&s->base, done, arg, s->settings.shard, s->lease.epoch.counter);
	if (op && (state == LEASE_HELD || state == LEASE_DOUBT)) {
		store_op_fail(op, STORE_OK);
	} else if (op && (s->acquire || state == LEASE_LAPSED)) {
		/* It is being asked for already, or only a claim makes it ours again. */
		store_op_fail(op, STORE_REFUSED);
	} else if (op) {
		s->acquire = op;
		s->acquire_until_ns = clock_now_ns() + ACQUIRE_NS;
		store_lease_event(s, &(struct lease_event){ .type = LEASE_WANT });
	}
	store_leave(&s->base);
}
