/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a conference, ordered by the change of what watchers see (RFC 4575): a watcher
 * told up to one change is told the rest only. Members are linked by fields of their own; of those
 * that left, a limited number of names is kept. Nothing is saved: a successor counts anew, and
 * sends full state. */
#ifndef SIG_ROOM_ROSTER_H
#define SIG_ROOM_ROSTER_H

#include "base/bytes.h"

enum { ROSTER_GONE_MAX = 256 }; /* stored of a conference */

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
	/* members that left earlier are unknown: watchers told up to an earlier change get full
	 * state */
	uint64_t forgotten;
	uint32_t gone_count;
};

/* It has come, or what is told of it is another. */
void roster_change(struct room_roster *r, struct roster_link *member);
/* Another phone of the same user as `other`, which is listed: a user is shown whole, with all
 * phones. */
void roster_join(struct roster_link *member, struct roster_link *other);
/* It leaves; no effect if it is not listed. If the user has another phone there, the user's entry
 * has changed. */
void roster_leave(struct room_roster *r, struct roster_link *member, struct bytes user);
/* What is told of the conference itself is another: its name, its lock. */
void roster_describe(struct room_roster *r);
/* The first that changed behind that change; NULL: none did. */
const struct roster_link *roster_after(const struct room_roster *r, uint64_t change);
/* Empties the list. */
void roster_close(struct room_roster *r);

/* What watchers see of a member of a room (RFC 4575 5.6 to 5.8), as of the last step of its call.
 * It lies in the member, so a NOTIFY for 2,000 of them looks up no call. Nothing is saved. */

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
enum conference_way { CONFERENCE_BOTH, CONFERENCE_SENDS, CONFERENCE_RECEIVES, CONFERENCE_NEITHER };

/* How a member is now; slices of others. */
struct room_face {
	struct bytes user;    /* the user: of ours its number */
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

/* Stores it if it differs from before. Returns false if it does not, or without memory. */
bool roster_update(struct room *r, struct room_member *m, const struct room_face *face);
/* It is no longer shown: it leaves, or is hidden. No effect if it was not shown. */
void roster_withdraw(struct room *r, struct room_member *m);
void roster_entry_clear(struct roster_entry *told);
/* What names it: its user by a URI, and its phone by that with the id of its call. */
struct roster_name roster_entry_name(const struct room_member *m, uint8_t space[ROOM_ENDPOINT_MAX]);
/* A phone of that user is in it, was let in, and does not monitor: who does so may bring nobody. */
bool room_has_user(const struct room *r, struct bytes user);
/* Of a link in the roster of a room. */
const struct room_member *roster_entry_member(const struct roster_link *link);

#endif
