/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port on a DPDK device, of any ethdev driver (PCI, net_memif, net_ring, net_tap, net_pcap,
 * net_af_xdp...). We read and write the frames; the flows' sockets only reserve their ports, and
 * carry what cannot go over the device.
 *
 * The back end is a module, port_dpdk.so, loaded on demand. Linked into the program it costs every
 * start 2.4 ms of CPU and 2.5 MB (14 libraries and their constructors; a bare program 0.6 ms and 1
 * MB), needs some 190 packages on every host, and EAL then loads 380 drivers: 300 ms and 20 MB. So
 * only its users pay.
 */
#ifndef ENGINE_PORT_PORT_DPDK_H
#define ENGINE_PORT_PORT_DPDK_H

#include "engine/port/port.h"

enum {
	DPDK_ARGS_MAX = 32,
	DPDK_TEXT_MAX = 512,
	DPDK_WORKERS_MAX = 16,
};

/* What is counted, each a metric with this label. */
enum port_dpdk_count {
	DPDK_IN,         /* frames for flows */
	DPDK_OUT,        /* frames of flows */
	DPDK_KERNEL_IN,  /* other frames that were given to the kernel by the TAP interface */
	DPDK_KERNEL_OUT, /* and those that it sent */
	/* Packets of flows that the kernel had: fragments, or from other interfaces. */
	DPDK_SOCKET_IN,
	DPDK_ANSWERED, /* ARP requests and neighbour solicitations, without a TAP interface */
	/* Packets of flows sent by the socket: no next hop on the device, or beyond its MTU. */
	DPDK_BY_SOCKET,
	DPDK_FOREIGN,       /* dropped: not for us, and there is no TAP interface */
	DPDK_KERNEL_BUSY,   /* dropped: more frames for the kernel than it is given */
	DPDK_SEGMENTED,     /* dropped: longer than a buffer */
	DPDK_HANDOVER_FULL, /* dropped: the flow's worker did not keep up */
	DPDK_DEVICE_FULL,   /* dropped: the device took no more */
	DPDK_MISSED,        /* dropped by the device, which no worker emptied in time */
	DPDK_COUNTS,
};

/* Strings need to live during the call only. */
struct port_dpdk_settings {
	const char *device; /* "0000:03:00.0", "net_memif0,role=server,socket=/run/m.sock" */
	const char *args[DPDK_ARGS_MAX]; /* more for EAL */
	uint32_t arg_count;
	bool hugepages;
	/* Creates an interface of this name, with the device's MAC address, that vanishes with the
	 * process: frames other than our flows' pass through it. The machine's addresses and routes
	 * of the device belong on it. Empty: no interface; ARP and neighbour discovery for the
	 * flows' addresses are answered here. */
	const char *tap;
	/* Where frames without a route go before a party was heard; zero: nowhere. */
	uint8_t gateway[6];
	/* The gateway returns packets for our addresses (RFC 4787 6); else the kernel handles
	 * them. */
	bool hairpin;
	/* of the kernel, with the same slots, for the flows' sockets; closed with this port */
	struct port *sockets;
	uint32_t worker, workers; /* this one of so many; the first one opens the device */
	void (*count)(enum port_dpdk_count what, uint64_t n);
	void (*said)(
		/* what DPDK complains of while it runs; any thread; NULL: nobody wants it */
		const char *line);
};

/* The module's only symbol, PORT_DPDK_SYMBOL. Returns 0, or -errno with the reason and DPDK's
 * message in `why`. */
typedef int port_dpdk_open_fn(struct port **out, const struct port_settings *settings,
			      const struct port_dpdk_settings *dpdk, char why[DPDK_TEXT_MAX]);
#define PORT_DPDK_SYMBOL "tandem_port_dpdk_open"
#define PORT_DPDK_MODULE "port_dpdk.so"

/* Loads the module and registers its metrics: on the main thread, before a port is opened. NULL:
 * `why` has the remedy. */
port_dpdk_open_fn *port_dpdk_load(char why[DPDK_TEXT_MAX]);

#endif
