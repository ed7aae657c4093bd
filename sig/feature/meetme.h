/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody calls the number of a room (sig/host/room_terms.h, CONF-01). The node answers, asks for the PIN where there is one, three times
 * at most, and then the caller is a member. The room begins with the first who calls it.
 */
#ifndef SIG_FEATURE_MEETME_H
#define SIG_FEATURE_MEETME_H

#include "sig/call/conference.h"
#include "sig/host/room_terms.h"
#include "sig/model/start.h"

/* The last step of a call's plan is the number of a room (call_feature.reached). */
bool meetme_reached(struct call_host *h, struct call *c, struct bytes display, int *err,
		    struct call_refusal *refusal);
/* The one step of a call, by a name of ours: that of a conference, or of a room for which another shard asks. 0 or -errno with *refusal. */
int meetme_begin(struct call_host *h, struct call *c, const struct call_start *start,
		 struct call_refusal *refusal) NODISCARD;
/* The last step comes to that one; the same. */
int meetme_take(struct call_host *h, struct call *c, struct bytes display, struct room *r,
		struct call_refusal *refusal) NODISCARD;
/* The user part of an INVITE to another shard, and back. False: it is none. */
bool meetme_name_get(struct bytes user, struct bytes *number);
/* It is known which shard has the room that a call waits for (conference_waits): as of struct park_news, owner: the conference. */
void meetme_told(struct call_host *h, struct call *c, const struct park_news *news);
/* It was answered, and its phone knows: it is asked, or comes in. False: it does not come. */
bool meetme_arrives(struct call_host *h, struct call *c, struct room *r);
/* It has said its PIN, or its name. */
void meetme_asked(struct call_host *h, struct call *c, struct bytes digits);
/* A successor asks again, and so does who finds that a command has stopped what was asked. */
void meetme_resume(struct call_host *h, struct call *c);

#endif
