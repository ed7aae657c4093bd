/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether another process lives that has the identity of this one: the state directory of a node was copied. Two such processes write the
 * same line of the roster (roster.h). What is known of the one that wrote it: its incarnation, whether its beat goes on, and its place.
 *
 *   The process before in this very directory is gone: its place is ours, and whoever has the lock is alone there.
 *   Any other process may live. Who starts watches whether its beat goes on, and writes nothing before.
 *   Who finds while it runs that the one lives whose line it took at its start came second: it ends. Who finds one that came later
 *   writes its own line again, by which that one finds out.
 *
 * No clock of another machine is looked at. Pure.
 */
#ifndef CLUSTER_TWIN_H
#define CLUSTER_TWIN_H

#include "cluster/identity.h"
#include "cluster/roster.h"

/* Longer than a beat takes to come, with some delay of Redis. */
#define TWIN_WATCH_NS UINT64_C(3000000000)

enum { TWIN_PLACE_MAX = 17 + IDENTITY_PLACE_MAX + IDENTITY_WHERE_MAX };

struct twin {
	char seen
		[ROSTER_TEXT_MAX]; /* the line, as it was seen last: to be taken, if it is still so */
	uint64_t since_ns;         /* it is so; 0: nothing was seen */
	uint64_t before;           /* incarnation whose line this process took; 0: nobody's */
	uint64_t later;            /* of one that came later, which was said; 0: none */
	uint32_t returned;         /* so often the one before had its line back */
	char where
		[IDENTITY_WHERE_MAX]; /* of whoever has the line, for people; "": it is not known */
};

enum twin_verdict {
	TWIN_NOBODY, /* the line is to be taken */
	TWIN_WAIT,   /* to be seen once more */
	TWIN_LATER,  /* likewise to be taken; the first time of that one: to be said */
	TWIN_LIVES,  /* another one was there before */
};

/* "INCARNATION PLACE WHERE", beside the line. */
struct bytes twin_place_write(char out[TWIN_PLACE_MAX], uint64_t incarnation,
			      const struct identity *own);
/* Before the first line of this process is written. line, place: as Redis has them; empty: it has none. */
enum twin_verdict twin_look(struct twin *t, const struct identity *own, struct bytes line,
			    struct bytes place, uint64_t now_ns);
/* The line was written, in place of t->seen. */
void twin_taken(struct twin *t, uint64_t own_incarnation);
/* It was not: it is another one's. */
enum twin_verdict twin_found(struct twin *t, const struct identity *own, struct bytes line,
			     struct bytes place);

#endif
