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
	CAPACITY_SHARE = 4, /* a quarter for each kind of connections, whatever calls want */
};

struct capacity {
	uint32_t calls, connections, websockets;
};

/* Calls come first. The rest, after video, goes to connections beyond their share. 0 calls or
 * connections: too few descriptors. */
struct capacity capacity_fit(uint64_t fds, const struct capacity *wanted);

/* networks[].webrtc_port:
 * sockets of single-port mode, one per worker of a network, and the choice of a call. */

struct engine;
struct node;

struct shared_ports {
	struct engine *engine;
	uint8_t workers;
	/* Of the first worker, the next have the next ones; 0: none. */
	uint16_t first[SHARD_NETWORKS_MAX];
};

/* Ports that each worker is to have room for: one for each network, or none. */
uint32_t shared_ports_count(const struct settings *s);
/* Binds all of them and gives them to the workers. 0 or -errno; logged. */
int shared_ports_open(struct shared_ports *p, struct engine *e, const struct settings *s) NODISCARD;
/* Functions for the shard; p outlives the shard. */
struct shard_shared_ports shared_ports_of(struct shared_ports *p);

/* Capacities of the node. */
struct node_capacity {
	uint64_t reserved_bytes;  /* address space that the capacities reserved */
	uint32_t calls_max;       /* limits.calls, or what the descriptors allow */
	uint32_t connections_max; /* limits.connections, likewise */
	uint32_t websockets_max;  /* limits.websockets, likewise; 0: none */
};

/* Raises the descriptor limit; calls_max is what limits.calls and it allow. 0 or -errno. */
int node_capacity_fit(struct node *n, unsigned *fd_max) NODISCARD;
/* Tries some media ports. 0; -EADDRINUSE or -EADDRNOTAVAIL: logged. */
int node_capacity_probe(const struct settings *s) NODISCARD;
/* Bytes of address space and of memory; 0 where /proc does not say. */
void node_memory(uint64_t *reserved, uint64_t *resident);
/* The line that says the node is ready, with what it can hold. */
void node_log_ready(const struct node *n);
/* Notes whether the node has what one more call needs. */
void node_room_update(struct node *n);

/* ---- whether a node could start on this machine ---- */

/* Adds an error for everything that prevents a start: keys, certificates, addresses, ports. */
void node_machine_check(const struct settings *s, const char *path, struct bytes yaml,
			struct conf_errors *errors);
/* Adds a warning for what the node could not do after a start: record, or play prompts. */
void node_machine_warn(const struct settings *s, struct bytes yaml, struct conf_errors *warnings);
/* The machine has it not. */
bool node_address_is_remote(const struct addr *address);
/* Adds an error for each network with an address of another machine. */
void node_addresses_check(const struct settings *s, struct bytes yaml, struct conf_errors *errors);
/* A line of the log for each network without an interface, where media.port is xdp. */
void node_interfaces_note(const struct node *n);

#endif
