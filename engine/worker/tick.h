/* SPDX-License-Identifier: Apache-2.0 */
/* What is due by time and not by packet. */
#ifndef ENGINE_WORKER_TICK_H
#define ENGINE_WORKER_TICK_H

#include <stdint.h>

#define TICK_NS UINT64_C(250000000)

struct worker;
struct flow;

/* Connects the RTP socket to a source that is stable, and to nobody any more when it is not. */
void tick_connection(struct worker *w, struct flow *f, uint64_t now_ns);
/* Counts what ICMP said of the flow's packets. */
void tick_icmp(struct worker *w, struct flow *f);
/* Now and then, at most TICK_NS apart: silence, reports of our own, telephone events whose end was lost, notices that were held back, sockets
 * to connect or not any more, sockets that died, counters of the port and of CPU time. Walks all open flows: 10 ns each. */
void tick(struct worker *w, uint64_t now_ns);

/*
 * How long a worker lets packets gather. Many of them share one sleep and one system call, at the price of latency: worth it where
 * the core is in demand, and not where it idles. So the wait follows the work of the last second, and is seen in the metrics.
 */

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
