/* SPDX-License-Identifier: Apache-2.0 */
/* An INVITE with Replaces (RFC 3891): its sender takes the place of a leg of another call. It
 * begins as a call of its own, without a peer, answered at once with what the remaining party of
 * the other call has agreed. On its ACK the other call takes its leg by a transfer (transfer.h) and
 * releases the replaced one. Until then either call may end, and the other goes on or ends by
 * itself: no successor finds a leg half replaced. Of several that wait for one place the latest
 * counts, as phones may be gone: its former ones wait, and end once it asks. */
#ifndef SIG_PBX_REPLACE_H
#define SIG_PBX_REPLACE_H

#include "sig/call/module.h"
#include "sig/model/event.h"

/* Asked of the call that has the leg (CALL_EV_REPLACE). */
struct call_replacing {
	uint64_t by;
	uint8_t leg;          /* of that call */
	enum refusal refused; /* out */
};

/* A later one than the call by is about to take the place of that leg. */
bool replace_is_outdone(const struct call_host *h, const struct call *c, uint8_t leg, uint64_t by);
/* The first INVITE of the call is answered. */
enum refusal replace_start(struct call_host *h, struct call *c, const struct call_replaces *what,
			   struct call_refusal *refusal) NODISCARD;

#endif
