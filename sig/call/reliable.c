/* SPDX-License-Identifier: Apache-2.0 */
/* Reliable provisional responses (RFC 3262) on both sides of a call: ours to the caller,
 * acknowledged by its PRACK, and those of callees, acknowledged by ours. Each is saved before it is
 * sent, so an RSeq is never used twice and a successor repeats the same. Offers and answers in 18x
 * and PRACK (RFC 6337) pass to the other leg here, as far as only one offer is open at a time. */

#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/fork.h"
#include "sig/call/invite.h"
#include "sig/call/relay.h"
#include "sig/call/reliable.h"
#include "sig/call/session.h"
#include "sig/leg/early.h"
#include "sig/leg/flow.h"
#include "sig/leg/leg.h"
#include "sig/leg/respond.h"
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

/* An offer in a response is answered in the PRACK, so the caller must answer that early; and only
 * one offer may be open. */
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

/* again: repeats those already sent. One waits for the caller's answer to the offer in the
 * response. */
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

void prack_on_saved(struct call_host *h, struct call *c, uint8_t leg)
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
		prack_on_saved(h, c, leg);
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
	fork_on_failure(h, c, &lost);
}

/* ---- the response ---- */

/* The party's offer goes to the caller; the PRACK waits for its answer. */
static bool prack_accept_offer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp)
{
	struct call_refusal refusal;

	(void)early_select(h, c, leg);
	if (session_late_offer(h, c, leg, sdp, &refusal)) {
		prack_fail(h, c, leg, c->legs[leg]->uac->early_at, 488, CAUSE_SESSION);
		return false;
	}
	c->legs[leg]->uac->prack.answers = true;
	return true;
}

/* A caller with another open offer, or an unacknowledged response, is not told yet; the party
 * repeats its response. */
static bool prack_may_accept_offer(const struct call *c, uint8_t leg)
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

static void prack_start(struct call_host *h, struct leg *l, const struct sip_message *m,
			uint32_t rseq)
{
	leg_learn(l, m);
	l->uac->prack = (struct prack){ .state = PRACK_WAITS,
					.rseq = rseq,
					.cseq = ++l->dialog.local_cseq,
					.branch = rand_u64_from(h->rand) };
}

static bool prack_accept_provisional(struct call_host *h, struct call *c, uint8_t leg,
				     const struct sip_message *m, uint32_t rseq)
{
	struct leg *l = c->legs[leg];
	struct bytes sdp;
	bool offers;

	if (session_body(m, &sdp))
		sdp = (struct bytes){ 0 };
	offers = l->uac->late && !l->open.by_18x && sdp.n;
	if (offers && !prack_may_accept_offer(c, leg))
		return false;
	prack_start(h, l, m, rseq);
	outbox_touch(&c->out);
	if (offers)
		return prack_accept_offer(h, c, leg, sdp);
	prack_queue(h, c, leg);
	return true;
}

bool prack_on_response(struct call_host *h, struct call *c, uint8_t leg,
		       const struct sip_message *m)
{
	struct leg *l = c->legs[leg];
	struct prack *p = &l->uac->prack;
	uint32_t rseq;

	if (!rseq_of(m, &rseq))
		return false;
	if (is_next(p, rseq))
		return prack_accept_provisional(h, c, leg, m, rseq);
	if (rseq == p->rseq && p->state == PRACK_SENT && !txns_get(h->txns, p->txn))
		prack_say_answer(h, c, leg); /* there was no room for it */
	return false;
}

/* Its first SDP is its answer, even if the caller is not told that early (RFC 6337 3.1.1). */
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

/* The asker's answer to the offer of the leg's response goes with its PRACK. */
static enum refusal prack_answer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
				 struct call_refusal *refusal)
{
	struct leg *l = call_leg(c, leg);
	enum refusal refused;

	if (!l || !leg_is_open(l) || l->state != LEG_EARLY)
		return 0; /* it has gone meanwhile */
	if (sdp.n == 0)
		return REFUSED_SDP;
	refused = session_answer(h, c, leg, sdp, refusal);
	if (refused)
		return refused;
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

/* With the same branch: a party that has answered it does so again. */
void prack_resume(struct call_host *h, struct call *c, uint8_t leg)
{
	const struct leg *l = c->legs[leg];

	if (l->state == LEG_EARLY && leg_is_open(l))
		prack_say_all(h, c, leg, true);
}

enum { RSEQ_FIRST_MAX = 0x7fffffff /* RFC 3262 3 */, RELIABLE_LINES_MAX = 256, OLDER_MAX = 64 };

enum uas_reliable reliable_wish(const struct sip_message *invite)
{
	if (message_has_token(invite, "Require", "100rel"))
		return RELIABLE_MUST;
	return message_has_token(invite, "Supported", "100rel") ? RELIABLE_MAY : RELIABLE_NOT;
}

bool reliable_is_due(const struct invite_uas *uas, bool sdp)
{
	switch (uas->reliable) {
	case RELIABLE_NOT:
		break;
	case RELIABLE_MAY:
		return sdp;
	case RELIABLE_MUST:
		return true;
	}
	return false;
}

static void reliable_write_lines(struct writer *w, const struct invite_uas *uas)
{
	writer_str(w, "Require: 100rel\r\n");
	writer_number(w, "RSeq: ", uas->rseq, "\r\n");
	writer_str(w, RESPOND_ALLOW_CALL);
}

static uint32_t next_rseq(const struct call_host *h, const struct invite_uas *uas)
{
	return uas->rseq ? uas->rseq + 1 : rand_below(h->rand, RSEQ_FIRST_MAX) + 1;
}

void reliable_make(struct call_host *h, struct call *c, uint8_t leg, struct response *r)
{
	uint8_t space[RELIABLE_LINES_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct leg *l = c->legs[leg];
	struct txn_slot *slot = txns_get(h->txns, l->uas->server);
	struct outbox_item item = { .kind = OUTBOX_PROVISIONAL, .leg = leg };

	if (!slot)
		return;
	l->uas->rseq = next_rseq(h, l->uas);
	reliable_write_lines(&w, l->uas);
	r->extra = writer_lines(&w);
	if (response_make_later(h, slot, r, &l->uas->unacknowledged)) {
		sig_count_dropped(h->metrics, DROPPED_TOO_LARGE);
		return;
	}
	l->open.by_18x = l->open.by_18x || (r->body.n && !l->uas->late);
	if (!outbox_push(&c->out, &item))
		reliable_on_saved(h, c, leg);
}

void reliable_on_saved(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = call_leg(c, leg);
	struct txn_slot *slot = l && l->uas ? txns_get(h->txns, l->uas->server) : NULL;
	struct text copy = { 0 };

	if (!slot || l->uas->unacknowledged.n == 0 || l->uas->state == UAS_ACCEPTED)
		return;
	l->uas->interval_ms = TXN_T1_MS;
	l->uas->retransmit_ns = h->now.ns + TXN_T1_MS * NS_PER_MS;
	l->uas->deadline_ns = h->now.ns + TXN_TIMEOUT_MS * NS_PER_MS;
	if (text_set(&copy, text_bytes(&l->uas->unacknowledged)))
		sig_count_dropped(h->metrics, DROPPED_OOM); /* it is sent again */
	else
		txns_reply(h->txns, slot, l->uas->provisional, &copy, h->now.ns);
}

/* RFC 3262 3: doubles without a bound, over any transport. */
void reliable_again(struct call_host *h, struct call *c, uint8_t leg)
{
	struct invite_uas *uas = c->legs[leg]->uas;
	const struct txn_slot *slot = txns_get(h->txns, uas->server);

	uas->interval_ms *= 2;
	uas->retransmit_ns = h->now.ns + uas->interval_ms * NS_PER_MS;
	if (slot)
		txns_send(h->txns, &slot->txn.hop, text_bytes(&uas->unacknowledged));
}

void reliable_lost(struct call_host *h, struct call *c, uint8_t leg)
{
	struct call_ending e = { .cause = CAUSE_NO_ACK, .by = ENDED_BY_NODE, .status = 504 };

	LOG_INFO("call", c->id, "a provisional response was never acknowledged",
		 LOG_U64("leg", leg));
	call_end(h, c, &e);
}

/* ---- what it says, read again ---- */

static bool reliable_parse(const struct text *t, struct sip_message *m)
{
	struct message_error error;

	if (t->n && !message_parse(m, text_bytes(t), &error))
		return true;
	if (t->n)
		message_close(m);
	return false;
}

static bool has_sdp(const struct text *response)
{
	struct sip_message m;
	bool sdp;

	if (!reliable_parse(response, &m))
		return false;
	sdp = m.body.n != 0;
	message_close(&m);
	return sdp;
}

bool reliable_holds_answer(const struct invite_uas *uas)
{
	return has_sdp(&uas->unacknowledged);
}

bool reliable_has_dialog(const struct leg *leg, const struct sip_message *m)
{
	struct sip_message said;
	bool ok;

	if (m->method != SIP_PRACK || !leg->uas ||
	    !reliable_parse(&leg->uas->unacknowledged, &said))
		return false;
	ok = bytes_ieq(m->to.tag, said.to.tag) && bytes_eq(m->from.tag, said.from.tag) &&
	     bytes_eq(m->call_id, said.call_id);
	message_close(&said);
	return ok;
}

/* ---- PRACK ---- */

/* "776656 1 INVITE" */
static bool read_rack(const struct sip_message *m, uint32_t *rseq, uint32_t *cseq)
{
	struct bytes rest, number;

	if (!message_header(m, "RAck", 0, &rest))
		return false;
	number = bytes_sub(rest, 0, bytes_find(rest, ' '));
	rest = bytes_trim(bytes_from(rest, number.n));
	if (bytes_u32(number, rseq))
		return false;
	number = bytes_sub(rest, 0, bytes_find(rest, ' '));
	return !bytes_u32(number, cseq) &&
	       bytes_is(bytes_trim(bytes_from(rest, number.n)), "INVITE");
}

/* It was accepted, perhaps by a process that was killed before it answered. */
static bool is_repeated(const struct invite_uas *uas, const struct sip_message *m)
{
	return uas->prack_cseq && m->cseq == uas->prack_cseq;
}

/* An earlier one: its 200 was lost, and the process that sent it is gone. */
static bool is_older(const struct invite_uas *uas, const struct sip_message *m, uint32_t rseq)
{
	return uas->prack_cseq && m->cseq < uas->prack_cseq && rseq < uas->rseq &&
	       uas->rseq - rseq < OLDER_MAX;
}

/* It was overtaken by the ACK. */
static bool reliable_is_late(const struct leg *l, uint32_t rseq, uint32_t cseq)
{
	return l->unacknowledged.rseq && rseq == l->unacknowledged.rseq &&
	       cseq == l->unacknowledged.cseq;
}

void reliable_forget(struct leg *leg)
{
	if (leg->uas->unacknowledged.n)
		leg->unacknowledged.rseq = leg->uas->rseq;
	else if (leg->unacknowledged.cseq != leg->uas->cseq)
		leg->unacknowledged.rseq = 0;
	leg->unacknowledged.cseq = leg->uas->cseq;
}

void reliable_leave(struct leg *asker)
{
	struct dialog_tag own = dialog_tag(&asker->dialog);
	struct invite_uas *uas = asker->uas;
	struct sip_message said;
	struct bytes rseq;

	if (!reliable_parse(&uas->unacknowledged, &said))
		return;
	if (!bytes_ieq(said.to.tag, bytes_mem(own.text, sizeof(own.text)))) {
		if (!message_header(&said, "RSeq", 0, &rseq) ||
		    bytes_u32(rseq, &asker->unacknowledged.rseq))
			asker->unacknowledged.rseq = 0;
		asker->unacknowledged.cseq = uas->cseq;
		text_clear(&uas->unacknowledged);
		uas->retransmit_ns = uas->deadline_ns = 0;
	}
	message_close(&said);
}

bool reliable_is_acknowledged(const struct leg *leg, const struct sip_message *prack)
{
	const struct invite_uas *uas = leg->uas;
	uint32_t rseq, cseq;

	if (!read_rack(prack, &rseq, &cseq))
		return false;
	if (!uas || cseq != uas->cseq)
		return reliable_is_late(leg, rseq, cseq);
	return is_repeated(uas, prack) || is_older(uas, prack, rseq) ||
	       reliable_is_late(leg, rseq, cseq) || (uas->unacknowledged.n && rseq == uas->rseq);
}

void reliable_queue(struct call *c, uint8_t from, uint16_t status, struct bytes sdp)
{
	struct leg *l = c->legs[from];
	struct invite_uas *uas = invite_carried(c, from);

	if (uas->next_status && uas->next_sdp && !sdp.n)
		return;
	/* what was told of it is its answer, whatever it says besides */
	if (sdp.n && !early_was_selected(c, from) && text_set(&l->open.remote, sdp))
		return;
	uas->next = from;
	uas->next_at = l->uac->early_at;
	uas->next_status = status;
	uas->next_sdp = sdp.n != 0;
}

static void say_next(struct call_host *h, struct call *c, struct invite_uas *uas)
{
	uint8_t leg = uas->next;
	struct leg *l = call_leg(c, leg);
	uint16_t status = uas->next_status;

	uas->next_status = 0;
	if (!status || !l || l->state != LEG_EARLY || !leg_is_open(l) ||
	    !early_has(l, uas->next_at))
		return;
	early_use(l, uas->next_at);
	invite_pass_on(h, c, leg, status,
		       uas->next_sdp ? text_bytes(&l->open.remote) : (struct bytes){ 0 });
	early_settle(c, leg);
}

void reliable_prack_on_saved(struct call_host *h, struct call *c, const struct outbox_item *item)
{
	const struct early_mark in = { .tag = item->tag, .at = item->early };
	bool body = item->line && call_leg(c, item->leg);
	struct response r = {
		.status = 200,
		.content_type = BYTES_LIT("application/sdp"),
		.body = body ? early_local_sdp(c, item->leg, &in) : (struct bytes){ 0 },
	};

	respond(h, txns_get(h->txns, item->txn), NULL, &r);
}

static void reliable_answer_saved(struct call_host *h, struct call *c, const struct call_event *ev,
				  bool body)
{
	const struct early_mark in = early_mark(c->legs[ev->leg]);
	struct outbox_item item = { .kind = OUTBOX_PRACKED,
				    .leg = ev->leg,
				    .line = body,
				    .txn = ev->slot->self,
				    .tag = in.tag,
				    .early = in.at };

	if (txns_keep_request(ev->slot, ev->message)) {
		respond_refuse(h, ev, 513, REFUSED_MALFORMED, (struct bytes){ 0 });
		return;
	}
	outbox_touch(&c->out);
	if (!outbox_push(&c->out, &item))
		reliable_prack_on_saved(h, c, &item);
}

/* The other leg's differences are told to it when the call is answered. */
enum refusal reliable_renew(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
			    struct call_refusal *refusal)
{
	struct leg *l = c->legs[leg];
	struct bytes before = text_bytes(&l->open.remote);
	bool received = session_is_receiving(c, leg, before);
	bool two_way = session_is_two_way(c, leg, before);
	enum refusal refused = session_update(h, c, leg, sdp, refusal);

	if (!refused && (received != session_is_receiving(c, leg, sdp) ||
			 two_way != session_is_two_way(c, leg, sdp)))
		l->uas->turned = true;
	return refused;
}

bool reliable_may_offer(const struct leg *leg)
{
	const struct invite_uas *uas = leg->uas;

	return uas && uas->state == UAS_PROCEEDING && !uas->late && leg->open.by_18x &&
	       !reliable_holds_answer(uas);
}

/* The SDP of the PRACK: an offer in addition to the party's answer (RFC 6337 3.2), or its answer to
 * the response's offer. */
static enum refusal reliable_accept_session(struct call_host *h, struct call *c, uint8_t leg,
					    struct bytes sdp, struct call_refusal *refusal)
{
	struct leg *l = c->legs[leg];
	bool asked = l->uas->late && !l->open.by_18x && has_sdp(&l->uas->unacknowledged);

	*refusal = (struct call_refusal){ .status = 488, .reason = REFUSED_SDP };
	if (asked)
		return prack_answer(h, c, l->uas->early, sdp, refusal);
	if (sdp.n == 0)
		return 0;
	if (!l->open.by_18x || !has_sdp(&l->uas->unacknowledged))
		return REFUSED_SDP; /* RFC 6337 3.1.1: no offer before an answer */
	return reliable_renew(h, c, leg, sdp, refusal);
}

/* RFC 6337 2.3: the provisional response stays unacknowledged; the party may send PRACK without an
 * offer. */
static void reliable_refuse(struct call_host *h, struct call *c, const struct call_event *ev,
			    const struct call_refusal *refusal)
{
	struct call_ending e = { .cause = CAUSE_SESSION, .by = ENDED_BY_NODE, .status = 488 };
	bool asked = c->legs[ev->leg]->uas->late;

	session_refuse(h, ev, refusal);
	if (asked) /* what it answered cannot be used */
		call_end(h, c, &e);
}

static void reliable_clear(struct invite_uas *uas, uint32_t cseq)
{
	text_clear(&uas->unacknowledged);
	uas->prack_cseq = cseq;
	if (uas->state != UAS_ACCEPTED)
		uas->retransmit_ns = uas->deadline_ns = 0;
}

/* Behind the 200 to the PRACK. */
static void prack_queue_answer(struct call_host *h, struct call *c, uint8_t leg)
{
	struct outbox_item item = { .kind = OUTBOX_ANSWER, .leg = leg };

	outbox_touch(&c->out);
	if (!outbox_push(&c->out, &item))
		invite_answer_on_saved(h, c, leg);
}

void reliable_acknowledged(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct response taken = { .status = 200 };
	struct leg *l = c->legs[ev->leg];
	struct invite_uas *uas = l->uas;
	struct call_refusal refusal;
	uint32_t rseq, cseq;
	struct bytes sdp;

	if (!read_rack(ev->message, &rseq, &cseq) || !uas || cseq != uas->cseq ||
	    reliable_is_late(l, rseq, cseq)) {
		l->unacknowledged.rseq = 0;
		respond(h, ev->slot, ev->message, &taken);
		return;
	}
	if (session_body(ev->message, &sdp)) {
		respond_refuse(h, ev, 415, REFUSED_BODY, BYTES_LIT(RESPOND_ACCEPT));
		return;
	}
	if (is_older(uas, ev->message, rseq)) {
		respond(h, ev->slot, ev->message, &taken);
		return;
	}
	if (is_repeated(uas, ev->message)) {
		reliable_answer_saved(h, c, ev, sdp.n && !uas->late);
		return;
	}
	if (reliable_accept_session(h, c, ev->leg, sdp, &refusal)) {
		reliable_refuse(h, c, ev, &refusal);
		return;
	}
	reliable_clear(uas, ev->message->cseq);
	reliable_answer_saved(h, c, ev, sdp.n && !uas->late);
	if (uas->state == UAS_PROCEEDING) {
		say_next(h, c, uas);
	} else if (uas->answer_waits) {
		uas->answer_waits = false;
		prack_queue_answer(h, c, ev->leg);
	}
}
