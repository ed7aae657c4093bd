/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port of AF_XDP sockets around one of kernel sockets. An XDP program at the driver takes media
 * for our addresses and ports; everything else, including fragments and IP options, comes by the
 * sockets as usual, and so would all media without the program. A packet leaves by AF_XDP if its
 * next hop is known and it fits the path, else by its flow's socket.
 *
 * Packets arrive at the worker of the receive queue that the device chose; those of another
 * worker's flow are handed over in a bounded ring (xdp_host.h). The host's firewall does not see
 * them.
 */
#ifndef ENGINE_PORT_PORT_XDP_H
#define ENGINE_PORT_PORT_XDP_H

#include "engine/port/port.h"
#include "engine/port/xdp_program.h"

enum { XDP_NAME_MAX = 16 };

/* A network's media: UDP to this address and these ports, on this interface. */
struct port_xdp_network {
	char interface[XDP_NAME_MAX];
	struct xdp_range range;
};

struct port_xdp_settings {
	const struct port_xdp_network *networks; /* needed during the call only */
	uint32_t network_count;
	uint32_t workers;
	const struct xdp_guard *guard; /* of the SIP ports; or NULL */
	bool forwards_all;             /* by all interfaces, and from one to another */
	/* Until when the shards may send: the program's forwarding ends then. NULL: never. */
	struct validity *validity;
	/* for so long after its last sign of life a worker's media is forwarded */
	uint64_t alive_ns;
	/* The process before's remains in the kernel (base/remains.h), -1 once taken; or NULL. */
	struct remains *left;
	uint32_t kept_version; /* of what workers write beside the entries */
	/* entries for forwarding by the program (xdp_forwards.h), of all workers; 0: off */
	uint32_t forwards;
};

struct remains;
struct validity;
struct xdp_host;

/* On the main thread, before the workers: loads and attaches the program, binds all sockets,
 * registers metrics. Needs CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF and CAP_PERFMON; nothing below does.
 * Returns 0, or -errno with the reason in `why`. */
int xdp_host_open(struct xdp_host **out, const struct port_xdp_settings *settings,
		  char why[XDP_WHY_MAX]) NODISCARD;
/* When no worker uses it any more. */
void xdp_host_close(struct xdp_host *h);
/* On the worker. sockets: the port it wraps, opened with wake_fd of port_xdp_bell, and closed with
 * this one. 0 or -errno. */
int port_xdp_open(struct port **out, const struct port_settings *settings, struct xdp_host *host,
		  uint32_t worker, struct port *sockets, int bell_fd) NODISCARD;
/* What wakes the sockets' port in our place: an epoll of wake_fd and more. -1 with errno. */
int port_xdp_bell(int wake_fd);

#endif
