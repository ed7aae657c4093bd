/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a connection to Redis, and how long to wait before the next try. */
#ifndef CLUSTER_REDIS_DIAL_H
#define CLUSTER_REDIS_DIAL_H

#include "cluster/redis/url.h"

struct rand_source;

/* A non-blocking descriptor whose connection is made or being made, or -errno. addr: for TCP. */
int redis_dial(const struct redis_url *url, const struct addr *addr) NODISCARD;

/* Zero-initialised with max_ns. */
struct redis_backoff {
	uint64_t max_ns;
	uint32_t failures; /* in a row */
};
/* Doubles from 20 ms to max_ns, less up to half by chance, so that nodes do not come back all at once. up_ns: how long the
 * link was up; one that held for a second starts from the beginning. */
uint64_t redis_backoff_next(struct redis_backoff *b, uint64_t up_ns, struct rand_source *rand);

#endif
