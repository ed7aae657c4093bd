/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a node is: its state directory. The directory has a random id, made at its first start, and the node holds its lock.
 * Whoever finds a lease with its own place knows that the process before is gone: two cannot hold one lock. The same id at
 * another place is a copy of the directory, or the directory after a move or a boot.
 */
#ifndef CLUSTER_IDENTITY_H
#define CLUSTER_IDENTITY_H

#include "base/bytes.h"
#include "base/rand.h"
#include "cluster/roster.h"

enum { IDENTITY_LEN = 32, IDENTITY_PLACE_MAX = 96, IDENTITY_WHERE_MAX = 336 };

struct identity {
	char id[IDENTITY_LEN + 1];      /* of the directory: hexadecimal digits */
	char place[IDENTITY_PLACE_MAX]; /* boot id of the kernel, device and inode of the lock */
	char where[IDENTITY_WHERE_MAX]; /* for people: host and directory */
};

/* Its number in a cluster: of the first 16 digits. Never 0. */
uint64_t identity_node(const struct identity *own);
/* Reads DIR/identity, or makes it. lock_fd: the directory's lock, held. 0; -EBADMSG: the file is damaged; or -errno. */
int identity_open(struct identity *out, const char *dir, int lock_fd,
		  struct rand_source *rand) NODISCARD;
/* What the file says: 32 hexadecimal digits. 0 or -EBADMSG. */
int identity_parse(char out[IDENTITY_LEN + 1], struct bytes text) NODISCARD;

/*
 * Which Redis a state directory belongs to. What waits in the directory (call records, documents) is for that Redis alone. Each Redis
 * has ids, random and made by the first directory; the file "cluster" of a directory has one of them, and where that Redis was.
 *
 * A Redis that lost its data has no id, and is at the same place: it is given the id again. One that has others is another one. One
 * that has none, at another place, is another one as well: an emptied Redis stays where it is.
 */

enum { BELONGING_PLACE_MAX = 2048, BELONGING_TEXT_MAX = BELONGING_PLACE_MAX + 40 };

struct belonging {
	char id[IDENTITY_LEN + 1]; /* empty: of no Redis yet */
	char place
		[BELONGING_PLACE_MAX]; /* its URL without logins; "own": the server in the directory itself */
};

/* DIR/cluster. 0; -ENOENT: there is none; -EBADMSG: it is damaged; or -errno. */
int belonging_read(struct belonging *out, const char *dir) NODISCARD;
int belonging_keep(const struct belonging *b, const char *dir) NODISCARD;
/* "ID PLACE". 0 or -EBADMSG. */
int belonging_parse(struct belonging *out, struct bytes text) NODISCARD;
struct bytes belonging_write(char out[BELONGING_TEXT_MAX], const struct belonging *b);

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
