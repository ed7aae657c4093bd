/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/call/order_answer.h"

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
	struct effect *e = effects_add(h->effects, EFFECT_ORDERED);

	if (!e)
		return;
	e->call = c->id;
	e->order = (struct effect_order){
		.ticket = item->txn,
		.number = item->number,
		.saved = c->end_saved || (item->gate && item->gate <= c->out.acked),
	};
}
