/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/xdp_lane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	if (!l->memory || !l->free_frames)
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
	l->queues = calloc(queues ? queues : 1, sizeof(*l->queues));
	err = l->queues ? memory_take(l) : -ENOMEM;
	if (err)
		xdp_lane_close(l);
	return err ? failed(why, "no memory for frames", err) : 0;
}

/* The first socket brings the UMEM with it: one cannot be without the other. */
static int umem_open(struct xdp_lane *l, struct xdp_queue *q)
{
	const struct xsk_umem_config config = { .fill_size = XDP_RX_SIZE,
						.comp_size = XDP_TX_SIZE,
						.frame_size = XDP_FRAME_SIZE };

	return xsk_umem__create(&l->umem, l->memory, (size_t)l->frame_count * XDP_FRAME_SIZE,
				&q->fill, &q->completion, &config);
}

static int socket_open(struct xdp_lane *l, struct xdp_queue *q, const char *name, uint32_t queue)
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
		err = xsk_socket__create_shared(&q->socket, name, queue, l->umem, &q->rx, &q->tx,
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

int xdp_lane_add(struct xdp_lane *l, const char *name, uint32_t interface, uint32_t queue,
		 struct xdp_queue **out, char why[XDP_WHY_MAX])
{
	struct xdp_queue *q = &l->queues[l->queue_count];
	int err = l->umem ? 0 : umem_open(l, q);

	if (err)
		return failed(why, "no memory can be shared with AF_XDP", err);
	err = socket_open(l, q, name, queue);
	if (err)
		return failed(why,
			      err == -EBUSY ? "another program has the AF_XDP socket of the queue"
					    : "no AF_XDP socket on the interface",
			      err);
	l->queue_count++;
	q->fd = xsk_socket__fd(q->socket);
	q->interface = interface;
	q->zero_copy = is_zero_copy(q->fd);
	q->fill_missing = XDP_RX_SIZE;
	while (q->fill_missing > 0)
		xdp_lane_refill(l, q);
	*out = q;
	return 0;
}

void xdp_lane_close(struct xdp_lane *l)
{
	for (uint32_t i = 0; i < l->queue_count; i++)
		xsk_socket__delete(l->queues[i].socket);
	if (l->umem)
		(void)xsk_umem__delete(l->umem);
	if (l->memory)
		(void)munmap(l->memory, (size_t)l->frame_count * XDP_FRAME_SIZE);
	free(l->free_frames);
	free(l->queues);
	*l = (struct xdp_lane){ 0 };
}

/* ---- frames ---- */

static void queue_reclaim(struct xdp_lane *l, struct xdp_queue *q)
{
	uint32_t at, n = xsk_ring_cons__peek(&q->completion, COMPLETIONS, &at);

	for (uint32_t i = 0; i < n; i++)
		xdp_frame_free(l, (uint32_t)(*xsk_ring_cons__comp_addr(&q->completion, at + i) /
					     XDP_FRAME_SIZE));
	if (n > 0)
		xsk_ring_cons__release(&q->completion, n);
}

void xdp_lane_reclaim(struct xdp_lane *l)
{
	for (uint32_t i = 0; i < l->queue_count; i++)
		queue_reclaim(l, &l->queues[i]);
}

void xdp_lane_refill(struct xdp_lane *l, struct xdp_queue *q)
{
	uint32_t n = q->fill_missing < REFILL ? q->fill_missing : REFILL;
	uint32_t at;

	if (n > l->free_count)
		n = l->free_count;
	if (n == 0 || xsk_ring_prod__reserve(&q->fill, n, &at) != n)
		return;
	for (uint32_t i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&q->fill, at + i) =
			(uint64_t)l->free_frames[--l->free_count] * XDP_FRAME_SIZE;
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
