/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out what lease_step asks for. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/validity.h"
#include "cluster/store/state.h"

/* How long an acquisition waits for a link, and then for Redis. */
#define ACQUIRE_NS (2 * NS_PER_S)

enum { NUMBER_TEXT = 24 };

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

static void holder_note(struct store_shard *s, const struct store_answer *a)
{
	struct store_holder *h = &s->holder;
	long long left = redis_reply_integer(redis_reply_at(a->reply, 4));

	holder_text(h->node, sizeof(h->node), a, 3);
	holder_text(h->where, sizeof(h->where), a, 6);
	h->copy = bytes_is(redis_reply_text(redis_reply_at(a->reply, 5)), s->settings.identity.id);
	h->left_ms = left > 0 ? (uint64_t)left : 0;
}

static void question_finish(struct store_op *op, const struct store_answer *a)
{
	struct store_shard *s = store_shard_of(op);
	struct lease_event event = a->lease;
	bool acquire = s->lease.question == LEASE_SEND_ACQUIRE;

	event.kept = event.type == LEASE_GRANTED; /* one server */
	if (event.type == LEASE_GRANTED)
		event.epoch = (struct lease_epoch){ a->version, s->lease.epoch.incarnation };
	if (event.type == LEASE_GRANTED && redis_reply_count(a->reply) > 2)
		holder_text(s->run_id, sizeof(s->run_id), a, 2);
	if (event.type == LEASE_TAKEN)
		holder_note(s, a);
	store_lease_event(s, &event);
	if (acquire)
		acquire_answer(s, a->result);
}

static void lease_question_send(struct store_shard *s, enum lease_action question)
{
	static const enum script_id ids[] = {
		[LEASE_SEND_ACQUIRE] = SCRIPT_LEASE_ACQUIRE,
		[LEASE_SEND_ASSERT] = SCRIPT_LEASE_ASSERT,
		[LEASE_SEND_RENEW] = SCRIPT_LEASE_RENEW,
	};
	struct store_op *op = store_op_new(&s->base, sizeof(*op), question_finish);
	char key[STORE_KEY_MAX], fence_key[STORE_KEY_MAX], fence[LEASE_FENCE_TEXT];
	char text[4][NUMBER_TEXT];
	bool acquire = question == LEASE_SEND_ACQUIRE;
	const struct identity *own = &s->settings.identity;
	struct bytes args[10] = { store_key_shard(key, s, "lease"),
				  store_key_shard(fence_key, s, "fence"),
				  bytes_str(s->shared->settings.node),
				  [7] = bytes_str(own->id),
				  bytes_str(own->place),
				  bytes_str(own->where) };
	uint64_t numbers[] = { s->lease.epoch.incarnation,
			       acquire ? s->lease.heard : s->lease.epoch.counter,
			       s->lease.length_ns / NS_PER_MS, s->lease.link };
	struct script_call call = { .id = ids[question],
				    .args = args,
				    .keys = 2,
				    .n = COUNT_OF(args),
				    .deadline_ns = acquire ? ACQUIRE_NS : s->base.deadline_ns };

	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct writer w = writer_over(text[i], NUMBER_TEXT);

		writer_fmt(&w, i ? "%" PRIu64 : "%016" PRIx64, numbers[i]);
		args[3 + i] = writer_done(&w);
	}
	if (question == LEASE_SEND_RENEW) {
		args[1] = store_fence(s, fence);
		args[2] = args[5]; /* the length */
		call.keys = 1;
		call.n = 3;
	}
	if (!op)
		return;
	op->question = true;
	store_op_run(op, &call);
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
			 LOG_U64("epoch", s->lease.epoch.counter));
	}
	store_loads_resume(s, false);
	if (s->health_fn && !s->base.closing)
		s->health_fn(false, s->arg);
}

/* Those who send for the shard hear it before anybody else does. */
static void valid_until_tell(const struct store_shard *s)
{
	const struct store_shard_settings *to = &s->settings;

	if (to->validity)
		validity_set(to->validity, to->place,
			     atomic_load_explicit(&s->lease.valid_until_ns, memory_order_relaxed));
}

void store_lease_event(struct store_shard *s, const struct lease_event *event)
{
	unsigned actions = lease_step(&s->lease, event, clock_now_ns());
	unsigned question = actions & (LEASE_SEND_ACQUIRE | LEASE_SEND_ASSERT | LEASE_SEND_RENEW);

	valid_until_tell(s);
	if (question && !s->base.closing)
		lease_question_send(s, (enum lease_action)question);
	s->late = !(actions & LEASE_ANEW);
	if (actions & LEASE_HEALTHY)
		healthy(s);
	if (actions & (LEASE_DEGRADED | LEASE_FENCE))
		unhealthy(s, actions & LEASE_FENCE);
}

void store_shard_anew(struct store_shard *s)
{
	if (s->lease.state == LEASE_HELD || s->lease.state == LEASE_DOUBT)
		store_lease_event(s, &(struct lease_event){ .type = LEASE_MISSING });
}

/* ---- time ---- */

void store_lease_expire(struct store_shard *s, uint64_t now_ns)
{
	if (s->lease.next_ns <= now_ns)
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
	} else if (op && s->acquire) {
		store_op_fail(op, STORE_REFUSED); /* it is being asked for already */
	} else if (op) {
		s->acquire = op;
		s->acquire_until_ns = clock_now_ns() + ACQUIRE_NS;
		store_lease_event(s, &(struct lease_event){ .type = LEASE_WANT });
	}
	store_leave(&s->base);
}
