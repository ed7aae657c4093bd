/* SPDX-License-Identifier: Apache-2.0 */
/* What a call is told to do by command: each order is a module's. */
#ifndef SIG_CALL_ORDER_H
#define SIG_CALL_ORDER_H

#include "sig/call/module.h"

/* order->refused says what became of it. */
void order_carry_out(struct call_host *h, struct call *c, struct call_order *order);
/* The leg that it names. */
uint8_t order_leg_of(const struct call *c, const struct call_order *order);

/* The leg's phone is asked to take the call, or to end its hold (NOTIFY with Event: talk). */
enum refusal order_talk(struct call_host *h, struct call *c, uint8_t leg);

/* The call is as ordered: the order is answered after the save. by NULL: no answer. */
void order_wait(struct call_host *h, struct call *c, const struct shard_order *by, uint32_t number);
/* It waits no longer. */
void order_answer(struct call_host *h, const struct call *c, const struct outbox_item *item);

#endif
