/* SPDX-License-Identifier: Apache-2.0 */
/* networks[].webrtc_port: the sockets of single-port mode, one for each worker of a network, and which of them a call has. */
#ifndef APP_NODE_SHARED_PORTS_H
#define APP_NODE_SHARED_PORTS_H

#include "app/settings/settings.h"

struct engine;

struct shared_ports {
	struct engine *engine;
	uint8_t workers;
	uint16_t first
		[SHARD_NETWORKS_MAX]; /* of the first worker, the next have the next ones; 0: none */
};

/* Ports that each worker is to have room for: one for each network, or none. */
uint32_t shared_ports_count(const struct settings *s);
/* Binds all of them and gives them to the workers. 0 or -errno; logged. */
int shared_ports_open(struct shared_ports *p, struct engine *e, const struct settings *s) NODISCARD;
/* What the shard asks; p is needed as long as the shard. */
struct shard_shared_ports shared_ports_of(struct shared_ports *p);

#endif
