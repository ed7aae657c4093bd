/* SPDX-License-Identifier: Apache-2.0 */
/* Two calls become one: a leg of one goes to the other, and the call that it leaves ends. */
#ifndef SIG_PBX_JOIN_H
#define SIG_PBX_JOIN_H

#include "sig/call/module.h"
#include "sig/model/call.h"
#include "sig/model/call_order.h"

/* By command: the party of that leg, as a call of another shard may ask for it. 0 or -errno as of ORDER_JOIN. */
enum refusal join_party(const struct call_host *h, const struct call *c, enum shard_leg named,
			struct call_remote *out) NODISCARD;

/* Asked of the call that loses the leg (CALL_EV_JOIN). */
struct call_join {
	struct call *to; /* where the leg goes */
	bool ordered;    /* by command */
	uint8_t leg;     /* out: its index there */
	/* out: REFUSED_CHANGING (an INVITE is open, or a save is on its way: the records of both calls change in one transaction),
	 * _NO_DIALOG, _MEMORY */
	enum refusal refused;
};

/*
 * Two legs that are up, and have agreed on something with others, are to hear each other: by call.join, by a transfer, by Replaces, or
 * because whom one of them spoke with is gone. Where what they have will do nobody is asked. Else one of them is asked again
 * (re-INVITE), with what the other one said it can; first whoever can more, and when that is not enough the other one, too:
 *
 *   - Of two legs of two calls with nothing in common, before the calls are joined (meet_reoffer). When none of both takes it each call
 *     goes on as it was.
 *   - Of the two of a bridge, after each step: who was told less by whom it spoke with before, who may send what the other one
 *     does not take, and who was asked for a join that did not come.
 */

/* Of another call (CALL_EV_MEET). */
struct call_meeting {
	const struct leg *with; /* whom the leg is to be joined with */
	int err;                /* out: as of meet_reoffer */
};

/* The leg is asked for what a leg of another call can. 0, -EAGAIN (an INVITE is open), -ENOTCONN, -ENOTSUP (nothing can be offered),
 * -ENOSPC, -ENOMEM. */
int meet_reoffer(struct call_host *h, struct call *c, uint8_t leg,
		 const struct leg *with) NODISCARD;
/* They will not be joined: the two of the call are to hear each other. */
void meet_over(struct call *c);

/*
 * A call of two parties becomes two calls of one each: both have no other party (wait.h) then. One stays in its call, the other goes
 * with its leg to a new call. The pair ends there. What one held of the other, or was told not to be heard, ends with it.
 */

struct call_split {
	struct call *to;          /* begun (call_init), and empty */
	struct bytes application; /* that has both calls; empty: whose the call is */
	const struct shard_order *by;
};

/* The party of that leg goes. REFUSED_CHANGING (an INVITE or a transfer is open, or a save is on its way: the records of both calls
 * change in one transaction), _MEMORY: nothing has changed. */
enum refusal split_begin(struct call_host *h, struct call *c, uint8_t leg,
			 const struct call_split *split) NODISCARD;
/* The pair parts, and that leg of it is answered by tandem, with no other party. Names and plan are the caller's. */
void pair_leave_one(struct call_host *h, struct call *c, uint8_t stays, enum call_cause cause,
		    enum call_ended_by by);
/* The leg has no other one any more: what its party held of it, or was told not to be heard, ends. */
void split_orders_end(struct call_host *h, const struct call *c, uint8_t leg, struct leg *l);

#endif
