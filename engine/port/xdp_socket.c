/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_XDP sockets with their rings, by plain socket options and mmap. libxdp creates, maps and binds
 * in one step, which needs privileges at a time when the node has dropped them; here creating
 * (CAP_NET_RAW), mapping and binding are separate, so the keeper can bind a spare socket later. The
 * ring accessors are libxdp's.
 */

#include "engine/port/xdp_socket.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int xdp_socket_make(void)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static int socket_option_set(int fd, int name, const void *value, socklen_t n)
{
	return setsockopt(fd, SOL_XDP, name, value, n) == 0 ? 0 : -errno;
}

static int offsets_get(int fd, struct xdp_mmap_offsets *out)
{
	socklen_t n = sizeof(*out);

	if (getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, out, &n) != 0)
		return -errno;
	return n == sizeof(*out) ? 0 : -EOPNOTSUPP; /* before Linux 5.4 a ring has no flags */
}

/* ---- rings ---- */

static int ring_make(struct xdp_map *m, int fd, int option, uint32_t size, int64_t page,
		     uint64_t octets)
{
	int err = socket_option_set(fd, option, &size, sizeof(size));

	if (err)
		return err;
	m->p = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, page);
	if (m->p == MAP_FAILED) {
		m->p = NULL;
		return -errno;
	}
	m->n = octets;
	return 0;
}

static void *in(const struct xdp_map *m, uint64_t offset)
{
	return (uint8_t *)m->p + offset;
}

static int cons_make(struct xsk_ring_cons *r, struct xdp_map *m, int fd, int option, uint32_t size,
		     int64_t page, const struct xdp_ring_offset *at, size_t entry)
{
	int err = ring_make(m, fd, option, size, page, at->desc + size * entry);

	if (err)
		return err;
	*r = (struct xsk_ring_cons){ .mask = size - 1,
				     .size = size,
				     .producer = in(m, at->producer),
				     .consumer = in(m, at->consumer),
				     .ring = in(m, at->desc),
				     .flags = in(m, at->flags) };
	return 0;
}

static int prod_make(struct xsk_ring_prod *r, struct xdp_map *m, int fd, int option, uint32_t size,
		     int64_t page, const struct xdp_ring_offset *at, size_t entry)
{
	int err = ring_make(m, fd, option, size, page, at->desc + size * entry);

	if (err)
		return err;
	*r = (struct xsk_ring_prod){ .cached_cons = size, /* as far as it may be filled */
				     .mask = size - 1,
				     .size = size,
				     .producer = in(m, at->producer),
				     .consumer = in(m, at->consumer),
				     .ring = in(m, at->desc),
				     .flags = in(m, at->flags) };
	return 0;
}

static int rings_make(struct xdp_socket *s, uint32_t rx_size)
{
	struct xdp_mmap_offsets at;
	int err = offsets_get(s->fd, &at);

	if (!err)
		err = cons_make(&s->rx, &s->maps[0], s->fd, XDP_RX_RING, rx_size, XDP_PGOFF_RX_RING,
				&at.rx, sizeof(struct xdp_desc));
	if (!err)
		err = prod_make(&s->tx, &s->maps[1], s->fd, XDP_TX_RING, XDP_TX_SIZE,
				XDP_PGOFF_TX_RING, &at.tx, sizeof(struct xdp_desc));
	if (!err)
		err = prod_make(&s->fill, &s->maps[2], s->fd, XDP_UMEM_FILL_RING, rx_size,
				XDP_UMEM_PGOFF_FILL_RING, &at.fr, sizeof(uint64_t));
	if (!err)
		err = cons_make(&s->completion, &s->maps[3], s->fd, XDP_UMEM_COMPLETION_RING,
				XDP_TX_SIZE, XDP_UMEM_PGOFF_COMPLETION_RING, &at.cr,
				sizeof(uint64_t));
	return err;
}

/* ---- sockets ---- */

int xdp_socket_open(struct xdp_socket *s, int fd, uint32_t rx_size)
{
	int err;

	*s = (struct xdp_socket){ .fd = fd };
	err = rings_make(s, rx_size);
	if (err)
		xdp_socket_close(s);
	return err;
}

int xdp_socket_share(const struct xdp_socket *s, void *memory, uint64_t octets, uint32_t frame)
{
	const struct xdp_umem_reg umem = { .addr = (uintptr_t)memory,
					   .len = octets,
					   .chunk_size = frame };

	return socket_option_set(s->fd, XDP_UMEM_REG, &umem, sizeof(umem));
}

/* Neither XDP_COPY nor XDP_ZEROCOPY: the best that the driver has. */
int xdp_socket_bind(const struct xdp_socket *s, uint32_t ifindex, uint32_t queue, int umem_fd)
{
	struct sockaddr_xdp to = { .sxdp_family = AF_XDP,
				   .sxdp_flags = XDP_USE_NEED_WAKEUP,
				   .sxdp_ifindex = ifindex,
				   .sxdp_queue_id = queue };

	if (umem_fd >= 0) {
		to.sxdp_flags = XDP_SHARED_UMEM; /* all else is the first one's */
		to.sxdp_shared_umem_fd = (uint32_t)umem_fd;
	}
	return bind(s->fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : -errno;
}

int xdp_socket_lost(const struct xdp_socket *s, struct xdp_lost *out)
{
	struct xdp_statistics told = { 0 };
	socklen_t n = sizeof(told);

	if (getsockopt(s->fd, SOL_XDP, XDP_STATISTICS, &told, &n) != 0)
		return -errno;
	*out = (struct xdp_lost){ .no_frame = told.rx_dropped, .ring_full = told.rx_ring_full };
	return 0;
}

void xdp_socket_close(struct xdp_socket *s)
{
	for (uint32_t i = 0; i < XDP_RINGS; i++)
		if (s->maps[i].p)
			(void)munmap(s->maps[i].p, s->maps[i].n);
	if (s->fd >= 0)
		(void)close(s->fd);
	*s = (struct xdp_socket){ .fd = -1 };
}
