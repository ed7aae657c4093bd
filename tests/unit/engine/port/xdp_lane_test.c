/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes on a kernel of our own in the place of xdp_socket.c, with devices of both kinds: those that need a copy and those that do
 * without. Like Linux's it has one mode for all sockets of a registration.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <linux/if_xdp.h>

#include "engine/port/xdp_lane.h"

enum { COPIES = 3, DIRECT = 4, SOCKETS = 8, FD = 5000, QUEUES = 2 };

struct ends {
	uint32_t producer, consumer, flags;
};

struct fake {
	struct ends rx, tx, fill, completion;
	struct xdp_desc received[XDP_RX_SIZE], sent[XDP_TX_SIZE];
	uint64_t filled[XDP_RX_SIZE], completed[XDP_TX_SIZE];
	const void *memory; /* it registered; NULL: none */
	int shared_with;    /* -1: nobody */
	bool bound, direct;
};

static struct fake g_sockets[SOCKETS];
static int g_made;

static struct fake *fake_of(int fd)
{
	assert_in_range(fd, FD, FD + g_made - 1);
	return &g_sockets[fd - FD];
}

int xdp_socket_make(void)
{
	assert_true(g_made < SOCKETS);
	g_sockets[g_made] = (struct fake){ .shared_with = -1 };
	return FD + g_made++;
}

static void cons_open(struct xsk_ring_cons *r, struct ends *e, void *ring, uint32_t size)
{
	*r = (struct xsk_ring_cons){ .mask = size - 1,
				     .size = size,
				     .producer = &e->producer,
				     .consumer = &e->consumer,
				     .flags = &e->flags,
				     .ring = ring };
}

static void prod_open(struct xsk_ring_prod *r, struct ends *e, void *ring, uint32_t size)
{
	*r = (struct xsk_ring_prod){ .cached_cons = size,
				     .mask = size - 1,
				     .size = size,
				     .producer = &e->producer,
				     .consumer = &e->consumer,
				     .flags = &e->flags,
				     .ring = ring };
}

int xdp_socket_open(struct xdp_socket *s, int fd, uint32_t rx_size)
{
	struct fake *f = fake_of(fd);

	assert_true(rx_size <= XDP_RX_SIZE);
	*s = (struct xdp_socket){ .fd = fd };
	cons_open(&s->rx, &f->rx, f->received, rx_size);
	cons_open(&s->completion, &f->completion, f->completed, XDP_TX_SIZE);
	prod_open(&s->tx, &f->tx, f->sent, XDP_TX_SIZE);
	prod_open(&s->fill, &f->fill, f->filled, rx_size);
	return 0;
}

int xdp_socket_share(const struct xdp_socket *s, void *memory, uint64_t octets, uint32_t frame)
{
	assert_int_equal(octets % frame, 0);
	fake_of(s->fd)->memory = memory;
	return 0;
}

/* As xsk_bind of Linux: a socket without memory of its own is in the mode of the one whose memory it has. */
int xdp_socket_bind(const struct xdp_socket *s, uint32_t ifindex, uint32_t queue, int umem_fd)
{
	struct fake *f = fake_of(s->fd);
	const struct fake *first = umem_fd < 0 ? f : fake_of(umem_fd);
	bool can = ifindex == DIRECT;

	(void)queue;
	if (!first->memory || (umem_fd >= 0 && (f->memory || !first->bound)))
		return -EINVAL;
	f->direct = umem_fd < 0 ? can : first->direct;
	if (f->direct && !can)
		return -EOPNOTSUPP;
	f->shared_with = umem_fd;
	f->bound = true;
	return 0;
}

int xdp_socket_lost(const struct xdp_socket *s, struct xdp_lost *out)
{
	(void)s;
	*out = (struct xdp_lost){ 0 };
	return 0;
}

void xdp_socket_close(struct xdp_socket *s)
{
	s->fd = -1;
}

/* ---- */

struct rig {
	struct xdp_lane lane;
	struct xdp_queue *queues[2 * QUEUES];
};

/* Two queues of each device, in this order. */
static void rig_open(struct rig *r, uint32_t first, uint32_t second)
{
	const uint32_t devices[] = { first, second };
	char why[XDP_WHY_MAX];

	g_made = 0;
	if (xdp_lane_open(&r->lane, 2 * QUEUES, why))
		fail_msg("%s", why);
	for (uint32_t i = 0; i < COUNT_OF(devices); i++)
		for (uint32_t q = 0; q < QUEUES; q++)
			if (xdp_lane_add(&r->lane, devices[i], i, q, &r->queues[i * QUEUES + q],
					 why))
				fail_msg("device %u: %s", devices[i], why);
}

static struct fake *fake(const struct rig *r, uint32_t at)
{
	return fake_of(r->queues[at]->socket.fd);
}

static void devices_of_both_kinds(void **state)
{
	static const struct {
		const char *name;
		uint32_t devices[2];
	} ROWS[] = {
		{ "without a copy first", { DIRECT, COPIES } },
		{ "with a copy first", { COPIES, DIRECT } },
		{ "both without", { DIRECT, DIRECT } },
		{ "both with", { COPIES, COPIES } },
	}, *row;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		struct rig r;

		rig_open(&r, row->devices[0], row->devices[1]);
		for (uint32_t at = 0; at < COUNT_OF(r.queues); at++) {
			const struct fake *f = fake(&r, at),
					  *first = fake(&r, at / QUEUES * QUEUES);

			ROW_ASSERT(row->name, f->direct == (row->devices[at / QUEUES] == DIRECT));
			ROW_ASSERT(row->name, first->memory == r.lane.memory);
			ROW_ASSERT(row->name, f == first || fake_of(f->shared_with) == first);
		}
		xdp_lane_close(&r.lane);
	}
}

/* The kernel takes a frame to receive into, and gives it back with a packet. */
static void receive(struct fake *f)
{
	uint64_t at = f->filled[f->fill.consumer++];

	f->received[f->rx.producer++] = (struct xdp_desc){ .addr = at, .len = 60 };
}

static void sent(struct fake *f)
{
	while (f->tx.consumer != f->tx.producer)
		f->completed[f->completion.producer++] = f->sent[f->tx.consumer++].addr;
}

/* What one interface received leaves by the other one from where it is, and may then be received into by any. */
static void frames_cross(void **state)
{
	struct rig r;
	struct xdp_queue *in, *out;
	struct port port = { 0 };
	uint32_t at = 0, frame, free_before;
	uint8_t *start;

	(void)state;
	rig_open(&r, DIRECT, COPIES);
	in = r.queues[1];
	out = r.queues[QUEUES];
	free_before = r.lane.free_count;
	receive(fake(&r, 1));
	assert_int_equal(xsk_ring_cons__peek(&in->socket.rx, 1, &at), 1);
	start = r.lane.memory + xsk_ring_cons__rx_desc(&in->socket.rx, at)->addr;
	frame = xdp_frame_of(&r.lane, start);
	xsk_ring_cons__release(&in->socket.rx, 1);
	assert_int_equal(r.lane.owner_of[frame], in->owner);

	assert_true(xdp_lane_send(&r.lane, out, start, 60));
	assert_int_equal(xdp_lane_kick(&r.lane, out, &port), 0);
	assert_int_equal(r.lane.owner_of[frame], out->owner);
	assert_ptr_equal(r.lane.memory + fake(&r, QUEUES)->sent[0].addr, start);
	xdp_lane_reclaim(&r.lane);
	assert_int_equal(r.lane.free_count, free_before);

	sent(fake(&r, QUEUES));
	xdp_lane_reclaim(&r.lane);
	assert_int_equal(r.lane.free_count, free_before + 1);
	assert_int_equal(r.lane.owner_of[frame], 0);
	out->fill_missing = 1;
	fake(&r, QUEUES)->fill.consumer++;
	xdp_lane_refill(&r.lane, out);
	assert_int_equal(r.lane.owner_of[frame], out->owner);
	xdp_lane_close(&r.lane);
}

/* Nothing between the look at the clock and the kernel's sight of the frames: those that are late are free again. */
static void late_frames_stay_here(void **state)
{
	struct rig r;
	struct port port = { .until_ns = 1 };
	uint32_t frames[2], free_before;

	(void)state;
	rig_open(&r, DIRECT, COPIES);
	free_before = r.lane.free_count;
	for (uint32_t i = 0; i < COUNT_OF(frames); i++) {
		assert_true(xdp_frame_alloc(&r.lane, &frames[i]));
		assert_true(xdp_lane_send(&r.lane, r.queues[0], xdp_frame(&r.lane, frames[i]), 60));
	}
	assert_int_equal(xdp_lane_kick(&r.lane, r.queues[0], &port), 0);
	assert_int_equal(fake(&r, 0)->tx.producer, 0);
	assert_int_equal(r.lane.free_count, free_before);
	assert_int_equal(port.withheld, 2);

	port.until_ns = UINT64_MAX;
	assert_true(xdp_frame_alloc(&r.lane, &frames[0]));
	assert_true(xdp_lane_send(&r.lane, r.queues[0], xdp_frame(&r.lane, frames[0]), 60));
	assert_int_equal(xdp_lane_kick(&r.lane, r.queues[0], &port), 0);
	assert_int_equal(fake(&r, 0)->tx.producer, 1);
	assert_ptr_equal(r.lane.memory + fake(&r, 0)->sent[0].addr, xdp_frame(&r.lane, frames[0]));
	xdp_lane_close(&r.lane);
}

/* A device that is gone takes its own registration with it and no other one. */
static void one_device_is_made_again(void **state)
{
	struct rig r;
	char why[XDP_WHY_MAX];
	struct xdp_queue *fresh;
	int spare;

	(void)state;
	rig_open(&r, DIRECT, COPIES);
	spare = xdp_socket_make();
	fake(&r, 0)->bound = false;
	assert_int_equal(xdp_lane_renew(&r.lane, 0, DIRECT, &spare, &fresh, why), 0);
	assert_int_equal(spare, -1);
	assert_ptr_equal(fake_of(fresh->socket.fd)->memory, r.lane.memory);
	xdp_queue_close(xdp_lane_swap(&r.lane, 0, fresh));
	for (uint32_t q = 0; q < QUEUES; q++)
		assert_true(fake(&r, QUEUES + q)->bound);
	xdp_lane_close(&r.lane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_of_both_kinds),
		cmocka_unit_test(frames_cross),
		cmocka_unit_test(late_frames_stay_here),
		cmocka_unit_test(one_device_is_made_again),
	};

	return cmocka_run_group_tests_name("engine/xdp_lane", tests, NULL, NULL);
}
