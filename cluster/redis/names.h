/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether somebody knows the names of a redis.url. The resolver of the C library blocks, for many seconds where no name server answers:
 * so it is asked on a thread of its own, which nobody waits for who has lost interest.
 */
#ifndef CLUSTER_REDIS_NAMES_H
#define CLUSTER_REDIS_NAMES_H

#include "base/bytes.h"

struct redis_names;

/* Asks. 0, -ENODATA: there are no names in it, or -errno. url: valid (cluster/redis/url.h). */
int redis_names_ask(struct redis_names **out, struct bytes url) NODISCARD;
/* Readable when there is an answer. */
int redis_names_fd(const struct redis_names *n);
/* Then: redis_open finds an address. */
bool redis_names_are_known(const struct redis_names *n);
/* At any time. NULL is fine. */
void redis_names_close(struct redis_names *n);

#endif
