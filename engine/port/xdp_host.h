/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the XDP ports of all workers share: interfaces with their program, a lane per worker, and
 * the rings by which a packet goes from the receiving worker to the owner of its flow. All of it is
 * made before the workers start.
 */
#ifndef ENGINE_PORT_XDP_HOST_H
#define ENGINE_PORT_XDP_HOST_H

#include <pthread.h>

#include "base/metric.h"
#include "base/remains.h"
#include "base/ring.h"
#include "engine/net/locals.h"
#include "engine/net/next_hop.h"
#include "engine/port/port_xdp.h"
#include "engine/port/xdp_forwards.h"
#include "engine/port/xdp_lane.h"

enum {
	XDP_INTERFACES_MAX = NEXT_HOP_DEVICES_MAX,
	XDP_WORKERS_MAX = 16,
	XDP_HANDOVER = 512, /* packets from one worker to another; a power of two */
	XDP_SPARES = 8,     /* sockets for each queue: so often an interface may be made again */
};

/* As long after its start as sockets of the process before wait for their flows (docs/adr/0028). */
#define XDP_SETTLE_NS (10 * NS_PER_S)

/* Why a frame that the program gave us is no packet: labels for operators, they stay. */
enum xdp_refusal {
	XDP_REFUSED_FRAME,    /* broken heads */
	XDP_REFUSED_CHECKSUM, /* of IPv4 or UDP */
	XDP_REFUSED_VLAN,     /* a tag for which there is no device */
	XDP_REFUSED_NO_FLOW,  /* no flow has the port now */
	XDP_REFUSED_HANDOVER, /* the worker that owns the flow did not keep up */
	XDP_REFUSED_NO_FRAME, /* by the kernel, which had no frame to receive into */
	XDP_REFUSED_RING,     /* by the kernel: the worker did not keep up */
	XDP_REFUSALS,
};

/* Why a packet left by its flow's socket. */
enum xdp_detour {
	XDP_DETOUR_NETWORK,  /* the flow's network has no interface */
	XDP_DETOUR_NEXT_HOP, /* not known yet, to be confirmed, or not on our interfaces */
	XDP_DETOUR_LENGTH,   /* longer than the path takes in one piece */
	XDP_DETOUR_QUEUE,    /* the worker has no queue of that interface */
	XDP_DETOUR_BUSY,     /* no free frame, or the queue is full */
	XDP_DETOURS,
};

struct xdp_metrics {
	metric_id in, out, handed_over;
	metric_id attached, renewed, spares, queues[2]; /* by copying, without a copy */
	metric_id refused[XDP_REFUSALS], detours[XDP_DETOURS];
};

struct xdp_interface {
	char name[XDP_NAME_MAX];
	uint32_t ifindex; /* 0: it is gone */
	uint32_t queues;
	bool complained; /* that it is there and cannot be used */
	bool is_veth;
	struct xdp_program program;
};

/* A packet that was read from a frame of another worker. */
struct xdp_parcel {
	const uint8_t *payload;
	struct addr from;
	uint32_t slot;
	uint32_t frame;
	uint16_t length;
	uint16_t tail_sum;
	uint8_t tail_known;
	uint8_t channel;
};

/* From one worker to another, and the frames back. */
struct xdp_way {
	struct ring parcels; /* of struct xdp_parcel */
	struct ring frames;  /* of uint32_t */
};

struct xdp_keeper;

struct xdp_host {
	struct xdp_forwards *forwards; /* NULL: nothing is forwarded below */
	struct validity *validity;     /* followed then; may be NULL */
	bool forwards_all;
	uint32_t kept_version;
	/* when unclaimed forwarding of the process before ends; 0: it has */
	uint64_t settle_ns;
	uint64_t alive_ns;             /* how long a heartbeat lasts */
	const struct xdp_guard *guard; /* while interfaces are opened */
	struct xdp_interface interfaces[XDP_INTERFACES_MAX];
	uint32_t interface_count;
	struct locals locals;
	struct port_xdp_network *networks;
	uint32_t network_count;
	uint32_t workers;
	struct xdp_lane lanes[XDP_WORKERS_MAX];
	struct xdp_way *ways; /* from * workers + to */
	struct xdp_metrics metrics;
	struct xdp_keeper *keeper;
	/* of links, once there is a keeper: it changes them, and control asks for them
	 * (xdp_remains_of) */
	pthread_mutex_t link_lock;
	_Atomic uint32_t link_change; /* another one each time */
	/* Descriptors of AF_XDP for the keeper, made while there were privileges. */
	int *spares;
	uint32_t spare_count;
};

static inline struct xdp_way *xdp_way_of(const struct xdp_host *h, uint32_t from, uint32_t to)
{
	return &h->ways[from * h->workers + to];
}

/* Index, MTU and queues of the device with that name now. Returns 0, or -errno, explained in
 * `why`. */
int xdp_interface_look(const char *name, uint32_t *ifindex, uint32_t *queues,
		       char why[XDP_WHY_MAX]) NODISCARD;
/* What runs on which interfaces, for the metrics. */
void xdp_host_publish(const struct xdp_host *h);

/* A thread that watches the interfaces, and reattaches to recreated ones (xdp_keeper.c). 0,
 * -errno. */
int xdp_keeper_open(struct xdp_keeper **out, struct xdp_host *h) NODISCARD;
void xdp_keeper_close(struct xdp_keeper *k);

/* Whether the kernel may forward packets to this address, by this interface. Any worker asks, so it
 * reads nothing that the keeper changes: the next hop knows whether the interface is there. */
bool xdp_host_forwards(const struct xdp_host *h, const struct addr *local, uint32_t interface);
/* Whether the program redirects packets to this local address and port. */
bool xdp_host_has(const struct xdp_host *h, const struct addr *local);

/* What continues in the kernel when a host's process is gone, for the next one (docs/adr/0064): the
 * forwarding table, and the links of the programs. The word with the descriptors has its shape:
 * another version's, or that of other settings, is not taken over. On the main thread while no
 * worker runs, except xdp_remains_of. */

/* The present state, as duplicates for the caller. Empty if h forwards nothing. By any one
 * thread. */
void xdp_remains_of(struct xdp_host *h, struct remains *out);

#endif
