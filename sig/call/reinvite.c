/* SPDX-License-Identifier: Apache-2.0 */
/* A re-INVITE (RFC 3261 14): its offer goes to the other leg with our ports, the answer comes back: hold, resume, codecs, video. */
#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/identity.h"
#include "sig/call/invite.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"

/* False: *refusal says why not now. */
static bool may_start(struct call_host *h, const struct call *c, const struct call_event *ev,
		      struct call_refusal *refusal)
{
	const struct leg *peer = call_leg(c, bridge_peer(c, ev->leg));

	*refusal = (struct call_refusal){ .reason = REFUSED_GLARE };
	if (invite_is_open(c)) { /* our own is open there: 491 */
		refusal->status = peer && !peer->uac ? 491 : 500;
	} else if (c->state != CALL_ESTABLISHED) {
		*refusal = (struct call_refusal){ .status = 481, .reason = REFUSED_NO_DIALOG };
	} else if (ev->message->max_forwards == 0) {
		*refusal = (struct call_refusal){ .status = 483, .reason = REFUSED_HOPS };
	} else if (!session_timer_asked(h, &c->legs[ev->leg]->timer, ev->message)) {
		*refusal = (struct call_refusal){ .status = 422, .reason = REFUSED_INTERVAL };
	}
	return refusal->status == 0;
}

/* CALL-07: whom a command put on hold may be taken off by the holder's own phone. */
static void reinvite_wake(struct call *c, uint8_t leg, struct bytes offer)
{
	struct leg *l = c->legs[leg];

	l->uas->wakes = l->held && session_is_two_way(c, leg, offer);
	if (l->uas->wakes)
		l->held = false;
}

static int reinvite_take(const struct call_host *h, struct call *c, const struct call_event *ev,
			 struct call_refusal *refusal)
{
	struct leg *l = c->legs[ev->leg];
	struct bytes sdp;

	if (session_body(ev->message, &sdp))
		return call_refuse(refusal, -EBADMSG, 415, REFUSED_BODY);
	if (!session_may_hold(h, c, ev->leg, sdp, refusal))
		return -EPERM;
	if (txns_keep_request(ev->slot, ev->message) || leg_asks(l, ev->message, ev->slot->self) ||
	    text_set(&l->open.remote, sdp))
		return call_refuse(refusal, -ENOSPC, 513, REFUSED_MALFORMED);
	leg_expires(h, l, ev->message);
	l->uas->late = sdp.n == 0;
	l->open.theirs = sdp.n != 0;
	return 0;
}

/* To the other leg. */
static int reinvite_carry(struct call_host *h, struct call *c, const struct call_event *ev,
			  struct call_refusal *refusal)
{
	struct leg *l = c->legs[ev->leg];
	uint8_t to = bridge_peer(c, ev->leg);
	int err = reinvite_take(h, c, ev, refusal);
	struct bytes sdp = text_bytes(&l->open.remote);

	if (err)
		return err;
	if (leg_ask(c->legs[to], ev->leg))
		return call_refuse(refusal, -ENOMEM, 500, REFUSED_MEMORY);
	c->legs[to]->uac->deadline_ns = h->now.ns + h->settings->ring_timeout_ns;
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

static void take_back(struct call_host *h, struct call *c, const struct call_event *ev,
		      const struct call_refusal *refusal)
{
	leg_uac_clear(c->legs[bridge_peer(c, ev->leg)]);
	asker_failed(c, ev->leg);
	session_refuse(h, ev, refusal);
}

/* Nobody else is there to be asked. */
static void again_alone(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct call_refusal refusal;

	txns_belong(h->txns, ev->slot, c->id, ev->leg, TXN_USER_INVITE);
	if (reinvite_take(h, c, ev, &refusal) || invite_answer_own(h, c, ev->leg, &refusal)) {
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
		take_back(h, c, ev, &refusal);
		return;
	}
	leg_learn(c->legs[ev->leg], ev->message);
	identity_learn(h, c, ev->leg, ev->message);
	txns_belong(h->txns, ev->slot, c->id, ev->leg, TXN_USER_INVITE);
	respond_trying(h, c, ev->leg, ev->slot->self);
	if (invite_queue(h, c, bridge_peer(c, ev->leg))) {
		refusal = (struct call_refusal){ .status = 503, .reason = REFUSED_TXNS_FULL };
		take_back(h, c, ev, &refusal);
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
	bool refresh;           /* in the words that were said last, */
	bool tells;             /* or in those but for what is recorded */
	const struct leg *with; /* of another call: for it, and not for from; NULL: none */
};

static int own_offer(struct call_host *h, struct call *c, uint8_t to, const struct own *o)
{
	struct call_refusal refusal;

	return o->with ? session_offer_of(h, c, to, o->with, &refusal)
		       : session_offer(h, c, to, &refusal);
}

/* What `to` is offered: what the other party said last, or what it was told before, in the same words where these were its last (refresh;
 * RFC 3264 8: with the same version, for nothing has changed), or in those but for what is recorded (tells). */
static int ask_own(struct call_host *h, struct call *c, uint8_t to, const struct own *o)
{
	struct bytes local =
		o->refresh || o->tells ? session_local_sdp(c, to) : (struct bytes){ 0 };
	int err;

	if (!local.n)
		err = own_offer(h, c, to, o);
	else if (o->tells)
		err = session_tell(h, c, to, local);
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
	err = leg_ask(c->legs[to], o->from);
	if (err)
		return err;
	c->legs[to]->uac->deadline_ns = h->now.ns + h->settings->ring_timeout_ns;
	c->legs[to]->uac->joins = o->with != NULL;
	c->legs[to]->uac->tells = o->tells;
	err = ask_own(h, c, to, o);
	if (err)
		leg_uac_clear(c->legs[to]);
	return err;
}

/* For whom a leg is asked. */
static uint8_t asker_of(const struct call *c, uint8_t to)
{
	return call_is_alone(c) ? to : bridge_peer(c, to);
}

int invite_own(struct call_host *h, struct call *c, uint8_t from)
{
	const struct own o = { .from = from };

	return own(h, c, &o);
}

int invite_refresh(struct call_host *h, struct call *c, uint8_t to)
{
	const struct own o = { .from = asker_of(c, to), .refresh = true };

	return own(h, c, &o);
}

int invite_tell(struct call_host *h, struct call *c, uint8_t to)
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
