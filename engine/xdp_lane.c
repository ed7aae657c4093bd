/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/xdp_lane.h"

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
	BUSY_TRIES = 100,
	BUSY_MS = 20,
	/* In copy mode a call sends 32 frames. */
	KICKS = XDP_TX_SIZE / 32,
	COMPLETIONS = 256, /* at a time */
	REFILL = 64,
};

static int failed(char why[XDP_WHY_MAX], const char *what, int err)
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

static int memory_take(struct xdp_lane *l)
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

int xdp_lane_open(struct xdp_lane *l, uint32_t queues, char why[XDP_WHY_MAX])
{
	int err;

	*l = (struct xdp_lane){ .frame_count = queues * (XDP_RX_SIZE + XDP_TX_SIZE) + XDP_SPARE };
	assert(queues <= XDP_QUEUES_MAX);
	l->queues = calloc(queues ? queues : 1, sizeof(*l->queues));
	l->renew_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->places = calloc(queues ? queues : 1, sizeof(*l->places));
	l->fresh = calloc(queues ? queues : 1, sizeof(*l->fresh));
	l->stale = calloc(queues ? queues : 1, sizeof(*l->stale));
	err = l->queues && l->places && l->fresh && l->stale && l->renew_fd >= 0 ? memory_take(l)
										 : -ENOMEM;
	if (err)
		xdp_lane_close(l);
	return err ? failed(why, "no memory for frames", err) : 0;
}

/* The first socket brings the UMEM with it: one cannot be without the other. */
static int umem_open(const struct xdp_lane *l, struct xdp_queue *q, struct xsk_umem **out)
{
	const struct xsk_umem_config config = { .fill_size = XDP_RX_SIZE,
						.comp_size = XDP_TX_SIZE,
						.frame_size = XDP_FRAME_SIZE };

	return xsk_umem__create(out, l->memory, (size_t)l->frame_count * XDP_FRAME_SIZE, &q->fill,
				&q->completion, &config);
}

static int socket_open(struct xsk_umem *umem, struct xdp_queue *q, const char *name)
{
	/* neither XDP_COPY nor XDP_ZEROCOPY: the best that the driver has */
	const struct xsk_socket_config config = {
		.rx_size = XDP_RX_SIZE,
		.tx_size = XDP_TX_SIZE,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_USE_NEED_WAKEUP,
	};
	int err = -EBUSY;

	for (int i = 0; i < BUSY_TRIES && err == -EBUSY; i++) {
		if (i > 0)
			(void)usleep(BUSY_MS * 1000);
		err = xsk_socket__create_shared(&q->socket, name, q->number, umem, &q->rx, &q->tx,
						&q->fill, &q->completion, &config);
	}
	return err;
}

static bool is_zero_copy(int fd)
{
	struct xdp_options options = { 0 };
	socklen_t n = sizeof(options);

	return getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &n) == 0 &&
	       (options.flags & XDP_OPTIONS_ZEROCOPY);
}

static int queue_open(struct xsk_umem *umem, struct xdp_queue *q, const char *name,
		      char why[XDP_WHY_MAX])
{
	int err = socket_open(umem, q, name);

	if (err)
		return failed(why,
			      err == -EBUSY ? "another program has the AF_XDP socket of the queue"
					    : "no AF_XDP socket on the interface",
			      err);
	q->fd = xsk_socket__fd(q->socket);
	q->zero_copy = is_zero_copy(q->fd);
	q->fill_missing = XDP_RX_SIZE;
	return 0;
}

static void fill(struct xdp_lane *l, struct xdp_queue *q)
{
	uint32_t before;

	do {
		before = q->fill_missing;
		xdp_lane_refill(l, q);
	} while (q->fill_missing < before && q->fill_missing > 0);
}

int xdp_lane_add(struct xdp_lane *l, const char *name, uint32_t ifindex, uint32_t interface,
		 uint32_t queue, struct xdp_queue **out, char why[XDP_WHY_MAX])
{
	struct xdp_queue *q = calloc(1, sizeof(*q));
	int err = q ? (l->umem ? 0 : umem_open(l, q, &l->umem)) : -ENOMEM;

	if (err) {
		free(q);
		return failed(why, "no memory can be shared with AF_XDP", err);
	}
	q->interface = interface;
	q->ifindex = ifindex;
	q->number = queue;
	q->owner = (uint8_t)(l->queue_count + 1);
	err = queue_open(l->umem, q, name, why);
	if (err) {
		free(q);
		return err;
	}
	l->places[l->queue_count] = (struct xdp_place){ .interface = interface,
							.number = queue,
							.zero_copy = q->zero_copy };
	l->queues[l->queue_count++] = q;
	fill(l, q);
	*out = q;
	return 0;
}

int xdp_lane_renew(const struct xdp_lane *l, uint32_t at, const char *name, uint32_t ifindex,
		   struct xdp_queue **out, char why[XDP_WHY_MAX])
{
	struct xdp_place *place = &l->places[at];
	struct xdp_queue *q = calloc(1, sizeof(*q));
	int err = q ? umem_open(l, q, &q->umem) : -ENOMEM;

	if (err) {
		free(q);
		return failed(why, "no memory can be shared with AF_XDP", err);
	}
	q->interface = place->interface;
	q->ifindex = ifindex;
	q->number = place->number;
	q->owner = (uint8_t)(at + 1);
	err = queue_open(q->umem, q, name, why);
	if (err) {
		(void)xsk_umem__delete(q->umem);
		free(q);
		return err;
	}
	place->zero_copy = q->zero_copy;
	*out = q;
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
	fill(l, fresh);
	return old;
}

void xdp_queue_close(struct xdp_queue *q)
{
	if (!q)
		return;
	xsk_socket__delete(q->socket);
	if (q->umem)
		(void)xsk_umem__delete(q->umem);
	free(q);
}

void xdp_lane_close(struct xdp_lane *l)
{
	for (uint32_t i = 0; i < l->queue_count; i++) {
		xdp_queue_close(atomic_load_explicit(&l->fresh[i], memory_order_acquire));
		xdp_queue_close(atomic_load_explicit(&l->stale[i], memory_order_acquire));
		xdp_queue_close(l->queues[i]);
	}
	if (l->umem)
		(void)xsk_umem__delete(l->umem);
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
	uint32_t at, n = xsk_ring_cons__peek(&q->completion, COMPLETIONS, &at);

	for (uint32_t i = 0; i < n; i++)
		frame_back(l, (uint32_t)(*xsk_ring_cons__comp_addr(&q->completion, at + i) /
					 XDP_FRAME_SIZE));
	if (n > 0)
		xsk_ring_cons__release(&q->completion, n);
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
	if (n == 0 || xsk_ring_prod__reserve(&q->fill, n, &at) != n)
		return;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t frame = l->free_frames[--l->free_count];

		l->owner_of[frame] = q->owner;
		*xsk_ring_prod__fill_addr(&q->fill, at + i) = (uint64_t)frame * XDP_FRAME_SIZE;
	}
	xsk_ring_prod__submit(&q->fill, n);
	q->fill_missing -= n;
	if (UNLIKELY(xsk_ring_prod__needs_wakeup(&q->fill)))
		(void)recvfrom(q->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

bool xdp_lane_send(struct xdp_lane *l, struct xdp_queue *q, const uint8_t *start, uint32_t length)
{
	uint32_t at;

	if (UNLIKELY(xsk_ring_prod__reserve(&q->tx, 1, &at) != 1))
		return false;
	*xsk_ring_prod__tx_desc(&q->tx, at) =
		(struct xdp_desc){ .addr = (uint64_t)(start - l->memory), .len = length };
	l->owner_of[xdp_frame_of(l, start)] = q->owner;
	q->sent++;
	q->waits = true;
	return true;
}

/* The kernel has not taken all of them yet. */
static bool tx_waits(const struct xdp_queue *q)
{
	return __atomic_load_n(q->tx.consumer, __ATOMIC_ACQUIRE) != *q->tx.producer;
}

int xdp_lane_kick(struct xdp_queue *q)
{
	if (q->sent > 0)
		xsk_ring_prod__submit(&q->tx, q->sent);
	q->sent = 0;
	q->waits = false;
	if (!xsk_ring_prod__needs_wakeup(&q->tx))
		return 0;
	for (int i = 0; i < KICKS && tx_waits(q); i++) {
		if (sendto(q->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 || errno == EAGAIN)
			continue;
		if (errno != ENOBUFS && errno != EBUSY)
			return -errno;
		q->waits = true; /* the device is busy */
		return 0;
	}
	return 0;
}
