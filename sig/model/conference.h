/* SPDX-License-Identifier: Apache-2.0 */
/* A call with its party in a room (sig/room/room.h): the party has no peer, and hears the room. So
 * the call is recorded, transferred, and survives a kill as any call does. How it joins and leaves
 * is in sig/pbx/conference.h. */
#ifndef SIG_MODEL_CONFERENCE_H
#define SIG_MODEL_CONFERENCE_H

#include "sig/model/call.h"
#include "sig/room/room.h"

/* Its party hears the room, or music instead. */
static inline bool conference_speaks(const struct call *c)
{
	return c->member && !c->member->asks && c->state == CALL_ESTABLISHED && call_is_alone(c) &&
	       !c->park && !c->parting_ns;
}
/* It is out of the mix: held by command, or its phone holds. */
bool conference_is_held(const struct call *c);
/* Its room; NULL: it is in none, or that is gone. */
struct room *conference_room(const struct call_host *h, const struct call *c);
/* The mixer's parameters for its flows, and the worker that they are on: all of a room use the
 * room's. */
struct flow_member conference_flow(const struct call *c);
uint64_t conference_home(const struct call *c);
/* The Contact of the leg for its party (RFC 4579): in that conference, or in none any more. Returns
 * false if unchanged. */
bool conference_focus(struct leg *l, struct bytes name);
/* That of its party, as it comes, goes on in another process or has left. */
void conference_focus_settle(struct call *c);

#endif
