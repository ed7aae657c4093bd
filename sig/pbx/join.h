/* SPDX-License-Identifier: Apache-2.0 */
/* Two calls become one: a leg of one goes to the other, and the call that it leaves ends. */
#ifndef SIG_PBX_JOIN_H
#define SIG_PBX_JOIN_H

#include "sig/call/module.h"
#include "sig/model/call.h"
#include "sig/model/call_order.h"

/* By command: the party of that leg, as a call on a remote shard may ask for it. Returns as
 * ORDER_JOIN. */
enum refusal join_party(const struct call_host *h, const struct call *c, enum shard_leg named,
			struct call_remote *out) NODISCARD;

/* Asked of the call that loses the leg (CALL_EV_JOIN). */
struct call_join {
	struct call *to; /* where the leg goes */
	bool ordered;    /* by command */
	uint8_t leg;     /* out: its index there */
	/* out: REFUSED_CHANGING (an INVITE or a save is pending: the records of both calls change
	 * in one transaction), _NO_DIALOG, _MEMORY */
	enum refusal refused;
};

/* Two established legs that negotiated with other peers are bridged: by call.join, a transfer,
 * Replaces, or since a peer is gone. If their sessions fit, no re-INVITE is sent. Else one is
 * re-INVITEd with the capabilities of the other; first the one with more, and if that is not enough
 * the other, too. For two legs of two calls with nothing in common this happens before the calls
 * are joined (meet_reoffer); if neither accepts, each call goes on as it was. For the two of a
 * bridge it happens after each step: a leg that was offered less because of its former peer, one
 * that may send what the other does not accept, and one that was re-INVITEd for a join that
 * failed. */

/* Of another call (CALL_EV_MEET). */
struct call_meeting {
	const struct leg *with; /* the leg is to be joined with it */
	int err;                /* out: as of meet_reoffer */
};

/* Re-INVITEs the leg with the capabilities of a leg of another call. Returns 0, -EAGAIN (an INVITE
 * is open), -ENOTCONN, -ENOTSUP (nothing can be offered), -ENOSPC, -ENOMEM. */
int meet_reoffer(struct call_host *h, struct call *c, uint8_t leg,
		 const struct leg *with) NODISCARD;
/* They will not be joined: the two of the call are bridged again. */
void meet_over(struct call *c);

/* A call of two parties becomes two calls of one each, both without a peer (wait.h). One party
 * stays in its call, the other takes its leg to a new call. The bridge ends there, and with it any
 * hold or mute between the two. */

struct call_split {
	struct call *to;          /* begun (call_init), and empty */
	struct bytes application; /* it has both calls; empty: the application of the call */
	const struct shard_order *by;
};

/* The party of that leg moves. REFUSED_CHANGING (an INVITE or transfer is open, or a save is
 * pending: the records of both calls change in one transaction), _MEMORY: nothing has changed. */
enum refusal split_start(struct call_host *h, struct call *c, uint8_t leg,
			 const struct call_split *split) NODISCARD;
/* The bridge ends, and tandem is the peer of the leg that stays. Names and plan are up to the
 * caller. */
void pair_leave_one(struct call_host *h, struct call *c, uint8_t stays, enum call_cause cause,
		    enum call_ended_by by);
/* The leg has no peer any more: holds and mutes between the two end. */
void split_orders_end(struct call_host *h, const struct call *c, uint8_t leg, struct leg *l);

#endif
