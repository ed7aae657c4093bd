/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that is sent on to a slot (PARK-07): a step of its plan that rings no phone. When the slot is the call's the node answers the
 * caller, who waits there as one that was parked by whose calls go there (sig/pbx/park.h). When it is not, the plan goes on.
 */
#ifndef SIG_CALL_SLOT_STEP_H
#define SIG_CALL_SLOT_STEP_H

#include "sig/model/event.h"
#include "sig/model/park.h"

/* The last step's number is what parks there, as who sends the call on dials it. */
bool slot_step_find(const struct call_host *h, const struct call *c, struct park_place *out);
/* It is to be the call's, and is not yet. */
static inline bool slot_step_asks(const struct call *c)
{
	return c->park && c->park->asks;
}
/* The last step asks. A party that waits already is refused. One that is transferred is not: whoever gave it
 * hears that it is taken when it waits there. */
enum refusal slot_step_begin(struct call_host *h, struct call *c, const struct park_place *place,
			     struct bytes display, struct call_refusal *refusal) NODISCARD;
/* Of these numbers one is none of a slot: the phones that a parked party comes back to ring, wherever their calls go. */
bool slot_step_is_left(const struct call_host *h, const struct call *c, struct bytes user,
		       struct bytes list);

#endif
