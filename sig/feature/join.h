/* SPDX-License-Identifier: Apache-2.0 */
/* Two calls become one: a leg of one goes to the other, and the call that it leaves ends. */
#ifndef SIG_FEATURE_JOIN_H
#define SIG_FEATURE_JOIN_H

#include "sig/model/call.h"

struct call_join {
	struct call *to; /* where the leg goes */
	bool ordered;    /* by command */
	uint8_t leg;     /* out: its index there */
	/* out: 0, -EAGAIN (an INVITE is open, or a save is on its way: the records of both calls change in one transaction), -ENOTCONN,
	 * -ENOSPC, -ENOMEM */
	int err;
};

/* Of the call that loses the leg (CALL_EV_JOIN). */
void join_give(struct call_host *h, struct call *c, uint8_t leg, struct call_join *join);
/* The leg goes from one call to another, with its ports, dialog and timers; a closed copy of it stays. 0, -ENOSPC or -ENOMEM: nothing has
 * changed. */
int join_take_leg(struct call_host *h, struct call *from, uint8_t leg, struct call *to,
		  uint8_t *as) NODISCARD;
/* Each save of the call is answered, so that the next one goes with that of another call. */
bool join_is_settled(const struct call_host *h, const struct call *c);

#endif
