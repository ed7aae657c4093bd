/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow/dtls_candidate.h"

#include <string.h>

#include "base/clock.h"
#include "engine/dtls/crypto.h"
#include "engine/walk/worker.h"

bool budget_take(uint64_t *due_ns, uint64_t now_ns, uint64_t each_ns, uint32_t burst)
{
	uint64_t due = *due_ns > now_ns ? *due_ns : now_ns;

	if (due - now_ns > (burst - 1) * each_ns)
		return false;
	*due_ns = due + each_ns;
	return true;
}

void dtls_refuse(struct worker *w, enum dtls_refusal why)
{
	metric_add(w->dtls.metrics.refused[why], 1);
}

struct dtls_candidate *candidate_at(struct worker *w, const struct flow *f, uint8_t place)
{
	return pool_get(&w->dtls.candidates, f->dtls.candidates[place]);
}

static pool_handle candidate_handle_of(struct worker *w, const struct dtls_candidate *c)
{
	const struct flow *f = flow_find(&w->flows, c->flow);

	assert(f);
	return f->dtls.candidates[c->place];
}

void dtls_state_update(struct worker *w, struct flow *f, bool failed)
{
	struct dtls_flow *d = &f->dtls;

	if (d->role == DTLS_NONE) {
		d->state = d->keyed ? DTLS_CONNECTED : DTLS_OFF;
		return;
	}
	if (d->keyed && d->keyed_association == d->association) {
		d->state = DTLS_CONNECTED;
		return;
	}
	for (uint8_t i = 0; i < DTLS_CANDIDATES; i++) {
		if (candidate_at(w, f, i)) {
			d->state = DTLS_HANDSHAKING;
			return;
		}
	}
	if (failed)
		d->state = DTLS_FAILED;
	else if (d->state != DTLS_FAILED)
		d->state = DTLS_WAITING;
}

void candidate_count(struct worker *w, const struct dtls_candidate *c, int change)
{
	w->dtls.running += (uint32_t)change;
	w->dtls.strange += c->place ? (uint32_t)change : 0;
}

static void candidate_forget(struct worker *w, struct flow *f, const struct dtls_candidate *c)
{
	pool_handle h = f->dtls.candidates[c->place];

	if (!c->done)
		candidate_count(w, c, -1);
	f->dtls.candidates[c->place] = 0;
	(void)pool_give(&w->dtls.candidates, h);
}

/* The thread forgets by itself what it is not told, because the ring is full. */
void candidate_end(struct worker *w, struct flow *f, struct dtls_candidate *c)
{
	struct crypto_request r = { .kind = CRYPTO_END, .association = candidate_handle_of(w, c) };

	(void)ring_push(&w->dtls.link->requests, &r);
	candidate_forget(w, f, c);
}

void candidates_end(struct worker *w, struct flow *f, const struct dtls_candidate *but)
{
	for (uint8_t i = 0; i < DTLS_CANDIDATES; i++) {
		struct dtls_candidate *c = candidate_at(w, f, i);

		if (c && c != but)
			candidate_end(w, f, c);
	}
}

static bool candidate_request(struct worker *w, struct crypto_request *r, struct bytes datagram)
{
	assert(datagram.n <= sizeof(r->datagram));
	r->length = (uint16_t)datagram.n;
	if (datagram.n > 0)
		memcpy(r->datagram, datagram.p, datagram.n);
	if (ring_push(&w->dtls.link->requests, r))
		return true;
	dtls_refuse(w, DTLS_REFUSED_RING);
	return false;
}

/* Each budget is asked only where those before it had something left. Half of what all flows share is kept for the parties' own
 * addresses: whoever shares a host with parties of many calls could else keep all of them waiting. */
static bool is_affordable(struct worker *w, struct flow *f, uint8_t place)
{
	struct dtls_worker *d = &w->dtls;
	uint64_t *due_ns = &f->dtls.begin_due_ns[place != 0];
	uint32_t burst = (uint32_t)(NS_PER_S / d->begin_every_ns);

	if (d->running >= d->running_max || (place && d->strange >= d->running_max / 2))
		dtls_refuse(w, DTLS_REFUSED_CAPACITY);
	else if (!budget_take(due_ns, w->now_ns, DTLS_BEGIN_EACH_S * NS_PER_S, DTLS_BEGIN_BURST))
		dtls_refuse(w, DTLS_REFUSED_FLOW_RATE);
	else if (!budget_take(&d->begin_due_ns, w->now_ns, d->begin_every_ns,
			      place && burst > 1 ? burst / 2 : burst))
		dtls_refuse(w, DTLS_REFUSED_RATE);
	else
		return true;
	return false;
}

static bool candidate_handshake(struct worker *w, struct flow *f, struct dtls_candidate *c,
				pool_handle h, struct bytes datagram)
{
	struct crypto_request r = { .kind = CRYPTO_BEGIN,
				    .association = h,
				    .call = f->call,
				    .role = f->dtls.role,
				    /* one line of a flow in the log */
				    .quiet = f->dtls.failed || f->dtls.state == DTLS_HANDSHAKING,
				    .peer = f->dtls.peer };
	struct dtls_candidate *before;

	if (!candidate_request(w, &r, datagram))
		return false;
	before = candidate_at(w, f, c->place);
	if (before)
		candidate_end(w, f, before);
	f->dtls.candidates[c->place] = h;
	candidate_count(w, c, 1);
	dtls_state_update(w, f, false);
	return true;
}

bool candidate_begin(struct worker *w, struct flow *f, uint8_t place, const struct addr *source,
		     struct bytes datagram)
{
	struct dtls_candidate *c;
	pool_handle h;

	if (!is_affordable(w, f, place))
		return false;
	c = pool_take(&w->dtls.candidates, &h);
	if (!c) {
		dtls_refuse(w, DTLS_REFUSED_CAPACITY);
		return false;
	}
	*c = (struct dtls_candidate){ .flow = f->id,
				      .source = *source,
				      .place = place,
				      .began_ns = w->now_ns,
				      .received_ns = w->now_ns };
	if (candidate_handshake(w, f, c, h, datagram))
		return true;
	(void)pool_give(&w->dtls.candidates, h);
	return false;
}

/* May be lost: the thread waits no longer than DTLS_HOLD_NS. */
void candidate_release(struct worker *w, const struct dtls_candidate *c)
{
	struct crypto_request r = { .kind = CRYPTO_FLIGHT,
				    .association = candidate_handle_of(w, c) };

	(void)candidate_request(w, &r, (struct bytes){ 0 });
}

bool candidates_release(struct worker *w, const struct flow *f)
{
	bool any = false;

	for (uint8_t i = 0; i < DTLS_CANDIDATES; i++) {
		const struct dtls_candidate *c = candidate_at(w, f, i);

		if (c && (c->told || c->done)) {
			candidate_release(w, c);
			any = true;
		}
	}
	return any;
}

void candidate_resume(struct worker *w, struct flow *f, const struct addr *source,
		      const struct media_flight *flight)
{
	pool_handle h;
	struct dtls_candidate *c = pool_take(&w->dtls.candidates, &h);
	struct crypto_request r = {
		.kind = CRYPTO_FLIGHT, .association = h, .call = f->call, .role = f->dtls.role
	};

	if (!c) {
		dtls_refuse(w, DTLS_REFUSED_CAPACITY);
		return;
	}
	if (!candidate_request(w, &r, bytes_mem(flight->octets, flight->length))) {
		(void)pool_give(&w->dtls.candidates, h);
		return;
	}
	*c = (struct dtls_candidate){ .flow = f->id,
				      .source = *source,
				      .began_ns = w->now_ns,
				      .received_ns = w->now_ns,
				      .proven = 1,
				      .told = 1,
				      .done = 1 };
	f->dtls.candidates[0] = h;
}

/* One that the thread cannot be told about begins anew. */
void candidates_expect(struct worker *w, struct flow *f)
{
	for (uint8_t i = 0; i < DTLS_CANDIDATES; i++) {
		struct dtls_candidate *c = candidate_at(w, f, i);
		struct crypto_request r = { .kind = CRYPTO_PEER,
					    .association = f->dtls.candidates[i],
					    .peer = f->dtls.peer };

		if (c && !candidate_request(w, &r, (struct bytes){ 0 }))
			candidate_end(w, f, c);
	}
}

bool candidate_feed(struct worker *w, struct dtls_candidate *c, struct bytes datagram)
{
	struct crypto_request r = { .kind = CRYPTO_DATAGRAM,
				    .association = candidate_handle_of(w, c) };

	if (!budget_take(&c->datagram_due_ns, w->now_ns, NS_PER_S / DTLS_DATAGRAMS_S,
			 DTLS_DATAGRAM_BURST)) {
		dtls_refuse(w, DTLS_REFUSED_FLOW_RATE);
		return false;
	}
	c->received_ns = w->now_ns;
	return candidate_request(w, &r, datagram);
}
