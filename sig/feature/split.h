/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call of two parties becomes two calls of one each: both have no other party (wait.h) then. One stays in its call, the other goes
 * with its leg to a new call. The pair ends there. What one held of the other, or was told not to be heard, ends with it.
 */
#ifndef SIG_FEATURE_SPLIT_H
#define SIG_FEATURE_SPLIT_H

#include "sig/model/call.h"

struct call_split {
	struct call *to;          /* begun (call_begin), and empty */
	struct bytes application; /* that has both calls; empty: whose the call is */
	const struct shard_order *by;
};

/* The party of that leg goes. 0, -EAGAIN (an INVITE or a transfer is open, or a save is on its way: the records of both calls change in one
 * transaction), -ENOSPC, -ENOMEM: nothing has changed. */
int split_begin(struct call_host *h, struct call *c, uint8_t leg,
		const struct call_split *split) NODISCARD;
/* The leg has no other one any more: what its party held of it, or was told not to be heard, ends. */
void split_orders_end(struct call_host *h, const struct call *c, uint8_t leg, struct leg *l);

#endif
