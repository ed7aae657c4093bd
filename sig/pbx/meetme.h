/* SPDX-License-Identifier: Apache-2.0 */
/* A call to the number of a room (sig/host/tenant_tables.h, CONF-01). The node answers, asks for
 * the PIN if one is set, at most three times, and the caller becomes a member. The first caller
 * creates the room. */
#ifndef SIG_PBX_MEETME_H
#define SIG_PBX_MEETME_H

#include "sig/model/call.h"
#include "sig/model/event.h"
#include "sig/room/room.h"

/* The last step comes to that one. */
enum refusal meetme_enter(struct call_host *h, struct call *c, struct bytes display, struct room *r,
			  struct call_refusal *refusal) NODISCARD;
/* A successor asks again, and so does who finds that a command has stopped what was asked. */
void meetme_resume(struct call_host *h, struct call *c);
/* The shard of the room that a call waits for is known (conference_waits). Fields as in struct
 * park_reply; owner: the conference. */
void meetme_on_owner(struct call_host *h, struct call *c, const struct park_reply *new_state);

#endif
