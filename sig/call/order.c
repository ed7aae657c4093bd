/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to a call by command, such as hold, transfer or record: finds the module of the order's
 * kind, checks that the call has the parties that it needs, and carries it out. The answer waits
 * for the save of the call, so a successor never lacks what was confirmed. A repeated order,
 * identified by its number, gets its first answer. */

#include "sig/call/order.h"

#include "sig/call/call_end.h"
#include "sig/call/wait.h"
#include "sig/leg/leg.h"
#include "sig/model/event.h"

uint8_t order_leg_of(const struct call *c, const struct call_order *order)
{
	return order->leg == SHARD_LEG_CALLEE ? c->bridge.callee : c->bridge.caller;
}

/* RFC 6665 has no such NOTIFY without a subscription, but phones support it: a switchboard button
 * answers a call, or resumes a held one. */
enum refusal order_talk(struct call_host *h, struct call *c, uint8_t leg)
{
	struct dialog_request r = { .method = SIP_NOTIFY,
				    .max_forwards = -1,
				    .contact = true,
				    .extra = BYTES_LIT("Event: talk\r\n"
						       "Subscription-State: active\r\n") };
	struct leg *l = c->legs[leg];
	struct txn_slot *slot;

	if (!l->takes_talk)
		return REFUSED_NO_TALK;
	slot = leg_request(h, &l->dialog, &r, TXN_USER_TALK);
	if (!slot)
		return REFUSED_CHANGING;
	relay_start(h, c, leg, slot->self);
	return 0;
}

static enum refusal has_what_it_needs(const struct call *c, const struct call_order *order,
				      enum order_needs needs)
{
	if (needs == NEEDS_NOBODY)
		return 0;
	if (c->state != CALL_ESTABLISHED)
		return REFUSED_NOT_ESTABLISHED;
	if (!call_leg(c, order_leg_of(c, order)) || (needs == NEEDS_PAIR && !call_callee(c)))
		return REFUSED_NO_PARTY;
	return 0;
}

void order_wait(struct call_host *h, struct call *c, const struct shard_order *by, uint32_t number)
{
	struct outbox_item item = { .kind = OUTBOX_ORDER, .number = number };

	if (!by)
		return;
	item.txn = by->ticket;
	outbox_touch(&c->out);
	/* without room it cannot be told whether it will be saved */
	if (outbox_count(&c->out, OUTBOX_ORDER) >= OUTBOX_ORDERS_MAX ||
	    !outbox_push(&c->out, &item))
		order_answer(h, c, &item);
}

void order_answer(struct call_host *h, const struct call *c, const struct outbox_item *item)
{
	struct effect *e = effects_add(h->effects, EFFECT_ORDERED, c->id, 0);

	if (!e)
		return;
	*(struct request_ordered *)e->request = (struct request_ordered){
		.ticket = item->txn,
		.number = item->number,
		.saved = c->end_saved || (item->gate && item->gate <= c->out.acked),
	};
}

static const struct module_order *order_find(const struct call_host *h, enum call_order_kind kind)
{
	for (const struct module *const *m = h->modules->orders; *m; m++) {
		for (const struct module_order *o = (*m)->orders; o->carry_out; o++) {
			if (o->kind == kind)
				return o;
		}
	}
	return NULL;
}

static enum refusal order_run(struct call_host *h, struct call *c, struct call_order *order)
{
	const struct module_order *found = order_find(h, order->kind);
	enum refusal r = found ? has_what_it_needs(c, order, found->needs) : REFUSED_METHOD;

	return r ? r : found->carry_out(h, c, order);
}

/* A repeated order gets the first answer again. */
static bool was_carried_out(struct call_host *h, struct call *c, const struct shard_order *by)
{
	const struct order_kept *kept = by ? orders_find(c->orders, by->id) : NULL;

	if (kept)
		order_wait(h, c, by, kept->number);
	return kept;
}

void order_carry_out(struct call_host *h, struct call *c, struct call_order *order)
{
	const struct order_kept *kept;

	if (outbox_count(&c->out, OUTBOX_ORDER) >= OUTBOX_ORDERS_MAX) {
		order->refused = REFUSED_ORDERS_FULL;
		return;
	}
	if (was_carried_out(h, c, order->by))
		return;
	order->refused = order_run(h, c, order);
	if (!order->refused)
		call_application_answered(c);
	if (order->refused || order->later || !order->by)
		return;
	kept = orders_keep(&c->orders, order->by->id);
	order_wait(h, c, order->by, kept ? kept->number : 0);
}
