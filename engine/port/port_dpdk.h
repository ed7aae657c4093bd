/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port on a device of DPDK's: any that its ethdev drivers know (PCI, net_memif, net_ring, net_tap, net_pcap, net_af_xdp...).
 * Frames are read and written by us; the flows' sockets only hold their ports, and carry what has no way over the device.
 *
 * The back end is a module of its own, port_dpdk.so, loaded when it is asked for. Linked into the program it costs every start
 * 2.4 ms of CPU and 2.5 MB (14 libraries and their constructors; a bare program 0.6 ms and 1 MB), needs some 190 packages on
 * every host, and EAL then loads 380 drivers: 300 ms and 20 MB. So only those pay who use it.
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
	DPDK_SOCKET_IN, /* packets of flows that the kernel had: fragments, those of other interfaces */
	DPDK_ANSWERED, /* ARP requests and neighbour solicitations, where there is no TAP interface */
	DPDK_BY_SOCKET, /* packets of flows that left by the socket: no next hop on the device yet, or too long for its MTU */
	DPDK_FOREIGN,   /* dropped: not for us, and there is no TAP interface */
	DPDK_KERNEL_BUSY,   /* dropped: more frames for the kernel than it is given */
	DPDK_SEGMENTED,     /* dropped: longer than a buffer */
	DPDK_HANDOVER_FULL, /* dropped: the worker whose flow it was did not keep up */
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
	/* An interface of this name is made, with the device's MAC address, and vanishes with the process: all frames that are not of
	 * our flows pass through it. The machine's addresses and routes of the device belong on it. Empty: there is none; ARP
	 * and neighbour discovery for the flows' addresses is then answered here. */
	const char *tap;
	uint8_t gateway
		[6]; /* where frames go without one, until a party was heard; zero: nowhere */
	bool hairpin; /* the gateway gives back what is for addresses of ours (RFC 4787 6); else it is the kernel's */
	/* of the kernel, with the same slots: what comes by the flows' sockets; closed with this port */
	struct port *sockets;
	uint32_t worker, workers; /* this one of so many; the first one opens the device */
	void (*count)(enum port_dpdk_count what, uint64_t n);
	void (*said)(
		/* what DPDK complains of while it runs; any thread; NULL: nobody wants it */
		const char *line);
};

/* The module's only symbol, PORT_DPDK_SYMBOL. 0 or -errno; why then says in words what is wrong, and what DPDK said of it. */
typedef int port_dpdk_open_fn(struct port **out, const struct port_settings *settings,
			      const struct port_dpdk_settings *dpdk, char why[DPDK_TEXT_MAX]);
#define PORT_DPDK_SYMBOL "tandem_port_dpdk_open"
#define PORT_DPDK_MODULE "port_dpdk.so"

/* Loads the module, registers its metrics: by the main thread, before any port is opened. NULL: why says what to do. */
port_dpdk_open_fn *port_dpdk_load(char why[DPDK_TEXT_MAX]);

#endif
