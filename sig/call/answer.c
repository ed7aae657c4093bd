/* SPDX-License-Identifier: Apache-2.0 */
/* The way back: the 2xx of the asked leg, saved, then told to the asker and acknowledged on both sides (RFC 3261 13.2.2.4, 13.3.1.4). */
#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/invite.h"
#include "sig/call/leg.h"
#include "sig/call/respond.h"
#include "sig/call/session.h"

/* The SDP of the 2xx: an answer, or the offer when the INVITE had none. */
static int take_session(struct call_host *h, struct call *c, const struct sip_message *m,
			struct call_refusal *refusal)
{
	struct exchange *x = &c->invite.media;
	struct bytes sdp;

	*refusal = (struct call_refusal){ .status = 488, .reason = REFUSED_SDP };
	if (session_body(m, &sdp))
		return -ENOTSUP;
	if (c->invite.late)
		return sdp.n ? session_offer(h, c, x, sdp, refusal) : -EBADMSG;
	if (sdp.n == 0) /* RFC 3261 13.2.1: the answer may have come in a 18x */
		return x->answer_in.n ? 0 : -EBADMSG;
	return session_answer(h, c, x, sdp, refusal);
}

static int make_answer(struct call_host *h, struct call *c)
{
	struct invite *inv = &c->invite;
	struct txn_slot *slot = txns_get(h->txns, inv->server);
	struct response r = {
		.status = 200,
		.dialog = &c->legs[inv->from].dialog,
		.contact = true,
		.record_route = true,
		.content_type = BYTES_LIT("application/sdp"),
		.body = text_bytes(inv->late ? &inv->media.offer_out : &inv->media.answer_out),
	};

	return slot ? response_make_later(h, slot, &r, &inv->answer) : -ENOENT;
}

static void queue_answer(struct call_host *h, struct call *c, uint8_t leg)
{
	struct outbox_item answer = { .kind = OUTBOX_ANSWER, .leg = c->invite.from };
	struct outbox_item ack = { .kind = OUTBOX_ACK, .leg = leg };
	bool queued;

	outbox_touch(&c->out);
	queued = outbox_push(&c->out, &answer);
	if (!queued)
		invite_answer_go(h, c);
	if (c->invite.late)
		return; /* the ACK carries the asker's answer: it waits for their ACK */
	if (!queued || !outbox_push(&c->out, &ack))
		invite_ack_go(h, c, leg);
}

/* RFC 3261 12.2.2: an accepted re-INVITE moves its sender's target. */
static int refresh_asker(struct call_host *h, struct call *c)
{
	struct txn_slot *slot = txns_get(h->txns, c->invite.server);
	struct message_error error;
	struct sip_message m;
	int err;

	if (!slot)
		return -ENOENT;
	err = message_parse(&m, text_bytes(&slot->request), &error);
	m.hop = slot->source;
	if (!err)
		err = dialog_refresh(&c->legs[c->invite.from].dialog, &m, h->settings);
	message_close(&m);
	return err;
}

/* What the asked leg answered cannot be told to the asker. */
static void give_up(struct call_host *h, struct call *c, const struct call_refusal *refusal)
{
	struct call_ending e = {
		.cause = CAUSE_SESSION,
		.by = ENDED_BY_NODE,
		.status = refusal->status,
	};

	LOG_WARN("call", c->id, "answer cannot be passed on", LOG_U64("status", refusal->status),
		 LOG_STR("reason", refusal->text ? refusal->text : "no session description"));
	call_end(h, c, &e);
}

static int confirm(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	struct leg *l = &c->legs[leg];

	return c->invite.again ? dialog_refresh(&l->dialog, m, h->settings)
			       : dialog_confirm(&l->dialog, m, l->behind_nat, h->settings);
}

/* The answer crossed our CANCEL, or came for a call that is over: RFC 3261 9.1 wants it acknowledged and ended. */
static void answered_too_late(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg_farewell f = { 0 };

	c->legs[leg].leave = false;
	c->legs[leg].leave_ns = 0;
	c->legs[leg].state = LEG_ANSWERED;
	leg_leave(h, c, leg, &f);
	invite_clear(&c->invite);
	outbox_touch(&c->out);
}

static void answered(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	struct call_refusal refusal = { .status = 502 };
	int err;

	c->invite.state = INVITE_ANSWERED;
	if (!c->invite.again) {
		c->legs[leg].state = LEG_ANSWERED;
		c->status = 200;
		c->answer_utc_ms = h->now.utc_ms;
		c->ring_ns = 0;
	}
	err = take_session(h, c, m, &refusal);
	if (!err && c->invite.again)
		err = refresh_asker(h, c);
	if (!err)
		err = make_answer(h, c);
	if (err) {
		give_up(h, c, &refusal);
		return;
	}
	if (!c->invite.again)
		c->state = CALL_ANSWERING;
	queue_answer(h, c, leg);
}

void invite_success(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = &c->legs[ev->leg];
	bool open = c->invite.state == INVITE_CALLING || c->invite.state == INVITE_PROCEEDING;

	if (!open) {
		invite_stray(h, c, ev->leg, ev->message);
		return;
	}
	if (confirm(h, c, ev->leg, ev->message)) {
		struct call_refusal refusal = { .status = 502, .text = "unusable dialog" };

		c->invite.state = INVITE_ANSWERED;
		if (!c->invite.again)
			l->state = LEG_ANSWERED;
		give_up(h, c, &refusal);
	} else if (c->state == CALL_ENDING) {
		answered_too_late(h, c, ev->leg);
	} else {
		answered(h, c, ev->leg, ev->message);
	}
}

/* RFC 3261 13.2.2.4: each 2xx of another fork makes a dialog, which we do not want. */
static void end_fork(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	const struct leg *l = &c->legs[leg];
	struct dialog_request ack = { .method = SIP_ACK, .cseq = m->cseq, .max_forwards = -1 };
	struct dialog_request bye = { .method = SIP_BYE, .cseq = m->cseq + 1, .max_forwards = -1 };
	struct call fork = { .id = c->id };
	struct writer w = writer_over(h->space, HOST_SPACE);
	struct dialog *d = &fork.legs[leg].dialog;

	*d = (struct dialog){ .tag = l->dialog.tag, .hop = m->hop };
	if (!text_set(&d->call_id, text_bytes(&l->dialog.call_id)) &&
	    !text_set(&d->local, text_bytes(&l->dialog.local)) &&
	    !text_set(&d->remote, text_bytes(&l->dialog.remote)) &&
	    !text_set(&d->target, text_bytes(&l->dialog.target)) &&
	    !dialog_confirm(d, m, true, h->settings)) {
		ack.branch = rand_u64_from(h->rand);
		dialog_write_request(&w, d, &ack, h->settings);
		if (!w.overflow)
			txns_send(h->txns, &d->hop, writer_done(&w));
		(void)leg_send(h, &fork, leg, &bye, TXN_USER_NONE);
	}
	dialog_clear(d);
}

void invite_stray(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	const struct leg *l = &c->legs[leg];
	struct dialog_tag own = dialog_tag(&l->dialog);

	if (!bytes_eq(m->call_id, text_bytes(&l->dialog.call_id)) ||
	    !bytes_ieq(m->from.tag, bytes_mem(own.text, sizeof(own.text))))
		return;
	if (!bytes_eq(m->to.tag, text_bytes(&l->dialog.remote_tag))) {
		if (l->dialog.remote_tag.n && !c->invite.again)
			end_fork(h, c, leg, m);
		return;
	}
	/* a repeated 2xx: our ACK was lost */
	if (m->cseq == l->invite_cseq && l->state != LEG_EARLY && !invite_ack_waits(c, leg))
		leg_ack(h, c, leg);
}

bool invite_ack_waits(const struct call *c, uint8_t leg)
{
	const struct invite *inv = &c->invite;

	return inv->from != leg &&
	       (inv->state == INVITE_ANSWERED || (inv->state == INVITE_ACCEPTED && inv->late));
}

void invite_ack_go(struct call_host *h, struct call *c, uint8_t leg)
{
	leg_ack(h, c, leg);
	if (c->legs[leg].state == LEG_ANSWERED)
		c->legs[leg].state = LEG_CONFIRMED;
}

void invite_answer_go(struct call_host *h, struct call *c)
{
	struct invite *inv = &c->invite;
	struct txn_slot *slot = txns_get(h->txns, inv->server);

	if (inv->state != INVITE_ANSWERED || !slot)
		return;
	txns_reply(h->txns, slot, 200, &inv->answer, h->now.ns);
	slot = txns_get(h->txns, inv->server);
	if (slot) { /* RFC 6026: the transaction never sends a 2xx again; we do */
		inv->answer = slot->txn.message;
		slot->txn.message = (struct text){ 0 };
	}
	inv->state = INVITE_ACCEPTED;
	inv->interval_ms = TXN_T1_MS;
	inv->retransmit_ns = h->now.ns + TXN_T1_MS * NS_PER_MS;
	inv->deadline_ns = h->now.ns + TXN_TIMEOUT_MS * NS_PER_MS;
	if (inv->again || c->legs[LEG_A].state != LEG_EARLY)
		return; /* said before, perhaps by another process */
	c->legs[LEG_A].state = LEG_ANSWERED;
	metric_add(h->metrics->calls_answered, 1);
	call_publish(h, c, SIG_CALL_ANSWERED);
	LOG_INFO("call", c->id, "call answered", LOG_BYTES("from", text_bytes(&c->from)),
		 LOG_BYTES("to", text_bytes(&c->to)),
		 LOG_U64("setup_ms", c->answer_utc_ms - c->setup_utc_ms));
}

void invite_answer_again(struct call_host *h, struct call *c)
{
	struct invite *inv = &c->invite;
	struct txn_slot *slot = txns_get(h->txns, inv->server);
	struct sip_hop hop = slot ? slot->txn.hop : c->legs[inv->from].dialog.hop;

	inv->interval_ms = inv->interval_ms * 2 < TXN_T2_MS ? inv->interval_ms * 2 : TXN_T2_MS;
	inv->retransmit_ns = h->now.ns + inv->interval_ms * NS_PER_MS;
	txns_send(h->txns, &hop, text_bytes(&inv->answer));
}

void invite_answer_lost(struct call_host *h, struct call *c)
{
	struct call_ending e = { .cause = CAUSE_NO_ACK, .by = ENDED_BY_NODE, .status = 408 };
	uint8_t from = c->invite.from;
	struct leg *l = &c->legs[from];

	c->invite.retransmit_ns = c->invite.deadline_ns = 0;
	/* RFC 3261 13.3.1.4: the dialog counts as confirmed, and is ended */
	if (l->state == LEG_ANSWERED)
		l->state = LEG_CONFIRMED;
	if (c->state != CALL_ENDING) {
		call_end(h, c, &e);
	} else if (l->leave) {
		leg_leave_now(h, c, from);
	}
	invite_clear(&c->invite);
}

/* The asker's answer to the offer of our 2xx; the other leg waits for it in our ACK. */
static void late_answer(struct call_host *h, struct call *c, const struct sip_message *ack)
{
	struct call_ending e = { .cause = CAUSE_SESSION, .by = ENDED_BY_NODE, .status = 488 };
	struct call_refusal refusal;
	uint8_t asked = leg_other(c->invite.from);
	struct bytes sdp;

	if (session_body(ack, &sdp) || sdp.n == 0 ||
	    session_answer(h, c, &c->invite.media, sdp, &refusal)) {
		call_end(h, c, &e);
		return;
	}
	invite_ack_go(h, c, asked);
}

static void established(struct call_host *h, struct call *c)
{
	struct txn_slot *slot = txns_get(h->txns, c->invite.server);

	if (slot) /* it only soaks up copies of the INVITE now */
		text_clear(&slot->request);
	if (c->invite.media.answer_in.n)
		exchange_move(&c->media, &c->invite.media);
	invite_clear(&c->invite);
	if (c->state == CALL_ANSWERING)
		c->state = CALL_ESTABLISHED;
	outbox_touch(&c->out);
}

void invite_ack(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct invite *inv = &c->invite;
	struct leg *l = &c->legs[ev->leg];

	if (inv->state != INVITE_ACCEPTED || inv->from != ev->leg ||
	    ev->message->cseq != inv->server_cseq)
		return; /* of an older answer */
	if (l->state == LEG_ANSWERED)
		l->state = LEG_CONFIRMED;
	if (c->state != CALL_ENDING && inv->late)
		late_answer(h, c, ev->message);
	if (l->leave)
		leg_leave_now(h, c, ev->leg);
	established(h, c);
}
