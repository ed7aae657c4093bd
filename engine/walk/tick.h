/* SPDX-License-Identifier: Apache-2.0 */
/* What is due by time and not by packet. */
#ifndef ENGINE_WALK_TICK_H
#define ENGINE_WALK_TICK_H

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

#endif
