/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One worker's frames and AF_XDP sockets, of all interfaces: memory for frames, registered with
 * each interface (UMEM), and for each receive queue four rings shared with the kernel. A frame is
 * either free, or in a ring, or out with its user; any interface may send it. Made by the main
 * thread, which has the privilege; used by one worker.
 */
#ifndef ENGINE_PORT_XDP_LANE_H
#define ENGINE_PORT_XDP_LANE_H

#include <stdatomic.h>

#include "engine/net/frame.h"
#include "engine/port/port.h"
#include "engine/port/xdp_program.h"
#include "engine/port/xdp_socket.h"

enum {
	XDP_FRAME_SIZE = 4096,   /* a page: any packet, and what SRTP adds */
	XDP_FRAME_PAYLOAD = 256, /* where the payload of a packet that is made here begins */
	XDP_SPARE = 512,     /* frames for packets on their way through the stages, and made here */
	XDP_MTU_MAX = 3500,  /* what drivers take with a program of one buffer a packet */
	XDP_QUEUES_MAX = 64, /* of one worker */
};

static_assert(XDP_FRAME_SIZE - XDP_FRAME_PAYLOAD >= PACKET_MAX, "a packet fits its frame");
static_assert((int)XDP_FRAME_PAYLOAD >= (int)FRAME_HEAD_MAX, "and its heads before it");

struct xdp_queue {
	struct xdp_socket socket;
	uint32_t interface;       /* index in the host's list */
	uint32_t ifindex, number; /* the receive queue of that device */
	uint8_t owner;            /* its name in owner_of */
	bool zero_copy;
	uint32_t fill_missing; /* frames taken out of it and not replaced yet */
	uint32_t sent;         /* queued since the last kick */
	bool waits;            /* something queued is not sent yet */
	struct xdp_lost lost;  /* counted already */
};

/* Where a queue of a lane is, whatever socket it has; for the main thread and the keeper. */
struct xdp_place {
	uint32_t interface, number;
	uint32_t ifindex; /* of the device that its newest socket is bound to; 0: that is gone */
	bool zero_copy;   /* likewise */
	struct xdp_queue *next; /* not bound yet; or NULL */
};

struct xdp_lane {
	uint8_t *memory;
	struct xdp_queue **queues;
	struct xdp_place *places;
	/* A socket for the device that replaced a lost one: made by the host's keeper, taken by the
	 * worker; and the old one, for the keeper to close. */
	_Atomic(struct xdp_queue *) *fresh;
	_Atomic(struct xdp_queue *) *stale;
	int renew_fd; /* an eventfd: there is something in fresh */
	uint32_t queue_count;
	uint32_t frame_count;
	uint32_t rx_size;  /* frames that each queue may receive between two polls */
	uint8_t *owner_of; /* per frame: the queue that the kernel has it of; 0: free, or out */
	uint32_t *free_frames;
	uint32_t free_count;
};

/* Room for so many queues. Returns 0, or -errno with the reason in `why`, here and below. */
int xdp_lane_open(struct xdp_lane *l, uint32_t queues, char why[XDP_WHY_MAX]) NODISCARD;
/* Binds a socket to a receive queue; *out stays valid. The fill ring is full. */
int xdp_lane_add(struct xdp_lane *l, uint32_t ifindex, uint32_t interface, uint32_t queue,
		 struct xdp_queue **out, char why[XDP_WHY_MAX]) NODISCARD;
void xdp_lane_close(struct xdp_lane *l);
/* Makes another socket to replace one of a device that is gone, from a descriptor taken from
 * *spare_fd (-1 afterwards) unless one waits already. On the keeper's thread: changes nothing of
 * the lane but the place. */
int xdp_lane_renew(const struct xdp_lane *l, uint32_t at, uint32_t ifindex, int *spare_fd,
		   struct xdp_queue **out, char why[XDP_WHY_MAX]) NODISCARD;
/* Installs it and frees the old one's frames. On the worker. Returns the old one, to be closed. */
struct xdp_queue *xdp_lane_swap(struct xdp_lane *l, uint32_t at, struct xdp_queue *fresh);
void xdp_queue_close(struct xdp_queue *q);

/* Frees frames that have been sent. */
void xdp_lane_reclaim(struct xdp_lane *l);
/* Replaces what was received. */
void xdp_lane_refill(struct xdp_lane *l, struct xdp_queue *q);
/* Queues a frame for sending. False: the ring is full. */
bool xdp_lane_send(struct xdp_lane *l, struct xdp_queue *q, const uint8_t *start, uint32_t length);
/* Has the kernel send the queue, or if p is late, frees its frames. 0 or -errno. */
int xdp_lane_kick(struct xdp_lane *l, struct xdp_queue *q, struct port *p);

static inline uint8_t *xdp_frame(const struct xdp_lane *l, uint32_t frame)
{
	return l->memory + (size_t)frame * XDP_FRAME_SIZE;
}

static inline bool xdp_frame_is_ours(const struct xdp_lane *l, const uint8_t *p)
{
	return p >= l->memory && p < xdp_frame(l, l->frame_count);
}

static inline uint32_t xdp_frame_of(const struct xdp_lane *l, const uint8_t *p)
{
	return (uint32_t)((size_t)(p - l->memory) / XDP_FRAME_SIZE);
}

static inline void xdp_frame_free(struct xdp_lane *l, uint32_t frame)
{
	assert(l->free_count < l->frame_count);
	l->free_frames[l->free_count++] = frame;
}

static inline bool xdp_frame_alloc(struct xdp_lane *l, uint32_t *frame)
{
	if (UNLIKELY(l->free_count == 0))
		return false;
	*frame = l->free_frames[--l->free_count];
	return true;
}

#endif
