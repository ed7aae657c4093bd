/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity of a node: its state directory, which has a random id, made at its first start, and a
 * lock that the node holds. A node that finds a lease with its own place knows that the process
 * before is gone: two cannot hold one lock. The same id at another place is a copy of the
 * directory, or the directory after a move or a boot.
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
/* Reads DIR/identity, or makes it. lock_fd: the directory's lock. 0; -EBADMSG: damaged; -errno. */
int identity_open(struct identity *out, const char *dir, int lock_fd,
		  struct rand_source *rand) NODISCARD;
/* What the file says: 32 hexadecimal digits. 0 or -EBADMSG. */
int identity_parse(char out[IDENTITY_LEN + 1], struct bytes text) NODISCARD;

/*
 * Which Redis a state directory belongs to. Call records and documents that wait in the directory
 * are for that Redis alone. Each Redis has random ids, made by the first directory; the file
 * "cluster" of a directory has one of them, and the place of that Redis. A Redis without an id at
 * the same place has lost its data: it is given the id again. One with other ids is another Redis,
 * and so is one without an id at another place: an emptied Redis stays at its place.
 */

enum { BELONGING_PLACE_MAX = 2048, BELONGING_TEXT_MAX = BELONGING_PLACE_MAX + 40 };

struct belonging {
	char id[IDENTITY_LEN + 1]; /* empty: of no Redis yet */
	/* URL without logins; "own": the server in the directory itself. */
	char place[BELONGING_PLACE_MAX];
};

/* DIR/cluster. 0; -ENOENT; -EBADMSG: damaged; or -errno. */
int belonging_read(struct belonging *out, const char *dir) NODISCARD;
int belonging_keep(const struct belonging *b, const char *dir) NODISCARD;
/* "ID PLACE". 0 or -EBADMSG. */
int belonging_parse(struct belonging *out, struct bytes text) NODISCARD;
struct bytes belonging_write(char out[BELONGING_TEXT_MAX], const struct belonging *b);

/*
 * Tells whether another process with this identity lives, because a state directory was copied:
 * both would write the same line of the roster (roster.h). Known of the other: its incarnation, its
 * place, and whether its beat goes on. A process that had the same place is gone: the holder of the
 * lock is alone. Any other may live, so a starting node watches its beat before it writes. A
 * running node that finds the process alive from which it took the line at its start came second,
 * and ends. A node that finds a later process writes its own line again, and the later one ends. No
 * clock of another machine is read. Pure.
 */

/* Longer than a beat takes to come, with some delay of Redis. */
#define TWIN_WATCH_NS UINT64_C(3000000000)

enum { TWIN_PLACE_MAX = 17 + IDENTITY_PLACE_MAX + IDENTITY_WHERE_MAX };

struct twin {
	/* The line as it was last seen: it is taken if it is still so. */
	char seen[ROSTER_TEXT_MAX];
	uint64_t since_ns; /* it is so; 0: nothing was seen */
	uint64_t before;   /* incarnation of the former process, its line was taken; 0: none */
	uint64_t later;    /* of one that came later, which was said; 0: none */
	uint32_t returned; /* so often the one before had its line back */
	/* Place of the process that has the line, for people; "": not known. */
	char where[IDENTITY_WHERE_MAX];
};

enum twin_verdict {
	TWIN_NOBODY, /* the line is to be taken */
	TWIN_WAIT,   /* to be seen once more */
	TWIN_LATER,  /* likewise to be taken; the first time of that one: to be said */
	TWIN_LIVES,  /* another one was there before */
};

/* "INCARNATION PLACE WHERE", written with the line. */
struct bytes twin_place_write(char out[TWIN_PLACE_MAX], uint64_t incarnation,
			      const struct identity *own);
/* Before this process writes its first line. line, place: as in Redis; empty: Redis has none. */
enum twin_verdict twin_look(struct twin *t, const struct identity *own, struct bytes line,
			    struct bytes place, uint64_t now_ns);
/* The line was written, in place of t->seen. */
void twin_taken(struct twin *t, uint64_t own_incarnation);
/* It was not: it is another one's. */
enum twin_verdict twin_found(struct twin *t, const struct identity *own, struct bytes line,
			     struct bytes place);

#endif
