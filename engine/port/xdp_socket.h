/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An AF_XDP socket and the four rings that it shares with the kernel. In three steps, because only
 * the first one needs CAP_NET_RAW: libxdp does all of them at once, so we use its rings but not its
 * sockets. Any thread; all return 0 or -errno.
 */
#ifndef ENGINE_PORT_XDP_SOCKET_H
#define ENGINE_PORT_XDP_SOCKET_H

#include <stdint.h>
#include <xdp/xsk.h>

#include "base/bytes.h"

enum {
	XDP_RX_SIZE = 4096, /* most descriptors of a ring; 80 ms of 50,000 packets/s */
	XDP_TX_SIZE = 1024,
	XDP_RINGS = 4,
};

struct xdp_socket {
	int fd; /* -1: closed */
	struct xsk_ring_cons rx, completion;
	struct xsk_ring_prod tx, fill;
	struct xdp_map {
		void *p;
		size_t n;
	} maps[XDP_RINGS];
};

/* A descriptor, or -errno. Needs CAP_NET_RAW. */
int xdp_socket_make(void) NODISCARD;
/* Takes over the descriptor and maps its rings, the receive ones with rx_size entries, a power of
 * two; closes it on failure. */
int xdp_socket_open(struct xdp_socket *s, int fd, uint32_t rx_size) NODISCARD;
/* Memory that is shared with the kernel (UMEM), in frames of so many octets. */
int xdp_socket_share(const struct xdp_socket *s, void *memory, uint64_t octets,
		     uint32_t frame) NODISCARD;
/* To a receive queue; umem_fd: the bound socket that shares its memory, or -1. May be retried. */
int xdp_socket_bind(const struct xdp_socket *s, uint32_t ifindex, uint32_t queue,
		    int umem_fd) NODISCARD;
/* Packets of the queue that the kernel dropped since the socket was opened. */
struct xdp_lost {
	uint64_t no_frame;  /* no frame to receive into, or the packet was longer */
	uint64_t ring_full; /* the ring was full */
};
/* 0 or -errno. */
int xdp_socket_lost(const struct xdp_socket *s, struct xdp_lost *out);
void xdp_socket_close(struct xdp_socket *s);

#endif
