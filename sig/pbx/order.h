/* SPDX-License-Identifier: Apache-2.0 */
/* What a call is told to do by command: hold, mute, digits. */
#ifndef SIG_PBX_ORDER_H
#define SIG_PBX_ORDER_H

#include "sig/model/call_order.h"
#include "sig/model/event.h"

/* order->err says what became of it. */
void order_carry_out(struct call_host *h, struct call *c, struct call_order *order);
/* What a phone says to Event: talk. */
void order_talk_answered(const struct call *c, const struct call_event *ev);

/* ---- by command a party is given to somebody else, and two calls become one (transfer.h, join.h) ---- */

/* The party of that leg, as a call of another shard may ask for it. 0 or -errno as of order_join. */
int order_remote(const struct call_host *h, const struct call *c, enum shard_leg named,
		 struct call_remote *out) NODISCARD;

#endif
