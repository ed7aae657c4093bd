/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody calls the number of a room (sig/host/tenant_tables.h, CONF-01). The node answers, asks for the PIN where there is one, three times
 * at most, and then the caller is a member. The room begins with the first who calls it.
 */
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
/* The user part of an INVITE to another shard, and back. False: it is none. */
bool meetme_name_get(struct bytes user, struct bytes *number);
/* It is known which shard has the room that a call waits for (conference_waits): as of struct park_news, owner: the conference. */
void meetme_on_owner(struct call_host *h, struct call *c, const struct park_news *news);

#endif
