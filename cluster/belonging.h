/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which Redis a state directory belongs to. What waits in the directory (call records, documents) is for that Redis alone. Each Redis
 * has ids, random and made by the first directory; the file "cluster" of a directory has one of them, and where that Redis was.
 *
 * A Redis that lost its data has no id, and is at the same place: it is given the id again. One that has others is another one. One
 * that has none, at another place, is another one as well: an emptied Redis stays where it is.
 */
#ifndef CLUSTER_BELONGING_H
#define CLUSTER_BELONGING_H

#include "cluster/identity.h"

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

#endif
