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

#endif
