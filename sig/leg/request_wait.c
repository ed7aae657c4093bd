/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/request_wait.h"

#include "sig/leg/respond.h"

void relay_go(struct call_host *h, pool_handle client)
{
	struct txn_slot *slot = txns_get(h->txns, client);

	if (slot)
		(void)txns_step(h->txns, slot, TXN_EV_START, h->now.ns);
}

void relay_drop(struct call_host *h, pool_handle client)
{
	struct txn_slot *slot = txns_get(h->txns, client);
	struct response r = { .status = 481 };

	if (!slot)
		return;
	respond(h, txns_get(h->txns, slot->peer), NULL, &r);
	txns_drop(h->txns, client);
}

/* What still waits for its save has a lower CSeq number: it goes first, or the party refuses it (RFC 3261 12.2.2). */
static bool has_one_before(const struct call *c, uint8_t to)
{
	const struct invite_uac *uac = c->legs[to]->uac;

	return (uac && uac->state == UAC_QUEUED) || outbox_has(&c->out, OUTBOX_RELAY, to) ||
	       outbox_has(&c->out, OUTBOX_PRACK, to);
}

void relay_start(struct call_host *h, struct call *c, uint8_t to, pool_handle client)
{
	struct outbox_item item = { .kind = OUTBOX_RELAY, .leg = to, .txn = client };

	if (has_one_before(c, to)) {
		outbox_touch(&c->out);
		if (outbox_push(&c->out, &item))
			return;
	}
	relay_go(h, client);
}
