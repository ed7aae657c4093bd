/* SPDX-License-Identifier: Apache-2.0 */
/* The asked leg says no, or nothing. */
#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/fork.h"
#include "sig/call/invite.h"
#include "sig/call/redirect.h"
#include "sig/call/reinvite.h"
#include "sig/call/relay.h"
#include "sig/call/seek.h"
#include "sig/call/session.h"
#include "sig/call/way.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/flow_move.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"

/* A redirection of B is not A's to follow; B's overload, its wish for credentials, and what it agrees on with us are none of A's. */
uint16_t refusal_for_other(uint16_t status)
{
	switch (status) {
	case 401:
	case 407:
	case 503: /* RFC 3261 16.7 step 6: only the server that is overloaded says so */
		return 500;
	case 430: /* RFC 5626 11.5: no phone is to hear of it */
	case 481:
		return 480;
	case 405: /* of these the request was ours: 21.5.3 */
	case 414:
	case 416:
	case 420:
	case 421:
	case 422:
	case 423:
	case 469:
	case 489:
	case 494:
	case 501:
	case 505:
		return 502;
	default:
		break;
	}
	return status < 400 ? 480 : status;
}

/* Of its session description. */
static bool is_about_codecs(uint16_t status)
{
	return status == 488 || status == 606 || status == 415;
}

/* RFC 3326: what B said, in numbers. */
static void write_reason(struct writer *w, const struct sip_message *m)
{
	struct bytes value;

	for (unsigned i = 0; message_header(m, "Reason", i, &value); i++) {
		writer_str(w, "Reason: ");
		writer_bytes(w, value);
		writer_str(w, "\r\n");
	}
	if (message_header(m, "Retry-After", 0, &value)) {
		writer_str(w, "Retry-After: ");
		writer_bytes(w, value);
		writer_str(w, "\r\n");
	}
	if (m->status == 415 && message_header(m, "Accept", 0, &value)) {
		writer_str(w, "Accept: ");
		writer_bytes(w, value);
		writer_str(w, "\r\n");
	}
}

static void invite_refused_by(struct call_host *h, struct call *c, uint8_t leg,
			      const struct sip_message *m)
{
	const char *lacks = is_about_codecs(m->status) ? session_lacks_codecs(h, c, leg) : NULL;
	struct writer extra = writer_over(h->extra, HOST_EXTRA);
	struct refusal_kept lost = {
		.status = refusal_for_other(m->status),
		.leg = leg,
		.cause = CAUSE_REFUSED,
		.of_callee = c->legs[leg]->trunk.n && trunk_route_is_final(m->status),
	};

	write_reason(&extra, m);
	if (lacks)
		session_write_warning(&extra, h, lacks);
	if (extra.overflow || text_set(&lost.extra, writer_done(&extra)))
		lost.extra = (struct text){ 0 }; /* the status says enough */
	fork_lost(h, c, &lost);
}

/* A trunk's places are the next ways of the same number; who was sent there has said nothing that the caller is to hear. */
static bool redirected_by_trunk(struct call_host *h, struct call *c, uint8_t leg,
				const struct sip_message *m)
{
	struct refusal_kept lost = { .status = 503, .leg = leg, .cause = CAUSE_UNREACHABLE };

	outbox_touch(&c->out);
	if (!redirect_take(h, c, m))
		return false;
	fork_lost(h, c, &lost);
	return true;
}

/* RFC 3261 8.1.3.4: other places to ask. */
static void redirected(struct call_host *h, struct call *c, uint8_t leg,
		       const struct sip_message *m)
{
	bool trunk = c->legs[leg]->trunk.n != 0;

	if (trunk && trunk_route_is_leg(c, leg) && redirected_by_trunk(h, c, leg, m))
		return;
	if (trunk) {
		invite_refused_by(h, c, leg, m);
		return;
	}
	if (fork_redirect(h, c, leg, m) == 0) {
		invite_refused_by(h, c, leg, m);
		return;
	}
	leg_close(c->legs[leg]);
	flows_close_leg(h, c, leg);
}

/* ... and nobody asks it again. */
static bool refused_unheard(const struct call_host *h, const struct call *c, uint8_t leg)
{
	return c->state == CALL_ESTABLISHED && !c->order_ns &&
	       !(c->untold & bridge_untold(c, leg)) && flows_moved(h, c, leg);
}

/* Its connection ended with the node that had the call, or a NAT lets nobody else in. */
static bool is_away(const struct call_host *h, const struct call *c, uint8_t leg, uint16_t status)
{
	return (status == 408 || status == 503) && (c->moved & BIT64(leg)) &&
	       refused_unheard(h, c, leg);
}

/* No record needs it: a successor sees that the party knows another address. */
static void party_is_away(struct call *c, uint8_t leg)
{
	LOG_INFO("call", c->id,
		 "a party cannot be told where it is heard by now: when it registers",
		 LOG_U64("leg", leg));
	c->away |= (uint16_t)BIT64(leg);
}

/* The session goes on as it was (RFC 3261 14.1), unless the dialog itself is gone (12.2.1.2). */
static void refused_again(struct call_host *h, struct call *c, uint8_t leg, uint16_t status)
{
	struct response r = { .status = refusal_for_other(status) };

	invite_refuse(h, c, leg, &r);
	if (!invite_is_refresh(c, leg))
		reoffer_refused(h, c, leg, status);
	invite_failed(c, leg);
	outbox_touch(&c->out);
	refresh_refused(h, c, leg, status);
	if (is_away(h, c, leg, status))
		party_is_away(c, leg);
	else if (status == 481 || status == 408)
		call_party_lost(h, c, leg);
	else if (refused_unheard(h, c, leg))
		reoffer_unheard(h, c, leg);
}

/* A successor that does not know would ask it again. Nobody waits for this save. */
static void lost_branch_left(struct call *c, struct leg *l)
{
	leg_close(l);
	outbox_touch(&c->out);
}

/* RFC 4028 7.3: the same INVITE once more, for a longer session. */
static bool ask_longer(struct call_host *h, struct call *c, uint8_t leg)
{
	outbox_touch(&c->out);
	return invite_queue(h, c, leg) == 0;
}

/* RFC 3261 8.1.3.5: the same INVITE once more, with who we are. */
static bool ask_as_who_we_are(struct call_host *h, struct call *c, uint8_t leg,
			      const struct sip_message *m)
{
	struct leg *l = c->legs[leg];

	if (!challenge_is(m) || dialog_challenged(&l->dialog, h, m, dialog_proof(&l->dialog),
						  &l->uac->challenged) != CHALLENGE_ANSWERED)
		return false;
	outbox_touch(&c->out);
	return invite_queue(h, c, leg) == 0;
}

/* A phone that insists on SRTP takes no plain offer, and none else was made: it has the keys for it, over TLS. */
static bool ask_with_keys(struct call_host *h, struct call *c, uint8_t leg, uint16_t status)
{
	if (c->legs[leg]->state == LEG_CONFIRMED || (status != 488 && status != 606) ||
	    session_offer_keys(h, c, leg))
		return false;
	LOG_INFO("call", c->id, "the phone takes no plain media, it is offered SRTP",
		 LOG_U64("leg", leg), LOG_U64("status", status));
	outbox_touch(&c->out);
	return invite_queue(h, c, leg) == 0;
}

/* It has no codec of the asker's. One that has is never offered more: what both have goes before what is transcoded. */
static bool ask_with_codecs(struct call_host *h, struct call *c, uint8_t leg, uint16_t status)
{
	if (!is_about_codecs(status) || session_offer_codecs(h, c, leg))
		return false;
	LOG_INFO("call", c->id,
		 "the phone takes no codec of the other party, it is offered those "
		 "that are coded here",
		 LOG_U64("leg", leg), LOG_U64("status", status));
	outbox_touch(&c->out);
	return invite_queue(h, c, leg) == 0;
}

void invite_refusal_waits(struct call_host *h, struct call *c, pool_handle txn)
{
	struct outbox_item item = { .kind = OUTBOX_REFUSED, .txn = txn };

	outbox_touch(&c->out);
	if (outbox_push(&c->out, &item))
		txns_ack_hold(h->txns, txn);
	else
		txns_ack_go(h->txns, txn);
}

/* RFC 5626 7: the phone has not said so itself. */
static bool is_flow_failed(uint16_t status)
{
	return status == 430 || status == 408;
}

/* RFC 3263 4.3: it is overloaded, which says nothing of the other places of its name. */
static bool goes_to_next(struct call_host *h, struct call *c, uint8_t leg,
			 const struct sip_message *m)
{
	return m->status == 503 && resolve_next_place(h, c, leg, message_retry_after_s(m));
}

static void failed(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = c->legs[ev->leg];

	if (l->state != LEG_CONFIRMED)
		early_over(h, c, ev->leg);
	if (l->state == LEG_LEAVING) {
		lost_branch_left(c, l);
	} else if (session_timer_raise(&l->timer, ev->message) && ask_longer(h, c, ev->leg)) {
		return;
	} else if (ask_with_keys(h, c, ev->leg, ev->message->status) ||
		   ask_with_codecs(h, c, ev->leg, ev->message->status) ||
		   ask_as_who_we_are(h, c, ev->leg, ev->message)) {
		return;
	} else if (l->state == LEG_CONFIRMED) {
		refused_again(h, c, ev->leg, ev->message->status);
	} else if (ev->message->status < 400 && l->uac->from != ev->leg) {
		redirected(h, c, ev->leg, ev->message);
	} else if (goes_to_next(h, c, ev->leg, ev->message)) {
		return;
	} else if (!is_flow_failed(ev->message->status) || !fork_next_flow(h, c, ev->leg)) {
		invite_refused_by(h, c, ev->leg, ev->message);
	}
}

void invite_failure(struct call_host *h, struct call *c, const struct call_event *ev)
{
	if (!leg_is_open(c->legs[ev->leg]))
		return;
	failed(h, c, ev);
	invite_refusal_waits(h, c, ev->txn);
}

void invite_timeout(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = c->legs[ev->leg];
	struct refusal_kept lost = {
		.status = ev->failed ? 480 : 408, /* RFC 3261 8.1.3.1 */
		.leg = ev->leg,
		.cause = ev->failed ? CAUSE_UNREACHABLE : CAUSE_NO_RESPONSE,
	};

	if (!leg_is_open(l) || l->uac->state == UAC_PROCEEDING)
		return;
	if (l->state == LEG_LEAVING) {
		lost_branch_left(c, l);
	} else if (l->state == LEG_CONFIRMED) {
		refused_again(h, c, ev->leg, 408);
	} else if (!resolve_next_place(h, c, ev->leg, 0) && !fork_next_flow(h, c, ev->leg)) {
		fork_lost(h, c, &lost);
	}
}
