/* SPDX-License-Identifier: Apache-2.0 */
/* How a node's descriptors are dealt out between calls, SIP connections and WebSockets. Pure. */
#ifndef APP_NODE_NODE_CAPACITY_H
#define APP_NODE_NODE_CAPACITY_H

#include <stdint.h>

#include "app/settings/settings.h"

enum {
	CAPACITY_OTHER_FDS = 256, /* links, listeners, files */
	CAPACITY_CALL_FDS = 4,    /* RTP and RTCP of two audio flows; video takes as many again */
	CAPACITY_VIDEO_FDS = 8,
	CAPACITY_SHARE = 4, /* one in four is for each kind of connections, whatever calls want */
};

struct capacity {
	uint32_t calls, connections, websockets;
};

/* Calls come first. What they leave, with video even, goes to connections beyond their share. Calls or connections of 0: too few. */
struct capacity capacity_fit(uint64_t fds, const struct capacity *wanted);

/* networks[].webrtc_port: the sockets of single-port mode, one for each worker of a network, and which of them a call has. */

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
