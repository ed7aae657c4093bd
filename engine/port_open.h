/* SPDX-License-Identifier: Apache-2.0 */
/* Which port the workers use, and what to tell the operator when it cannot be had. */
#ifndef ENGINE_PORT_OPEN_H
#define ENGINE_PORT_OPEN_H

#include "engine/engine.h"
#include "engine/port/port_dpdk.h"
#include "engine/port/port_xdp.h"

/* Read by all workers once it is there. */
struct port_choice {
	const struct engine_settings *settings;
	port_dpdk_open_fn *dpdk;
	struct xdp_host *xdp;
};

/* By the main thread, before the workers: loads what the port needs. 0 or -errno; logged. */
int port_choose(struct port_choice *out, const struct engine_settings *settings) NODISCARD;
/* By the same thread once all workers have their ports: privileges that were left until then go. */
void port_choice_opened(const struct port_choice *c);
/* engine_remains, engine_remains_change. */
void port_choice_remains(const struct port_choice *c, struct remains *out);
uint32_t port_choice_remains_change(const struct port_choice *c);
/* After the workers. */
void port_choice_close(struct port_choice *c);
/* By the worker that will use it; those before it have theirs. 0 or -errno; logged. */
int port_open(struct port **out, const struct port_choice *choice, uint32_t worker,
	      int wake_fd) NODISCARD;

#endif
