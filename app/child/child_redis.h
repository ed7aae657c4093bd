/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where Redis is, for children that have a link of their own to it: members of the object "begin",
 * which is their first line. Of the process that calls; one thread.
 */
#ifndef APP_CHILD_CHILD_REDIS_H
#define APP_CHILD_CHILD_REDIS_H

#include <jansson.h>

#include "cluster/redis/redis.h"

/* Which Redis is meant, as long as there are links to it. */
struct child_redis {
	struct redis_meant meant;
	char member[64];
};

/* The node's end: the caller may add members. NULL: out of memory. */
json_t *child_redis_json(const struct redis_place *place);
/* The child's end. place->meant is of r; place may have secrets. 0, or -ENOSPC: a text is too
 * long. */
int child_redis_read(struct child_redis *r, struct redis_place *place,
		     const json_t *begin) NODISCARD;

#endif
