/* SPDX-License-Identifier: Apache-2.0 */
/* A re-INVITE (RFC 3261 14): its offer goes to the other leg with our ports, the answer comes back:
 * hold, resume, codecs, video. Also our own re-INVITEs, UPDATE, and session refreshes. */
#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/identity.h"
#include "sig/call/invite.h"
#include "sig/call/legs.h"
#include "sig/call/reinvite.h"
#include "sig/call/reliable.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/host/settings.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"

static int invite_refresh(struct call_host *h, struct call *c, uint8_t to);

enum {
	REFRESH_LINES_MAX = 256,
	AGAIN_MS = 2000, /* another INVITE is open: it may well be what refreshes */
	AGAIN_SPREAD_MS = 2000,
	REFUSED_SHARE = 10, /* of the interval until it is tried again */
};

static void refresh_end(struct call_host *h, struct call *c, uint8_t leg)
{
	struct call_ending e = { .cause = CAUSE_SESSION_EXPIRED,
				 .by = ENDED_BY_NODE,
				 .status = 408,
				 .reason = BYTES_LIT("Reason: Q.850;cause=102\r\n") };

	LOG_INFO("call", c->id, "session was not refreshed", LOG_U64("leg", leg));
	call_party_left(h, c, leg, &e);
}

static void again_soon(const struct call_host *h, struct leg *l)
{
	l->timer.refresh_ns =
		h->now.ns + (AGAIN_MS + rand_below(h->rand, AGAIN_SPREAD_MS)) * NS_PER_MS;
}

static int update(struct call_host *h, struct call *c, uint8_t leg)
{
	uint8_t space[REFRESH_LINES_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct leg *l = c->legs[leg];
	struct dialog_request r = { .method = SIP_UPDATE, .max_forwards = -1, .contact = true };
	struct txn_slot *slot;

	respond_write_supported(&w, h, &l->dialog, false);
	session_timer_write_request(&w, h, &l->timer);
	r.extra = writer_lines(&w);
	slot = leg_request(h, &l->dialog, &r, TXN_USER_REFRESH);
	if (!slot)
		return -ENOSPC;
	relay_start(h, c, leg, slot->self);
	return 0;
}

void refresh_announce(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	if (c->state == CALL_ESTABLISHED && l->state == LEG_CONFIRMED && l->takes_update &&
	    !invite_is_open(c) && update(h, c, leg))
		LOG_WARN("call", c->id, "a party is not told that it is in a conference, or not",
			 LOG_U64("leg", leg));
}

/* Until the answer the timer is off; what is sent, ends. */
static void refresh(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];
	int err = -EAGAIN;

	l->timer.refresh_ns = 0;
	if (!invite_is_open(c))
		err = l->takes_update ? update(h, c, leg) : invite_refresh(h, c, leg);
	if (err)
		again_soon(h, l);
}

/* False: the timer is off. */
static bool refresh_is_wanted(const struct call *c, struct leg *l)
{
	if (c->state != CALL_ENDING && l->state == LEG_CONFIRMED)
		return true;
	session_timer_stop(&l->timer);
	return false;
}

void refresh_overdue(struct call_host *h, struct call *c, uint8_t leg)
{
	if (refresh_is_wanted(c, c->legs[leg]))
		refresh_end(h, c, leg);
}

void refresh_if_due(struct call_host *h, struct call *c, uint8_t leg)
{
	if (!refresh_is_wanted(c, c->legs[leg]))
		return;
	if (c->state != CALL_ESTABLISHED)
		again_soon(h, c->legs[leg]);
	else
		refresh(h, c, leg);
}

/* Any response shows that the party is alive; a running session timer needs a 2xx before it
 * expires. */
void refresh_refused(struct call_host *h, struct call *c, uint8_t leg, uint16_t status)
{
	struct leg *l = c->legs[leg];
	struct session_timer *t = &l->timer;

	if (!t->ours || t->interval_s == 0 || t->refresh_ns || c->state == CALL_ENDING)
		return; /* it was no refresh of ours */
	if (!t->agreed)
		session_timer_start(h, &l->timer);
	else if (status == 491 || status == 500 || status == 422)
		again_soon(h, l);
	else
		t->refresh_ns = h->now.ns + t->interval_s * NS_PER_S / REFUSED_SHARE;
}

static void update_refused(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = c->legs[ev->leg];
	uint16_t status = ev->message->status;

	if (status == 481 || status == 408) {
		call_on_party_gone(h, c, ev->leg, status);
	} else if (session_timer_raise(&l->timer, ev->message)) {
		refresh(h, c, ev->leg);
	} else if (status == 491 || status == 500 || status == 503) {
		refresh_refused(h, c, ev->leg, 491);
	} else { /* it says Allow: UPDATE, and does not */
		l->takes_update = false;
		refresh(h, c, ev->leg);
	}
}

void refresh_answered(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = c->legs[ev->leg];

	if (c->state != CALL_ESTABLISHED || l->state != LEG_CONFIRMED ||
	    ev->kind == CALL_EV_PROVISIONAL)
		return;
	if (ev->kind == CALL_EV_SUCCESS) {
		if (dialog_refresh(&l->dialog, ev->message, false, h))
			LOG_WARN("call", c->id, "Contact cannot be used", LOG_U64("leg", ev->leg));
		session_timer_answered(h, &l->timer, ev->message);
		outbox_touch(&c->out);
	} else if (ev->kind == CALL_EV_FAILURE) {
		update_refused(h, c, ev);
	} else {
		refresh_end(h, c, ev->leg);
	}
}

/* The same offer again, from a copy or after a restart, gets the same answer. Before the call is
 * answered it is computed again. */
static bool is_change(const struct call *c, uint8_t leg, struct bytes sdp)
{
	return sdp.n && (c->state != CALL_ESTABLISHED ||
			 !bytes_eq(sdp, text_bytes(&c->legs[leg]->sdp.remote)) ||
			 session_local_sdp(c, leg).n == 0);
}

/* RFC 3311 5.2: our own offer is open there, or one of its own. */
static bool may_offer(const struct call *c, uint8_t leg, struct call_refusal *refusal)
{
	*refusal = (struct call_refusal){ .reason = REFUSED_GLARE };
	if (c->legs[leg]->state == LEG_EARLY && c->legs[leg]->uac) {
		refusal->status = 491; /* it has not answered what it was offered */
	} else if (c->state != CALL_ESTABLISHED) {
		*refusal = (struct call_refusal){ .status = 488,
						  .reason = REFUSED_SDP,
						  .text = "the session is changed by re-INVITE" };
	} else if (invite_is_open(c)) {
		refusal->status = c->legs[leg]->uas ? 500 : 491;
	}
	return refusal->status == 0;
}

/* The peer gets a re-INVITE if its session differs from what it was told. */
static void refresh_reoffer_other(struct call_host *h, struct call *c, uint8_t leg, bool received,
				  bool sent)
{
	struct bytes sdp = text_bytes(&c->legs[leg]->sdp.remote);

	if (received == session_is_receiving(c, leg, sdp) &&
	    sent == session_is_two_way(c, leg, sdp))
		return;
	if (invite_own(h, c, leg))
		LOG_WARN("call", c->id, "the other party is not told of an UPDATE",
			 LOG_U64("leg", leg));
}

static enum refusal refresh_change(struct call_host *h, struct call *c, uint8_t leg,
				   struct bytes sdp, struct call_refusal *refusal)
{
	struct bytes before = text_bytes(&c->legs[leg]->sdp.remote);
	bool received = session_is_receiving(c, leg, before);
	bool two_way = session_is_two_way(c, leg, before);
	enum refusal refused = session_update(h, c, leg, sdp, refusal);

	if (!refused && !call_is_alone(c))
		refresh_reoffer_other(h, c, leg, received, two_way);
	return refused;
}

/* Caller and callee may also send offers before the 2xx: the peer is told then. */
static bool is_early(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	return l->uac ? prack_may_offer(l) : c->state != CALL_ESTABLISHED && reliable_may_offer(l);
}

/* For a callee: the caller is re-INVITEd after its ACK if its session differs from what it was
 * told. The 2xx has what it was not told yet. */
static enum refusal refresh_early(struct call_host *h, struct call *c, uint8_t leg,
				  struct bytes sdp, struct call_refusal *refusal)
{
	struct leg *l = c->legs[leg];
	struct invite_uas *uas = c->legs[l->uac->from]->uas;
	struct bytes before = text_bytes(&l->open.remote);
	bool received = session_is_receiving(c, leg, before);
	bool two_way = session_is_two_way(c, leg, before);
	enum refusal refused = session_update(h, c, leg, sdp, refusal);

	if (!refused && uas && early_is_selected(c, leg) &&
	    (received != session_is_receiving(c, leg, sdp) ||
	     two_way != session_is_two_way(c, leg, sdp)))
		uas->told_otherwise = true;
	return refused;
}

static enum refusal refresh_accept_offer(struct call_host *h, struct call *c, uint8_t leg,
					 struct bytes sdp, struct call_refusal *refusal)
{
	if (!session_may_hold(h, c, leg, sdp, refusal))
		return refusal->reason;
	if (is_early(c, leg))
		return c->legs[leg]->uac ? refresh_early(h, c, leg, sdp, refusal)
					 : reliable_renew(h, c, leg, sdp, refusal);
	return may_offer(c, leg, refusal) ? refresh_change(h, c, leg, sdp, refusal)
					  : refusal->reason;
}

static void refresh_answer(struct call_host *h, struct call *c, uint8_t leg, struct txn_slot *slot,
			   const struct sip_message *m, struct bytes body)
{
	struct writer extra = writer_over(h->extra, HOST_EXTRA);
	struct leg *l = c->legs[leg];
	struct response r = {
		.status = 200,
		.dialog = &l->dialog,
		.contact = true,
		.content_type = BYTES_LIT("application/sdp"),
		.body = body,
	};

	session_timer_write_answer(&extra, &l->timer);
	r.extra = writer_lines(&extra);
	respond(h, slot, m, &r);
}

void refresh_answer_on_saved(struct call_host *h, struct call *c, const struct outbox_item *item)
{
	const struct early_mark in = { .tag = item->tag, .at = item->early };
	const struct leg *l = call_leg(c, item->leg);
	struct bytes local =
		l && item->line ? early_local_sdp(c, item->leg, &in) : (struct bytes){ 0 };

	if (l) /* its INVITE may be over by now */
		refresh_answer(h, c, item->leg, txns_get(h->txns, item->txn), NULL,
			       local.n ? local : text_bytes(&l->sdp.local));
}

/* Saved before it is sent, if the session has changed. */
static void refresh_answer_saved(struct call_host *h, struct call *c, const struct call_event *ev,
				 bool new_state, bool body)
{
	const struct early_mark in = early_mark(c->legs[ev->leg]);
	struct outbox_item item = {
		.kind = OUTBOX_UPDATE,
		.leg = ev->leg,
		.line = is_early(c, ev->leg),
		.txn = ev->slot->self,
		.tag = in.tag,
		.early = in.at,
	};
	const struct leg *l = c->legs[ev->leg];
	struct bytes local = text_bytes(item.line ? &l->open.local : &l->sdp.local);

	outbox_touch(&c->out);
	if (!new_state || h->degraded || txns_keep_request(ev->slot, ev->message) ||
	    !outbox_push(&c->out, &item))
		refresh_answer(h, c, ev->leg, ev->slot, ev->message,
			       body ? local : (struct bytes){ 0 });
}

static enum refusal refresh_accept(struct call_host *h, struct call *c, const struct call_event *ev,
				   struct bytes *sdp, struct call_refusal *refusal)
{
	struct leg *l = c->legs[ev->leg];

	if (session_body(ev->message, sdp))
		return call_refuse(refusal, REFUSED_BODY);
	if (!session_timer_on_request(h, &l->timer, ev->message))
		return call_refuse(refusal, REFUSED_INTERVAL);
	return dialog_may_refresh(ev->message) ? 0 : call_refuse(refusal, REFUSED_MALFORMED);
}

void refresh_on_update(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct call_refusal refusal = { .status = 500, .reason = REFUSED_MEMORY };
	struct leg *l = c->legs[ev->leg];
	struct bytes sdp;
	enum refusal refused = refresh_accept(h, c, ev, &sdp, &refusal);
	bool new_state = !refused && is_change(c, ev->leg, sdp);

	if (new_state)
		refused = refresh_accept_offer(h, c, ev->leg, sdp, &refusal);
	if (refused) {
		session_refuse(h, ev, &refusal);
		return;
	}
	leg_refresh_target(h, c, ev->leg, ev->message);
	leg_learn(l, ev->message);
	refresh_answer_saved(h, c, ev, new_state, sdp.n != 0);
	if (l->state == LEG_CONFIRMED)
		session_timer_start(h, &l->timer);
}

/* RFC 3261 14.1: the owner of the Call-ID waits longer; 14.2: 500 if another one is open there. */
void reoffer_refused(struct call_host *h, struct call *c, uint8_t leg, uint16_t status)
{
	uint32_t ms = rand_below(h->rand, 1900);

	if (invite_carried(c, leg) || c->legs[leg]->uac->joins)
		return;
	if (status != 491 && status != 500) {
		LOG_WARN("call", c->id, "a party does not take our offer",
			 LOG_U64("status", status));
		return;
	}
	if (flows_moved(h, c, leg)) /* for the next process, too */
		c->reoffer |= bridge_reoffer_side(c, leg);
	c->order_leg = c->legs[leg]->uac->from;
	c->order_ns = h->now.ns + (ms + (c->legs[leg]->outbound ? 2100 : 100)) * NS_PER_MS;
}

void reoffer_unheard(struct call_host *h, struct call *c, uint8_t leg)
{
	struct call_ending e = { .cause = CAUSE_MEDIA, .by = ENDED_BY_NODE, .status = 488 };

	LOG_WARN("call", c->id, "a party is not told where it would be heard by now",
		 LOG_U64("leg", leg));
	call_end(h, c, &e);
}

void reoffer_again(struct call_host *h, struct call *c)
{
	bool talks = c->state == CALL_ESTABLISHED;

	if (c->state == CALL_ENDING || !call_leg(c, c->order_leg))
		return;
	if (talks && !bridge_has(c, c->order_leg)) /* it gave its party away meanwhile */
		return;
	if (!talks || invite_own(h, c, c->order_leg) == -EAGAIN)
		c->order_ns = h->now.ns + NS_PER_S;
}

/* False: *refusal says why not now. */
static bool may_start(struct call_host *h, const struct call *c, const struct call_event *ev,
		      struct call_refusal *refusal)
{
	const struct leg *peer = call_leg(c, bridge_peer(c, ev->leg));

	*refusal = (struct call_refusal){ .reason = REFUSED_GLARE };
	if (invite_is_open(c)) { /* our own is open there: 491 */
		refusal->status = peer && !peer->uac ? 491 : 500;
	} else if (c->state == CALL_ENDING) {
		*refusal = (struct call_refusal){ .status = 481, .reason = REFUSED_NO_DIALOG };
	} else if (c->state != CALL_ESTABLISHED) { /* it is given away: its dialog goes on */
		refusal->status = 491;
	} else if (ev->message->max_forwards == 0) {
		*refusal = (struct call_refusal){ .status = 483, .reason = REFUSED_HOPS };
	} else if (!session_timer_on_request(h, &c->legs[ev->leg]->timer, ev->message)) {
		*refusal = (struct call_refusal){ .status = 422, .reason = REFUSED_INTERVAL };
	}
	return refusal->status == 0;
}

/* CALL-07: a party held by a command may be resumed by the holder's own phone. */
static void reinvite_wake(struct call *c, uint8_t leg, struct bytes offer)
{
	struct leg *l = c->legs[leg];

	l->uas->wakes = l->held && session_is_two_way(c, leg, offer);
	if (l->uas->wakes)
		l->held = false;
}

static enum refusal reinvite_accept(const struct call_host *h, struct call *c,
				    const struct call_event *ev, struct call_refusal *refusal)
{
	struct leg *l = c->legs[ev->leg];
	struct bytes sdp;

	if (session_body(ev->message, &sdp))
		return call_refuse(refusal, REFUSED_BODY);
	if (!dialog_may_refresh(ev->message))
		return call_refuse(refusal, REFUSED_MALFORMED);
	if (!session_may_hold(h, c, ev->leg, sdp, refusal))
		return refusal->reason;
	if (txns_keep_request(ev->slot, ev->message) ||
	    leg_on_invite(l, ev->message, ev->slot->self) || text_set(&l->open.remote, sdp))
		return call_refuse_as(refusal, 513, REFUSED_MALFORMED);
	leg_expires(h, l, ev->message);
	l->uas->late = sdp.n == 0;
	l->open.theirs = sdp.n != 0;
	return 0;
}

/* To the other leg. */
static enum refusal reinvite_carry(struct call_host *h, struct call *c, const struct call_event *ev,
				   struct call_refusal *refusal)
{
	struct leg *l = c->legs[ev->leg];
	uint8_t to = bridge_peer(c, ev->leg);
	enum refusal refused = reinvite_accept(h, c, ev, refusal);
	struct bytes sdp = text_bytes(&l->open.remote);

	if (refused)
		return refused;
	if (leg_invite(c->legs[to], ev->leg))
		return call_refuse(refusal, REFUSED_MEMORY);
	c->legs[to]->uac->deadline_ns = h->now.ns + h->settings->calls.ring_timeout_ns;
	c->legs[to]->uac->late = l->uas->late;
	reinvite_wake(c, ev->leg, sdp);
	l->uas->held_before = l->holds;
	if (sdp.n)
		l->holds = !session_is_receiving(c, ev->leg, sdp);
	return sdp.n ? session_offer(h, c, to, refusal) : 0;
}

/* What its offer was to begin or to end is as before. */
static void asker_failed(struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];

	if (l->uas && l->uas->wakes)
		l->held = true;
	if (l->uas && !l->uas->late)
		l->holds = l->uas->held_before;
	leg_uas_clear(l);
}

static void reoffer_withdraw(struct call_host *h, struct call *c, const struct call_event *ev,
			     const struct call_refusal *refusal)
{
	leg_uac_clear(c->legs[bridge_peer(c, ev->leg)]);
	asker_failed(c, ev->leg);
	session_refuse(h, ev, refusal);
}

/* There is no peer to re-INVITE. */
static void again_alone(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct call_refusal refusal;

	txns_belong(h->txns, ev->slot, c->id, ev->leg, TXN_USER_INVITE);
	if (reinvite_accept(h, c, ev, &refusal) || invite_answer_own(h, c, ev->leg, &refusal)) {
		leg_uas_clear(c->legs[ev->leg]);
		session_refuse(h, ev, &refusal);
		return;
	}
	leg_learn(c->legs[ev->leg], ev->message);
}

void invite_again(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct call_refusal refusal;

	if (!may_start(h, c, ev, &refusal)) {
		session_refuse(h, ev, &refusal);
		return;
	}
	if (call_is_alone(c)) {
		again_alone(h, c, ev);
		return;
	}
	if (reinvite_carry(h, c, ev, &refusal)) {
		reoffer_withdraw(h, c, ev, &refusal);
		return;
	}
	leg_learn(c->legs[ev->leg], ev->message);
	identity_learn(h, c, ev->leg, ev->message);
	txns_belong(h->txns, ev->slot, c->id, ev->leg, TXN_USER_INVITE);
	respond_trying(h, c, ev->leg, ev->slot->self);
	if (invite_queue(h, c, bridge_peer(c, ev->leg))) {
		refusal = (struct call_refusal){ .status = 503, .reason = REFUSED_TXNS_FULL };
		reoffer_withdraw(h, c, ev, &refusal);
	}
}

void invite_again_overdue(struct call_host *h, struct call *c, uint8_t leg, uint16_t status)
{
	struct response r = { .status = status };
	const struct invite_uac *uac = c->legs[leg]->uac;

	if (uac->state == UAC_PROCEEDING)
		leg_cancel(h, c, leg, (struct bytes){ 0 });
	invite_refuse(h, c, leg, &r);
	txns_limit(h->txns, uac->client, h->now.ns);
	invite_failed(c, leg);
	outbox_touch(&c->out);
}

void invite_expired(struct call_host *h, struct call *c, uint8_t leg)
{
	struct call_ending e = { .cause = CAUSE_NO_ANSWER, .by = ENDED_BY_A, .status = 487 };

	LOG_INFO("call", c->id, "an INVITE expired without an answer", LOG_U64("leg", leg));
	if (c->legs[leg]->state == LEG_EARLY) {
		call_end(h, c, &e);
		return;
	}
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && l->uac && l->uac->from == leg && leg_is_open(l)) {
			invite_again_overdue(h, c, i, e.status);
			return;
		}
	}
}

/* An INVITE of our own. */
struct own {
	uint8_t from;
	bool refresh;           /* with the last SDP unchanged, */
	bool tells;             /* or in those but for what is recorded */
	const struct leg *with; /* of another call: for it, and not for from; NULL: none */
};

static int own_offer(struct call_host *h, struct call *c, uint8_t to, const struct own *o)
{
	struct call_refusal refusal;

	return o->with ? session_offer_of(h, c, to, o->with, &refusal)
		       : session_offer(h, c, to, &refusal);
}

/* The offer to `to`: the peer's last SDP, or the SDP sent before, unchanged if it was the last one
 * (refresh; RFC 3264 8: with the same version, for nothing has changed), or changed in the
 * recording state only (tells). */
static int ask_own(struct call_host *h, struct call *c, uint8_t to, const struct own *o)
{
	struct bytes local =
		o->refresh || o->tells ? session_local_sdp(c, to) : (struct bytes){ 0 };
	int err;

	if (!local.n)
		err = own_offer(h, c, to, o);
	else if (o->tells)
		err = session_offer_record(h, c, to, local);
	else
		err = text_set(&c->legs[to]->open.local, local);

	outbox_touch(&c->out);
	return err ? err : invite_queue(h, c, to);
}

static int own(struct call_host *h, struct call *c, const struct own *o)
{
	uint8_t to = call_is_alone(c) ? o->from : bridge_peer(c, o->from);
	int err;

	if (invite_is_open(c) || !call_leg(c, to) || !call_leg(c, o->from) ||
	    c->legs[o->from]->sdp.remote.n == 0)
		return -EAGAIN;
	err = leg_invite(c->legs[to], o->from);
	if (err)
		return err;
	c->legs[to]->uac->deadline_ns = h->now.ns + h->settings->calls.ring_timeout_ns;
	c->legs[to]->uac->joins = o->with != NULL;
	c->legs[to]->uac->tells = o->tells;
	err = ask_own(h, c, to, o);
	if (err)
		leg_uac_clear(c->legs[to]);
	return err;
}

/* The leg that another leg is invited for. */
static uint8_t asker_of(const struct call *c, uint8_t to)
{
	return call_is_alone(c) ? to : bridge_peer(c, to);
}

int invite_own(struct call_host *h, struct call *c, uint8_t from)
{
	const struct own o = { .from = from };

	return own(h, c, &o);
}

/* One that says to the leg again what it knows (RFC 4028). As invite_own. */
static int invite_refresh(struct call_host *h, struct call *c, uint8_t to)
{
	const struct own o = { .from = asker_of(c, to), .refresh = true };

	return own(h, c, &o);
}

int invite_reoffer_record(struct call_host *h, struct call *c, uint8_t to)
{
	const struct own o = { .from = asker_of(c, to), .tells = true };

	return own(h, c, &o);
}

int invite_for(struct call_host *h, struct call *c, uint8_t to, const struct leg *with)
{
	const struct own o = { .from = asker_of(c, to), .with = with };

	return own(h, c, &o);
}

bool invite_is_refresh(const struct call *c, uint8_t leg)
{
	return !invite_carried(c, leg) && c->legs[leg]->state == LEG_CONFIRMED &&
	       bytes_eq(text_bytes(&c->legs[leg]->open.local), session_local_sdp(c, leg));
}

void invite_refuse(struct call_host *h, struct call *c, uint8_t leg, struct response *r)
{
	struct leg *from = c->legs[c->legs[leg]->uac->from];

	r->dialog = &from->dialog;
	if (from->uas)
		respond(h, txns_get(h->txns, from->uas->server), NULL, r);
}

void invite_failed(struct call *c, uint8_t leg)
{
	uint8_t from = c->legs[leg]->uac->from;

	leg_uac_clear(c->legs[leg]);
	asker_failed(c, from);
}
