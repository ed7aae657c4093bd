/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/prack.h"

#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/fork.h"
#include "sig/call/invite.h"
#include "sig/call/relay.h"
#include "sig/call/session.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/model/payer.h"

enum { PRACK_LINES_MAX = 128 };

static bool rseq_of(const struct sip_message *m, uint32_t *out)
{
	struct bytes value;

	return message_header(m, "RSeq", 0, &value) && !bytes_u32(value, out) && *out;
}

bool prack_is_due(const struct sip_message *m)
{
	uint32_t rseq;

	return m->status > 100 && m->to.tag.n && message_has_token(m, "Require", "100rel") &&
	       rseq_of(m, &rseq);
}

static bool was_offered_late(const struct call *c)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		const struct leg *l = c->legs[i];

		if (l && l->state == LEG_EARLY && l->uac && l->uac->late && l->uac->pracks)
			return true;
	}
	return false;
}

/* An offer in a response has its answer in the PRACK, so who asks must answer that early; and only one offer at a time. */
bool prack_is_offered(const struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];
	const struct invite_uas *uas = invite_carried(c, leg);

	if (l->state != LEG_EARLY)
		return false; /* a re-INVITE has nothing to say before its answer */
	if (!l->uac->late)
		return true;
	return uas && uas->reliable != RELIABLE_NOT && (l->uac->pracks || !was_offered_late(c));
}

/* ---- the request ---- */

static struct txn_slot *prack_make(struct call_host *h, struct call *c, struct dialog *d,
				   struct dialog_request *r, uint32_t rseq, uint32_t invite_cseq,
				   enum txn_user user)
{
	uint8_t space[PRACK_LINES_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct txn_slot *slot;

	writer_fmt(&w, "RAck: %u %u INVITE\r\n", rseq, invite_cseq);
	r->method = SIP_PRACK;
	r->max_forwards = -1;
	r->extra = writer_lines(&w);
	slot = leg_request(h, d, r, user);
	if (slot)
		payer_charge_txn(h, c, slot);
	else
		LOG_WARN("call", c->id, "no transaction left for PRACK");
	return slot;
}

/* The answer to the offer of the response. */
static struct bytes body_of(const struct leg *l)
{
	return l->uac->late && l->open.by_18x && l->uac->prack.answers ? text_bytes(&l->open.local)
								       : (struct bytes){ 0 };
}

static void prack_say_answer(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = c->legs[leg];
	struct prack *p = &l->uac->prack;
	struct dialog_request r = {
		.cseq = p->cseq,
		.branch = p->branch,
		.content_type = BYTES_LIT("application/sdp"),
		.body = body_of(l),
	};
	struct txn_slot *slot =
		prack_make(h, c, &l->dialog, &r, p->rseq, l->invite_cseq, TXN_USER_PRACK);

	p->state = PRACK_SENT;
	p->txn = slot ? slot->self : 0;
	if (slot)
		(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
}

/* again: those that left, too. One waits for the asker's answer to what the response has offered. */
static void prack_say_all(struct call_host *h, struct call *c, uint8_t leg, bool again)
{
	struct leg *l = c->legs[leg];
	const struct prack *p = &l->uac->prack;
	uint8_t before = l->uac->early_at;

	for (uint8_t i = 0; i < EARLY_MAX; i++) {
		if (!early_has(l, i))
			continue;
		early_use(l, i);
		if ((again && p->state == PRACK_SENT) ||
		    (p->state == PRACK_WAITS && (!p->answers || l->open.by_18x)))
			prack_say_answer(h, c, leg);
	}
	early_use(l, before);
}

void prack_go(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct leg *l = call_leg(c, leg);

	if (l && l->uac)
		prack_say_all(h, c, leg, false);
}

static void prack_queue(struct call_host *h, struct call *c, uint8_t leg)
{
	struct outbox_item item = { .kind = OUTBOX_PRACK, .leg = leg };

	outbox_touch(&c->out);
	if (!outbox_push(&c->out, &item))
		prack_go(h, c, leg);
}

/* A party that does not go on with its early dialog is asked no more, unless it has others. */
static void prack_fail(struct call_host *h, struct call *c, uint8_t leg, uint8_t at,
		       uint16_t status, enum call_cause cause)
{
	struct refusal_kept lost = { .status = status, .leg = leg, .cause = cause };
	struct leg_farewell f = { 0 };

	LOG_INFO("call", c->id, "a branch did not take PRACK", LOG_U64("leg", leg),
		 LOG_U64("status", status));
	outbox_touch(&c->out);
	if (early_are_several(c->legs[leg])) {
		early_end(c, leg, at);
		return;
	}
	leg_leave(h, c, leg, &f);
	fork_lost(h, c, &lost);
}

/* ---- the response ---- */

/* The party's offer goes to the asker, whose answer the PRACK waits for. */
static bool prack_take_offer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp)
{
	struct call_refusal refusal;

	(void)early_tell(h, c, leg);
	if (session_late_offer(h, c, leg, sdp, &refusal)) {
		prack_fail(h, c, leg, c->legs[leg]->uac->early_at, 488, CAUSE_SESSION);
		return false;
	}
	c->legs[leg]->uac->prack.answers = true;
	return true;
}

/* An asker that has heard another offer, or has still to acknowledge what it was told, is told nothing; the party says it again. */
static bool may_take_offer(const struct call *c, uint8_t leg)
{
	const struct invite_uas *uas = invite_carried(c, leg);
	const struct leg *early = uas ? call_leg(c, uas->early) : NULL;

	return uas && uas->state == UAS_PROCEEDING && uas->reliable != RELIABLE_NOT &&
	       uas->unacknowledged.n == 0 &&
	       (uas->early == 0 || uas->early == leg || !early || !leg_is_open(early));
}

/* RFC 3262 4: in order; PRACK repeats itself, so a copy of the response asks for nothing. */
static bool is_next(const struct prack *p, uint32_t rseq)
{
	return p->state == PRACK_NONE || (p->state == PRACK_DONE && rseq == p->rseq + 1);
}

static void prack_begin(struct call_host *h, struct leg *l, const struct sip_message *m,
			uint32_t rseq)
{
	leg_learn(l, m);
	l->uac->prack = (struct prack){ .state = PRACK_WAITS,
					.rseq = rseq,
					.cseq = ++l->dialog.local_cseq,
					.branch = rand_u64_from(h->rand) };
}

static bool take_next(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m,
		      uint32_t rseq)
{
	struct leg *l = c->legs[leg];
	struct bytes sdp;
	bool offers;

	if (session_body(m, &sdp))
		sdp = (struct bytes){ 0 };
	offers = l->uac->late && !l->open.by_18x && sdp.n;
	if (offers && !may_take_offer(c, leg))
		return false;
	prack_begin(h, l, m, rseq);
	outbox_touch(&c->out);
	if (offers)
		return prack_take_offer(h, c, leg, sdp);
	prack_queue(h, c, leg);
	return true;
}

bool prack_take(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m)
{
	struct leg *l = c->legs[leg];
	struct prack *p = &l->uac->prack;
	uint32_t rseq;

	if (!rseq_of(m, &rseq))
		return false;
	if (is_next(p, rseq))
		return take_next(h, c, leg, m, rseq);
	if (rseq == p->rseq && p->state == PRACK_SENT && !txns_get(h->txns, p->txn))
		prack_say_answer(h, c, leg); /* there was no room for it */
	return false;
}

/* What it says first is its answer, also where nobody is told so early (RFC 6337 3.1.1). */
void prack_keep_answer(struct leg *l, const struct sip_message *m)
{
	struct bytes sdp;

	if (l->uac->late || l->open.by_18x || session_body(m, &sdp) || sdp.n == 0 ||
	    !bytes_eq(m->to.tag, text_bytes(&l->dialog.remote_tag)))
		return;
	if (l->open.remote.n == 0 && text_set(&l->open.remote, sdp))
		return; /* the 2xx may have it, too */
	l->open.by_18x = true;
}

bool prack_may_offer(const struct leg *leg)
{
	return leg->state == LEG_EARLY && leg->uac && leg_is_open(leg) && leg->open.by_18x &&
	       leg_sdp_is_agreed(&leg->open);
}

int prack_answer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
		 struct call_refusal *refusal)
{
	struct leg *l = call_leg(c, leg);
	int err;

	if (!l || !leg_is_open(l) || l->state != LEG_EARLY)
		return 0; /* it has gone meanwhile */
	if (sdp.n == 0)
		return -EBADMSG;
	err = session_answer(h, c, leg, sdp, refusal);
	if (err)
		return err;
	l->open.by_18x = c->legs[l->uac->from]->open.by_18x = true;
	prack_queue(h, c, leg);
	return 0;
}

/* ---- its answer ---- */

void prack_answered(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = c->legs[ev->leg];
	int found = l->uac ? early_of_prack(l, ev->txn) : -1;
	uint8_t at = (uint8_t)found;

	if (found < 0 || ev->kind == CALL_EV_PROVISIONAL)
		return;
	if (ev->kind == CALL_EV_SUCCESS) {
		early_prack(l, at)->state = PRACK_DONE;
		outbox_touch_later(&c->out);
	} else if (l->state == LEG_EARLY && leg_is_open(l)) {
		if (ev->kind == CALL_EV_FAILURE)
			prack_fail(h, c, ev->leg, at, refusal_for_other(ev->message->status),
				   CAUSE_LOST);
		else
			prack_fail(h, c, ev->leg, at, 408, CAUSE_NO_RESPONSE);
	}
}

/* With the same branch: who has it answers it again. */
void prack_resume(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	if (l->state == LEG_EARLY && leg_is_open(l))
		prack_say_all(h, c, leg, true);
}
