/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two legs that are up, and have agreed on something with others, are to hear each other: by call.join, by a transfer, by Replaces, or
 * because whom one of them spoke with is gone. Where what they have will do nobody is asked. Else one of them is asked again
 * (re-INVITE), with what the other one said it can; first whoever can more, and when that is not enough the other one, too:
 *
 *   - Of two legs of two calls with nothing in common, before the calls are joined (meet_ask). When none of both takes it each call
 *     goes on as it was.
 *   - Of the two of a bridge, after each step: who was told less by whom it spoke with before, who may send what the other one
 *     does not take, and who was asked for a join that did not come.
 */
#ifndef SIG_FEATURE_MEET_H
#define SIG_FEATURE_MEET_H

#include "sig/call/feature.h"

/* Of another call (CALL_EV_MEET). */
struct call_meeting {
	const struct leg *with; /* whom the leg is to be joined with */
	int err;                /* out: as of meet_ask */
};

/* The leg is asked for what a leg of another call can. 0, -EAGAIN (an INVITE is open), -ENOTCONN, -ENOTSUP (nothing can be offered),
 * -ENOSPC, -ENOMEM. */
int meet_ask(struct call_host *h, struct call *c, uint8_t leg, const struct leg *with) NODISCARD;
/* They will not be joined: the two of the call are to hear each other. */
void meet_over(struct call *c);
extern const struct call_feature meet_feature;

#endif
