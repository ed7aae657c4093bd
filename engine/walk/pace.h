/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a worker lets packets gather. Many of them share one sleep and one system call, at the price of latency: worth it where
 * the core is in demand, and not where it idles. So the wait follows the work of the last second, and is seen in the metrics.
 */
#ifndef ENGINE_WALK_PACE_H
#define ENGINE_WALK_PACE_H

#include <stdint.h>

struct worker;

enum {
	PACE_LOW = 20,   /* work in thousandths of a core: up to here the least wait */
	PACE_HIGH = 100, /* and from here on all of it */
	PACE_LEAST = 4,  /* the least wait is that part of the most */
};

/* Between the two it grows in proportion. */
uint64_t pace_wait_ns(uint64_t most_ns, uint32_t busy);
/* By w->busy; the worker's wait, and its metrics. */
void pace_set(struct worker *w);

#endif
