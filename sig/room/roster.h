/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in a conference, in the order in which what is told of them changed (RFC 4575): whoever was told all up to a change is told the
 * rest, and no more. Members are linked by what they have in themselves; of those who left what names them is kept, so many of them.
 * Nothing of it is saved: a successor counts anew, and tells all.
 */
#ifndef SIG_ROOM_ROSTER_H
#define SIG_ROOM_ROSTER_H

#include "base/bytes.h"

enum { ROSTER_GONE_MAX = 256 }; /* kept of a conference */

struct roster_gone;

/* In a member; zeroed at first. */
struct roster_link {
	struct roster_link *next, *prev;
	uint64_t change;          /* of it, the last one; 0: it is not listed */
	struct roster_gone *gone; /* NULL: it is there */
	/* next phone of the same user, round; NULL or itself: the user has no other one there */
	struct roster_link *twin;
};

/* What names a member to others: user is a URI, endpoint tells its phones apart. */
struct roster_name {
	struct bytes user, endpoint;
};

/* Of one that left. */
struct roster_gone {
	struct roster_link link; /* first: it is one */
	struct bytes user;       /* none of the user's phones is there any more */
	char text[];
};

/* Zeroed at first. */
struct room_roster {
	struct roster_link *first, *last;
	uint64_t change;    /* the newest */
	uint64_t described; /* the newest of the conference itself */
	/* of those who left before it nothing is known: who was told less is told all */
	uint64_t forgotten;
	uint32_t gone_count;
};

/* It has come, or what is told of it is another. */
void roster_change(struct room_roster *r, struct roster_link *member);
/* It is a phone of the same user as that one, which is listed: a user is told whole, with all phones. */
void roster_join(struct roster_link *member, struct roster_link *other);
/* It leaves; one that is not listed is as it was. Where the user has another phone there, what is told of the user has changed. */
void roster_leave(struct room_roster *r, struct roster_link *member, struct bytes user);
/* What is told of the conference itself is another: its name, its lock. */
void roster_describe(struct room_roster *r);
/* The first that changed behind that change; NULL: none did. */
const struct roster_link *roster_after(const struct room_roster *r, uint64_t change);
/* Nobody is listed any more. */
void roster_close(struct room_roster *r);

/*
 * What others are told of a member of a room (RFC 4575 5.6 to 5.8): as it was when its call had its last step. It lies in the member, so that
 * whoever tells of 2,000 of them looks for no call. Nothing of it is saved.
 */

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
struct roster_entry {
	struct roster_link link; /* first: it is one */
	struct text user, uri, display;
	uint8_t status, joined, way;
	bool host, there;
};

struct room;
struct room_member;

enum { ROOM_ENDPOINT_MAX = 192 };

/* It is told so from now on, where that is another than before. False: it is not, or there is no memory. */
bool roster_update(struct room *r, struct room_member *m, const struct room_face *face);
/* It is told of no more: it leaves, or is to be seen by nobody. One that was not told of is as it was. */
void roster_withdraw(struct room *r, struct room_member *m);
void roster_entry_clear(struct roster_entry *told);
/* What names it: its user by a URI, and its phone by that with the id of its call. */
struct roster_name roster_entry_name(const struct room_member *m, uint8_t space[ROOM_ENDPOINT_MAX]);
/* A phone of that user is in it, and was let in. */
bool room_has_user(const struct room *r, struct bytes user);
/* Of a link in the roster of a room. */
const struct room_member *roster_entry_member(const struct roster_link *link);

#endif
