/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call whose party is in a room (sig/room/room.h): it has no other party, and hears the room. So it is recorded, transferred, and
 * survives a kill as any call does. When somebody else is to speak with it, or it waits elsewhere, it has left the room.
 */
#ifndef SIG_CALL_CONFERENCE_H
#define SIG_CALL_CONFERENCE_H

#include "sig/call/plan.h"
#include "sig/room/room.h"

/* What a member begins as. */
struct conference_terms {
	uint16_t inviter, coaches;
	bool muted, host, monitors;
};

/* Its party hears the room, or music in its place. */
bool conference_speaks(const struct call *c);
/* It is out of the mix: held by command, or its phone holds. */
bool conference_is_held(const struct call *c);
/* A room is the last step of its plan, and it is not answered before it is known which shard has that (sig/shard/shard_room_claim.c), and who
 * rang before is left. */
static inline bool conference_waits(const struct call *c)
{
	return c->member && c->member->asks && c->state < CALL_ANSWERING && plan_confers(&c->plan);
}
/* It has called the room, or was sent on there: nobody has rung it for that. */
bool conference_was_dialled(const struct call *c);
/* Its room; NULL: it is in none, or that is gone. */
struct room *conference_room(const struct call_host *h, const struct call *c);
/* What the engine is to know of it, and by whose worker its flows go: all of a room by that of the room. */
struct flow_member conference_flow(const struct call *c);
uint64_t conference_home(const struct call *c);
/* The leg's party speaks with a conference of another shard. */
bool conference_is_remote(const struct call *c, uint8_t leg);
/* The user of the URI of the conference that it is in; in space, or of the call. Empty: in none. */
struct bytes conference_named(const struct call *c, uint8_t leg, uint8_t space[ROOM_USER_MAX]);
/* Who it is that has come from another shard, or is here: an extension, or whom it says. */
struct bytes conference_user(const struct call *c);
/* What the leg says where its party is (RFC 4579): in which conference, or in none any more. False: it knows. */
bool conference_focus(struct leg *l, struct bytes name);
/* That of its party, as it comes, goes on in another process or has left. */
void conference_focus_settle(struct call *c);
/* It is to come, when it is answered or has said its PIN. */
enum refusal conference_add_pending(struct call_host *h, struct call *c, struct room *r) NODISCARD;
/* The party of the call, which is alone, is in the room from now on; whoever asked comes. REFUSED_NOT_ESTABLISHED (it is not alone),
 * _IN_CONFERENCE, _MEMBERS_FULL, _MEMORY. */
enum refusal conference_join(struct call_host *h, struct call *c, struct room *r,
			     const struct conference_terms *terms) NODISCARD;
/* reason: a constant word. */
void conference_leave(struct call_host *h, struct call *c, const char *reason);
/* It is otherwise by now; reason: what. */
void conference_publish_changed(struct call_host *h, struct call *c, const char *reason);

#endif
