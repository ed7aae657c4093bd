/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls whose packets go round on a device that gives back what it gets.
 *
 * Calls of two flows stand in pairs: each party of one call is the flow at the same side of the other. So what leaves
 * by B of the first comes in at B of the second, leaves there by A and comes in at A of the first: the packets that are put in once go
 * round and round, each time through everything. The offsets are such that sequence numbers and timestamps go on as those of a
 * phone do.
 */
#ifndef BENCH_ENGINE_RING_CALLS_H
#define BENCH_ENGINE_RING_CALLS_H

#include <stdio.h>
#include <stdlib.h>

#include "engine/worker/worker.h"
#include "media/crypto.h"

enum {
	RING_FLIGHT = 896, /* packets on the ring, which holds 1,023 */
	RING_PAIR = 4,     /* flows of two calls */
};

enum ring_sides { SIDES_PLAIN, SIDE_A_SECURE, SIDES_SECURE };

/* Of each worker: flows is a multiple of RING_PAIR, and not more than RING_FLIGHT. */
struct ring_calls {
	uint32_t flows;
	enum ring_sides sides;
	enum media_suite suite;
};

/* Says why on stderr, and ends the process with status 1. */
_Noreturn static inline void ring_fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "ring: %s: %s\n", what, why);
	exit(1);
}

/* Packets that each flow has on the ring. */
uint32_t ring_calls_each(const struct ring_calls *c);
/* nth: of the worker, which has ports of its own. */
void ring_calls_open(const struct ring_calls *c, struct worker *w, uint32_t nth);
/* Puts the packets in. The device must be there. */
void ring_calls_start(const struct ring_calls *c, struct worker *w, uint32_t nth);

#endif
