/* SPDX-License-Identifier: Apache-2.0 */
/* Who gave an order to a call hears what became of it. */
#ifndef SIG_CALL_ORDER_ANSWER_H
#define SIG_CALL_ORDER_ANSWER_H

#include "sig/model/call.h"

/* The call is as ordered: who waits hears so when it is saved. by: NULL is nobody. */
void order_wait(struct call_host *h, struct call *c, const struct shard_order *by, uint32_t number);
/* It waits no longer. */
void order_answer(struct call_host *h, const struct call *c, const struct outbox_item *item);

#endif
