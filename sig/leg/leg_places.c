/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/leg_places.h"

#include "base/log.h"
#include "sig/leg/leg.h"

/* What waited goes, the ACK first: RFC 3261 12.2.2 wants the numbers in order, and a BYE ends what was acknowledged. */
static bool told(struct call_host *h, struct call *c, uint8_t leg, const struct lookup_news *news)
{
	struct dialog *d = &c->legs[leg]->dialog;
	bool ack = false;

	if (!dialog_told(d, h, news, &ack))
		return false;
	if (ack)
		leg_ack_now(h, c, leg);
	dialog_held_go(d, h);
	return true;
}

bool leg_places_told(struct call_host *h, struct call *c, const struct lookup_news *news)
{
	for (uint8_t i = 0; i < c->leg_count; i++) {
		if (c->legs[i] && told(h, c, i, news))
			return true;
	}
	return false;
}

void leg_places_overdue(struct call_host *h, struct call *c, uint8_t leg)
{
	LOG_WARN("call", c->id, "a name was not looked up in time", LOG_U64("leg", leg));
	(void)told(h, c, leg, NULL);
}

/* A successor repeats it as it is now. */
static void renamed(struct call *c, struct leg *l, const struct txn_slot *slot,
		    const struct dialog_moved *as)
{
	if (!l->uac)
		return;
	if (slot->self == l->uac->client) {
		l->uac->branch = as->branch;
		if (as->cseq)
			l->invite_cseq = as->cseq;
	} else if (slot->self == l->uac->prack.txn) {
		l->uac->prack.branch = as->branch;
		if (as->cseq)
			l->uac->prack.cseq = as->cseq;
	} else {
		return;
	}
	outbox_touch(&c->out);
}

/* The first INVITE has places of its own (sig/call/seek.h), and a CANCEL goes where that went; one that is given up goes nowhere. */
static bool has_places(const struct leg *l, const struct txn_slot *slot)
{
	return slot->client && slot->user != TXN_USER_NONE && slot->user != TXN_USER_CANCEL &&
	       !(slot->user == TXN_USER_INVITE &&
		 (l->state == LEG_EARLY || l->state >= LEG_LEAVING));
}

bool leg_elsewhere(struct call_host *h, struct call *c, uint8_t leg, struct txn_slot *slot,
		   uint32_t for_s)
{
	struct leg *l = call_leg(c, leg);
	struct dialog_moved as;

	if (!l || !has_places(l, slot) || !dialog_elsewhere(&l->dialog, h, slot, for_s, &as))
		return false;
	renamed(c, l, slot, &as);
	return true;
}
