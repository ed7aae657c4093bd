/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others are told of a member of a room (RFC 4575 5.6 to 5.8): as it was when its call had its last step. It lies in the member, so that
 * whoever tells of 2,000 of them looks for no call. Nothing of it is saved.
 */
#ifndef SIG_ROOM_ROOM_TOLD_H
#define SIG_ROOM_ROOM_TOLD_H

#include "base/text.h"
#include "sig/room/roster.h"

/* RFC 4575 5.7.2 */
enum conference_status {
	CONFERENCE_PENDING, /* it is asked for its PIN, or waits for a host */
	CONFERENCE_DIALING_OUT,
	CONFERENCE_ALERTING,
	CONFERENCE_CONNECTED,
	CONFERENCE_ON_HOLD,
	CONFERENCE_MUTED, /* by the conference */
	CONFERENCE_DISCONNECTING,
};

/* RFC 4575 5.7.3 */
enum conference_joined { CONFERENCE_DIALED_IN, CONFERENCE_DIALED_OUT, CONFERENCE_OWNER };

/* Which way a medium of a member goes, as the member sees it. */
enum conference_way { CONFERENCE_BOTH, CONFERENCE_SENDS, CONFERENCE_HEARS, CONFERENCE_NEITHER };

/* How a member is now; slices of others. */
struct room_face {
	struct bytes user;    /* who it is: of ours its number */
	struct bytes uri;     /* as others know it */
	struct bytes display; /* may be empty */
	uint8_t status;       /* enum conference_status */
	uint8_t joined;       /* enum conference_joined */
	uint8_t way;          /* enum conference_way */
	bool host;
	bool there; /* it counts: it is not asked for, or asked anything, any more */
};

/* In a member; zeroed at first. */
struct room_told {
	struct roster_link link; /* first: it is one */
	struct text user, uri, display;
	uint8_t status, joined, way;
	bool host, there;
};

struct room;
struct room_member;

enum { ROOM_ENDPOINT_MAX = 192 };

/* It is told so from now on, where that is another than before. False: it is not, or there is no memory. */
bool room_tell(struct room *r, struct room_member *m, const struct room_face *face);
/* It is told of no more: it leaves, or is to be seen by nobody. One that was not told of is as it was. */
void room_untell(struct room *r, struct room_member *m);
void room_told_clear(struct room_told *told);
/* What names it: its user by a URI, and its phone by that with the id of its call. */
struct roster_name room_told_name(const struct room_member *m, uint8_t space[ROOM_ENDPOINT_MAX]);
/* A phone of that user is in it, and was let in. */
bool room_has_user(const struct room *r, struct bytes user);
/* Of a link in the roster of a room. */
const struct room_member *room_told_member(const struct roster_link *link);

#endif
