/* SPDX-License-Identifier: Apache-2.0 */
/* How parties of calls come into rooms and leave them, and what is ordered of one that is there (sig/call/conference.h). */
#ifndef SIG_PBX_CONFERENCE_H
#define SIG_PBX_CONFERENCE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "sig/call/conference.h"
#include "sig/call/module.h"
#include "sig/host/tenant_tables.h"
#include "sig/model/call_order.h"
#include "sig/model/event.h"

/* Of ORDER_CONFER. */
struct call_confer {
	struct room *room;
	struct call *to;     /* begun, and empty: for a call of two. NULL: it is alone */
	enum shard_leg host; /* whose party is host; NONE: none */
	bool leaves; /* the party of the leg is there already: its leg is to be left by who orders */
	uint16_t inviter;
};

/* The party of that call is in its conference, and takes its place there: it is host where this one was, which is left. REFUSED_CHANGING: it is
 * not in yet. */
enum refusal conference_yield(struct call_host *h, struct call *c, uint64_t to);

/*
 * Somebody calls the number of a room (sig/host/tenant_tables.h, CONF-01). The node answers, asks for the PIN where there is one, three times
 * at most, and then the caller is a member. The room begins with the first who calls it.
 */

/* The last step comes to that one. */
enum refusal meetme_enter(struct call_host *h, struct call *c, struct bytes display, struct room *r,
			  struct call_refusal *refusal) NODISCARD;
/* The user part of an INVITE to another shard, and back. False: it is none. */
bool meetme_name_get(struct bytes user, struct bytes *number);
/* It is known which shard has the room that a call waits for (conference_waits): as of struct park_news, owner: the conference. */
void meetme_on_owner(struct call_host *h, struct call *c, const struct park_news *news);

/*
 * What a party is called that goes to a conference of another shard: the user part of the INVITE. It says which one that is, and what the
 * party is there. Who has that name was let in where it comes from, and says no PIN.
 */

enum { MEMBER_NAME_MAX = 32 };

struct member_name {
	uint64_t room; /* id */
	bool host, muted, deaf, held;
	int8_t gain_db; /* at most MEMBER_GAIN_DB_MAX, either way */
};

void member_name_put(char out[MEMBER_NAME_MAX], const struct member_name *name);
/* False: it is none. */
bool member_name_get(struct bytes user, struct member_name *out);

#endif
