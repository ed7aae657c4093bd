/* SPDX-License-Identifier: Apache-2.0 */
/* Our 2xx, said again until its ACK comes, and our own ACK to the asked leg (RFC 3261 13.2.2.4, 13.3.1.4). */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "sig/call/announce.h"
#include "sig/call/call_end.h"
#include "sig/call/feature.h"
#include "sig/call/invite.h"
#include "sig/call/originate.h"
#include "sig/call/reliable.h"
#include "sig/call/session.h"
#include "sig/call/wait.h"
#include "sig/leg/forks.h"
#include "sig/leg/leg.h"
#include "sig/leg/refusal.h"
#include "sig/leg/session_timer.h"

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
			forks_take(h, c, leg, m);
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
	uas = invite_carried(c, leg);
	return !uas || uas->state == UAS_ANSWERED ||
	       (uas->state == UAS_ACCEPTED && uas->late && !c->legs[leg]->open.by_18x);
}

/* Both said to each other what they had said before. */
static bool is_old_news(const struct call *c, uint8_t asked)
{
	const struct leg *l = c->legs[asked];

	return invite_is_refresh(c, asked) &&
	       session_is_same(text_bytes(&l->open.remote), text_bytes(&l->sdp.remote));
}

/* What was agreed stays; what was needed to agree goes. For whom we asked by ourselves hears nothing of it. */
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
	if (leg_sdp_is_agreed(&l->open) && !is_old_news(c, asked)) {
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

static void acknowledge_tell_other(struct call_host *h, struct call *c, uint8_t leg)
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
		acknowledge_tell_other(h, c, from);
	if (told_otherwise)
		acknowledge_tell_other(h, c, bridge_peer(c, from));
	if (answers)
		announce_begin(h, c);
	features_established(h, c);
}

void invite_ack_go(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = call_leg(c, leg);

	if (!l)
		return;
	leg_ack(h, c, leg);
	if (l->state == LEG_ANSWERED)
		l->state = LEG_CONFIRMED;
	if (l->uac && l->uac->state == UAC_ANSWERED && !invite_carried(c, leg) &&
	    c->state != CALL_ENDING)
		established(h, c, l->uac->from); /* nobody else is to be told */
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

void invite_answer_go(struct call_host *h, struct call *c, uint8_t leg)
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
		return; /* a re-INVITE, or said before, perhaps by another process */
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
		invite_ack_go(h, c, asked);
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
