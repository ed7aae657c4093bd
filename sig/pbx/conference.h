/* SPDX-License-Identifier: Apache-2.0 */
/* How parties of calls join and leave rooms, and the orders on a member
 * (sig/model/conference.h). */
#ifndef SIG_PBX_CONFERENCE_H
#define SIG_PBX_CONFERENCE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "sig/call/plan.h"
#include "sig/host/tenant_tables.h"
#include "sig/model/call_order.h"
#include "sig/model/conference.h"
#include "sig/model/event.h"

/* The room is the last step of its plan. The call is answered, and earlier branches cancelled, once
 * the shard of the room is known (sig/shard/objects.h). */
static inline bool conference_waits(const struct call *c)
{
	return c->member && c->member->asks && c->state < CALL_ANSWERING &&
	       plan_awaits(&c->plan, AWAITS_ROOM);
}
/* It has called the room, or was forwarded there: it was not rung for it. */
bool conference_was_dialled(const struct call *c);
/* The peer of the leg is a conference on a remote shard. */
bool conference_is_remote(const struct call *c, uint8_t leg);
/* The user of the URI of the conference that it is in; in space, or of the call. Empty: in none. */
struct bytes conference_named(const struct call *c, uint8_t leg, uint8_t space[ROOM_USER_MAX]);
/* The user from another shard or of this one: an extension, or the name that it gave. */
struct bytes conference_user(const struct call *c);

/* What a member begins as. */
struct conference_terms {
	uint16_t inviter, coaches, takes;
	bool muted, host, monitors;
};

/* It joins when it is answered or has entered its PIN. */
enum refusal conference_add_pending(struct call_host *h, struct call *c, struct room *r) NODISCARD;
/* The party of the call, which is alone, is in the room from now on; the party that asked joins.
 * REFUSED_NOT_ESTABLISHED (it is not alone), _IN_CONFERENCE, _MEMBERS_FULL, _MEMORY. */
enum refusal conference_join(struct call_host *h, struct call *c, struct room *r,
			     const struct conference_terms *terms) NODISCARD;
/* What a member that has joined may do from now on. */
void conference_change(struct call_host *h, struct call *c, const struct conference_terms *terms);
/* reason: a constant word. */
void conference_leave(struct call_host *h, struct call *c, const char *reason);
/* It is otherwise by now; reason: what. */
void conference_publish_changed(struct call_host *h, struct call *c, const char *reason);

/* Of ORDER_CONFERENCE. */
struct call_conference {
	struct room *room;
	struct call *to;     /* begun, and empty: for a call of two. NULL: it is alone */
	enum shard_leg host; /* the leg of the host, or NONE */
	/* the party of the leg is a member already; the leg is given up by the one that orders */
	bool leaves;
	uint16_t inviter;
};

/* The party of call `to` takes this member's place, host included, and this one leaves.
 * REFUSED_CHANGING: it has not joined yet. */
enum refusal conference_yield(struct call_host *h, struct call *c, uint64_t to);

/* The name of a party that joins a conference on a remote shard: the user part of the INVITE. It
 * states the conference and the party's rights there. The sending shard has admitted it, so no PIN
 * is asked. */

enum { MEMBER_NAME_MAX = 40 };

struct member_name {
	uint64_t room; /* id */
	bool host, muted, deaf, held, beeps;
	int8_t gain_db; /* at most MEMBER_GAIN_DB_MAX, either way */
	uint16_t most;  /* joins only below this number of members; 0: the limit of the room */
};

void member_name_put(char out[MEMBER_NAME_MAX], const struct member_name *name);
/* Returns false if the text is not such a name. */
bool member_name_get(struct bytes user, struct member_name *out);

#endif
