/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of forwarding entries that workers share with the XDP program, as mapped BPF arrays
 * (xdp/forward.h): creating it, adopting that of a dead process, and turning a plan of a worker
 * into an entry. shortcut.c arms and reads the entries. A flow of the previous process keeps its
 * entry by its port, so forwarding does not pause while the node restarts (docs/adr/0064). Each
 * entry has one worker; order between it and the program is by busy and armed.
 */

#include "engine/port/xdp_forwards.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/validity.h"
#include "engine/net/frame.h"
#include "engine/net/packet.h"

enum {
	NS = 1000000000,
	WHERES = XDP_FORWARD_PORTS / XDP_WHERE_PORTS, /* of an address */
	/* ns * mul is less than 2^64 for nine years after the machine's start */
	CLOCK_MUL_MAX = 64,
};

static_assert((int)XDP_FATES <= (int)XDP_FATES_ROOM, "each fate has its count");
static_assert((int)XDP_FORWARD_PLACES > (int)VALID_PLACES, "each place has its time");

/* ---- maps ---- */

static int forwards_failed(char why[XDP_WHY_MAX], int err)
{
	(void)snprintf(why, XDP_WHY_MAX, "the table of what the kernel forwards: %s%s",
		       strerror(-err),
		       err == -EPERM || err == -EACCES ? "; needs CAP_BPF and CAP_PERFMON" : "");
	return err;
}

static int forwards_mmap(int fd, void **at, size_t size)
{
	*at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*at != MAP_FAILED)
		return 0;
	*at = NULL;
	return -errno;
}

static size_t kept_size(const struct xdp_forwards *t)
{
	return (size_t)t->entry_count * XDP_KEPT_OCTETS;
}

static int forwards_mmap_all(struct xdp_forwards *t)
{
	void *at[XDP_FORWARDS_FDS] = { NULL };
	int err = forwards_mmap(t->fds[XDP_FORWARDS_WHERE], &at[XDP_FORWARDS_WHERE],
				sizeof(*t->where) * t->address_max * WHERES);

	if (!err)
		err = forwards_mmap(t->fds[XDP_FORWARDS_ENTRIES], &at[XDP_FORWARDS_ENTRIES],
				    sizeof(*t->entries) * t->entry_count);
	if (!err)
		err = forwards_mmap(t->fds[XDP_FORWARDS_FENCE], &at[XDP_FORWARDS_FENCE],
				    sizeof(*t->fence));
	if (!err)
		err = forwards_mmap(t->fds[XDP_FORWARDS_KEPT], &at[XDP_FORWARDS_KEPT],
				    kept_size(t));
	t->where = at[XDP_FORWARDS_WHERE];
	t->entries = at[XDP_FORWARDS_ENTRIES];
	t->fence = at[XDP_FORWARDS_FENCE];
	t->kept = at[XDP_FORWARDS_KEPT];
	return err;
}

/* A descriptor, or -errno. */
static int forwards_map(const char *name, size_t size, uint32_t count)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	return bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), (uint32_t)size, count,
			      &opts);
}

/* Pages of it cost nothing before they are used. */
static int kept_make(const struct xdp_forwards *t)
{
	int fd = memfd_create("tandem_kept", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, (off_t)kept_size(t)) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -errno;
}

static int forwards_make(struct xdp_forwards *t)
{
	int *fds = t->fds;

	fds[XDP_FORWARDS_WHERE] =
		forwards_map(XDP_WHERE_MAP, sizeof(*t->where), t->address_max * WHERES);
	fds[XDP_FORWARDS_ENTRIES] =
		forwards_map(XDP_FORWARD_MAP, sizeof(*t->entries), t->entry_count);
	fds[XDP_FORWARDS_FENCE] = forwards_map(XDP_FENCE_MAP, sizeof(*t->fence), 1);
	fds[XDP_FORWARDS_CPUS] = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, XDP_CPUS_MAP,
						sizeof(uint32_t), sizeof(struct xdp_cpu), 1, NULL);
	fds[XDP_FORWARDS_KEPT] = kept_make(t);
	for (int i = 0; i < XDP_FORWARDS_FDS; i++)
		if (fds[i] < 0)
			return fds[i];
	return forwards_mmap_all(t);
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

static struct xdp_forwards *forwards_new(uint32_t entries, uint32_t addresses)
{
	struct xdp_forwards *t = calloc(1, sizeof(*t));

	assert(entries > 0 && addresses > 0 && addresses <= XDP_ADDRESSES_MAX);
	if (!t)
		return NULL;
	for (int i = 0; i < XDP_FORWARDS_FDS; i++)
		t->fds[i] = -1;
	t->entry_count = entries;
	t->address_max = addresses;
	return t;
}

int xdp_forwards_open(struct xdp_forwards **out, uint32_t entries, uint32_t addresses,
		      char why[XDP_WHY_MAX])
{
	struct xdp_forwards *t = forwards_new(entries, addresses);
	int err = t ? forwards_make(t) : -ENOMEM;

	if (err) {
		xdp_forwards_close(t);
		return forwards_failed(why, err);
	}
	fence_open(t->fence);
	*out = t;
	return 0;
}

static void forwards_unmap(void *at, size_t size)
{
	if (at)
		(void)munmap(at, size);
}

void xdp_forwards_close(struct xdp_forwards *t)
{
	if (!t)
		return;
	forwards_unmap(t->where, sizeof(*t->where) * t->address_max * WHERES);
	forwards_unmap(t->entries, sizeof(*t->entries) * t->entry_count);
	forwards_unmap(t->fence, sizeof(*t->fence));
	forwards_unmap(t->kept, kept_size(t));
	for (int i = 0; i < XDP_FORWARDS_FDS; i++)
		if (t->fds[i] >= 0)
			(void)close(t->fds[i]);
	free(t->left);
	free(t->entry_of);
	free(t);
}

/* ---- of the process before ---- */

enum left_state {
	LEFT_FREE,    /* unused, and no port of the process before led to it */
	LEFT_POINTED, /* for a flow with that port */
	LEFT_CLAIMED, /* some flow's, or its slot's since */
};

struct xdp_forwards_left {
	_Atomic uint32_t next; /* where a free one is looked for */
	_Atomic uint8_t state[];
};

static bool fence_is_ours(const struct xdp_fence *f)
{
	return f->version == XDP_FORWARD_VERSION && f->entry == sizeof(struct xdp_forward);
}

static bool left_change(struct xdp_forwards *t, uint32_t entry, enum left_state from,
			enum left_state to)
{
	uint8_t before = (uint8_t)from;

	return atomic_compare_exchange_strong_explicit(&t->left->state[entry], &before, (uint8_t)to,
						       memory_order_acq_rel, memory_order_relaxed);
}

/* The entry that a port leads to, by its place in where; or XDP_NO_ENTRY. */
static uint32_t pointed(const struct xdp_forwards *t, uint32_t at)
{
	uint32_t number = __atomic_load_n(
		&t->where[at / XDP_WHERE_PORTS].number[at % XDP_WHERE_PORTS], __ATOMIC_RELAXED);

	return number > 0 && number <= t->entry_count ? number - 1 : XDP_NO_ENTRY;
}

static int left_open(struct xdp_forwards *t)
{
	t->left = calloc(1, sizeof(*t->left) + t->entry_count);
	t->entry_of = calloc(t->entry_count, sizeof(*t->entry_of));
	if (!t->left || !t->entry_of)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->entry_count; i++)
		t->entry_of[i] = XDP_NO_ENTRY;
	for (uint32_t at = 0; at < t->address_max * XDP_FORWARD_PORTS; at++)
		if (pointed(t, at) != XDP_NO_ENTRY)
			atomic_init(&t->left->state[pointed(t, at)], LEFT_POINTED);
	return 0;
}

static int forwards_join(struct xdp_forwards *t)
{
	int err = forwards_mmap_all(t);

	if (!err && !fence_is_ours(t->fence))
		err = -EPROTO;
	return err ? err : left_open(t);
}

int xdp_forwards_adopt(struct xdp_forwards **out, const int fds[XDP_FORWARDS_FDS], uint32_t entries,
		       uint32_t addresses, char why[XDP_WHY_MAX])
{
	struct xdp_forwards *t = forwards_new(entries, addresses);
	int err = -ENOMEM;

	if (t) {
		memcpy(t->fds, fds, sizeof(t->fds));
		err = forwards_join(t);
	}
	if (err) {
		for (int i = 0; t && i < XDP_FORWARDS_FDS; i++)
			t->fds[i] = -1; /* the caller's */
		xdp_forwards_close(t);
		return forwards_failed(why, err);
	}
	*out = t;
	return 0;
}

/* There are as many entries as slots, and slots as ports, so one is free; except for a moment, or
 * if two ports led to one entry. */
static bool left_claim_free(struct xdp_forwards *t, uint32_t number, enum left_state state)
{
	uint32_t begin = atomic_load_explicit(&t->left->next, memory_order_relaxed);

	for (uint32_t i = 0; i < t->entry_count; i++) {
		uint32_t entry = (begin + i) % t->entry_count;

		if (!left_change(t, entry, state, LEFT_CLAIMED))
			continue;
		atomic_store_explicit(&t->left->next, entry + 1, memory_order_relaxed);
		t->entry_of[number] = entry;
		return true;
	}
	return false;
}

static void left_claim_any(struct xdp_forwards *t, uint32_t number)
{
	while (!left_claim_free(t, number, LEFT_FREE) && !left_claim_free(t, number, LEFT_POINTED))
		continue;
}

bool xdp_forwards_claim(struct xdp_forwards *t, const struct addr *local, uint32_t number)
{
	uint32_t place = xdp_forwards_find(t, local), had, mine;

	if (!t->left)
		return false;
	mine = t->entry_of[number];
	had = place < t->address_count ? pointed(t, place * XDP_FORWARD_PORTS + local->port)
				       : XDP_NO_ENTRY;
	if (had != XDP_NO_ENTRY && left_change(t, had, LEFT_POINTED, LEFT_CLAIMED)) {
		t->entry_of[number] = had;
		if (mine != XDP_NO_ENTRY)
			(void)left_change(t, mine, LEFT_CLAIMED, LEFT_FREE);
		return true;
	}
	if (mine == XDP_NO_ENTRY)
		left_claim_any(t, number);
	return false;
}

/* It may soon be another flow's. A flow that opens now may have redirected the port. */
static bool left_end(struct xdp_forwards *t, uint32_t at, uint32_t entry)
{
	uint32_t *number = &t->where[at / XDP_WHERE_PORTS].number[at % XDP_WHERE_PORTS];
	uint32_t before = entry + 1;
	bool armed;

	if (!left_change(t, entry, LEFT_POINTED, LEFT_CLAIMED))
		return false;
	armed = xdp_forward_is_armed(&t->entries[entry]);
	xdp_forward_disarm(&t->entries[entry]);
	(void)__atomic_compare_exchange_n(number, &before, 0, false, __ATOMIC_RELAXED,
					  __ATOMIC_RELAXED);
	(void)left_change(t, entry, LEFT_CLAIMED, LEFT_FREE);
	return armed;
}

uint32_t xdp_forwards_settle(struct xdp_forwards *t)
{
	uint32_t ended = 0;

	for (uint32_t at = 0; t->left && at < t->address_max * XDP_FORWARD_PORTS; at++) {
		uint32_t entry = pointed(t, at);

		if (entry != XDP_NO_ENTRY)
			ended += left_end(t, at, entry);
	}
	return ended;
}

bool xdp_forwards_end(int fence_fd)
{
	struct xdp_fence *f;
	void *at;
	bool ours;

	(void)forwards_mmap(fence_fd, &at, sizeof(*f));
	if (!at)
		return false;
	f = at;
	ours = fence_is_ours(f);
	for (uint32_t i = 1; ours && i < XDP_FORWARD_PLACES; i++) /* 0: of no shard */
		__atomic_store_n(&f->valid_until[i], 0, __ATOMIC_SEQ_CST);
	(void)munmap(at, sizeof(*f));
	return ours;
}

int xdp_forwards_lend(const struct xdp_forwards *t, struct bpf_object *object)
{
	const struct {
		const char *name;
		int fd;
	} maps[] = { { XDP_WHERE_MAP, t->fds[XDP_FORWARDS_WHERE] },
		     { XDP_FORWARD_MAP, t->fds[XDP_FORWARDS_ENTRIES] },
		     { XDP_FENCE_MAP, t->fds[XDP_FORWARDS_FENCE] },
		     { XDP_CPUS_MAP, t->fds[XDP_FORWARDS_CPUS] } };
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

static uint16_t plan_delta(const struct xdp_forward_plan *p)
{
	uint64_t before = addr_sum(p->from) + addr_sum(p->to) + sum_word(p->from->port) +
			  sum_word(p->to->port) + sum_word(p->payload_in) + htonl(p->ssrc_in);
	uint64_t after = addr_sum(p->out_from) + addr_sum(p->out_to) + sum_word(p->out_from->port) +
			 sum_word(p->out_to->port) + sum_word(p->payload_out) + htonl(p->ssrc_out);

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
