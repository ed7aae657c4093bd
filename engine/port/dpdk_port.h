/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the DPDK module, the only ones that use DPDK. port_dpdk.c: the port, its
 * flows and their packets; dpdk_device.c: what the workers share, and all other frames; dpdk_eal.c:
 * DPDK's start, its messages, and remains of a killed node.
 */
#ifndef ENGINE_PORT_DPDK_PORT_H
#define ENGINE_PORT_DPDK_PORT_H

#include <pthread.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#undef NS_PER_S /* the same number, of another type */

#include "base/clock.h"
#include "engine/net/frame.h"
#include "engine/net/locals.h"
#include "engine/net/next_hop.h"
#include "engine/port/port_dpdk.h"

enum {
	DPDK_HELD = 2 * BATCH_MAX, /* received and lent ones of a batch */
	DPDK_POOL_MB_EACH = 16,    /* memory that EAL is to take, without hugepages */
	DPDK_POOL_MB = 32,
	/* in pkt.buffer: the rest is of the port of sockets */
	DPDK_OF_SOCKETS = 1 << 15,
};

/* One end of a flow's socket: us, and the last party sent to. Ordinary packets touch only line
 * 0. */
struct dpdk_end {
	struct frame_ready ready; /* unused, or made of all fields below but second */
	uint8_t second; /* the port's second when the kernel gave the path; 0: it did not */
	uint8_t tos;
	struct frame_path path CACHE_ALIGNED;
	struct addr local;
	struct addr to; /* ADDR_NONE: path is not known */
};

static_assert(sizeof(struct dpdk_end) == 128, "two cache lines");

struct dpdk_slot {
	struct dpdk_end ends[CHANNELS] CACHE_ALIGNED;
	bool is_open[CHANNELS]; /* the end is in locals, by own */
	struct addr own[CHANNELS];
	uint8_t own_tos[CHANNELS];
	uint8_t in_use;
};

/* What the workers share. EAL starts once in a process, and its devices belong to all threads. */
struct dpdk_device {
	pthread_mutex_t lock; /* of opening and closing */
	uint32_t users;
	uint16_t id, queues, mtu;
	struct rte_mempool *pool;
	struct rte_ring *handover[DPDK_WORKERS_MAX];
	struct locals locals;
	struct rte_ether_addr mac;
	uint64_t sums; /* what it adds to a frame that leaves: RTE_MBUF_F_TX_*_CKSUM; 0: nothing */
	uint64_t missed; /* frames, by its last count */
	uint8_t gateway[FRAME_MAC_LEN];
	bool hairpin;
	int tap_fd;
	int program_fd; /* a link that holds DPDK's own XDP program; -1: not used */
	/* of the TAP interface, or the kernel's name for the device; 0: unknown to it */
	uint32_t ifindex;
};

struct dpdk_port {
	struct port port;
	struct port *sockets;
	struct dpdk_device *device;
	void (*count)(enum port_dpdk_count what, uint64_t n);
	uint64_t counts[DPDK_COUNTS];
	struct dpdk_slot *slots;
	uint32_t slot_count;
	uint16_t queue;
	uint16_t id; /* of the next IPv4 packet */
	int wake_fd;
	struct next_hops *routes;         /* NULL: the kernel has no interface for the device */
	uint8_t second;                   /* counts up, but is never 0 */
	uint64_t second_ns;               /* when the next one begins */
	uint64_t now_ns;                  /* of the last look */
	uint64_t routes_ns;               /* when the kernel is listened to */
	bool busy;                        /* the last look found a full burst */
	bool idle;                        /* the last nap brought nothing */
	uint64_t kernel_ns;               /* when the TAP interface has its turn */
	uint32_t kernel_left;             /* frames that it still takes until then */
	uint64_t sockets_ns;              /* when the port of sockets is polled */
	struct rte_mbuf *held[DPDK_HELD]; /* pkt.buffer -> mbuf; tx takes all of them */
	uint32_t held_count;
	struct rte_mbuf *out[BATCH_MAX]; /* to be sent */
	uint32_t out_count;
	/* to other workers, at the end of a look */
	struct rte_mbuf *handed[DPDK_WORKERS_MAX][BATCH_MAX];
	uint16_t handed_count[DPDK_WORKERS_MAX];
	struct batch aside; /* what the port of sockets gets */
};

static inline struct dpdk_port *dpdk_of(struct port *p)
{
	return CONTAINER_OF(p, struct dpdk_port, port);
}

/* Notes why in words, and returns err. */
int PRINTF_LIKE(3, 4) dpdk_refuse(char why[DPDK_TEXT_MAX], int err, const char *fmt, ...);
/* Starts EAL, once in a process. 0 or -errno. */
int dpdk_eal_start(const struct port_dpdk_settings *s, char why[DPDK_TEXT_MAX]) NODISCARD;
/* Its threads, which were started with ours, give up what privilege_drop() names. */
void dpdk_eal_drop(void);

/* Under the device's lock: keeps DPDK's messages, from now on... */
void dpdk_log_keep(void (*said)(const char *line));
/* ...until here, and adds it to why. NULL: logs it, as all later messages. */
void dpdk_log_pass(char why[DPDK_TEXT_MAX]);

/* Before the device is opened: takes away the socket's file of a net_memif server that is dead. */
void dpdk_memif_clear(const char *device);

/* The first worker opens the device, the last one closes it. 0 or -errno. */
int dpdk_device_join(struct dpdk_device **out, const struct port_dpdk_settings *s,
		     char why[DPDK_TEXT_MAX]) NODISCARD;
void dpdk_device_leave(struct dpdk_device *d);

/* A frame that leaves with the next flush. */
void dpdk_out_put(struct dpdk_port *d, struct rte_mbuf *m);
void dpdk_out_flush(struct dpdk_port *d);
/* A frame that is not of a flow; takes it over. */
void dpdk_foreign(struct dpdk_port *d, struct rte_mbuf *m);
/* What the kernel has to send and to tell; every so often. */
void dpdk_kernel_turn(struct dpdk_port *d, uint64_t now_ns);
void dpdk_counts_publish(struct dpdk_port *d);

#endif
