/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conference as those see it who watch it (RFC 4575): read from its room when it is told, kept nowhere but the order of its changes. Whoever
 * has rooms fills this in.
 */
#ifndef SIG_SUBSCRIPTION_CONFERENCE_VIEW_H
#define SIG_SUBSCRIPTION_CONFERENCE_VIEW_H

#include "sig/room/roster.h"

enum { CONFERENCE_URI_MAX = 128 }; /* of a name; a longer one is not told */

/* A phone of a member. All slices live until the next event. */
struct conference_member {
	struct roster_name
		name; /* user: without parameters; of one that hides, one that says nothing */
	struct bytes display; /* may be empty */
	bool host;
	enum conference_status status;
	enum conference_joined joined;
	uint64_t joined_utc_ms; /* 0: it has not yet */
	bool audio, video;
	enum conference_way audio_way, video_way;
};

struct conference_view {
	uint64_t id; /* of the conference: another one may have its number later */
	const void *room;
	struct bytes title; /* may be empty */
	uint32_t count, count_max;
	bool locked;
	const struct room_roster *roster;
	void (*read)(const void *room, const struct roster_link *member,
		     struct conference_member *out);
	/* A phone of that user is in it: it may watch. */
	bool (*has)(const void *room, struct bytes user);
};

/* How far its watcher was told. */
struct conference_told {
	uint64_t id;     /* of the conference; 0: nothing was */
	uint64_t begun;  /* its newest change when all of it was told last, or began to be */
	uint64_t change; /* all up to this one */
	bool more;       /* it did not all go into one document: the next one goes on */
};

/* What was told is of another one, or lacks somebody who has left since and is forgotten. */
static inline bool conference_is_news(const struct conference_told *told,
				      const struct conference_view *c)
{
	uint64_t known = told->begun > told->change ? told->begun : told->change;

	return told->id != c->id || known < c->roster->forgotten;
}

#endif
