/* SPDX-License-Identifier: Apache-2.0 */
/* What port_xdp.c (flows), port_xdp_rx.c and port_xdp_tx.c (packets) share; nobody else looks in here. */
#ifndef ENGINE_PORT_XDP_PORT_H
#define ENGINE_PORT_XDP_PORT_H

#include "engine/port/xdp_host.h"

/* The front is what it sends as: by its own socket, or by send_over. */
struct xdp_slot {
	struct addr local[CHANNELS]; /* ADDR_NONE: no socket, or of a network without interface */
	uint8_t tos, hops;
	uint8_t in_use;
	uint8_t own_tos;
	uint8_t inherited; /* its entry is that of the process before, which may forward by it */
	struct addr own[CHANNELS]; /* of its own sockets, in locals */
};

struct xdp_port {
	struct port port;
	struct port *sockets; /* the port around which this one is */
	struct xdp_host *host;
	struct xdp_lane *lane;
	struct next_hops *next_hops;
	uint32_t worker;
	struct xdp_slot *slots;
	uint32_t slot_count;
	int bell_fd; /* an epoll of the wake_fd, of frames_fd, of packets handed to us: wakes the sockets' port */
	int frames_fd;        /* an epoll of the AF_XDP sockets; in the bell while we sleep */
	uint64_t now_ns;      /* of the last batch */
	uint64_t netlink_ns;  /* last look */
	uint32_t first_queue; /* whose turn it is */
	uint32_t rounds;      /* without a look at the sockets */
	uint32_t asked;       /* the queue after the one whose losses were looked at last */
	bool more;            /* frames were left behind */
	bool sockets_due;     /* packets wait in the sockets' port to be sent */
	uint16_t id;          /* of the next IPv4 packet */
	struct xdp_queue *send_by[XDP_INTERFACES_MAX]; /* NULL: none of ours */
	uint64_t send_errors;
	struct batch aside; /* what the sockets' port gets */
};

static inline struct xdp_port *xdp_of(struct port *p)
{
	return CONTAINER_OF(p, struct xdp_port, port);
}

/* Of the slot, in the table that the kernel forwards by. */
static inline struct xdp_forward *xdp_entry_of(const struct xdp_port *x, uint32_t slot)
{
	return xdp_forwards_entry(x->host->forwards, x->worker * x->slot_count + slot);
}

void xdp_rx(struct port *p, struct batch *b, uint32_t want, uint64_t wait_ns);
bool xdp_lend(struct port *p, struct pkt *out);
void xdp_tx(struct port *p, struct batch *b);
/* Which queue sends by each interface. */
void xdp_senders_find(struct xdp_port *x);
/* Has the kernel send what is queued. */
void xdp_kick(struct xdp_port *x);

#endif
