/* SPDX-License-Identifier: Apache-2.0 */
/* The way out: the INVITE to the other leg and what is heard before its final response. */
#include "sig/call/invite.h"

#include <errno.h>

#include "base/log.h"
#include "sig/call/call_end.h"
#include "sig/call/leg.h"
#include "sig/call/respond.h"
#include "sig/call/session.h"

void invite_clear(struct invite *inv)
{
	exchange_clear(&inv->media);
	text_clear(&inv->answer);
	*inv = (struct invite){ 0 };
}

static struct txn_slot *make_request(struct call_host *h, struct call *c, uint8_t to,
				     int32_t max_forwards)
{
	struct dialog_request r = {
		.method = SIP_INVITE,
		.max_forwards = max_forwards < 0 ? -1 : max_forwards - 1,
		.contact = true,
		.extra = BYTES_LIT(RESPOND_ALLOW "Supported:\r\n"),
		.content_type = BYTES_LIT("application/sdp"),
		.body = text_bytes(&c->invite.media.offer_out),
	};
	struct txn_slot *slot = leg_request(h, c, to, &r, TXN_USER_INVITE);

	c->invite.branch = r.branch;
	c->legs[to].invite_cseq = r.cseq;
	c->legs[to].ack_branch = rand_u64_from(h->rand);
	return slot;
}

int invite_queue(struct call_host *h, struct call *c, int32_t max_forwards)
{
	uint8_t to = leg_other(c->invite.from);
	struct txn_slot *slot = make_request(h, c, to, max_forwards);
	struct outbox_item item = { .kind = OUTBOX_INVITE, .leg = to };

	if (!slot)
		return -ENOSPC;
	c->invite.client = slot->self;
	c->invite.state = INVITE_QUEUED;
	if (!outbox_push(&c->out, &item))
		invite_go(h, c);
	return 0;
}

void invite_go(struct call_host *h, struct call *c)
{
	struct txn_slot *slot = txns_get(h->txns, c->invite.client);

	if (c->invite.state != INVITE_QUEUED || !slot)
		return;
	c->invite.state = INVITE_CALLING;
	(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
}

static bool has_sdp(const struct sip_message *m)
{
	struct bytes sdp;

	return !session_body(m, &sdp) && sdp.n;
}

/* Early media (REG-02): B's SDP is an answer already. False: it goes without. */
static bool early_answer(struct call_host *h, struct call *c, const struct sip_message *m)
{
	struct call_refusal refusal;
	struct bytes sdp;

	if (!c->early_media || c->invite.late || session_body(m, &sdp) || sdp.n == 0)
		return false;
	return !session_answer(h, c, &c->invite.media, sdp, &refusal);
}

static void ringing(struct call_host *h, struct call *c, uint16_t status)
{
	if (status == 180 && !c->ringing_utc_ms)
		c->ringing_utc_ms = h->now.utc_ms;
	if (c->state != CALL_SETUP)
		return;
	c->state = CALL_RINGING;
	call_publish(h, c, SIG_CALL_RINGING);
}

static void pass_on(struct call_host *h, struct call *c, const struct sip_message *m)
{
	struct txn_slot *slot = txns_get(h->txns, c->invite.server);
	bool early = early_answer(h, c, m);
	uint16_t status = m->status == 183 && has_sdp(m) && !early ? 180 : m->status;
	struct response r = {
		.status = status,
		.dialog = &c->legs[c->invite.from].dialog,
		.contact = true,
		.record_route = true,
		.content_type = BYTES_LIT("application/sdp"),
	};

	if (early)
		r.body = text_bytes(&c->invite.media.answer_out);
	if (status == c->invite.provisional && !early)
		return; /* one ring is enough */
	c->invite.provisional = status;
	respond(h, slot, NULL, &r);
	ringing(h, c, status);
	outbox_touch(&c->out); /* a successor rings on; nobody waits for this save */
}

void invite_provisional(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct leg *l = &c->legs[ev->leg];

	if (c->invite.state == INVITE_CALLING)
		c->invite.state = INVITE_PROCEEDING;
	if (c->invite.state != INVITE_PROCEEDING)
		return;
	if (l->leave) {
		leg_leave_now(h, c, ev->leg);
	} else if (!c->invite.again && ev->message->status > 100 && c->state != CALL_ENDING) {
		pass_on(h, c, ev->message);
	}
}

void invite_cancel(struct call_host *h, struct call *c, const struct call_event *ev)
{
	struct call_ending e = {
		.cause = CAUSE_CANCELLED, .by = ENDED_BY_A, .status = 487, .reason = { 0 }
	};

	if (c->invite.from != ev->leg || c->invite.state == INVITE_NONE ||
	    c->invite.state >= INVITE_ANSWERED || c->invite.again)
		return; /* too late (RFC 3261 9.2); a re-INVITE just runs its course */
	call_end(h, c, &e);
}
