/* SPDX-License-Identifier: Apache-2.0 */
/* What a call is told to do by command: hold, mute, digits. */
#ifndef SIG_CALL_ORDER_H
#define SIG_CALL_ORDER_H

#include "sig/call/call.h"

/* order->err says what became of it. */
void order_carry_out(struct call_host *h, struct call *c, struct call_order *order);
/* The call is as ordered: who waits hears so when it is saved. by: NULL is nobody. */
void order_wait(struct call_host *h, struct call *c, const struct shard_order *by, uint32_t number);
/* It waits no longer. */
void order_answer(struct call_host *h, const struct call *c, const struct outbox_item *item);
/* What a phone says to Event: talk. */
void order_talk_answered(const struct call *c, const struct call_event *ev);
/* An INVITE of our own was refused: one that met another is tried again (RFC 3261 14.1). */
void order_refused(struct call_host *h, struct call *c, uint8_t leg, uint16_t status);
void order_again(struct call_host *h, struct call *c);

#endif
