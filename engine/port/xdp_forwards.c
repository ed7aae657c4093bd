/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/port/xdp_forwards.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/validity.h"
#include "engine/net/frame_layout.h"
#include "engine/net/frame_sum.h"
#include "engine/net/packet.h"

enum {
	NS = 1000000000,
	WHERES = XDP_FORWARD_PORTS / XDP_WHERE_PORTS, /* of an address */
	CLOCK_MUL_MAX =
		64, /* ns * mul is less than 2^64 for nine years after the machine's start */
};

static_assert((int)XDP_FORWARD_PLACES > (int)VALID_PLACES, "each place has its time");

/* ---- maps ---- */

static int forwards_failed(char why[XDP_WHY_MAX], int err)
{
	(void)snprintf(why, XDP_WHY_MAX, "the table of what the kernel forwards: %s%s",
		       strerror(-err),
		       err == -EPERM || err == -EACCES ? "; needs CAP_BPF and CAP_PERFMON" : "");
	return err;
}

static int forwards_map(int *fd, void **at, const char *name, size_t size, uint32_t count)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	void *memory;

	*fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), (uint32_t)size, count,
			     &opts);
	if (*fd < 0)
		return *fd;
	memory = mmap(NULL, size * count, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	*at = memory;
	return 0;
}

static int forwards_maps(struct xdp_forwards *t)
{
	void *at = NULL;
	int err = forwards_map(&t->where_fd, &at, XDP_WHERE_MAP, sizeof(*t->where),
			       t->address_max * WHERES);

	if (err)
		return err;
	t->where = at;
	err = forwards_map(&t->entries_fd, &at, XDP_FORWARD_MAP, sizeof(*t->entries),
			   t->entry_count);
	if (err)
		return err;
	t->entries = at;
	err = forwards_map(&t->fence_fd, &at, XDP_FENCE_MAP, sizeof(*t->fence), 1);
	if (err)
		return err;
	t->fence = at;
	t->fates_fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, XDP_FATES_MAP, sizeof(uint32_t),
				     sizeof(uint64_t), XDP_FATES, NULL);
	return t->fates_fd < 0 ? t->fates_fd : 0;
}

static void fence_open(struct xdp_fence *f)
{
	f->present_until = UINT64_MAX;
	for (uint32_t i = 0; i < XDP_FORWARD_WORKERS; i++)
		f->alive_until[i] = UINT64_MAX;
	for (uint32_t i = 0; i < XDP_FORWARD_PLACES; i++)
		f->valid_until[i] = UINT64_MAX;
	f->entry = sizeof(struct xdp_forward);
	f->version = XDP_FORWARD_VERSION;
}

int xdp_forwards_open(struct xdp_forwards **out, uint32_t entries, uint32_t addresses,
		      char why[XDP_WHY_MAX])
{
	struct xdp_forwards *t = calloc(1, sizeof(*t));
	int err;

	assert(entries > 0 && addresses > 0 && addresses <= XDP_ADDRESSES_MAX);
	if (!t)
		return forwards_failed(why, -ENOMEM);
	t->where_fd = t->entries_fd = t->fence_fd = t->fates_fd = -1;
	t->entry_count = entries;
	t->address_max = addresses;
	err = forwards_maps(t);
	if (err) {
		xdp_forwards_close(t);
		return forwards_failed(why, err);
	}
	fence_open(t->fence);
	*out = t;
	return 0;
}

static void forwards_unmap(int fd, void *at, size_t size)
{
	if (at)
		(void)munmap(at, size);
	if (fd >= 0)
		(void)close(fd);
}

void xdp_forwards_close(struct xdp_forwards *t)
{
	if (!t)
		return;
	forwards_unmap(t->where_fd, t->where, sizeof(*t->where) * t->address_max * WHERES);
	forwards_unmap(t->entries_fd, t->entries, sizeof(*t->entries) * t->entry_count);
	forwards_unmap(t->fence_fd, t->fence, sizeof(*t->fence));
	forwards_unmap(t->fates_fd, NULL, 0);
	free(t);
}

int xdp_forwards_lend(const struct xdp_forwards *t, struct bpf_object *object)
{
	const struct {
		const char *name;
		int fd;
	} maps[] = { { XDP_WHERE_MAP, t->where_fd },
		     { XDP_FORWARD_MAP, t->entries_fd },
		     { XDP_FENCE_MAP, t->fence_fd },
		     { XDP_FATES_MAP, t->fates_fd } };
	int err = 0;

	for (size_t i = 0; !err && i < COUNT_OF(maps); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, maps[i].name);

		err = map ? bpf_map__reuse_fd(map, maps[i].fd) : -ENOENT;
	}
	return err;
}

int xdp_forwards_place(struct xdp_forwards *t, const struct addr *local, uint32_t *place)
{
	*place = xdp_forwards_find(t, local);
	if (*place < t->address_count)
		return 0;
	if (t->address_count == t->address_max)
		return -ENOSPC;
	t->addresses[t->address_count++] = *local;
	return 0;
}

/* ---- one entry ---- */

static size_t ip_size(const struct addr *a)
{
	return a->family == ADDR_V4 ? 4 : 16;
}

static uint64_t addr_sum(const struct addr *a)
{
	return head_sum(a->ip, ip_size(a));
}

/* Modulo 0xffff: what is taken away is added as its complement. */
static uint64_t sum_less(uint64_t sum)
{
	return (uint16_t)~frame_sum_fold(sum);
}

static uint64_t ssrc_sum(uint32_t ssrc)
{
	return htonl(ssrc);
}

static uint16_t plan_delta(const struct xdp_forward_plan *p)
{
	uint64_t before = addr_sum(p->from) + addr_sum(p->to) + sum_word(p->from->port) +
			  sum_word(p->to->port) + sum_word(p->payload_in) + ssrc_sum(p->ssrc_in);
	uint64_t after = addr_sum(p->out_from) + addr_sum(p->out_to) + sum_word(p->out_from->port) +
			 sum_word(p->out_to->port) + sum_word(p->payload_out) +
			 ssrc_sum(p->ssrc_out);

	return frame_sum_fold(sum_less(before) + after);
}

/* 8000: one unit each 125000 ns. It divides as jitter_arrival does, to the last bit. */
static bool plan_clock(struct xdp_forward *e, uint32_t clock_hz)
{
	uint32_t a = NS, b = clock_hz;

	if (clock_hz == 0)
		return false;
	while (b != 0) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	e->clock_mul = clock_hz / a;
	e->clock_div = NS / a;
	return e->clock_mul <= CLOCK_MUL_MAX;
}

static void plan_match(struct xdp_forward *e, const struct xdp_forward_plan *p)
{
	uint32_t most = PACKET_MAX + UDP_LEN + (p->from->family == ADDR_V4 ? IPV4_LEN : IPV6_LEN);

	e->generation = p->generation;
	memcpy(e->from, p->from->ip, sizeof(e->from));
	e->from_port = htons(p->from->port);
	e->family = p->from->family;
	e->payload_in = p->payload_in;
	e->ssrc_in = htonl(p->ssrc_in);
	e->length_max = (uint16_t)(p->mtu < most ? p->mtu : most);
	e->worker = p->worker;
	e->place = p->place;
	e->pseudo = frame_sum_fold(addr_sum(p->from) + addr_sum(p->to) + sum_word(PROTOCOL_UDP));
	e->delta = plan_delta(p);
	e->head = frame_sum_fold(sum_word((uint16_t)(IPV4_VERSION << 8 | p->tos)) +
				 sum_word((uint16_t)(p->hops << 8 | PROTOCOL_UDP)) +
				 addr_sum(p->out_from) + addr_sum(p->out_to));
	e->ssrc_out = htonl(p->ssrc_out);
}

static void plan_way(struct xdp_forward *e, const struct xdp_forward_plan *p)
{
	memcpy(e->macs, p->path.to, FRAME_MAC_LEN);
	memcpy(e->macs + FRAME_MAC_LEN, p->path.from, FRAME_MAC_LEN);
	e->ifindex = p->ifindex;
	e->crosses = p->crosses;
	memcpy(e->out_from, p->out_from->ip, sizeof(e->out_from));
	memcpy(e->out_to, p->out_to->ip, sizeof(e->out_to));
	e->out_from_port = htons(p->out_from->port);
	e->out_to_port = htons(p->out_to->port);
	e->tos = p->tos;
	e->hops = p->hops;
	e->payload_out = p->payload_out;
	e->sequence_offset = p->sequence_offset;
	e->id = p->id;
	e->timestamp_offset = p->timestamp_offset;
}

bool xdp_forward_plan(struct xdp_forward *e, const struct xdp_forward_plan *p)
{
	uint8_t family = p->from->family;

	assert(!xdp_forward_is_armed(e) && xdp_forward_is_left(e));
	assert(p->worker < XDP_FORWARD_WORKERS && p->place < XDP_FORWARD_PLACES);
	if (p->to->family != family || p->out_from->family != family ||
	    p->out_to->family != family || p->from->scope || p->out_to->scope || p->path.vlan ||
	    p->payload_in > 127 || p->payload_out > 127 || !plan_clock(e, p->clock_hz))
		return false;
	plan_match(e, p);
	plan_way(e, p);
	return true;
}

bool xdp_forward_is_planned(const struct xdp_forward *e, const struct xdp_forward_plan *p)
{
	struct xdp_forward other = *e;

	if (!plan_clock(&other, p->clock_hz))
		return false;
	plan_match(&other, p);
	plan_way(&other, p);
	other.id = e->id; /* from wherever it counts */
	return memcmp(&other, e, offsetof(struct xdp_forward, busy)) == 0;
}

bool xdp_forward_leads_by(const struct xdp_forward *e, const struct xdp_forward_plan *p)
{
	struct xdp_forward other = *e;

	plan_way(&other, p);
	other.sequence_offset = e->sequence_offset;
	other.timestamp_offset = e->timestamp_offset;
	other.payload_out = e->payload_out;
	other.id = e->id;
	return memcmp(&other.macs, &e->macs, XDP_FORWARD_LINE) == 0;
}
