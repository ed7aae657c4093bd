/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames and AF_XDP sockets of one worker: registering the memory per interface, binding a
 * socket per receive queue, and moving frames between the rings. port_xdp.c receives and sends
 * through it; the keeper replaces sockets of lost interfaces. Every frame is accounted for: free,
 * in a ring, or out with its user, so none leaks when a device vanishes with frames in its rings.
 */

#include "engine/port/xdp_lane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	/* The kernel takes the socket of a killed process apart some time after its exit. */
	SOCKET_BUSY_TRIES = 100,
	SOCKET_BUSY_MS = 20,
	COPIED = 32, /* frames that a call sends in copy mode */
	KICKS = XDP_TX_SIZE / COPIED,
	/* More queues have shorter rings: the kernel keeps some 100 octets per frame and queue.
	 * With full rings 64 queues took 7 s to open. */
	RX_WHOLE = 8,
	RX_MIN = 512,
	SENDERS = 16,      /* one an interface sends: next_hop.h has no more */
	COMPLETIONS = 256, /* at a time */
	REFILL = 64,
};

static int lane_failed(char why[XDP_WHY_MAX], const char *what, int err)
{
	const char *hint = "";

	if (err == -EPERM)
		hint = "; needs CAP_NET_RAW";
	else if (err == -ENOBUFS || err == -ENOMEM)
		hint = "; needs RLIMIT_MEMLOCK (LimitMEMLOCK=infinity) or CAP_IPC_LOCK";
	else if (err == -EAFNOSUPPORT)
		hint = "; the kernel has no AF_XDP (CONFIG_XDP_SOCKETS)";
	(void)snprintf(why, XDP_WHY_MAX, "%s: %s%s", what, strerror(-err), hint);
	return err;
}

/* ---- open, close ---- */

static int memory_alloc(struct xdp_lane *l)
{
	void *memory = mmap(NULL, (size_t)l->frame_count * XDP_FRAME_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	l->memory = memory == MAP_FAILED ? NULL : memory;
	l->free_frames = calloc(l->frame_count, sizeof(*l->free_frames));
	l->owner_of = calloc(l->frame_count, sizeof(*l->owner_of));
	if (!l->memory || !l->free_frames || !l->owner_of)
		return -ENOMEM;
	while (l->free_count < l->frame_count) {
		l->free_frames[l->free_count] = l->frame_count - 1 - l->free_count;
		l->free_count++;
	}
	return 0;
}

static uint32_t rx_size_for(uint32_t queues)
{
	uint32_t size = XDP_RX_SIZE;

	while (size > RX_MIN && size * queues > (uint32_t)XDP_RX_SIZE * RX_WHOLE)
		size /= 2;
	return size;
}

int xdp_lane_open(struct xdp_lane *l, uint32_t queues, char why[XDP_WHY_MAX])
{
	uint32_t rx_size = rx_size_for(queues), senders = queues < SENDERS ? queues : SENDERS;
	int err;

	*l = (struct xdp_lane){ .frame_count = queues * rx_size + senders * XDP_TX_SIZE + XDP_SPARE,
				.rx_size = rx_size };
	assert(queues <= XDP_QUEUES_MAX);
	l->queues = calloc(queues ? queues : 1, sizeof(*l->queues));
	l->renew_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->places = calloc(queues ? queues : 1, sizeof(*l->places));
	l->fresh = calloc(queues ? queues : 1, sizeof(*l->fresh));
	l->stale = calloc(queues ? queues : 1, sizeof(*l->stale));
	err = l->queues && l->places && l->fresh && l->stale && l->renew_fd >= 0 ? memory_alloc(l)
										 : -ENOMEM;
	if (err)
		xdp_lane_close(l);
	return err ? lane_failed(why, "no memory for frames", err) : 0;
}

static bool lane_is_zero_copy(int fd)
{
	struct xdp_options options = { 0 };
	socklen_t n = sizeof(options);

	return getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &n) == 0 &&
	       (options.flags & XDP_OPTIONS_ZEROCOPY);
}

/* A socket that is not bound yet. */
static struct xdp_queue *queue_make(uint32_t rx_size, int fd, uint32_t at, uint32_t interface,
				    uint32_t number, int *err)
{
	struct xdp_queue *q = calloc(1, sizeof(*q));

	*err = q ? xdp_socket_open(&q->socket, fd, rx_size) : -ENOMEM;
	if (*err) {
		if (!q)
			(void)close(fd);
		free(q);
		return NULL;
	}
	q->interface = interface;
	q->number = number;
	q->owner = (uint8_t)(at + 1);
	q->fill_missing = rx_size;
	return q;
}

static int memory_share(const struct xdp_lane *l, struct xdp_queue *q)
{
	return xdp_socket_share(&q->socket, l->memory, (uint64_t)l->frame_count * XDP_FRAME_SIZE,
				XDP_FRAME_SIZE);
}

static int queue_bind(struct xdp_queue *q, uint32_t ifindex, int umem_fd, char why[XDP_WHY_MAX])
{
	int err = -EBUSY;

	for (int i = 0; i < SOCKET_BUSY_TRIES && err == -EBUSY; i++) {
		if (i > 0)
			(void)usleep(SOCKET_BUSY_MS * 1000);
		err = xdp_socket_bind(&q->socket, ifindex, q->number, umem_fd);
	}
	if (err)
		return lane_failed(why,
				   err == -EBUSY
					   ? "another program has the AF_XDP socket of the queue"
					   : "no AF_XDP socket on the interface",
				   err);
	q->ifindex = ifindex;
	q->zero_copy = lane_is_zero_copy(q->socket.fd);
	return 0;
}

static void lane_fill(struct xdp_lane *l, struct xdp_queue *q)
{
	uint32_t before;

	do {
		before = q->fill_missing;
		xdp_lane_refill(l, q);
	} while (q->fill_missing < before && q->fill_missing > 0);
}

static void lane_place_set(struct xdp_place *p, const struct xdp_queue *q)
{
	p->ifindex = q->ifindex;
	p->zero_copy = q->zero_copy;
}

/* The kernel has one mode, copying or not, for all sockets of a registration: so each interface
 * registers the memory itself, and one device's limits do not affect another. -1: not
 * registered. */
static int registered(const struct xdp_lane *l, uint32_t interface)
{
	for (uint32_t at = 0; at < l->queue_count; at++)
		if (l->places[at].interface == interface)
			return l->queues[at]->socket.fd;
	return -1;
}

int xdp_lane_add(struct xdp_lane *l, uint32_t ifindex, uint32_t interface, uint32_t queue,
		 struct xdp_queue **out, char why[XDP_WHY_MAX])
{
	uint32_t at = l->queue_count;
	int umem_fd = registered(l, interface), fd = xdp_socket_make(), err = fd < 0 ? fd : 0;
	struct xdp_queue *q = err ? NULL : queue_make(l->rx_size, fd, at, interface, queue, &err);

	if (!err && umem_fd < 0)
		err = memory_share(l, q);
	if (err)
		(void)lane_failed(why, "no memory can be shared with AF_XDP", err);
	else
		err = queue_bind(q, ifindex, umem_fd, why);
	if (err) {
		xdp_queue_close(q);
		return err;
	}
	l->places[at] = (struct xdp_place){ .interface = interface, .number = queue };
	lane_place_set(&l->places[at], q);
	l->queues[at] = q;
	l->queue_count++;
	lane_fill(l, q);
	*out = q;
	return 0;
}

/* With its own registration: that of the interface's first socket is unusable without its
 * device. */
static int next_make(const struct xdp_lane *l, uint32_t at, int *spare_fd)
{
	struct xdp_place *p = &l->places[at];
	int fd = *spare_fd, err;
	struct xdp_queue *q;

	*spare_fd = -1;
	q = queue_make(l->rx_size, fd, at, p->interface, p->number, &err);
	if (!err)
		err = memory_share(l, q);
	if (err)
		xdp_queue_close(q);
	else
		p->next = q;
	return err;
}

int xdp_lane_renew(const struct xdp_lane *l, uint32_t at, uint32_t ifindex, int *spare_fd,
		   struct xdp_queue **out, char why[XDP_WHY_MAX])
{
	struct xdp_place *p = &l->places[at];
	int err = p->next ? 0 : next_make(l, at, spare_fd);

	if (err)
		return lane_failed(why, "no memory can be shared with AF_XDP", err);
	err = queue_bind(p->next, ifindex, -1, why);
	if (err)
		return err;
	*out = p->next;
	p->next = NULL;
	lane_place_set(p, *out);
	return 0;
}

struct xdp_queue *xdp_lane_swap(struct xdp_lane *l, uint32_t at, struct xdp_queue *fresh)
{
	struct xdp_queue *old = l->queues[at];

	l->queues[at] = fresh;
	for (uint32_t frame = 0; frame < l->frame_count; frame++) {
		if (l->owner_of[frame] != fresh->owner)
			continue;
		l->owner_of[frame] = 0;
		xdp_frame_free(l, frame);
	}
	lane_fill(l, fresh);
	return old;
}

void xdp_queue_close(struct xdp_queue *q)
{
	if (!q)
		return;
	xdp_socket_close(&q->socket);
	free(q);
}

void xdp_lane_close(struct xdp_lane *l)
{
	for (uint32_t i = 0; i < l->queue_count; i++) {
		xdp_queue_close(atomic_load_explicit(&l->fresh[i], memory_order_acquire));
		xdp_queue_close(atomic_load_explicit(&l->stale[i], memory_order_acquire));
		xdp_queue_close(l->places[i].next);
		xdp_queue_close(l->queues[i]);
	}
	if (l->memory)
		(void)munmap(l->memory, (size_t)l->frame_count * XDP_FRAME_SIZE);
	free(l->free_frames);
	free(l->owner_of);
	free(l->places);
	if (l->queues && l->renew_fd >= 0)
		(void)close(l->renew_fd);
	free(l->fresh);
	free(l->stale);
	free(l->queues);
	*l = (struct xdp_lane){ 0 };
}

/* ---- frames ---- */

static void frame_back(struct xdp_lane *l, uint32_t frame)
{
	l->owner_of[frame] = 0;
	xdp_frame_free(l, frame);
}

static void queue_reclaim(struct xdp_lane *l, struct xdp_queue *q)
{
	uint32_t at = 0, n = xsk_ring_cons__peek(&q->socket.completion, COMPLETIONS, &at);

	for (uint32_t i = 0; i < n; i++)
		frame_back(l, (uint32_t)(*xsk_ring_cons__comp_addr(&q->socket.completion, at + i) /
					 XDP_FRAME_SIZE));
	if (n > 0)
		xsk_ring_cons__release(&q->socket.completion, n);
}

void xdp_lane_reclaim(struct xdp_lane *l)
{
	for (uint32_t i = 0; i < l->queue_count; i++)
		queue_reclaim(l, l->queues[i]);
}

void xdp_lane_refill(struct xdp_lane *l, struct xdp_queue *q)
{
	uint32_t n = q->fill_missing < REFILL ? q->fill_missing : REFILL;
	uint32_t at;

	if (n > l->free_count)
		n = l->free_count;
	if (n == 0 || xsk_ring_prod__reserve(&q->socket.fill, n, &at) != n)
		return;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t frame = l->free_frames[--l->free_count];

		l->owner_of[frame] = q->owner;
		*xsk_ring_prod__fill_addr(&q->socket.fill, at + i) =
			(uint64_t)frame * XDP_FRAME_SIZE;
	}
	xsk_ring_prod__submit(&q->socket.fill, n);
	q->fill_missing -= n;
	if (UNLIKELY(xsk_ring_prod__needs_wakeup(&q->socket.fill)))
		(void)recvfrom(q->socket.fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

bool xdp_lane_send(struct xdp_lane *l, struct xdp_queue *q, const uint8_t *start, uint32_t length)
{
	uint32_t at;

	if (UNLIKELY(xsk_ring_prod__reserve(&q->socket.tx, 1, &at) != 1))
		return false;
	*xsk_ring_prod__tx_desc(&q->socket.tx, at) =
		(struct xdp_desc){ .addr = (uint64_t)(start - l->memory), .len = length };
	l->owner_of[xdp_frame_of(l, start)] = q->owner;
	q->sent++;
	q->waits = true;
	return true;
}

/* The kernel has not taken all of them yet. */
static bool tx_waits(const struct xdp_queue *q)
{
	return __atomic_load_n(q->socket.tx.consumer, __ATOMIC_ACQUIRE) != *q->socket.tx.producer;
}

/* Those that the kernel was not shown yet. */
static NOINLINE void frames_withhold(struct xdp_lane *l, struct xdp_queue *q, struct port *p)
{
	struct xsk_ring_prod *tx = &q->socket.tx;

	for (uint32_t i = q->sent; i > 0; i--) {
		const struct xdp_desc *d = xsk_ring_prod__tx_desc(tx, tx->cached_prod - i);

		frame_back(l, (uint32_t)(d->addr / XDP_FRAME_SIZE));
	}
	tx->cached_prod -= q->sent;
	p->withheld += q->sent;
	q->sent = 0;
}

/* A device without copies sends them by itself from here on. */
static void frames_show(struct xdp_lane *l, struct xdp_queue *q, struct port *p)
{
	uint32_t n;

	if (q->sent > 0 && port_is_late(p))
		frames_withhold(l, q, p);
	n = !q->zero_copy && q->sent > COPIED ? COPIED : q->sent;
	if (n > 0)
		xsk_ring_prod__submit(&q->socket.tx, n);
	q->sent -= n;
}

static int kernel_send(struct xdp_queue *q)
{
	if (!xsk_ring_prod__needs_wakeup(&q->socket.tx))
		return 0;
	for (int i = 0; i < KICKS && tx_waits(q); i++) {
		if (sendto(q->socket.fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 || errno == EAGAIN)
			continue;
		if (errno != ENOBUFS && errno != EBUSY)
			return -errno;
		q->waits = true; /* the device is busy */
		return 0;
	}
	return 0;
}

int xdp_lane_kick(struct xdp_lane *l, struct xdp_queue *q, struct port *p)
{
	int err;

	q->waits = false;
	do {
		frames_show(l, q, p);
		err = kernel_send(q);
	} while (q->sent > 0 && !q->waits && !err);
	q->waits |= q->sent > 0;
	return err;
}
