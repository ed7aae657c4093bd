/* SPDX-License-Identifier: Apache-2.0 */
/* A request within a dialog that the party asks credentials for. Who waits for its answer hears nothing of that. */
#include "sig/leg/early.h"
#include "sig/leg/leg.h"
#include "sig/leg/request_wait.h"

static struct bytes request_body(struct bytes request)
{
	const uint8_t *at = request.n ? memmem(request.p, request.n, "\r\n\r\n", 4) : NULL;

	return at ? bytes_from(request, (size_t)(at - request.p) + 4) : (struct bytes){ 0 };
}

static bool renew(struct call_host *h, struct leg *l, struct txn_slot *slot)
{
	struct bytes request = text_bytes(&slot->txn.message);
	struct bytes body = request_body(request);
	struct dialog_request r = { .method = slot->txn.method,
				    .cseq = ++l->dialog.local_cseq,
				    .branch = rand_u64_from(h->rand) };
	bool waits = dialog_lookup_due_ns(&l->dialog);
	struct writer w = writer_over(h->space, HOST_SPACE);
	struct id_tag tag = l->dialog.tag;
	char branch[ID_BRANCH_LEN];

	tag.random = r.branch;
	id_branch_put(branch, &tag);
	dialog_write_again(&w, &l->dialog, request, &r, h->settings);
	writer_str(&w, "\r\n");
	writer_bytes(&w, body);
	dialog_prove(&l->dialog, h, &w, r.method, body.n);
	if (w.overflow ||
	    !txns_renew(h->txns, slot, &l->dialog.hop, bytes_mem(branch, sizeof(branch)),
			writer_done(&w), h->now.ns))
		return false;
	if (waits) /* behind what waits for the same name, and has a lower CSeq number */
		dialog_hold(&l->dialog, slot);
	if (slot->user == TXN_USER_PRACK && l->uac) { /* a successor repeats this one */
		l->uac->prack.cseq = r.cseq;
		l->uac->prack.branch = r.branch;
	}
	return true;
}

static bool is_open(const struct txn_slot *slot)
{
	return slot->client && slot->txn.kind == TXN_CLIENT && slot->user != TXN_USER_CANCEL &&
	       (slot->txn.state == TXN_TRYING || slot->txn.state == TXN_PROCEEDING);
}

/* Nothing follows our BYE: with a higher number it would be the newer one, and the BYE be refused where it comes behind it. */
static bool is_too_late(const struct leg *l, const struct txn_slot *slot)
{
	return l->state >= LEG_LEAVING && slot->txn.method != SIP_INVITE &&
	       slot->user != TXN_USER_BYE && slot->user != TXN_USER_PRACK;
}

/* What waits has a lower CSeq number, and goes first (RFC 3261 12.2.2). */
static void go_behind(struct call_host *h, struct call *c, uint8_t leg, const struct txn_slot *slot)
{
	struct outbox_item item = { .kind = OUTBOX_RELAY, .leg = leg, .txn = slot->self };
	bool waits = outbox_has(&c->out, OUTBOX_INVITE, leg) ||
		     outbox_has(&c->out, OUTBOX_RELAY, leg) ||
		     outbox_has(&c->out, OUTBOX_PRACK, leg);

	if (waits && slot->user != TXN_USER_BYE) {
		outbox_touch(&c->out);
		if (outbox_push(&c->out, &item))
			return;
	}
	relay_go(h, slot->self);
}

static bool challenged(struct call_host *h, struct call *c, uint8_t leg, struct txn_slot *slot,
		       const struct sip_message *m)
{
	struct leg *l = c->legs[leg];

	if (!is_open(slot) || is_too_late(l, slot) ||
	    !dialog_is(&l->dialog, m->call_id, m->from.tag, m->to.tag) ||
	    dialog_challenged(&l->dialog, h, m, text_bytes(&slot->txn.message),
			      &slot->challenged) != CHALLENGE_ANSWERED ||
	    !renew(h, l, slot))
		return false;
	if (slot->user == TXN_USER_PRACK)
		outbox_touch(&c->out);
	go_behind(h, c, leg, slot);
	return true;
}

/* A PRACK may be of an early dialog that is not in use. */
bool leg_challenged(struct call_host *h, struct call *c, uint8_t leg, struct txn_slot *slot,
		    const struct sip_message *m)
{
	struct leg *l = call_leg(c, leg);
	int at = l && l->uac && slot->user == TXN_USER_PRACK ? early_of_prack(l, slot->self) : -1;
	uint8_t before;
	bool taken;

	if (!challenge_is(m) || !l)
		return false;
	if (at < 0)
		return challenged(h, c, leg, slot, m);
	before = l->uac->early_at;
	early_use(l, (uint8_t)at);
	taken = challenged(h, c, leg, slot, m);
	early_use(l, before);
	return taken;
}
