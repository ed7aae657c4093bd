/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of the calls of relay.c for an external recorder (app/siprec/sender.h), which is a socket that nobody reads. */
#ifndef BENCH_ENGINE_RELAY_FORK_H
#define BENCH_ENGINE_RELAY_FORK_H

#include "app/siprec/sender.h"
#include "engine/engine.h"

struct relay_fork {
	struct sender *sender;
	int sink;
};

/* The metrics; before the engine opens. */
void relay_fork_setup(void);
/* Before the flows are open. The bench fails where it cannot. Party A of a call is its leg 0, party B leg 1. */
void relay_fork_begin(struct relay_fork *f, struct engine *e, uint32_t calls,
		      const struct addr *local, bool srtp);
void relay_fork_end(struct relay_fork *f);

#endif
