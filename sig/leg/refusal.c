/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/leg/refusal.h"

#include <errno.h>
#include <stdlib.h>

#include "sig/leg/respond.h"

void refusal_clear(struct leg *l)
{
	if (!l->refusal)
		return;
	text_clear(&l->refusal->response);
	free(l->refusal);
	l->refusal = NULL;
}

static bool refusal_make(struct call_host *h, struct leg *l, const struct txn_slot *slot,
			 const struct response *r)
{
	l->refusal = calloc(1, sizeof(*l->refusal));
	if (!l->refusal)
		return false;
	l->refusal->status = r->status;
	l->refusal->why = h->txns->why;
	l->refusal->server = slot->self;
	return response_make_later(h, slot, r, &l->refusal->response) == 0;
}

void refusal_begin(struct call_host *h, struct call *c, uint8_t leg, const struct leg_farewell *f)
{
	struct leg *l = c->legs[leg];
	struct response r = {
		.status = f->status, .reason = f->phrase, .dialog = &l->dialog, .extra = f->extra
	};
	struct txn_slot *slot = txns_get(h->txns, l->uas->server);

	l->uas->server = 0;
	if (!slot)
		return;
	if (!h->txns->why && c->cause != CAUSE_NONE)
		h->txns->why = call_cause_text(c->cause);
	if (refusal_make(h, l, slot, &r)) {
		refusal_wait(h, c, leg);
		return;
	}
	refusal_clear(l);
	respond(h, slot, NULL, &r);
}

void refusal_wait(struct call_host *h, struct call *c, uint8_t leg)
{
	struct outbox_item item = { .kind = OUTBOX_REFUSAL, .leg = leg };

	outbox_touch(&c->out);
	if (!outbox_push(&c->out, &item))
		refusal_go(h, c, leg);
}

void refusal_go(struct call_host *h, struct call *c, uint8_t leg)
{
	struct leg *l = call_leg(c, leg);
	struct leg_refusal *refusal = l ? l->refusal : NULL;
	struct txn_slot *slot = refusal ? txns_get(h->txns, refusal->server) : NULL;
	struct text copy = { 0 };

	if (!refusal || refusal->until_ns)
		return;
	if (!slot || text_set(&copy, text_bytes(&refusal->response))) { /* nobody can hear it */
		txns_drop(h->txns, refusal->server);
		refusal_clear(l);
		return;
	}
	refusal->until_ns = h->now.ns + TXN_TIMEOUT_MS * NS_PER_MS;
	h->txns->why = refusal->why;
	txns_reply(h->txns, slot, refusal->status, &copy, h->now.ns);
}

bool refusal_acknowledged(struct leg *l)
{
	if (!l->refusal || !l->refusal->until_ns)
		return false;
	refusal_clear(l);
	return true;
}

/* A response has all by which the request's transaction is found. */
int refusal_attach(struct call_host *h, struct call *c, uint8_t leg, const struct sip_hop *source)
{
	struct leg_refusal *refusal = c->legs[leg]->refusal;
	struct message_error error;
	struct txn_slot *slot;
	struct sip_message m;

	if (message_parse(&m, text_bytes(&refusal->response), &error)) {
		message_close(&m);
		return -EBADMSG;
	}
	m.hop = *source;
	refusal->status = m.status;
	slot = txns_take_server(h->txns, &m, TXN_NEW, h->now.ns);
	message_close(&m);
	if (!slot)
		return -ENOSPC;
	txns_belong(h->txns, slot, c->id, leg, TXN_USER_INVITE);
	refusal->server = slot->self;
	return 0;
}
