/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/leg.h"

#include <assert.h>

#include "base/log.h"
#include "sig/call/respond.h"

static void branch_of(char out[ID_BRANCH_LEN], const struct call *c, uint8_t leg, uint64_t random)
{
	struct id_tag tag = { .call = c->id, .leg = leg, .random = random };

	id_branch_put(out, &tag);
}

struct txn_slot *leg_request(struct call_host *h, struct call *c, uint8_t leg,
			     struct dialog_request *r, enum txn_user user)
{
	struct dialog *d = &c->legs[leg].dialog;
	struct writer w = writer_over(h->space, HOST_SPACE);
	char branch[ID_BRANCH_LEN];
	struct txn_slot *slot;

	if (r->cseq == 0)
		r->cseq = ++d->local_cseq;
	r->branch = rand_u64_from(h->rand);
	branch_of(branch, c, leg, r->branch);
	dialog_write_request(&w, d, r, h->settings);
	slot = w.overflow ? NULL
			  : txns_take_client(h->txns, r->method, &d->hop,
					     bytes_mem(branch, sizeof(branch)), true, h->now.ns);
	if (!slot)
		return NULL;
	slot->call = c->id;
	slot->leg = leg;
	slot->user = user;
	if (text_set(&slot->txn.message, writer_done(&w))) {
		txns_drop(h->txns, slot->self);
		return NULL;
	}
	return slot;
}

bool leg_send(struct call_host *h, struct call *c, uint8_t leg, struct dialog_request *r,
	      enum txn_user user)
{
	struct txn_slot *slot = leg_request(h, c, leg, r, user);

	if (!slot)
		return false;
	(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
	return true;
}

/* The answer to an offer that came in the leg's 2xx. */
static struct bytes ack_body(const struct call *c, uint8_t leg)
{
	const struct exchange *x = c->invite.state != INVITE_NONE && c->invite.from != leg
					   ? &c->invite.media
					   : &c->media;

	return x->offerer == leg ? text_bytes(&x->answer_out) : (struct bytes){ 0 };
}

void leg_ack(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = &c->legs[leg];
	struct writer w = writer_over(h->space, HOST_SPACE);
	struct dialog_request r = {
		.method = SIP_ACK,
		.cseq = l->invite_cseq,
		.branch = l->ack_branch,
		.max_forwards = -1,
		.content_type = BYTES_LIT("application/sdp"),
		.body = ack_body(c, leg),
	};

	dialog_write_request(&w, &l->dialog, &r, h->settings);
	if (!w.overflow)
		txns_send(h->txns, &l->dialog.hop, writer_done(&w));
}

void leg_close(struct leg *leg)
{
	leg->state = LEG_CLOSED;
	leg->leave = false;
	leg->leave_ns = 0;
}

static void send_bye(struct call_host *h, struct call *c, uint8_t leg, struct bytes reason)
{
	struct dialog_request r = { .method = SIP_BYE, .max_forwards = -1, .extra = reason };

	c->legs[leg].leave = false;
	c->legs[leg].state = LEG_LEAVING;
	if (leg_send(h, c, leg, &r, TXN_USER_BYE))
		return;
	LOG_WARN("call", c->id, "no transaction left for BYE", LOG_U64("leg", leg));
	leg_close(&c->legs[leg]);
}

/* RFC 3261 9.1: the same branch, CSeq number and target. */
void leg_cancel(struct call_host *h, struct call *c, uint8_t leg, struct bytes reason)
{
	struct txn_slot *invite = txns_get(h->txns, c->invite.client);
	struct writer w = writer_over(h->space, HOST_SPACE);
	char branch[ID_BRANCH_LEN];
	struct txn_slot *slot;

	if (!invite)
		return;
	dialog_write_derived(&w, text_bytes(&invite->txn.message), SIP_CANCEL, (struct bytes){ 0 },
			     reason);
	branch_of(branch, c, leg, c->invite.branch);
	slot = w.overflow ? NULL
			  : txns_take_client(h->txns, SIP_CANCEL, &invite->txn.hop,
					     bytes_mem(branch, sizeof(branch)), true, h->now.ns);
	if (!slot)
		return;
	slot->call = c->id;
	slot->leg = leg;
	slot->user = TXN_USER_CANCEL;
	if (text_set(&slot->txn.message, writer_done(&w))) {
		txns_drop(h->txns, slot->self);
	} else {
		(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
	}
}

/* Then 64*T1 for the INVITE to end. */
static void cancel(struct call_host *h, struct call *c, uint8_t leg, struct bytes reason)
{
	struct leg *l = &c->legs[leg];

	l->leave = false;
	l->state = LEG_LEAVING;
	l->leave_ns = h->now.ns + TXN_TIMEOUT_MS * NS_PER_MS;
	leg_cancel(h, c, leg, reason);
}

static void cancel_asked(struct call_host *h, struct call *c, uint8_t leg, struct bytes reason)
{
	struct leg *l = &c->legs[leg];

	switch (c->invite.state) {
	case INVITE_NONE:
	case INVITE_QUEUED:
		txns_drop(h->txns, c->invite.client);
		leg_close(l);
		break;
	case INVITE_CALLING: /* RFC 3261 9.1: not before the first response */
		l->leave = true;
		l->state = LEG_LEAVING;
		break;
	case INVITE_PROCEEDING:
		cancel(h, c, leg, reason);
		break;
	case INVITE_ANSWERED:
	case INVITE_ACCEPTED:
		assert(false && "a leg whose INVITE was answered is not early");
		break;
	}
}

static void refuse_asker(struct call_host *h, struct call *c, const struct leg_farewell *f)
{
	struct response r = {
		.status = f->status,
		.dialog = &c->legs[c->invite.from].dialog,
		.extra = f->extra,
	};

	respond(h, txns_get(h->txns, c->invite.server), NULL, &r);
	c->invite.server = 0;
}

void leg_leave(struct call_host *h, struct call *c, uint8_t leg, const struct leg_farewell *f)
{
	struct leg *l = &c->legs[leg];

	switch (l->state) {
	case LEG_EARLY:
		if (leg == LEG_A) {
			refuse_asker(h, c, f);
			leg_close(l);
		} else {
			cancel_asked(h, c, leg, f->reason);
		}
		break;
	case LEG_ANSWERED:
		if (leg == LEG_A) { /* RFC 3261 15: the callee's side waits for the ACK */
			l->leave = true;
		} else {
			leg_ack(h, c, leg);
			send_bye(h, c, leg, f->reason);
		}
		break;
	case LEG_CONFIRMED:
		send_bye(h, c, leg, f->reason);
		break;
	case LEG_LEAVING:
	case LEG_CLOSED:
		break;
	}
}

void leg_leave_now(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = &c->legs[leg];

	assert(l->leave);
	if (leg == LEG_A) {
		send_bye(h, c, leg, (struct bytes){ 0 });
	} else {
		cancel(h, c, leg, (struct bytes){ 0 });
	}
}
