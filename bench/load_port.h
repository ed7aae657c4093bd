/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load on AF_XDP, by the engine's own port: its packets go around this machine's UDP sockets, so what the server sends costs its
 * sender little more than the wire.
 */
#ifndef BENCH_LOAD_PORT_H
#define BENCH_LOAD_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_port;

/* A packet of the endpoint's; p is valid during the call, and may be changed. */
typedef void load_port_receive(void *context, uint32_t index, uint8_t *p, size_t n);

/* Takes connected sockets of one address, an endpoint each. NULL: it says why on stderr. */
struct load_port *load_port_open(const char *interface, const int *fds, uint32_t count);
/* The octets are copied; they leave with the next turn at the latest. False: there is no room. */
bool load_port_send(struct load_port *l, uint32_t index, const uint8_t *p, size_t n);
/* Sends what waits, receives after so many ns until nothing is left. */
void load_port_turn(struct load_port *l, uint64_t wait_ns, load_port_receive *receive,
		    void *context);
/* Packets that could not be sent since the last call. */
uint64_t load_port_errors(struct load_port *l);

#endif
