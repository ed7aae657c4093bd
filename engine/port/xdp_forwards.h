/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table by which our XDP programs forward ordinary RTP themselves (xdp/forward.h,
 * docs/adr/0064): memory shared by all of them and this process. The main thread opens it before
 * the workers start, and each entry is its worker's. Only xdp_forwards.c uses libbpf.
 */
#ifndef ENGINE_PORT_XDP_FORWARDS_H
#define ENGINE_PORT_XDP_FORWARDS_H

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "engine/net/frame.h"
#include "engine/port/xdp/forward.h"
#include "engine/port/xdp/media.h"
#include "engine/port/xdp_program.h"

enum {
	/* beside each entry, for its flow's owner: not read by the kernel */
	XDP_KEPT_OCTETS = 1024,
};

#define XDP_NO_ENTRY UINT32_MAX

/* Descriptors that hold all of it. */
enum xdp_forwards_fd {
	XDP_FORWARDS_WHERE,
	XDP_FORWARDS_ENTRIES,
	XDP_FORWARDS_FENCE,
	XDP_FORWARDS_CPUS,
	XDP_FORWARDS_KEPT,
	XDP_FORWARDS_FDS,
};

struct xdp_forwards {
	int fds[XDP_FORWARDS_FDS];
	uint8_t *kept; /* XDP_KEPT_OCTETS for each entry, and no more of the kernel's than memory */
	struct xdp_where *where;
	struct xdp_forward *entries;
	struct xdp_fence *fence;
	uint32_t entry_count, address_max, address_count;
	struct addr addresses[XDP_ADDRESSES_MAX];
	/* Of the process before, until a flow claims them; NULL: there was no such process. */
	struct xdp_forwards_left *left;
	/* By worker and slot, once claimed by a flow; NULL: each has the one of its number. */
	uint32_t *entry_of;
	bool keeps_times; /* while validity tells what it does not know yet */
};

/* What an entry does: packets of a party, and what they become. */
struct xdp_forward_plan {
	const struct addr *from, *to;         /* the party, and where it sends to */
	const struct addr *out_from, *out_to; /* of that family, too */
	struct frame_path path;               /* untagged */
	uint32_t ifindex;
	bool crosses; /* also what came by another interface */
	uint16_t mtu; /* of the path, IP heads included */
	uint8_t tos, hops;
	uint8_t payload_in, payload_out;
	uint32_t ssrc_in, ssrc_out;
	uint32_t clock_hz;
	uint16_t sequence_offset;
	uint32_t timestamp_offset;
	uint16_t id; /* from where the identifiers of IPv4 count */
	uint8_t worker, place;
	uint32_t generation;
	/* not of the entry */
	bool waits; /* what the port was given to send may not have left yet */
	/* A packet should go through the kernel, which then checks the next hop. */
	bool doubtful;
};

/* entries: for all workers, disarmed; addresses: those with ports that may have one. Returns 0, or
 * -errno with the reason in `why`. */
int xdp_forwards_open(struct xdp_forwards **out, uint32_t entries, uint32_t addresses,
		      char why[XDP_WHY_MAX]) NODISCARD;
/* Adopts that of a dead process, unchanged (docs/adr/0064): this process owns the fds from now on,
 * unless it fails with -errno. Entries continue as they are. */
int xdp_forwards_adopt(struct xdp_forwards **out, const int fds[XDP_FORWARDS_FDS], uint32_t entries,
		       uint32_t addresses, char why[XDP_WHY_MAX]) NODISCARD;
/* For each flow that opens, on its worker, before its port is pointed to its entry. True: it
 * continues with the entry of the previous process's flow on that port, whatever worker and slot
 * that had. False: without a previous process it is the entry of its number; else one that no port
 * led to, or what the slot has had since. */
bool xdp_forwards_claim(struct xdp_forwards *t, const struct addr *local,
			uint32_t number) NODISCARD;
/* Unclaimed entries stop forwarding. Any thread. Returns how many forwarded until now. */
uint32_t xdp_forwards_settle(struct xdp_forwards *t);
/* The descriptor's owner is gone: nothing is forwarded for its shards from here on. Called by the
 * holder of the descriptor. False: another version; then the links must go. */
bool xdp_forwards_end(int fence_fd) NODISCARD;
void xdp_forwards_close(struct xdp_forwards *t);
/* A program that is loaded after this has it. 0 or -errno. */
int xdp_forwards_lend(const struct xdp_forwards *t, struct bpf_object *object) NODISCARD;
/* Number of the address in the table, which it has from now on. 0 or -ENOSPC. */
int xdp_forwards_place(struct xdp_forwards *t, const struct addr *local, uint32_t *place) NODISCARD;

/* address_count: it has no place. */
static inline uint32_t xdp_forwards_find(const struct xdp_forwards *t, const struct addr *local)
{
	uint32_t i = 0;

	while (i < t->address_count && !addr_ip_eq(&t->addresses[i], local))
		i++;
	return i;
}

/* The entry of a worker's slot, by number: worker * slots + slot. */
static inline struct xdp_forward *xdp_forwards_entry(const struct xdp_forwards *t, uint32_t number)
{
	if (t->entry_of) {
		number = t->entry_of[number];
		assert(number != XDP_NO_ENTRY);
	}
	return &t->entries[number];
}

/* And what is beside it. */
static inline void *xdp_forwards_kept(const struct xdp_forwards *t, const struct xdp_forward *e)
{
	return t->kept + (size_t)(e - t->entries) * XDP_KEPT_OCTETS;
}

/* Packets to this address and port use the entry; NULL: no entry. Without a place for the address
 * nothing is done. */
static inline void xdp_forwards_point(const struct xdp_forwards *t, const struct addr *local,
				      const struct xdp_forward *e)
{
	uint32_t place = xdp_forwards_find(t, local), at = place * XDP_FORWARD_PORTS + local->port;

	if (place == t->address_count)
		return;
	__atomic_store_n(&t->where[at / XDP_WHERE_PORTS].number[at % XDP_WHERE_PORTS],
			 e ? (uint32_t)(e - t->entries) + 1 : 0, __ATOMIC_RELAXED);
}

/* Until when a shard may send: UINT64_MAX at first, by clock_to_kernel. */
static inline void xdp_forwards_valid(const struct xdp_forwards *t, uint8_t place,
				      uint64_t until_ns)
{
	assert(place < XDP_FORWARD_PLACES);
	__atomic_store_n(&t->fence->valid_until[place], until_ns, __ATOMIC_RELAXED);
}

/* Until when the process counts as present, by any of its threads: UINT64_MAX at first. */
static inline void xdp_forwards_present(const struct xdp_forwards *t, uint64_t until_ns)
{
	__atomic_store_n(&t->fence->present_until, until_ns, __ATOMIC_RELAXED);
}

/* Until when this worker and its process count as alive: set by the worker, UINT64_MAX at first. */
static inline void xdp_forwards_alive(const struct xdp_forwards *t, uint32_t worker,
				      uint64_t until_ns)
{
	assert(worker < XDP_FORWARD_WORKERS);
	__atomic_store_n(&t->fence->alive_until[worker], until_ns, __ATOMIC_RELAXED);
	xdp_forwards_present(t, until_ns);
}

/* ---- one entry, by its worker ---- */

/* The program forwards from here on. release: earlier writes are visible to a reader of armed. */
static inline void xdp_forward_arm(struct xdp_forward *e)
{
	__atomic_store_n(&e->armed, 1, __ATOMIC_RELEASE);
}

/* Nothing begins to be forwarded from here on; what has begun is over once the entry has been
 * left. seq_cst: busy is read after this, and a program that has not seen it is seen as busy
 * (busy_add). */
static inline void xdp_forward_disarm(struct xdp_forward *e)
{
	__atomic_store_n(&e->armed, 0, __ATOMIC_SEQ_CST);
}

static inline bool xdp_forward_is_armed(const struct xdp_forward *e)
{
	return __atomic_load_n(&e->armed, __ATOMIC_SEQ_CST) != 0;
}

/* True if nobody works on it. If disarmed it stays so, and its contents are final: pairs with
 * busy_add, which follows the program's writes. */
static inline bool xdp_forward_is_left(const struct xdp_forward *e)
{
	return __atomic_load_n(&e->busy, __ATOMIC_SEQ_CST) == 0;
}

/* Number of the party's last RTP packet left to us. acquire: what was forwarded before is seen. */
static inline uint16_t xdp_forward_up(const struct xdp_forward *e)
{
	return (uint16_t)__atomic_load_n(&e->up, __ATOMIC_ACQUIRE);
}

/* Writes lines 0 and 1 of an entry that is disarmed and has been left. False: the program cannot do
 * it, as from one family to another. */
bool xdp_forward_plan(struct xdp_forward *e, const struct xdp_forward_plan *plan);
/* Whether it forwards packets from that party. */
static inline bool xdp_forward_is_from(const struct xdp_forward *e, const struct addr *a)
{
	return e->family == a->family && e->from_port == htons(a->port) &&
	       memcmp(e->from, a->ip, sizeof(e->from)) == 0;
}

/* Whether it was written by an equal plan. */
bool xdp_forward_is_planned(const struct xdp_forward *e, const struct xdp_forward_plan *plan);
/* Whether it sends them to that party. */
static inline bool xdp_forward_is_to(const struct xdp_forward *e, const struct addr *a)
{
	return e->out_to_port == htons(a->port) && memcmp(e->out_to, a->ip, sizeof(e->out_to)) == 0;
}

/* By the same next hop? */
static inline bool xdp_forward_is_by(const struct xdp_forward *e, const struct xdp_forward_plan *p)
{
	return e->ifindex == p->ifindex && memcmp(e->macs, p->path.to, FRAME_MAC_LEN) == 0;
}

/* Whether it does what this plan says. Only the path counts: not the source, nor the numbers. */
bool xdp_forward_leads_by(const struct xdp_forward *e, const struct xdp_forward_plan *plan);

#endif
