/* SPDX-License-Identifier: Apache-2.0 */
/* The INVITE to the callee's leg, its provisional responses, and its refusal. */
#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/flow_spec.h"
#include "sig/call/fork.h"
#include "sig/call/identity.h"
#include "sig/call/invite.h"
#include "sig/call/module.h"
#include "sig/call/reinvite.h"
#include "sig/call/relay.h"
#include "sig/call/reliable.h"
#include "sig/call/resolve.h"
#include "sig/call/session.h"
#include "sig/call/trunk_route.h"
#include "sig/identity/pidf.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"
#include "sig/model/payer.h"

bool invite_is_open(const struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && (l->uas || (l->uac && l->state != LEG_LEAVING)))
			return true;
	}
	return false;
}

struct invite_uas *invite_carried(const struct call *c, uint8_t leg)
{
	return c->legs[c->legs[leg]->uac->from]->uas;
}

static struct txn_slot *make_request(struct call_host *h, struct call *c, uint8_t leg,
				     uint32_t cseq)
{
	struct writer w = writer_over(h->extra, HOST_EXTRA);
	struct writer body = writer_over(h->sdp, HOST_SDP_MAX);
	struct leg *l = c->legs[leg];
	const struct invite_uas *uas = invite_carried(c, leg);
	int32_t max_forwards = uas ? uas->max_forwards : -1;
	struct dialog_request r = {
		.method = SIP_INVITE,
		.cseq = cseq,
		.max_forwards = max_forwards < 0 ? -1 : max_forwards - 1,
		.contact = true,
		.content_type = BYTES_LIT("application/sdp"),
		.body = text_bytes(&l->open.local),
	};
	struct txn_slot *slot;

	l->uac->pracks = prack_is_offered(c, leg);
	writer_str(&w, RESPOND_ALLOW_CALL);
	respond_write_supported(&w, h, &l->dialog, l->uac->pracks);
	session_timer_write_request(&w, h, &l->timer);
	identity_write_request(&w, h, c, leg);
	diverted_write_lines(&w, h, c, leg);
	modules_headers(&w, h, c, leg);
	if (conveyed_write(&w, &body, h, c, leg)) {
		r.content_type = BYTES_LIT(PIDF_MIXED);
		r.body = writer_done(&body);
	}
	r.extra = writer_lines(&w);
	slot = leg_request(h, &l->dialog, &r, TXN_USER_INVITE);
	l->uac->branch = r.branch;
	l->invite_cseq = r.cseq;
	l->invite_late = l->uac->late;
	l->ack_branch = rand_u64_from(h->rand);
	return slot;
}

static int invite_txn_queue(struct call_host *h, struct call *c, uint8_t leg, uint32_t cseq)
{
	struct txn_slot *slot = payer_may_add_branch(h, c) ? make_request(h, c, leg, cseq) : NULL;
	struct outbox_item item = { .kind = OUTBOX_INVITE, .leg = leg };

	if (!slot)
		return -ENOSPC;
	payer_charge_txn(h, c, slot);
	c->legs[leg]->uac->client = slot->self;
	c->legs[leg]->uac->state = UAC_QUEUED;
	if (!outbox_push(&c->out, &item))
		invite_on_saved(h, c, leg);
	return 0;
}

int invite_queue(struct call_host *h, struct call *c, uint8_t leg)
{
	return invite_txn_queue(h, c, leg, 0);
}

int invite_requeue(struct call_host *h, struct call *c, uint8_t leg)
{
	txns_drop(h->txns, c->legs[leg]->uac->client);
	outbox_forget(&c->out, OUTBOX_INVITE, leg);
	outbox_touch(&c->out);
	return invite_txn_queue(h, c, leg, c->legs[leg]->invite_cseq);
}

void invite_on_saved(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = call_leg(c, leg);
	struct txn_slot *slot = l && l->uac ? txns_get(h->txns, l->uac->client) : NULL;

	if (!slot || l->uac->state != UAC_QUEUED)
		return;
	l->uac->state = UAC_CALLING;
	(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
}

/* What the asker has of that leg it is not told again (RFC 6337 3.1.1). */
static bool is_agreed(const struct call *c, uint8_t leg)
{
	return c->legs[c->legs[leg]->uac->from]->open.by_18x && early_is_selected(c, leg);
}

/* Its audio is refused: it is silent yet, and a phone that got this answer would play no
 * ringback. */
static bool is_silent_answer(const struct call *c, uint8_t leg, struct bytes sdp)
{
	uint8_t asker = c->legs[leg]->uac->from;

	return session_has_sound(c, asker, text_bytes(&c->legs[asker]->open.remote)) &&
	       !session_has_sound(c, leg, sdp);
}

/* The caller was told of its early media, and has that of another leg by now: this one's ringing is
 * no reason to switch back. */
static bool early_is_stale(const struct call *c, uint8_t leg, struct bytes sdp)
{
	return !early_is_selected(c, leg) && early_was_selected(c, leg) &&
	       bytes_eq(sdp, text_bytes(&c->legs[leg]->open.remote));
}

static bool early_answer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp)
{
	struct leg *asker = c->legs[c->legs[leg]->uac->from];
	const uint8_t before = asker->uas->early, before_at = asker->uas->early_at;
	struct call_refusal refusal;

	if (early_is_stale(c, leg, sdp))
		return false;
	(void)early_select(h, c, leg);
	if (!session_answer(h, c, leg, sdp, &refusal))
		return true;
	early_select_back(h, c, asker, before, before_at);
	return false;
}

/* Early media (REG-02): the leg's SDP is an answer already, or (reliable.c) the offer the caller
 * wants. Returns false if it goes without. */
static bool early_session(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp)
{
	if (sdp.n == 0 || is_agreed(c, leg))
		return false;
	if (invite_carried(c, leg)->late)
		return early_is_selected(c, leg);
	return c->early_media && !is_silent_answer(c, leg, sdp) && early_answer(h, c, leg, sdp);
}

static void ringing(struct call_host *h, struct call *c, uint16_t status)
{
	if (status == 180 && !c->ringing_utc_ms) {
		c->ringing_utc_ms = h->now.utc_ms;
		histogram_add(&h->metrics->ringing, (c->ringing_utc_ms - c->setup_utc_ms) * 1000);
	}
	if (c->state != CALL_SETUP)
		return;
	c->state = CALL_RINGING;
	call_publish(h, c, SIG_CALL_RINGING);
}

enum { INVITE_LINES_MAX = 2 * CARRIED_VALUE_MAX };

/* One 180 is enough, whichever branch rings. */
static bool response_was_sent(const struct call *c, const struct invite_uas *uas, uint16_t status)
{
	return status == uas->provisional || (status == 180 && c->ringing_utc_ms);
}

/* RFC 3261 13.2.1: the first reliable response to a late offer must contain the offer. */
static bool may_say(const struct leg *from, bool early)
{
	return early || !from->uas->late || from->open.by_18x || !reliable_is_due(from->uas, false);
}

/* by: the ringing leg; LEG_NONE: no phone. */
static void invite_say(struct call_host *h, struct call *c, uint8_t asker, uint8_t by,
		       uint16_t status, bool early)
{
	uint8_t space[INVITE_LINES_MAX];
	struct writer extra = writer_over(space, sizeof(space));
	struct leg *from = c->legs[asker];
	struct response r = {
		.status = status,
		.dialog = &from->dialog,
		.contact = true,
		.record_route = true,
		.content_type = BYTES_LIT("application/sdp"),
		.body = early ? text_bytes(&from->open.local) : (struct bytes){ 0 },
	};

	identity_write_peer(&extra, h, c, asker, by);
	r.extra = writer_lines(&extra);
	from->uas->provisional = status;
	if (reliable_is_due(from->uas, early))
		reliable_make(h, c, asker, &r);
	else
		respond(h, txns_get(h->txns, from->uas->server), NULL, &r);
}

void invite_pass_on(struct call_host *h, struct call *c, uint8_t leg, uint16_t status,
		    struct bytes sdp)
{
	uint8_t asker = c->legs[leg]->uac->from;
	struct invite_uas *uas = c->legs[asker]->uas;
	bool early;

	if (uas->unacknowledged.n) {
		reliable_queue(c, leg, status, sdp);
		return;
	}
	early = early_session(h, c, leg, sdp);
	if (status == 183 && sdp.n && !early && !is_agreed(c, leg))
		status = 180;
	if (!early && response_was_sent(c, uas, status))
		return;
	outbox_touch_later(&c->out); /* a successor rings on */
	if (may_say(c->legs[asker], early))
		invite_say(h, c, asker, leg, status, early);
	ringing(h, c, status);
}

static void pass_on(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	struct bytes sdp;

	if (session_body(m, &sdp))
		sdp = (struct bytes){ 0 };
	invite_pass_on(h, c, leg, m->status, sdp);
}

void invite_ring(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	/* it has still to acknowledge that something rings: one at a time */
	if (l->uas->provisional == 180 || l->uas->unacknowledged.n || !may_say(l, false))
		return;
	outbox_touch_later(&c->out); /* a successor rings on */
	invite_say(h, c, leg, LEG_NONE, 180, false);
	ringing(h, c, 180);
}

/* A party called by command is not told. */
static void heard(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	if (invite_carried(c, leg)) {
		pass_on(h, c, leg, m);
	} else if (c->state == CALL_SETUP || (m->status == 180 && !c->ringing_utc_ms)) {
		ringing(h, c, m->status);
		outbox_touch_later(&c->out);
	}
}

/* RFC 6228: the end of one early dialog is not passed on. */
static void early_received(struct call_host *h, struct call *c, uint8_t leg,
			   const struct sip_message *m)
{
	bool reliable = prack_is_due(m);

	if (reliable && !prack_on_response(h, c, leg, m))
		return;
	if (m->status != 199 && c->legs[leg]->uac->from != leg)
		heard(h, c, leg, m);
	if (reliable)
		prack_keep_answer(c->legs[leg], m);
	else if (m->status == 199 && early_are_several(c->legs[leg]))
		early_end(c, leg, c->legs[leg]->uac->early_at);
}

/* Each of its phones has an early dialog of its own. Without one it may still ring. */
static void early_enter_and_hear(struct call_host *h, struct call *c, uint8_t leg,
				 const struct sip_message *m)
{
	int err = m->status > 100 ? early_enter(h, c, leg, m, false) : 0;

	if (m->status <= 100)
		return;
	if (err == -ENOSPC)
		sig_count_dropped(h->metrics, DROPPED_FORKS);
	else if (!err || !prack_is_due(m))
		early_received(h, c, leg, m);
	early_settle(c, leg);
}

void invite_enter(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	const struct invite_uas *uas;
	uint8_t of, at;

	if (!early_find(c, leg, m, &of, &at))
		return;
	uas = invite_carried(c, of);
	if (uas && uas->state != UAS_PROCEEDING)
		return;
	early_use(c->legs[of], at);
	if (early_was_selected(c, of) && early_select(h, c, of))
		session_refresh(h, c);
}

void invite_provisional(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = c->legs[ev->leg];

	if (!leg_is_open(l) || l->uac->state == UAC_QUEUED)
		return;
	l->uac->state = UAC_PROCEEDING;
	l->takes_talk |= message_has_token(ev->message, "Allow-Events", "talk");
	trunk_route_on_response(h, c, ev->leg, ev->message->status);
	identity_learn(h, c, ev->leg, ev->message);
	if (l->uac->from == ev->leg && !l->leave)
		outbox_touch(&c->out);
	if (l->leave)
		leg_leave_now(h, c, ev->leg);
	else if (l->state == LEG_EARLY)
		early_enter_and_hear(h, c, ev->leg, ev->message);
}

/* Our 2xx has not left: it waits for the PRACK of an earlier response. */
static bool is_cancellable(const struct leg *l)
{
	return l->state == LEG_EARLY && l->uas &&
	       (l->uas->state == UAS_PROCEEDING || l->uas->answer_waits);
}

void invite_cancel(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct call_ending e = {
		.cause = CAUSE_CANCELLED, .by = ENDED_BY_A, .status = 487, .reason = { 0 }
	};

	const struct leg *l = c->legs[ev->leg];

	if (!is_cancellable(l))
		return; /* too late (RFC 3261 9.2); a re-INVITE just runs its course */
	call_end(h, c, &e);
}

/* ---- the asked leg says no, or nothing ---- */

/* A redirection of B is not for A to follow; B's overload, its challenges, and what it negotiates
 * with us do not concern A. */
uint16_t refusal_for_other(uint16_t status)
{
	switch (status) {
	case 401:
	case 407:
	case 503: /* RFC 3261 16.7 step 6: only the server that is overloaded says so */
		return 500;
	case 430: /* RFC 5626 11.5: never passed on to a phone */
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

/* RFC 3326: the response of B, by its code. */
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
	fork_on_failure(h, c, &lost);
}

/* The Contacts of a trunk's 3xx are further routes of the same number; the callee there has not
 * responded to the caller. */
static bool redirected_by_trunk(struct call_host *h, struct call *c, uint8_t leg,
				const struct sip_message *m)
{
	struct refusal_kept lost = { .status = 503, .leg = leg, .cause = CAUSE_UNREACHABLE };

	outbox_touch(&c->out);
	if (!redirect_on_response(h, c, m))
		return false;
	fork_on_failure(h, c, &lost);
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

/* ... and it is not asked again. */
static bool refused_unheard(const struct call_host *h, const struct call *c, uint8_t leg)
{
	return c->state == CALL_ESTABLISHED && !c->order_ns &&
	       !(c->reoffer & bridge_reoffer_side(c, leg)) && flows_moved(h, c, leg);
}

/* Its connection ended with the previous node of the call, or its NAT admits no other source. */
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
		call_on_party_gone(h, c, leg, status);
	else if (refused_unheard(h, c, leg))
		reoffer_unheard(h, c, leg);
}

/* A successor without it would invite it again. Nothing waits for this save. */
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

/* RFC 3261 8.1.3.5: repeats the INVITE with credentials. */
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

/* A phone that requires SRTP rejects a plain offer: it is offered SRTP keys, if over TLS. */
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

/* It has no codec of the caller's. A phone that shares one is never offered more: common codecs go
 * before transcoding. */
static bool ask_with_codecs(struct call_host *h, struct call *c, uint8_t leg, uint16_t status)
{
	if (!is_about_codecs(status) || session_offer_codecs(h, c, leg))
		return false;
	LOG_INFO(
		"call", c->id,
		"the phone takes no codec of the other party, it is offered codecs for transcoding",
		LOG_U64("leg", leg), LOG_U64("status", status));
	outbox_touch(&c->out);
	return invite_queue(h, c, leg) == 0;
}

void invite_refusal_holds_ack(struct call_host *h, struct call *c, pool_handle txn)
{
	struct outbox_item item = { .kind = OUTBOX_REFUSED, .txn = txn };

	outbox_touch(&c->out);
	if (outbox_push(&c->out, &item))
		txns_ack_hold(h->txns, txn);
	else
		txns_ack_go(h->txns, txn);
}

/* RFC 5626 7: the response is not the phone's own. */
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
	invite_refusal_holds_ack(h, c, ev->txn);
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
		fork_on_failure(h, c, &lost);
	}
}
