/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow/dtls_flow.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "engine/dtls/crypto.h"
#include "engine/dtls/dtls.h"
#include "engine/flow/dtls_bundle.h"
#include "engine/flow/dtls_candidate.h"
#include "engine/flow/dtls_result.h"
#include "engine/walk/worker.h"

#define STALE_NS \
	(2 *     \
	 NS_PER_S) /* a handshake that stands still for so long may be begun anew, or give its place up */
#define FORGOTTEN_NS (DTLS_DEADLINE_NS + 2 * NS_PER_S) /* the thread has given it up before */

/* ---- who may begin ---- */

static bool is_partys_own(const struct flow *f, const struct addr *from)
{
	return f->dtls.ice || addr_eq(from, &f->remote[CHANNEL_RTP]) ||
	       addr_eq(from, &f->latch_rtp.source);
}

static struct dtls_candidate *candidate_from(struct worker *w, const struct flow *f,
					     const struct addr *from)
{
	for (uint8_t i = 0; i < DTLS_CANDIDATES; i++) {
		struct dtls_candidate *c = candidate_at(w, f, i);

		if (c && (f->dtls.ice || addr_eq(&c->source, from)))
			return c;
	}
	return NULL;
}

/* A place for a source that has none. Of those that others took, the longest held one that does not get on. -1: none. */
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

/* Another ClientHello of the same source: the party has restarted, or somebody spoke in its name before it did. */
static bool is_restart(const struct dtls_candidate *c, uint64_t mark, uint64_t now_ns)
{
	return mark && c->mark && mark != c->mark &&
	       (!c->proven || now_ns - c->received_ns >= STALE_NS);
}

/* ---- datagrams ---- */

static bool server_begin(struct worker *w, struct flow *f, const struct pkt *p, int place,
			 uint64_t mark)
{
	if (place < 0) {
		dtls_refuse(w, DTLS_REFUSED_FLOW_RATE);
		return false;
	}
	if (!candidate_begin(w, f, (uint8_t)place, &p->from, bytes_mem(p->data, p->length)))
		return false;
	candidate_at(w, f, (uint8_t)place)->mark = mark;
	return true;
}

static bool server_take(struct worker *w, struct flow *f, const struct pkt *p)
{
	struct bytes in = bytes_mem(p->data, p->length);
	struct dtls_candidate *c = candidate_from(w, f, &p->from);
	uint64_t mark;
	bool hello = dtls_record_is_hello(in, &mark);

	if (!c && hello && f->dtls.peer.hash != MEDIA_HASH_NONE)
		return server_begin(w, f, p, dtls_place_of(w, f, &p->from), mark);
	if (!c) {
		dtls_refuse(w, DTLS_REFUSED_UNEXPECTED);
		return false;
	}
	if (is_restart(c, mark, w->now_ns))
		return server_begin(w, f, p, c->place, mark);
	if (mark)
		c->mark = mark;
	if (!hello)
		c->proven = 1;
	c->source = p->from;
	return candidate_feed(w, c, in);
}

/* Of whom we asked; of a party behind NAT also from another port, until one has answered. */
static bool dtls_is_answer(const struct flow *f, const struct dtls_candidate *c,
			   const struct addr *from)
{
	if (f->dtls.ice || addr_eq(&c->source, from))
		return true;
	return !c->proven && f->latch_mode != LATCH_STRICT && addr_ip_eq(&c->source, from);
}

static bool client_take(struct worker *w, struct flow *f, const struct pkt *p)
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

/* After the keys nothing is heard any more but who did not hear our last flight: another association is for control to say (RFC 8842 3). */
static bool connected_take(struct worker *w, struct flow *f, const struct pkt *p)
{
	struct bytes in = bytes_mem(p->data, p->length);
	struct dtls_candidate *c = candidate_from(w, f, &p->from);

	if (c && (f->dtls.role == DTLS_CLIENT || dtls_record_is_finished(in))) {
		c->source = p->from;
		return candidate_feed(w, c, in);
	}
	dtls_refuse(w, DTLS_REFUSED_UNEXPECTED);
	return false;
}

static enum verdict dtls_pkt_take(struct worker *w, const struct pkt *p)
{
	struct flow *f = p->flow;
	bool taken;

	if (f->dtls.role == DTLS_NONE || !w->dtls.link)
		return VERDICT_NOT_RTP;
	if (p->length > DTLS_DATAGRAM_MAX) {
		dtls_refuse(w, DTLS_REFUSED_LENGTH);
		return VERDICT_DTLS_REFUSED;
	}
	if (f->dtls.state == DTLS_CONNECTED)
		taken = connected_take(w, f, p);
	else if (f->dtls.role == DTLS_SERVER)
		taken = server_take(w, f, p);
	else
		taken = client_take(w, f, p);
	return taken ? VERDICT_DTLS : VERDICT_DTLS_REFUSED;
}

void dtls_stage(struct worker *w, struct batch *b)
{
	BATCH_REST(p, b)
	if (UNLIKELY(p->kind == PKT_DTLS && p->verdict == VERDICT_NONE))
		p->verdict = (uint8_t)dtls_pkt_take(w, p);
}

/* ---- clients ---- */

static bool is_client_due(const struct flow *f)
{
	return f->dtls.role == DTLS_CLIENT && f->dtls.peer.hash != MEDIA_HASH_NONE &&
	       (f->dtls.state == DTLS_WAITING || f->dtls.state == DTLS_FAILED);
}

static void dtls_client_begin(struct worker *w, struct flow *f)
{
	const struct addr *to = flow_rtp_to(f);

	if (w->dtls.link && to && is_client_due(f) && w->now_ns >= f->dtls.retry_ns)
		(void)candidate_begin(w, f, 0, to, (struct bytes){ 0 });
}

/* What is under way goes on to the other address: it is the same party. */
static void candidate_move(struct worker *w, const struct flow *f)
{
	const struct addr *to = flow_rtp_to(f);
	struct dtls_candidate *c = w->dtls.link ? candidate_at(w, f, 0) : NULL;

	if (to && c && f->dtls.ice)
		c->source = *to;
}

void dtls_flow_pair(struct worker *w, struct flow *f)
{
	bool was_due = is_client_due(f);

	candidate_move(w, f);
	dtls_client_begin(w, f);
	w->dtls.due -= was_due && !is_client_due(f);
}

/* ---- flows ---- */

static bool dtls_has_keys(const struct flow_spec *spec)
{
	return spec->key_in.suite != MEDIA_SUITE_NONE && spec->key_out.suite != MEDIA_SUITE_NONE;
}

/* Keys that come with a spec that has a role are those of a handshake that was: of this process or the one before. */
static void keys_note(struct flow *f, const struct flow_spec *spec)
{
	struct dtls_flow *d = &f->dtls;

	if (d->keyed || d->role == DTLS_NONE || !dtls_has_keys(spec))
		return;
	d->keyed = 1;
	d->keyed_association = spec->dtls.association;
	d->key_in = spec->key_in;
	d->key_out = spec->key_out;
}

static void spec_take(struct flow *f, const struct flow_spec *spec)
{
	struct dtls_flow *d = &f->dtls;

	d->role = spec->bundle.generation ? DTLS_NONE : spec->dtls.role;
	d->association = spec->dtls.association;
	d->ice = spec->ice.on;
	d->peer = spec->dtls.peer;
	d->srtp_next = spec->resume.srtp_next;
	d->srtcp_next = spec->resume.srtcp_next;
}

int dtls_flow_open(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	f->dtls = (struct dtls_flow){ 0 };
	spec_take(f, spec);
	keys_note(f, spec);
	dtls_state_update(w, f, false);
	dtls_client_begin(w, f);
	w->dtls.due += is_client_due(f);
	return spec->bundle.generation ? dtls_bundle_set(w, f, spec->bundle) : 0;
}

/* Is what is said now another handshake than what was said before? */
static bool begins_anew(const struct dtls_flow *d, const struct flow_spec *spec)
{
	uint8_t role = spec->bundle.generation ? DTLS_NONE : spec->dtls.role;

	return role != d->role || spec->dtls.association != d->association;
}

int dtls_flow_update(struct worker *w, struct flow *f, const struct flow_spec *spec)
{
	struct dtls_flow *d = &f->dtls;
	bool anew = begins_anew(d, spec);
	bool other = memcmp(&spec->dtls.peer, &d->peer, sizeof(d->peer)) != 0;

	w->dtls.due -= is_client_due(f);
	if (anew) {
		if (w->dtls.link)
			candidates_end(w, f, NULL);
		d->state = DTLS_WAITING;
		d->retry_ns = d->retry_wait_ns = 0;
	}
	spec_take(f, spec);
	if (other && w->dtls.link && d->state != DTLS_CONNECTED)
		candidates_expect(w, f); /* an early one has spoken before it said who it is */
	if (d->role == DTLS_NONE && !spec->bundle.generation)
		d->keyed = 0; /* the keys of the spec are the flow's again */
	keys_note(f, spec);
	dtls_state_update(w, f, false);
	dtls_client_begin(w, f);
	w->dtls.due += is_client_due(f);
	if (spec->bundle.generation)
		return dtls_bundle_set(w, f, spec->bundle);
	dtls_bundle_leave(w, f);
	return 0;
}

void dtls_flow_close(struct worker *w, struct flow *f)
{
	struct dtls_flow *d = &f->dtls;

	w->dtls.due -= (uint32_t)is_client_due(f) + d->keyed_due;
	if (w->dtls.link)
		candidates_end(w, f, NULL);
	dtls_bundle_leave(w, f);
	dtls_bundle_end(w, f);
	explicit_bzero(d, sizeof(*d));
}

void dtls_flow_flight(struct worker *w, struct flow *f, uint8_t association,
		      const struct media_flight *flight)
{
	const struct addr nowhere = { 0 }, *to = flow_rtp_to(f);

	if (!to && f->dtls.ice)
		to = &nowhere; /* until the party asks, from where its checks have shown it to be */
	if (!w->dtls.link || association != f->dtls.association || candidates_release(w, f))
		return;
	if (to && flight->length > 0 && flight->length <= MEDIA_FLIGHT_MAX &&
	    f->dtls.role != DTLS_NONE && f->dtls.state == DTLS_CONNECTED)
		candidate_resume(w, f, to, flight);
}

/* ---- time ---- */

/* Those that are done, when nobody can ask any more; and any whose end the thread did not tell. */
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
		if (f->dtls.keyed_due)
			dtls_keyed_tell(w, f, (struct bytes){ 0 });
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
	d->begin_every_ns = share * NS_PER_S / CRYPTO_HANDSHAKES_S;
	return d->link ? 0 : -EMFILE;
}

void dtls_worker_close(struct worker *w)
{
	if (w->dtls.candidates.slots)
		pool_close(&w->dtls.candidates);
	w->dtls = (struct dtls_worker){ 0 };
}
