/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decides about DTLS handshakes of flows: which source may be a candidate, which datagrams go to
 * the crypto thread, when we begin as client, and what its results change (keys, latch,
 * MEDIA_FLOW_KEYED). Anybody can send ClientHellos, so candidates, places and a set of budgets
 * bound the work per flow and for the worker, and the signalled address always has a place of its
 * own. Keys are held back until control has saved them, so a restart never loses keys that the
 * party already uses.
 */

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "engine/dtls/crypto.h"
#include "engine/dtls/dtls.h"
#include "engine/worker/bundle.h"
#include "engine/worker/control.h"
#include "engine/worker/dtls_flow.h"
#include "engine/worker/latch.h"
#include "engine/worker/originate.h"
#include "engine/worker/srtp_flow.h"
#include "engine/worker/worker.h"

/* A source that may be the party, for the worker; the crypto thread has the association itself. */

struct dtls_candidate {
	struct flow_id flow;
	struct addr source;
	uint64_t mark; /* of its ClientHello; 0: not known yet */
	uint64_t began_ns, received_ns;
	uint64_t datagram_due_ns; /* budget_consume */
	uint8_t place;            /* in dtls_flow.candidates */
	uint8_t proven;           /* 1: it answered what was sent to its address */
	uint8_t told;             /* 1: control has its keys */
	/* 1: the flow has its keys; kept for a party that missed the last flight. */
	uint8_t done;
};

/* Takes one from a budget that refills steadily, at most `burst`. *due_ns: its state, 0 when
 * full. */
static bool budget_consume(uint64_t *due_ns, uint64_t now_ns, uint64_t each_ns, uint32_t burst)
{
	uint64_t due = *due_ns > now_ns ? *due_ns : now_ns;

	if (due - now_ns > (burst - 1) * each_ns)
		return false;
	*due_ns = due + each_ns;
	return true;
}

static void dtls_refuse(struct worker *w, enum dtls_refusal why)
{
	metric_add(w->dtls.metrics.refused[why], 1);
}

static struct dtls_candidate *candidate_at(struct worker *w, const struct flow *f, uint8_t place)
{
	return pool_get(&w->dtls.candidates, f->dtls->candidates[place]);
}

static pool_handle candidate_handle_of(struct worker *w, const struct dtls_candidate *c)
{
	const struct flow *f = flow_find(&w->flows, c->flow);

	assert(f);
	return f->dtls->candidates[c->place];
}

/* The state of its handshakes in flow_stats. */
static void dtls_state_update(struct worker *w, struct flow *f, bool failed)
{
	struct dtls_flow *d = f->dtls;

	if (d->role == DTLS_NONE) {
		uint8_t state = d->keyed ? DTLS_CONNECTED : DTLS_OFF;

		flow_rare_set(&d->state, &state, sizeof(state));
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

/* A handshake of it is under way from now on, or not any more. */
static void candidate_count(struct worker *w, const struct dtls_candidate *c, int change)
{
	w->dtls.running += (uint32_t)change;
	w->dtls.strange += c->place ? (uint32_t)change : 0;
}

static void candidate_forget(struct worker *w, struct flow *f, const struct dtls_candidate *c)
{
	pool_handle h = f->dtls->candidates[c->place];

	if (!c->done)
		candidate_count(w, c, -1);
	f->dtls->candidates[c->place] = 0;
	(void)pool_free(&w->dtls.candidates, h);
}

/* If the end of an association does not fit into the ring, the thread forgets it by itself. */
static void candidate_end(struct worker *w, struct flow *f, struct dtls_candidate *c)
{
	struct crypto_request r = { .kind = CRYPTO_END, .association = candidate_handle_of(w, c) };

	(void)ring_push(&w->dtls.link->requests, &r);
	candidate_forget(w, f, c);
}

/* All but that one, which may be NULL. */
static void candidates_end(struct worker *w, struct flow *f, const struct dtls_candidate *but)
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

/* A budget is only asked if those before it had something left. Half of what all flows share is
 * reserved for parties' own addresses: otherwise a host that is party to many calls could delay all
 * the others. */
static bool is_affordable(struct worker *w, struct flow *f, uint8_t place)
{
	struct dtls_worker *d = &w->dtls;
	uint64_t *due_ns = &f->dtls->start_due_ns[place != 0];
	uint32_t burst = (uint32_t)(NS_PER_S / d->start_every_ns);

	if (d->running >= d->running_max || (place && d->strange >= d->running_max / 2))
		dtls_refuse(w, DTLS_REFUSED_CAPACITY);
	else if (!budget_consume(due_ns, w->now_ns, DTLS_START_EACH_S * NS_PER_S, DTLS_START_BURST))
		dtls_refuse(w, DTLS_REFUSED_FLOW_RATE);
	else if (!budget_consume(&d->start_due_ns, w->now_ns, d->start_every_ns,
				 place && burst > 1 ? burst / 2 : burst))
		dtls_refuse(w, DTLS_REFUSED_RATE);
	else
		return true;
	return false;
}

static bool candidate_handshake(struct worker *w, struct flow *f, struct dtls_candidate *c,
				pool_handle h, struct bytes datagram)
{
	struct crypto_request r = { .kind = CRYPTO_START,
				    .association = h,
				    .call = f->call,
				    .role = f->dtls->role,
				    /* one line of a flow in the log */
				    .quiet = f->dtls->failed || f->dtls->state == DTLS_HANDSHAKING,
				    .peer = f->dtls->peer };
	struct dtls_candidate *before;

	if (!candidate_request(w, &r, datagram))
		return false;
	before = candidate_at(w, f, c->place);
	if (before)
		candidate_end(w, f, before);
	f->dtls->candidates[c->place] = h;
	candidate_count(w, c, 1);
	dtls_state_update(w, f, false);
	return true;
}

/* Begins a handshake in this place of the flow, replacing its candidate; datagram: the first one,
 * may be empty. False: refused, counted, and nothing changed. */
static bool candidate_start(struct worker *w, struct flow *f, uint8_t place,
			    const struct addr *source, struct bytes datagram)
{
	struct dtls_candidate *c;
	pool_handle h;

	if (!is_affordable(w, f, place))
		return false;
	c = pool_alloc(&w->dtls.candidates, &h);
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
	(void)pool_free(&w->dtls.candidates, h);
	return false;
}

/* Lets the thread send what it holds back. May be lost: it waits no longer than DTLS_HOLD_NS. */
static void candidate_release(struct worker *w, const struct dtls_candidate *c)
{
	struct crypto_request r = { .kind = CRYPTO_FLIGHT,
				    .association = candidate_handle_of(w, c) };

	(void)candidate_request(w, &r, (struct bytes){ 0 });
}

/* For all candidates with keys known to control. False: there is no such one. */
static bool candidates_release(struct worker *w, const struct flow *f)
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

/* Completed by a previous process: sends its flight, and again when the party there asks. */
static void candidate_resume(struct worker *w, struct flow *f, const struct addr *source,
			     const struct media_flight *flight)
{
	pool_handle h;
	struct dtls_candidate *c = pool_alloc(&w->dtls.candidates, &h);
	struct crypto_request r = {
		.kind = CRYPTO_FLIGHT, .association = h, .call = f->call, .role = f->dtls->role
	};

	if (!c) {
		dtls_refuse(w, DTLS_REFUSED_CAPACITY);
		return;
	}
	if (!candidate_request(w, &r, bytes_mem(flight->octets, flight->length))) {
		(void)pool_free(&w->dtls.candidates, h);
		return;
	}
	*c = (struct dtls_candidate){ .flow = f->id,
				      .source = *source,
				      .began_ns = w->now_ns,
				      .received_ns = w->now_ns,
				      .proven = 1,
				      .told = 1,
				      .done = 1 };
	f->dtls->candidates[0] = h;
}

/* The party's fingerprint changed: for all candidates that have not seen its certificate yet. One
 * that the thread cannot be told about begins anew. */
static void candidates_expect(struct worker *w, struct flow *f)
{
	for (uint8_t i = 0; i < DTLS_CANDIDATES; i++) {
		struct dtls_candidate *c = candidate_at(w, f, i);
		struct crypto_request r = { .kind = CRYPTO_PEER,
					    .association = f->dtls->candidates[i],
					    .peer = f->dtls->peer };

		if (c && !candidate_request(w, &r, (struct bytes){ 0 }))
			candidate_end(w, f, c);
	}
}

/* One more datagram of it. False: refused, and counted. */
static bool candidate_feed(struct worker *w, struct dtls_candidate *c, struct bytes datagram)
{
	struct crypto_request r = { .kind = CRYPTO_DATAGRAM,
				    .association = candidate_handle_of(w, c) };

	if (!budget_consume(&c->datagram_due_ns, w->now_ns, NS_PER_S / DTLS_DATAGRAMS_S,
			    DTLS_DATAGRAM_BURST)) {
		dtls_refuse(w, DTLS_REFUSED_FLOW_RATE);
		return false;
	}
	c->received_ns = w->now_ns;
	return candidate_request(w, &r, datagram);
}

#define RETRY_NS     NS_PER_S /* of a client, and doubled with each failure */
#define RETRY_MAX_NS (32 * NS_PER_S)

enum { RESULTS_A_STEP = 64 };

/* NULL: the keys are void. */
static bool keys_notify(struct worker *w, struct flow *f, const struct media_key *in,
			const struct media_key *out, struct bytes flight)
{
	struct media_event event = event_of(f, MEDIA_FLOW_KEYED);
	bool sent;

	if (in && out) {
		event.key_in = *in;
		event.key_out = *out;
	}
	event.association = f->dtls->association;
	if (flight.n <= sizeof(event.flight.octets)) {
		event.flight.length = (uint16_t)flight.n;
		if (flight.n > 0)
			memcpy(event.flight.octets, flight.p, flight.n);
	}
	sent = event_send(w, &event);
	explicit_bzero(&event, sizeof(event));
	return sent;
}

/* MEDIA_FLOW_KEYED; while the ring is full dtls_flow.keyed_due stays set, and it is sent later
 * without a flight. */
static void dtls_keyed_notify(struct worker *w, struct flow *f, struct bytes flight)
{
	uint8_t was_due = f->dtls->keyed_due;

	f->dtls->keyed_due = f->dtls->keyed_association == f->dtls->association &&
			     !keys_notify(w, f, &f->dtls->key_in, &f->dtls->key_out, flight);
	w->dtls.due = w->dtls.due + f->dtls->keyed_due - was_due;
}

/* The right certificate proves the party: without ICE its address counts like an authentic one. */
static void party_latch(struct worker *w, struct flow *f, const struct addr *source)
{
	bool changed;

	if (!f->dtls->ice && latch_accept(f, CHANNEL_RTP, source, 0, w->now_ns, &changed) &&
	    changed)
		f->notice = 1;
}

/* If a stream cannot be opened nothing passes, and control is told. */
static void keys_install(struct worker *w, struct flow *f, const struct dtls_flow *from)
{
	struct media_event event;
	int err;

	f->dtls->srtp_next = srtp_index_anew(f->dtls->srtp_next);
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
	const struct dtls_flow *d = owner->dtls;

	keys_install(w, owner, d);
	for (uint32_t at = d->bundled_first; at; at = w->flows.list[at - 1].dtls->bundled_next)
		keys_install(w, &w->flows.list[at - 1], d);
}

/* The keys are the flow's when the server has finished, too; but control has them before. */
static void made(struct worker *w, struct flow *f, struct dtls_candidate *c,
		 const struct crypto_result *r)
{
	c->told = keys_notify(w, f, &r->key_in, &r->key_out, bytes_mem(r->datagram, r->length));
	if (!c->told) /* a full ring delays no handshake */
		candidate_release(w, c);
}

static void keyed(struct worker *w, struct flow *f, struct dtls_candidate *c,
		  const struct crypto_result *r)
{
	struct dtls_flow *d = f->dtls;

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
		dtls_keyed_notify(w, f, bytes_mem(r->datagram, r->length));
}

/* The keys reported to control are void, and so is what an update may have brought back. */
static void untell(struct worker *w, struct flow *f)
{
	struct dtls_flow *d = f->dtls;

	d->keyed &= d->keyed_association != d->association;
	if (!keys_notify(w, f, NULL, NULL, (struct bytes){ 0 }))
		metric_add(w->metrics->events_lost, 1);
}

static void dtls_result_failed(struct worker *w, struct flow *f, struct dtls_candidate *c,
			       uint8_t why)
{
	struct dtls_flow *d = f->dtls;
	uint8_t place = c->place;

	if (c->told)
		untell(w, f);
	candidate_count(w, c, -1);
	(void)pool_free(&w->dtls.candidates, d->candidates[place]);
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

/* With ICE: to where the party's checks have shown it, and as long as they come (RFC 7675 5.1). So
 * nobody can start a handshake and have us retransmit to an address that it has left. */
static bool has_consent(struct worker *w, const struct flow *f, const struct dtls_candidate *c)
{
	return !f->dtls->ice || ice_find(&worker_transport(w, f)->ice, CHANNEL_RTP, &c->source);
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

#define STALE_NS     (2 * NS_PER_S) /* a handshake stalled for so long may be replaced */
#define FORGOTTEN_NS (DTLS_DEADLINE_NS + 2 * NS_PER_S) /* the thread has given it up before */

/* ---- sources that may begin ---- */

static bool is_partys_own(const struct flow *f, const struct addr *from)
{
	return f->dtls->ice || addr_eq(from, &f->remote[CHANNEL_RTP]) ||
	       addr_eq(from, &f->latch_rtp.source);
}

static struct dtls_candidate *candidate_from(struct worker *w, const struct flow *f,
					     const struct addr *from)
{
	for (uint8_t i = 0; i < DTLS_CANDIDATES; i++) {
		struct dtls_candidate *c = candidate_at(w, f, i);

		if (c && (f->dtls->ice || addr_eq(&c->source, from)))
			return c;
	}
	return NULL;
}

/* A place for a new source, free or held longest without progress. -1: no place. */
static int dtls_place_of(struct worker *w, const struct flow *f, const struct addr *from)
{
	uint64_t oldest_ns = UINT64_MAX;
	int place = -1;

	if (is_partys_own(f, from))
		return 0;
	for (uint8_t i = 1; i < DTLS_CANDIDATES; i++) {
		const struct dtls_candidate *c = candidate_at(w, f, i);

		if (!c)
			return i;
		if (w->now_ns - c->received_ns >= STALE_NS && c->began_ns < oldest_ns) {
			oldest_ns = c->began_ns;
			place = i;
		}
	}
	return place;
}

/* Another ClientHello from this source: a restart, or the first one was forged. */
static bool is_restart(const struct dtls_candidate *c, uint64_t mark, uint64_t now_ns)
{
	return mark && c->mark && mark != c->mark &&
	       (!c->proven || now_ns - c->received_ns >= STALE_NS);
}

/* ---- datagrams ---- */

static bool dtls_server_start(struct worker *w, struct flow *f, const struct pkt *p, int place,
			      uint64_t mark)
{
	if (place < 0) {
		dtls_refuse(w, DTLS_REFUSED_FLOW_RATE);
		return false;
	}
	if (!candidate_start(w, f, (uint8_t)place, &p->from, bytes_mem(p->data, p->length)))
		return false;
	candidate_at(w, f, (uint8_t)place)->mark = mark;
	return true;
}

static bool server_receive(struct worker *w, struct flow *f, const struct pkt *p)
{
	struct bytes in = bytes_mem(p->data, p->length);
	struct dtls_candidate *c = candidate_from(w, f, &p->from);
	uint64_t mark;
	bool hello = dtls_record_is_hello(in, &mark);

	if (!c && hello && f->dtls->peer.hash != MEDIA_HASH_NONE)
		return dtls_server_start(w, f, p, dtls_place_of(w, f, &p->from), mark);
	if (!c) {
		dtls_refuse(w, DTLS_REFUSED_UNEXPECTED);
		return false;
	}
	if (is_restart(c, mark, w->now_ns))
		return dtls_server_start(w, f, p, c->place, mark);
	if (mark)
		c->mark = mark;
	if (!hello)
		c->proven = 1;
	c->source = p->from;
	return candidate_feed(w, c, in);
}

/* From the address we asked; for a party behind NAT also from another port, until one has
 * answered. */
static bool dtls_is_answer(const struct flow *f, const struct dtls_candidate *c,
			   const struct addr *from)
{
	if (f->dtls->ice || addr_eq(&c->source, from))
		return true;
	return !c->proven && f->latch_mode != LATCH_STRICT && addr_ip_eq(&c->source, from);
}

static bool client_receive(struct worker *w, struct flow *f, const struct pkt *p)
{
	struct bytes in = bytes_mem(p->data, p->length);
	struct dtls_candidate *c = candidate_at(w, f, 0);
	uint64_t mark;

	if (!c || dtls_record_is_hello(in, &mark) || !dtls_is_answer(f, c, &p->from)) {
		dtls_refuse(w, DTLS_REFUSED_UNEXPECTED);
		return false;
	}
	c->proven = 1;
	c->source = p->from;
	return candidate_feed(w, c, in);
}

/* With keys, only a party that missed our last flight is answered: a new association is control's
 * decision (RFC 8842 3). */
static bool connected_receive(struct worker *w, struct flow *f, const struct pkt *p)
{
	struct bytes in = bytes_mem(p->data, p->length);
	struct dtls_candidate *c = candidate_from(w, f, &p->from);

	if (c && (f->dtls->role == DTLS_CLIENT || dtls_record_is_finished(in))) {
		c->source = p->from;
		return candidate_feed(w, c, in);
	}
	dtls_refuse(w, DTLS_REFUSED_UNEXPECTED);
	return false;
}

static enum verdict dtls_pkt_receive(struct worker *w, const struct pkt *p)
{
	struct flow *f = p->flow;
	bool taken;

	if (f->dtls->role == DTLS_NONE || !w->dtls.link)
		return VERDICT_NOT_RTP;
	if (p->length > DTLS_DATAGRAM_MAX) {
		dtls_refuse(w, DTLS_REFUSED_LENGTH);
		return VERDICT_DTLS_REFUSED;
	}
	if (f->dtls->state == DTLS_CONNECTED)
		taken = connected_receive(w, f, p);
	else if (f->dtls->role == DTLS_SERVER)
		taken = server_receive(w, f, p);
	else
		taken = client_receive(w, f, p);
	return taken ? VERDICT_DTLS : VERDICT_DTLS_REFUSED;
}

void dtls_stage(struct worker *w, struct batch *b)
{
	BATCH_REST(p, b)
	if (UNLIKELY(p->kind == PKT_DTLS && p->verdict == VERDICT_NONE))
		p->verdict = (uint8_t)dtls_pkt_receive(w, p);
}

/* ---- clients ---- */

static bool is_client_due(const struct flow *f)
{
	return f->dtls->role == DTLS_CLIENT && f->dtls->peer.hash != MEDIA_HASH_NONE &&
	       (f->dtls->state == DTLS_WAITING || f->dtls->state == DTLS_FAILED);
}

static void dtls_client_start(struct worker *w, struct flow *f)
{
	const struct addr *to = flow_rtp_to(f);

	if (w->dtls.link && to && is_client_due(f) && w->now_ns >= f->dtls->retry_ns)
		(void)candidate_start(w, f, 0, to, (struct bytes){ 0 });
}

/* A handshake in progress continues at the other address: it is the same party. */
static void candidate_move(struct worker *w, const struct flow *f)
{
	const struct addr *to = flow_rtp_to(f);
	struct dtls_candidate *c = w->dtls.link ? candidate_at(w, f, 0) : NULL;

	if (to && c && f->dtls->ice)
		c->source = *to;
}

void dtls_flow_pair(struct worker *w, struct flow *f)
{
	bool was_due = is_client_due(f);

	candidate_move(w, f);
	dtls_client_start(w, f);
	w->dtls.due -= was_due && !is_client_due(f);
}

/* ---- flows ---- */

static bool dtls_has_keys(const struct flow_spec *spec)
{
	return spec->key_in.suite != MEDIA_SUITE_NONE && spec->key_out.suite != MEDIA_SUITE_NONE;
}

/* Keys in a spec with a role come from a completed handshake: of this process or the one before. */
static void keys_note(struct flow *f, const struct flow_spec *spec)
{
	struct dtls_flow *d = f->dtls;

	if (d->keyed || d->role == DTLS_NONE || !dtls_has_keys(spec))
		return;
	d->keyed = 1;
	d->keyed_association = spec->dtls.association;
	d->key_in = spec->key_in;
	d->key_out = spec->key_out;
}

static void dtls_spec_apply(struct flow *f, const struct flow_spec *spec)
{
	struct dtls_flow d = *f->dtls;

	d.role = spec->bundle.generation ? DTLS_NONE : spec->dtls.role;
	d.association = spec->dtls.association;
	d.ice = spec->ice.on;
	d.peer = spec->dtls.peer;
	d.srtp_next = spec->resume.srtp_next;
	d.srtcp_next = spec->resume.srtcp_next;
	flow_rare_set(f->dtls, &d, sizeof(d));
}

int dtls_flow_open(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	dtls_spec_apply(f, spec);
	keys_note(f, spec);
	dtls_state_update(w, f, false);
	dtls_client_start(w, f);
	w->dtls.due += is_client_due(f);
	return spec->bundle.generation ? dtls_bundle_set(w, f, spec->bundle) : 0;
}

/* Whether the new spec means another handshake than the present one. */
static bool handshake_is_new(const struct dtls_flow *d, const struct flow_spec *spec)
{
	uint8_t role = spec->bundle.generation ? DTLS_NONE : spec->dtls.role;

	return role != d->role || spec->dtls.association != d->association;
}

int dtls_flow_update(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	struct dtls_flow *d = f->dtls;
	bool anew = handshake_is_new(d, spec);
	bool other = memcmp(&spec->dtls.peer, &d->peer, sizeof(d->peer)) != 0;

	w->dtls.due -= is_client_due(f);
	if (anew) {
		if (w->dtls.link)
			candidates_end(w, f, NULL);
		d->state = DTLS_WAITING;
		d->retry_ns = d->retry_wait_ns = 0;
	}
	dtls_spec_apply(f, spec);
	/* an early candidate came before the party's fingerprint */
	if (other && w->dtls.link && d->state != DTLS_CONNECTED)
		candidates_expect(w, f);
	if (d->keyed && d->role == DTLS_NONE && !spec->bundle.generation)
		d->keyed = 0; /* the keys of the spec are the flow's again */
	keys_note(f, spec);
	dtls_state_update(w, f, false);
	dtls_client_start(w, f);
	w->dtls.due += is_client_due(f);
	if (spec->bundle.generation)
		return dtls_bundle_set(w, f, spec->bundle);
	dtls_bundle_leave(w, f);
	return 0;
}

void dtls_flow_close(struct worker *w, struct flow *f)
{
	static const struct dtls_flow nothing;
	struct dtls_flow *d = f->dtls;

	w->dtls.due -= (uint32_t)is_client_due(f) + d->keyed_due;
	if (w->dtls.link)
		candidates_end(w, f, NULL);
	dtls_bundle_leave(w, f);
	dtls_bundle_end(w, f);
	if (memcmp(d, &nothing, sizeof(nothing)) != 0)
		explicit_bzero(d, sizeof(*d));
}

void dtls_flow_flight(struct worker *w, struct flow *f, uint8_t association,
		      const struct media_flight *flight)
{
	const struct addr nowhere = { 0 }, *to = flow_rtp_to(f);

	if (!to && f->dtls->ice)
		to = &nowhere; /* until the party asks, from where its checks have shown it to be */
	if (!w->dtls.link || association != f->dtls->association || candidates_release(w, f))
		return;
	if (to && flight->length > 0 && flight->length <= MEDIA_FLIGHT_MAX &&
	    f->dtls->role != DTLS_NONE && f->dtls->state == DTLS_CONNECTED)
		candidate_resume(w, f, to, flight);
}

/* ---- time ---- */

/* Frees completed candidates once no request for them can come, and those that the thread did not
 * report as ended. */
static void candidates_tick(struct worker *w, uint64_t now_ns)
{
	struct dtls_candidate *c;
	uint32_t cursor = 0;
	pool_handle h;

	while ((c = pool_next(&w->dtls.candidates, &cursor, &h)) != NULL) {
		struct flow *f = flow_find(&w->flows, c->flow);

		assert(f);
		if (now_ns - c->began_ns < (c->done ? CRYPTO_LINGER_NS : FORGOTTEN_NS))
			continue;
		candidate_end(w, f, c);
		dtls_state_update(w, f, true);
		w->dtls.due += is_client_due(f);
	}
}

void dtls_tick(struct worker *w, uint64_t now_ns)
{
	if (!w->dtls.link)
		return;
	if (w->dtls.candidates.in_use > 0)
		candidates_tick(w, now_ns);
	for (uint32_t i = 0; w->dtls.due > 0 && i < w->flows.count; i++) {
		struct flow *f = &w->flows.list[w->flows.active[i]];

		dtls_flow_pair(w, f);
		if (f->dtls->keyed_due)
			dtls_keyed_notify(w, f, (struct bytes){ 0 });
	}
}

int dtls_worker_open(struct worker *w, struct crypto *x, uint32_t index, uint32_t share)
{
	struct dtls_worker *d = &w->dtls;
	int err;

	*d = (struct dtls_worker){ 0 };
	if (!x)
		return 0;
	crypto_metrics_register(&d->metrics);
	err = pool_open(&d->candidates, sizeof(struct dtls_candidate), crypto_associations_of(x));
	if (err)
		return err;
	d->link = crypto_link_of(x, index, w->commands.wake_fd);
	d->running_max = CRYPTO_HANDSHAKES / share;
	d->start_every_ns = share * NS_PER_S / CRYPTO_HANDSHAKES_S;
	return d->link ? 0 : -EMFILE;
}

void dtls_worker_close(struct worker *w)
{
	if (w->dtls.candidates.slots)
		pool_close(&w->dtls.candidates);
	w->dtls = (struct dtls_worker){ 0 };
}
