/* SPDX-License-Identifier: Apache-2.0 */
/* The answer back: the 2xx of the callee's leg becomes ours to the caller, which waits for the
 * save, and its ACK. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/table.h"
#include "sig/call/call_end.h"
#include "sig/call/fork.h"
#include "sig/call/identity.h"
#include "sig/call/invite.h"
#include "sig/call/legs.h"
#include "sig/call/module.h"
#include "sig/call/originate.h"
#include "sig/call/plan.h"
#include "sig/call/prompts.h"
#include "sig/call/reliable.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/leg/early.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
#include "sig/leg/session_timer.h"
#include "sig/model/call.h"

/* ---- our 2xx, repeated until its ACK comes, and our own ACK to the callee (RFC 3261 13.2.2.4,
 * 13.3.1.4) ---- */

void invite_stray(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	struct leg *l = c->legs[leg];
	struct dialog_tag own = dialog_tag(&l->dialog);

	/* it must be an INVITE of ours that is answered */
	if (!bytes_eq(m->call_id, text_bytes(&l->dialog.call_id)) ||
	    !bytes_ieq(m->from.tag, bytes_mem(own.text, sizeof(own.text))) || !l->invite_cseq ||
	    m->cseq > l->invite_cseq) {
		sig_count_dropped(h->metrics, DROPPED_RESPONSE);
		return;
	}
	/* a re-INVITE is for one dialog, whatever its answer says */
	if (!bytes_eq(m->to.tag, text_bytes(&l->dialog.remote_tag))) {
		if (m->cseq < l->invite_cseq || !l->uac || c->state != CALL_ESTABLISHED)
			forks_on_answer(h, c, leg, m);
		return;
	}
	/* a repeated 2xx: our ACK was lost */
	if (m->cseq < l->invite_cseq && l->state != LEG_EARLY)
		leg_ack_older(h, c, leg, m->cseq);
	else if (l->state != LEG_EARLY && !invite_ack_waits(c, leg) &&
		 !outbox_has(&c->out, OUTBOX_LATE, leg))
		leg_ack(h, c, leg);
}

bool invite_ack_waits(const struct call *c, uint8_t leg)
{
	const struct invite_uac *uac = c->legs[leg]->uac;
	const struct invite_uas *uas;

	if (!uac || uac->state != UAC_ANSWERED || (uac->from == leg && !call_is_alone(c)))
		return false;
	if (uac->screen_ns)
		return c->legs[leg]->state == LEG_ANSWERED;
	uas = invite_carried(c, leg);
	return !uas || uas->state == UAS_ANSWERED ||
	       (uas->state == UAS_ACCEPTED && uas->late && !c->legs[leg]->open.by_18x);
}

/* The exchange of SDP repeats the previous one. */
static bool answer_is_stale(const struct call *c, uint8_t asked)
{
	const struct leg *l = c->legs[asked];

	return invite_is_refresh(c, asked) &&
	       session_is_same(text_bytes(&l->open.remote), text_bytes(&l->sdp.remote));
}

/* The agreed session stays; what the negotiation needed is freed. A leg invited by ourselves has no
 * caller to tell. */
static void keep_session(struct call *c, uint8_t from)
{
	uint8_t asked = call_is_alone(c) ? from : bridge_peer(c, from);
	struct leg *l = call_leg(c, asked);

	if (!l)
		return;
	if (asked == from && l->uas && leg_sdp_is_agreed(&l->open))
		leg_sdp_move(&l->sdp, &l->open);
	if (!l->uac)
		return;
	if (leg_sdp_is_agreed(&l->open) && !answer_is_stale(c, asked)) {
		leg_sdp_move(&l->sdp, &l->open);
		if (c->legs[from]->uas)
			leg_sdp_move(&c->legs[from]->sdp, &c->legs[from]->open);
		c->bridge.offerer = l->uac->late ? asked : from;
	}
	leg_uac_clear(l);
}

/* The engine tells of silence once. */
static void listen_again(struct call_host *h, struct call *c)
{
	bool any = false;

	for (uint32_t i = 0; i < c->flow_count; i++)
		any |= c->flows[i].silent;
	if (any && c->state == CALL_ESTABLISHED)
		session_refresh(h, c);
}

static void acknowledge_reoffer_other(struct call_host *h, struct call *c, uint8_t leg)
{
	if (c->state == CALL_ESTABLISHED && invite_own(h, c, leg))
		LOG_WARN("call", c->id, "the other party is not told of an offer before the answer",
			 LOG_U64("leg", leg));
}

static void established(struct call_host *h, struct call *c, uint8_t from)
{
	struct invite_uas *uas = c->legs[from]->uas;
	bool turned = uas && uas->turned, told_otherwise = uas && uas->told_otherwise;
	struct txn_slot *slot = uas ? txns_get(h->txns, uas->server) : NULL;
	bool answers = c->state == CALL_ANSWERING, begun = !uas && answers;

	if (uas)
		reliable_forget(c->legs[from]);
	if (slot) /* it only soaks up copies of the INVITE now */
		text_clear(&slot->request);
	keep_session(c, from);
	if (uas && uas->wakes)
		call_publish_leg(h, c, SIG_CALL_RESUMED, from);
	leg_uas_clear(c->legs[from]);
	if (c->state == CALL_ANSWERING)
		c->state = CALL_ESTABLISHED;
	listen_again(h, c);
	outbox_touch_later(&c->out);
	if (begun)
		originate_joined(h, c);
	if (turned)
		acknowledge_reoffer_other(h, c, from);
	if (told_otherwise)
		acknowledge_reoffer_other(h, c, bridge_peer(c, from));
	if (answers)
		modules_answered(h, c);
	modules_established(h, c);
}

void invite_ack_on_saved(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = call_leg(c, leg);

	if (!l)
		return;
	leg_ack(h, c, leg);
	if (l->state == LEG_ANSWERED)
		l->state = LEG_CONFIRMED;
	if (l->uac && l->uac->state == UAC_ANSWERED && !invite_carried(c, leg) &&
	    c->state != CALL_ENDING && !leg_is_screened(l))
		established(h, c, l->uac->from); /* no other leg is to be told */
}

static void answer_accept(struct call_host *h, struct leg *l, struct txn_slot *slot)
{
	struct invite_uas *uas = l->uas;

	txns_reply(h->txns, slot, 200, &uas->answer, h->now.ns);
	slot = txns_get(h->txns, uas->server);
	if (slot) { /* RFC 6026: the transaction never sends a 2xx again; we do */
		uas->answer = slot->txn.message;
		slot->txn.message = (struct text){ 0 };
	}
	uas->state = UAS_ACCEPTED;
	uas->interval_ms = TXN_T1_MS;
	uas->retransmit_ns = h->now.ns + TXN_T1_MS * NS_PER_MS;
	uas->deadline_ns = h->now.ns + TXN_TIMEOUT_MS * NS_PER_MS;
	session_timer_start(h, &l->timer);
}

void invite_answer_on_saved(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = call_leg(c, leg);
	struct txn_slot *slot = l && l->uas ? txns_get(h->txns, l->uas->server) : NULL;

	if (!slot || l->uas->state != UAS_ANSWERED)
		return;
	l->uas->answer_waits = reliable_holds_answer(l->uas);
	if (l->uas->answer_waits) /* RFC 3262 3 */
		return;
	answer_accept(h, l, slot);
	if (l->state != LEG_EARLY)
		return; /* a re-INVITE, or sent before, perhaps by another process */
	l->state = LEG_ANSWERED;
	originate_answered_by(h, c);
}

void invite_answer_again(struct call_host *h, struct call *c, uint8_t leg)
{
	struct invite_uas *uas = c->legs[leg]->uas;
	struct txn_slot *slot = txns_get(h->txns, uas->server);
	struct sip_hop hop = slot ? slot->txn.hop : c->legs[leg]->dialog.hop;

	uas->interval_ms = uas->interval_ms * 2 < TXN_T2_MS ? uas->interval_ms * 2 : TXN_T2_MS;
	uas->retransmit_ns = h->now.ns + uas->interval_ms * NS_PER_MS;
	txns_send(h->txns, &hop, text_bytes(&uas->answer));
}

void invite_answer_lost(struct call_host *h, struct call *c, uint8_t leg)
{
	struct call_ending e = { .cause = CAUSE_NO_ACK, .by = ENDED_BY_NODE, .status = 408 };
	struct leg *l = c->legs[leg];

	l->uas->retransmit_ns = l->uas->deadline_ns = 0;
	/* RFC 3261 13.3.1.4: the dialog counts as confirmed, and is ended */
	if (l->state == LEG_ANSWERED)
		l->state = LEG_CONFIRMED;
	if (c->state != CALL_ENDING) {
		call_end(h, c, &e);
	} else if (l->leave) {
		leg_leave_now(h, c, leg);
	}
	leg_uas_clear(l);
}

/* The asker's answer to the offer of our 2xx; the other leg waits for it in our ACK. */
static void late_answer(struct call_host *h, struct call *c, uint8_t from,
			const struct sip_message *ack)
{
	struct call_ending e = { .cause = CAUSE_SESSION, .by = ENDED_BY_NODE, .status = 488 };
	struct call_refusal refusal;
	uint8_t asked = bridge_peer(c, from);
	struct bytes sdp;

	if (session_body(ack, &sdp) || sdp.n == 0 ||
	    (call_is_alone(c) ? session_alone_answered(h, c, from, sdp, &refusal)
			      : session_answer(h, c, asked, sdp, &refusal))) {
		call_end(h, c, &e);
		return;
	}
	if (asked != LEG_NONE)
		invite_ack_on_saved(h, c, asked);
}

void invite_ack(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = c->legs[ev->leg];

	if (refusal_acknowledged(l))
		return;
	if (!l->uas || l->uas->state != UAS_ACCEPTED || ev->message->cseq != l->uas->cseq)
		return; /* of an older answer */
	if (l->state == LEG_ANSWERED)
		l->state = LEG_CONFIRMED;
	if (c->state != CALL_ENDING && l->uas->late && !l->open.by_18x)
		late_answer(h, c, ev->leg, ev->message);
	if (l->leave)
		leg_leave_now(h, c, ev->leg);
	established(h, c, ev->leg);
}

/* The SDP of the 2xx: an answer, or the offer when the INVITE had none. */
static enum refusal answer_accept_session(struct call_host *h, struct call *c, uint8_t leg,
					  const struct sip_message *m, struct call_refusal *refusal)
{
	struct bytes sdp;

	*refusal = (struct call_refusal){ .status = 488, .reason = REFUSED_SDP };
	if (m && session_body(m, &sdp))
		return REFUSED_SDP;
	if (!m) /* it was held back */
		sdp = text_bytes(&c->legs[leg]->open.remote);
	if (c->legs[leg]->uac->late && c->legs[leg]->open.by_18x)
		return 0;
	if (c->legs[leg]->uac->late)
		return sdp.n ? session_late_offer(h, c, leg, sdp, refusal) : REFUSED_SDP;
	/* RFC 3261 13.2.1: the answer may have come in a 18x; in a reliable one it is the only
	 * one */
	if (sdp.n == 0 || c->legs[leg]->open.by_18x)
		sdp = text_bytes(&c->legs[leg]->open.remote);
	return sdp.n ? session_answer(h, c, leg, sdp, refusal) : REFUSED_SDP;
}

/* A remote shard gets the data collected from the party that its own is to talk with (IVR-04). */
static void write_data(struct writer *w, const struct call_host *h, const struct call *c,
		       uint8_t asker)
{
	const struct call *other =
		c->replaces.call ? h->services->calls->find(h->owner, c->replaces.call) : NULL;

	if (c->legs[asker]->dialog.hop.transport == SIP_INTER_SHARD)
		call_data_write(w, other ? other : c);
}

static int offer_make_answer(struct call_host *h, const struct call *c, uint8_t asker, uint8_t by)
{
	struct leg *from = c->legs[asker];
	struct txn_slot *slot = txns_get(h->txns, from->uas->server);
	struct writer extra = writer_over(h->extra, HOST_EXTRA);
	struct response r = {
		.status = 200,
		.dialog = &from->dialog,
		.contact = true,
		.record_route = true,
		.content_type = BYTES_LIT("application/sdp"),
		/* RFC 6337 3.1.1 */
		.body = from->open.by_18x ? (struct bytes){ 0 } : text_bytes(&from->open.local),
	};

	session_timer_write_answer(&extra, &from->timer);
	identity_write_peer(&extra, h, c, asker, by);
	write_data(&extra, h, c, asker);
	r.extra = writer_lines(&extra);
	return slot ? response_make_later(h, slot, &r, &from->uas->answer) : -ENOENT;
}

/* acked: our ACK to the leg left before, or waits for its save. */
static void queue_answer(struct call_host *h, struct call *c, uint8_t leg, bool acked)
{
	uint8_t from = c->legs[leg]->uac->from;
	struct outbox_item answer = { .kind = OUTBOX_ANSWER, .leg = from };
	struct outbox_item ack = { .kind = OUTBOX_ACK, .leg = leg };
	bool queued;

	outbox_touch(&c->out);
	queued = !c->legs[from]->uas || outbox_push(&c->out, &answer);
	if (!queued)
		invite_answer_on_saved(h, c, from);
	if (acked) {
		if (c->legs[leg]->state == LEG_CONFIRMED && !c->legs[from]->uas)
			established(h, c, from);
		return;
	}
	if (c->legs[leg]->uac->late && !c->legs[leg]->open.by_18x)
		return; /* the ACK carries the asker's answer: it waits for their ACK */
	if (!queued || !outbox_push(&c->out, &ack))
		invite_ack_on_saved(h, c, leg);
}

/* RFC 3261 12.2.2, 14.1: an accepted re-INVITE moves its sender's target, and no other does. */
static int refresh_asker(struct call_host *h, struct call *c, uint8_t from)
{
	struct txn_slot *slot = txns_get(h->txns, c->legs[from]->uas->server);
	struct message_error error;
	struct sip_message m;
	int err;

	if (!slot)
		return -ENOENT;
	err = message_parse(&m, text_bytes(&slot->request), &error);
	m.hop = slot->source;
	if (!err)
		leg_refresh_target(h, c, from, &m);
	message_close(&m);
	return err;
}

enum refusal invite_answer_own(struct call_host *h, struct call *c, uint8_t leg,
			       struct call_refusal *refusal)
{
	struct outbox_item answer = { .kind = OUTBOX_ANSWER, .leg = leg };
	struct leg *l = c->legs[leg];
	enum refusal refused;

	if (l->uas->early) /* its session is a phone's: ours is of another early dialog */
		early_untell(h, l);
	reliable_leave(l);
	refused = l->uas->late ? session_alone_offer(h, c, leg, refusal)
			       : session_alone_answer(h, c, leg, text_bytes(&l->open.remote),
						      &l->open, refusal);

	if (!refused && l->state == LEG_CONFIRMED && refresh_asker(h, c, leg))
		refused = call_refuse(refusal, REFUSED_MALFORMED);
	if (!refused && offer_make_answer(h, c, leg, LEG_NONE))
		refused = call_refuse(refusal, REFUSED_MEMORY);
	if (refused)
		return refused;
	l->uas->state = UAS_ANSWERED;
	outbox_touch(&c->out);
	if (!outbox_push(&c->out, &answer))
		invite_answer_on_saved(h, c, leg);
	return 0;
}

/* What the asked leg answered cannot be told to the asker. */
static void answer_give_up(struct call_host *h, struct call *c, const struct call_refusal *refusal)
{
	struct call_ending e = {
		.cause = CAUSE_SESSION,
		.by = ENDED_BY_NODE,
		.status = refusal->status,
	};

	LOG_WARN("call", c->id, "answer cannot be passed on", LOG_U64("status", refusal->status),
		 LOG_STR("reason", refusal->text ? refusal->text : "no session description"));
	call_untaken(h, c, &e);
}

static int answer_confirm(struct call_host *h, struct call *c, uint8_t leg,
			  const struct sip_message *m)
{
	struct leg *l = c->legs[leg];

	if (l->state == LEG_CONFIRMED)
		return dialog_refresh(&l->dialog, m, false, h);
	if (early_enter(h, c, leg, m, true))
		LOG_WARN("call", c->id, "the dialog of an answer cannot be kept apart",
			 LOG_U64("leg", leg));
	/* a branch that lost may answer its first INVITE while the winner is asked again */
	return dialog_confirm(&l->dialog, m, l->behind_nat, h);
}

/* Another branch was faster, the 2xx crossed our CANCEL, or the call is over: RFC 3261 9.1 and 16.7
 * have it acknowledged and then ended by BYE. A successor must know the dialog for that: until it
 * does, the party repeats its 2xx. */
void invite_late(struct call_host *h, struct call *c, uint8_t leg)
{
	struct outbox_item item = { .kind = OUTBOX_LATE, .leg = leg };

	outbox_touch(&c->out);
	if (!outbox_push(&c->out, &item))
		invite_late_on_saved(h, c, leg);
}

void invite_late_on_saved(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg_farewell f = { .reason = c->state == CALL_ENDING ? (struct bytes){ 0 }
								    : BYTES_LIT(LEG_COMPLETED) };
	struct leg *l = call_leg(c, leg);

	if (!l || l->state != LEG_LEAVING)
		return; /* it sent BYE meanwhile */
	l->state = LEG_ANSWERED;
	leg_leave(h, c, leg, &f);
}

static void answered_too_late(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];

	l->leave = false;
	l->leave_ns = 0;
	leg_uac_clear(l);
	invite_late(h, c, leg);
}

/* It goes to the one that asked. */
static enum refusal answer_carry(struct call_host *h, struct call *c, uint8_t leg,
				 const struct sip_message *m, struct call_refusal *refusal)
{
	struct leg *from = c->legs[c->legs[leg]->uac->from];
	bool known = false; /* in another dialog than the one that was told last */
	enum refusal refused;

	if (from->uas && from->uas->early)
		known = early_select(h, c, leg);
	refused = answer_accept_session(h, c, leg, m, refusal);
	if (refused || !from->uas)
		return refused;
	if (from->state == LEG_CONFIRMED && refresh_asker(h, c, c->legs[leg]->uac->from))
		return refusal->reason;
	reliable_leave(from);
	if (known || (from->uas->early && !from->uas->late))
		session_refresh(h, c); /* from now on silence counts */
	modules_answering(h, c, c->legs[leg]->uac->from);
	if (offer_make_answer(h, c, c->legs[leg]->uac->from, leg))
		refused = REFUSED_MEMORY;
	from->uas->state = UAS_ANSWERED;
	return refused;
}

/* m is NULL where the answer was held back. */
static void answered(struct call_host *h, struct call *c, uint8_t leg, bool first,
		     const struct sip_message *m)
{
	struct call_refusal refusal = { .status = 502 };

	if (first) {
		c->status = 200;
		c->answer_utc_ms = h->now.utc_ms;
		plan_stop(c);
	}
	if (answer_carry(h, c, leg, m, &refusal)) {
		answer_give_up(h, c, &refusal);
		return;
	}
	if (first) {
		fork_won(h, c, leg);
		c->state = CALL_ANSWERING;
	}
	queue_answer(h, c, leg, !m);
}

/* ---- a callee that is to confirm by a DTMF digit ---- */

/* Others ring on, and no shorter than that. */
static void screen_wait(struct call *c, uint64_t until_ns)
{
	uint64_t *const ends[] = { &c->ring_ns, &c->plan.until_ns };

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		if (*ends[i] && *ends[i] < until_ns + NS_PER_S)
			*ends[i] = until_ns + NS_PER_S;
	}
}

/* False: it has the call at once. */
static bool screen_start(struct call_host *h, struct call *c, uint8_t leg,
			 const struct sip_message *m)
{
	struct outbox_item ack = { .kind = OUTBOX_ACK, .leg = leg };
	struct leg *l = c->legs[leg];
	uint32_t ms = l->uac->late ? 0 : modules_screen_ms(h, c, leg);
	struct bytes sdp;

	if (!ms || session_body(m, &sdp) ||
	    (sdp.n && !l->open.by_18x && text_set(&l->open.remote, sdp)) || !l->open.remote.n)
		return false;
	l->uac->screen_ns = h->now.ns + ms * NS_PER_MS;
	if (c->bridge.callee == leg)
		c->bridge.callee = LEG_NONE;
	screen_wait(c, l->uac->screen_ns);
	LOG_INFO("call", c->id, "the party that answered is asked for a key", LOG_U64("leg", leg));
	outbox_touch(&c->out);
	(void)modules_screened(h, c, leg, '\0');
	session_refresh(h, c);
	if (!outbox_push(&c->out, &ack))
		invite_ack_on_saved(h, c, leg);
	return true;
}

void screen_key(struct call_host *h, struct call *c, uint8_t leg, char key)
{
	struct leg *l = c->legs[leg];

	if (!modules_screened(h, c, leg, key))
		return;
	prompts_stop(h, c);
	l->uac->screen_ns = 0;
	bridge_join(c, l->uac->from, leg);
	answered(h, c, leg, true, NULL);
}

void screen_fail(struct call_host *h, struct call *c, uint8_t leg)
{
	struct refusal_kept lost = { .leg = leg, .status = 480, .cause = CAUSE_NO_ANSWER };
	const struct leg_farewell f = { 0 };

	LOG_INFO("call", c->id, "the party that answered does not take the call",
		 LOG_U64("leg", leg));
	outbox_touch(&c->out);
	leg_leave(h, c, leg, &f);
	fork_on_failure(h, c, &lost);
	flows_close_leg(h, c, leg);
}

void invite_success(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = c->legs[ev->leg];
	struct call_refusal refusal = { .status = 502, .text = "unusable dialog" };
	bool wanted = l->state != LEG_LEAVING, first = l->state == LEG_EARLY;
	int err;

	if (!leg_is_open(l)) {
		invite_stray(h, c, ev->leg, ev->message);
		return;
	}
	leg_learn(l, ev->message);
	identity_learn(h, c, ev->leg, ev->message);
	session_timer_answered(h, &l->timer, ev->message);
	err = answer_confirm(h, c, ev->leg, ev->message);
	l->uac->state = UAC_ANSWERED;
	if (!wanted) {
		answered_too_late(h, c, ev->leg);
		return;
	}
	if (first)
		l->state = LEG_ANSWERED;
	if (err) {
		answer_give_up(h, c, &refusal);
	} else if (first && l->uac->from == ev->leg) {
		originate_answered(h, c, ev->message);
	} else if (!first || !screen_start(h, c, ev->leg, ev->message)) {
		answered(h, c, ev->leg, first, ev->message);
	}
}
