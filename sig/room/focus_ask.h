/* SPDX-License-Identifier: Apache-2.0 */
/* What a member asks the focus for, by REFER (sig/feature/focus.h), of its room. */
#ifndef SIG_ROOM_FOCUS_ASK_H
#define SIG_ROOM_FOCUS_ASK_H

#include "base/bytes.h"

struct room;
struct call_refusal;

struct focus_ask {
	struct room *room;
	uint64_t call;    /* whose party asks */
	uint16_t inviter; /* its number */
	uint32_t refer;   /* CSeq of its REFER, which names what it asked for; */
	bool notify;      /* what becomes of it is told there */
	struct bytes to;  /* who is rung; empty: */
	uint64_t comes;   /* the call whose party comes, and */
	uint8_t leaves; /* enum shard_leg: whose is left; or, where that call is of another shard: */
	uint8_t dialog;               /* as room_comes has it, */
	struct bytes user;            /* whose dialog it must be */
	struct call_refusal *refusal; /* out, of -EDQUOT */
	uint64_t stead; /* of a call that is here: whose place its party takes; 0: nobody's */
};

#endif
