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
};

/* What names a member to others: user is a URI, endpoint tells its phones apart. */
struct roster_name {
	struct bytes user, endpoint;
};

/* Of one that left. */
struct roster_gone {
	struct roster_link link; /* first: it is one */
	struct roster_name name;
	bool user; /* none of the user's phones is there any more */
	char text[];
};

/* Zeroed at first. */
struct room_roster {
	struct roster_link *first, *last;
	uint64_t change;    /* the newest */
	uint64_t described; /* the newest of the conference itself */
	uint64_t
		forgotten; /* of those who left before it nothing is known: who was told less is told all */
	uint32_t gone_count;
};

/* It has come, or what is told of it is another. */
void roster_change(struct room_roster *r, struct roster_link *member);
/* It leaves; one that is not listed is as it was. last: no other phone of the user is there. */
void roster_leave(struct room_roster *r, struct roster_link *member, const struct roster_name *name,
		  bool last);
/* What is told of the conference itself is another: its name, its lock. */
void roster_describe(struct room_roster *r);
/* The first that changed behind that change; NULL: none did. */
const struct roster_link *roster_after(const struct room_roster *r, uint64_t change);
/* Nobody is listed any more. */
void roster_close(struct room_roster *r);

#endif
