/* SPDX-License-Identifier: Apache-2.0 */
/* How the packets of the load come and go: by one io_uring, or by AF_XDP. One socket an endpoint, named by its index. */
#ifndef BENCH_LOAD_WIRE_H
#define BENCH_LOAD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_wire;

/* A packet for the endpoint; p is valid during the call, and may be changed. now_ns: when it was received. */
typedef void load_receive(void *context, uint32_t index, uint8_t *p, size_t n, uint64_t now_ns);

struct load_wire_ops {
	/* It leaves with the next turn at the latest; until then p stays as it is. */
	void (*send)(struct load_wire *w, uint32_t index, const uint8_t *p, size_t n);
	/* Sends what waits, then receives: after so many ns at the latest, until nothing is left. */
	void (*turn)(struct load_wire *w, uint64_t wait_ns, load_receive *receive, void *context);
};

struct load_wire {
	const struct load_wire_ops *ops;
	uint64_t send_errors, receive_errors; /* packets, as far as a turn knows */
};

/* Both take connected sockets of one address, an endpoint each. Without a wire the load fails. */
struct load_wire *load_ring_open(const int *fds, uint32_t count);
/* Its packets go around this machine's UDP sockets, by the engine's own port: so what the server sends costs its sender little more than
 * the wire. */
struct load_wire *load_port_open(const char *interface, const int *fds, uint32_t count);

#endif
