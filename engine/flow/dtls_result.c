/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow/dtls_result.h"

#include <string.h>

#include "base/clock.h"
#include "engine/dtls/crypto.h"
#include "engine/flow/dtls_candidate.h"
#include "engine/flow/latch.h"
#include "engine/flow/srtp_flow.h"
#include "engine/walk/event.h"
#include "engine/walk/originate.h"
#include "engine/walk/worker.h"

#define RETRY_NS     NS_PER_S /* of a client, and doubled with each failure */
#define RETRY_MAX_NS (32 * NS_PER_S)

enum { RESULTS_A_STEP = 64 };

/* NULL: there are none after all. */
static bool keys_tell(struct worker *w, struct flow *f, const struct media_key *in,
		      const struct media_key *out, struct bytes flight)
{
	struct media_event event = event_of(f, MEDIA_FLOW_KEYED);
	bool sent;

	if (in && out) {
		event.key_in = *in;
		event.key_out = *out;
	}
	event.association = f->dtls.association;
	if (flight.n <= sizeof(event.flight.octets)) {
		event.flight.length = (uint16_t)flight.n;
		if (flight.n > 0)
			memcpy(event.flight.octets, flight.p, flight.n);
	}
	sent = event_send(w, &event);
	explicit_bzero(&event, sizeof(event));
	return sent;
}

void dtls_keyed_tell(struct worker *w, struct flow *f, struct bytes flight)
{
	uint8_t was_due = f->dtls.keyed_due;

	f->dtls.keyed_due = f->dtls.keyed_association == f->dtls.association &&
			    !keys_tell(w, f, &f->dtls.key_in, &f->dtls.key_out, flight);
	w->dtls.due = w->dtls.due + f->dtls.keyed_due - was_due;
}

/* Whoever has the right certificate is the party: without ICE its address is worth as much as that of an authentic packet. */
static void party_latch(struct worker *w, struct flow *f, const struct addr *source)
{
	bool changed;

	if (!f->dtls.ice && latch_accept(f, CHANNEL_RTP, source, 0, w->now_ns, &changed) && changed)
		f->notice = 1;
}

/* A stream that cannot be opened: nothing passes, and control hears of it. */
static void keys_install(struct worker *w, struct flow *f, const struct dtls_flow *from)
{
	struct media_event event;
	int err;

	f->dtls.srtp_next = srtp_index_anew(f->dtls.srtp_next);
	err = srtp_flow_keys(f, &from->key_in, &from->key_out, &w->rand);
	if (!err)
		return;
	event = event_of(f, MEDIA_FLOW_FAILED);
	event.error = err;
	if (!event_send(w, &event))
		metric_add(w->metrics->events_lost, 1);
}

static void keys_install_all(struct worker *w, struct flow *owner)
{
	const struct dtls_flow *d = &owner->dtls;

	keys_install(w, owner, d);
	for (uint32_t at = d->bundled_first; at; at = w->flows.list[at - 1].dtls.bundled_next)
		keys_install(w, &w->flows.list[at - 1], d);
}

/* The keys are the flow's when the server has finished, too; but control has them before. */
static void made(struct worker *w, struct flow *f, struct dtls_candidate *c,
		 const struct crypto_result *r)
{
	c->told = keys_tell(w, f, &r->key_in, &r->key_out, bytes_mem(r->datagram, r->length));
	if (!c->told) /* a full ring delays no handshake */
		candidate_release(w, c);
}

static void keyed(struct worker *w, struct flow *f, struct dtls_candidate *c,
		  const struct crypto_result *r)
{
	struct dtls_flow *d = &f->dtls;

	candidates_end(w, f, c);
	candidate_count(w, c, -1);
	c->done = 1;
	c->began_ns = w->now_ns;
	d->key_in = r->key_in;
	d->key_out = r->key_out;
	d->keyed = 1;
	d->keyed_association = d->association;
	d->retry_wait_ns = 0;
	dtls_state_update(w, f, false);
	party_latch(w, f, &c->source);
	keys_install_all(w, f);
	if (!c->told)
		dtls_keyed_tell(w, f, bytes_mem(r->datagram, r->length));
}

/* What control was told is void, and so is what an update may have brought back of it. */
static void untell(struct worker *w, struct flow *f)
{
	struct dtls_flow *d = &f->dtls;

	d->keyed &= d->keyed_association != d->association;
	if (!keys_tell(w, f, NULL, NULL, (struct bytes){ 0 }))
		metric_add(w->metrics->events_lost, 1);
}

static void dtls_result_failed(struct worker *w, struct flow *f, struct dtls_candidate *c,
			       uint8_t why)
{
	struct dtls_flow *d = &f->dtls;
	uint8_t place = c->place;

	if (c->told)
		untell(w, f);
	candidate_count(w, c, -1);
	(void)pool_give(&w->dtls.candidates, d->candidates[place]);
	d->candidates[place] = 0;
	d->failed = 1;
	d->failure = why;
	dtls_state_update(w, f, true);
	if (d->role != DTLS_CLIENT)
		return;
	d->retry_wait_ns = d->retry_wait_ns ? 2 * d->retry_wait_ns : RETRY_NS;
	if (d->retry_wait_ns > RETRY_MAX_NS)
		d->retry_wait_ns = RETRY_MAX_NS;
	d->retry_ns = w->now_ns + d->retry_wait_ns;
	w->dtls.due++;
}

/* With ICE to where the party's checks have shown it to be, and as long as they come (RFC 7675 5.1): whoever makes us begin a handshake
 * cannot have it retransmitted to an address that he has left. */
static bool has_consent(struct worker *w, const struct flow *f, const struct dtls_candidate *c)
{
	return !f->dtls.ice || ice_find(&worker_transport(w, f)->ice, CHANNEL_RTP, &c->source);
}

static void result(struct worker *w, const struct crypto_result *r)
{
	struct dtls_candidate *c = pool_get(&w->dtls.candidates, r->association);
	struct flow *f = c ? flow_find(&w->flows, c->flow) : NULL;

	if (!f)
		return; /* given up meanwhile */
	switch ((enum crypto_result_kind)r->kind) {
	case CRYPTO_SEND:
		if (has_consent(w, f, c))
			(void)originate_datagram(w, f, PKT_DTLS, &c->source,
						 bytes_mem(r->datagram, r->length));
		break;
	case CRYPTO_MADE:
		made(w, f, c, r);
		break;
	case CRYPTO_KEYED:
		keyed(w, f, c, r);
		break;
	case CRYPTO_FAILED:
		dtls_result_failed(w, f, c, r->failure);
		break;
	}
}

void dtls_results(struct worker *w)
{
	struct crypto_result r;
	uint32_t n = 0;

	if (!w->dtls.link || ring_is_empty(&w->dtls.link->results))
		return;
	while (n < RESULTS_A_STEP && ring_pop(&w->dtls.link->results, &r, 1) == 1) {
		result(w, &r);
		n++;
	}
	explicit_bzero(&r, sizeof(r));
	originate_flush(w);
}

bool dtls_sleep(struct worker *w)
{
	return !w->dtls.link || ring_sleep(&w->dtls.link->results);
}

void dtls_awake(struct worker *w)
{
	if (w->dtls.link)
		ring_awake(&w->dtls.link->results);
}
