/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/dtls/crypto.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/dtls/crypto_state.h"

enum {
	AT_A_TIME = 16, /* requests of one worker before the next has its turn */
};

#define TELL_AGAIN_NS    (5 * NS_PER_MS)
#define FORGET_MARGIN_NS NS_PER_S /* the worker is to forget first */

/* ---- associations ---- */

static struct association *association_at(struct crypto *x, uint32_t worker, uint64_t handle)
{
	uint32_t index = (uint32_t)handle;

	assert(index < x->per_worker);
	return &x->list[(size_t)worker * x->per_worker + index];
}

static void running_set(struct crypto *x, uint32_t running)
{
	x->running = running;
	metric_set(x->metrics.running, running);
}

void association_forget(struct crypto *x, struct association *a)
{
	if (a->state == ASSOCIATION_RUNNING)
		running_set(x, x->running - 1);
	wheel_stop(&x->wheel, &a->timer);
	dtls_close(&a->dtls);
	a->state = ASSOCIATION_FREE;
	a->handle = 0;
}

static bool result_push(struct crypto *x, const struct association *a, struct crypto_result *r)
{
	r->association = a->handle;
	return ring_push(&x->links[a->worker].results, r);
}

static void flush(struct crypto *x, struct association *a)
{
	struct crypto_result r = { .kind = CRYPTO_SEND };

	while ((r.length = dtls_take(&a->dtls, r.datagram)) > 0)
		if (!result_push(x, a, &r))
			metric_add(x->metrics.lost, 1);
}

static bool result_tell(struct crypto *x, const struct association *a, enum crypto_result_kind kind)
{
	const struct dtls *d = &a->dtls;
	struct crypto_result r = { .kind = (uint8_t)kind,
				   .failure = d->failure,
				   .key_in = d->key_in,
				   .key_out = d->key_out };
	bool told;

	static_assert(sizeof(d->last) <= sizeof(r.datagram), "a flight fits into a result");
	if (d->held_until_ns) {
		r.length = d->last_n;
		memcpy(r.datagram, d->last, d->last_n);
	}
	told = result_push(x, a, &r);
	explicit_bzero(&r, sizeof(r));
	return told;
}

/* What waits goes nevertheless when its time is up; the end of all else is to be forgotten. */
static void done_wait(struct crypto *x, struct association *a, uint64_t now_ns)
{
	wheel_start(&x->wheel, &a->timer,
		    a->dtls.held_until_ns ? a->dtls.held_until_ns
					  : now_ns + CRYPTO_LINGER_NS + FORGET_MARGIN_NS);
}

static void outcome_tell(struct crypto *x, struct association *a, uint64_t now_ns)
{
	bool keyed = a->dtls.outcome == DTLS_DONE;

	if (!result_tell(x, a, keyed ? CRYPTO_KEYED : CRYPTO_FAILED)) {
		a->state = ASSOCIATION_TELLING;
		wheel_start(&x->wheel, &a->timer, now_ns + TELL_AGAIN_NS);
	} else if (keyed) {
		a->state = ASSOCIATION_DONE;
		explicit_bzero(&a->dtls.key_in, sizeof(a->dtls.key_in));
		explicit_bzero(&a->dtls.key_out, sizeof(a->dtls.key_out));
		done_wait(x, a, now_ns);
	} else {
		association_forget(x, a);
	}
}

static void end_note(struct crypto *x, const struct association *a)
{
	enum dtls_failure why = (enum dtls_failure)a->dtls.failure;

	if (a->dtls.outcome == DTLS_DONE) {
		metric_add(x->metrics.keyed, 1);
		return;
	}
	metric_add(x->metrics.failed[why], 1);
	if (!a->quiet)
		LOG_WARN("dtls", a->call, "a handshake failed; later ones of this flow are counted",
			 LOG_STR("reason", dtls_failure_name(why)));
}

/* As client: control saves the keys while the flight waits. */
static void handshake_go_on(struct crypto *x, struct association *a, uint64_t now_ns)
{
	bool untold = a->dtls.held_until_ns && !a->made;

	if (untold)
		a->made = result_tell(x, a, CRYPTO_MADE);
	wheel_start(&x->wheel, &a->timer,
		    untold && !a->made ? now_ns + TELL_AGAIN_NS : dtls_next_ns(&a->dtls, now_ns));
}

/* After each call to dtls_: what there is to send, and what comes next. */
static void advance(struct crypto *x, struct association *a, uint64_t now_ns)
{
	flush(x, a);
	if (a->state != ASSOCIATION_RUNNING)
		return;
	if (a->dtls.outcome == DTLS_GOES_ON) {
		handshake_go_on(x, a, now_ns);
		return;
	}
	running_set(x, x->running - 1);
	end_note(x, a);
	a->state = ASSOCIATION_TELLING;
	outcome_tell(x, a, now_ns);
}

/* ---- requests ---- */

static void feed(struct crypto *x, struct association *a, const struct crypto_request *r,
		 uint64_t now_ns)
{
	assert(r->length <= sizeof(r->datagram));
	if (r->length > 0)
		(void)dtls_receive(&a->dtls, bytes_mem(r->datagram, r->length), now_ns);
	advance(x, a, now_ns);
}

static void request_take(struct crypto *x, struct association *a, uint32_t worker,
			 const struct crypto_request *r, enum association_state state)
{
	if (a->state != ASSOCIATION_FREE)
		association_forget(x, a);
	*a = (struct association){ .handle = r->association,
				   .call = r->call,
				   .worker = worker,
				   .quiet = r->quiet,
				   .state = (uint8_t)state,
				   .timer.owner = (uint64_t)(a - x->list) };
}

static void association_begin(struct crypto *x, uint32_t worker, const struct crypto_request *r,
			      uint64_t now_ns)
{
	struct association *a = association_at(x, worker, r->association);

	request_take(x, a, worker, r, ASSOCIATION_RUNNING);
	running_set(x, x->running + 1);
	metric_add(x->metrics.begun, 1);
	if (dtls_open(&a->dtls, x->context, (enum media_dtls_role)r->role, &r->peer, now_ns)) {
		a->dtls.outcome = DTLS_BROKEN;
		a->dtls.failure = DTLS_FAILURE_MEMORY;
	}
	a->dtls.holds = 1;
	feed(x, a, r, now_ns);
}

static void resume(struct crypto *x, uint32_t worker, const struct crypto_request *r,
		   uint64_t now_ns)
{
	struct association *a = association_at(x, worker, r->association);

	request_take(x, a, worker, r, ASSOCIATION_DONE);
	dtls_resume(&a->dtls, (enum media_dtls_role)r->role, bytes_mem(r->datagram, r->length));
	flush(x, a);
	done_wait(x, a, now_ns);
}

static void association_release(struct crypto *x, struct association *a, uint64_t now_ns)
{
	bool held = a->dtls.held_until_ns;

	dtls_release(&a->dtls);
	advance(x, a, now_ns);
	if (held && a->state == ASSOCIATION_DONE)
		done_wait(x, a, now_ns);
}

static void request_do(struct crypto *x, uint32_t worker, const struct crypto_request *r,
		       uint64_t now_ns)
{
	struct association *a = association_at(x, worker, r->association);
	bool known = a->state != ASSOCIATION_FREE && a->handle == r->association;

	switch ((enum crypto_request_kind)r->kind) {
	case CRYPTO_BEGIN:
		association_begin(x, worker, r, now_ns);
		break;
	case CRYPTO_DATAGRAM:
		if (known)
			feed(x, a, r, now_ns);
		break;
	case CRYPTO_FLIGHT:
		if (known)
			association_release(x, a, now_ns);
		else
			resume(x, worker, r, now_ns);
		break;
	case CRYPTO_PEER:
		if (known)
			a->dtls.peer = r->peer;
		break;
	case CRYPTO_END:
		if (known)
			association_forget(x, a);
		break;
	}
}

static bool requests_drain(struct crypto *x, uint32_t worker, uint64_t now_ns)
{
	struct crypto_request r;
	uint32_t n = 0;

	while (n < AT_A_TIME && ring_pop(&x->links[worker].requests, &r, 1) == 1) {
		request_do(x, worker, &r, now_ns);
		n++;
	}
	return n > 0;
}

static void overdue_note(const struct crypto *x, const struct association *a, uint64_t now_ns)
{
	if (a->dtls.held_until_ns && now_ns >= a->dtls.held_until_ns)
		metric_add(x->metrics.unsaved, 1);
}

static void expire(struct crypto *x, struct association *a, uint64_t now_ns)
{
	overdue_note(x, a, now_ns);
	switch ((enum association_state)a->state) {
	case ASSOCIATION_FREE:
		break;
	case ASSOCIATION_RUNNING:
		(void)dtls_expire(&a->dtls, now_ns);
		advance(x, a, now_ns);
		break;
	case ASSOCIATION_TELLING:
		outcome_tell(x, a, now_ns);
		break;
	case ASSOCIATION_DONE:
		if (a->dtls.held_until_ns)
			association_release(x, a, now_ns);
		else
			association_forget(x, a);
		break;
	}
}

bool crypto_step(struct crypto *x, uint64_t now_ns)
{
	struct wheel_timer *t;
	bool busy = false;

	if (x->wheel.tick == 0)
		wheel_open(&x->wheel, now_ns);
	for (uint32_t i = 0; i < x->workers; i++)
		busy |= requests_drain(x, i, now_ns);
	while ((t = wheel_expire(&x->wheel, now_ns)) != NULL) {
		expire(x, &x->list[t->owner], now_ns);
		busy = true;
	}
	return busy;
}

uint32_t crypto_running(const struct crypto *x)
{
	return x->running;
}
