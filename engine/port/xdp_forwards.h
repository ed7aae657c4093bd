/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table by which our XDP programs forward ordinary RTP themselves (xdp/forward.h, docs/adr/0064): memory that all of them and this
 * process share. The main thread opens it before the workers start, and an entry is its worker's. libbpf is seen by xdp_forwards.c alone.
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
	/* beside each entry, of whoever has its flow: what the kernel does not look at */
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
	/* Of the process before, until somebody claims them; NULL: there was none. */
	struct xdp_forwards_left *left;
	/* By worker and slot, from when a flow has claimed one; NULL: each has the one of its own number. */
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
	bool doubtful; /* a packet should go through the kernel, which then asks whether its next hop is still there */
};

/* entries: of all workers, not armed; addresses: whose ports may have one. 0 or -errno; why then says in words what is wrong. */
int xdp_forwards_open(struct xdp_forwards **out, uint32_t entries, uint32_t addresses,
		      char why[XDP_WHY_MAX]) NODISCARD;
/*
 * The same of a process that is gone, as long as it was (docs/adr/0064): fds of that one, this one's from now on; 0 or -errno, and then they are
 * the caller's. Entries go on as they are.
 */
int xdp_forwards_adopt(struct xdp_forwards **out, const int fds[XDP_FORWARDS_FDS], uint32_t entries,
		       uint32_t addresses, char why[XDP_WHY_MAX]) NODISCARD;
/*
 * A flow has this port, and number of worker and slot: true: its entry is from now on that of the flow which had the port in the process
 * before, whatever worker and slot that was on. False: of a process without one before it is the one of its number; else one that no port led
 * to, or what the slot had since. By the worker, for each flow that opens, before its port is pointed to its entry.
 */
bool xdp_forwards_claim(struct xdp_forwards *t, const struct addr *local,
			uint32_t number) NODISCARD;
/* What nobody has claimed forwards no more. Any thread. How many entries did so until now. */
uint32_t xdp_forwards_settle(struct xdp_forwards *t);
/* The owner of this descriptor is gone, and others hear of that: nothing is forwarded for its shards from here on. By whoever holds it. False:
 * of another version; then the links must go. */
bool xdp_forwards_end(int fence_fd) NODISCARD;
void xdp_forwards_close(struct xdp_forwards *t);
/* A program that is loaded after this has it. 0 or -errno. */
int xdp_forwards_lend(const struct xdp_forwards *t, struct bpf_object *object) NODISCARD;
/* Number of the address in the table, which it has from now on. 0 or -ENOSPC. */
int xdp_forwards_place(struct xdp_forwards *t, const struct addr *local, uint32_t *place) NODISCARD;

/* address_count: it has none. */
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

/* Packets to this address and port look at the entry; NULL: at none. Of an address without a place: nothing is done. */
static inline void xdp_forwards_point(const struct xdp_forwards *t, const struct addr *local,
				      const struct xdp_forward *e)
{
	uint32_t place = xdp_forwards_find(t, local), at = place * XDP_FORWARD_PORTS + local->port;

	if (place == t->address_count)
		return;
	__atomic_store_n(&t->where[at / XDP_WHERE_PORTS].number[at % XDP_WHERE_PORTS],
			 e ? (uint32_t)(e - t->entries) + 1 : 0, __ATOMIC_RELAXED);
}

/* Until when a shard may speak: UINT64_MAX at first, as clock_to_kernel has it. */
static inline void xdp_forwards_valid(const struct xdp_forwards *t, uint8_t place,
				      uint64_t until_ns)
{
	assert(place < XDP_FORWARD_PLACES);
	__atomic_store_n(&t->fence->valid_until[place], until_ns, __ATOMIC_RELAXED);
}

/* Until when the process is believed to be there, by any of its threads: UINT64_MAX at first. */
static inline void xdp_forwards_present(const struct xdp_forwards *t, uint64_t until_ns)
{
	__atomic_store_n(&t->fence->present_until, until_ns, __ATOMIC_RELAXED);
}

/* Until when this worker is believed to be there, and so its process: by the worker, UINT64_MAX at first. */
static inline void xdp_forwards_alive(const struct xdp_forwards *t, uint32_t worker,
				      uint64_t until_ns)
{
	assert(worker < XDP_FORWARD_WORKERS);
	__atomic_store_n(&t->fence->alive_until[worker], until_ns, __ATOMIC_RELAXED);
	xdp_forwards_present(t, until_ns);
}

/* ---- one entry, by its worker ---- */

/* From here on the program forwards. release: what was written before is there for who reads it behind armed. */
static inline void xdp_forward_arm(struct xdp_forward *e)
{
	__atomic_store_n(&e->armed, 1, __ATOMIC_RELEASE);
}

/* From here on nothing begins to be forwarded; what has begun is over when the entry has been left. seq_cst: busy is read after this, and a
 * program that has not seen it is seen to be busy (busy_add). */
static inline void xdp_forward_disarm(struct xdp_forward *e)
{
	__atomic_store_n(&e->armed, 0, __ATOMIC_SEQ_CST);
}

static inline bool xdp_forward_is_armed(const struct xdp_forward *e)
{
	return __atomic_load_n(&e->armed, __ATOMIC_SEQ_CST) != 0;
}

/* Nobody is at work on it. Where it is not armed it stays so, and what it says is final: pairs with busy_add, before which the program wrote. */
static inline bool xdp_forward_is_left(const struct xdp_forward *e)
{
	return __atomic_load_n(&e->busy, __ATOMIC_SEQ_CST) == 0;
}

/* Number of the last RTP packet of its party that the program left to us. acquire: what was forwarded before that is there, too. */
static inline uint16_t xdp_forward_up(const struct xdp_forward *e)
{
	return (uint16_t)__atomic_load_n(&e->up, __ATOMIC_ACQUIRE);
}

/* Lines 0 and 1 of one that is not armed and has been left. False: a way that the program does not know, such as from one family to another. */
bool xdp_forward_plan(struct xdp_forward *e, const struct xdp_forward_plan *plan);
/* Whose packets does it forward? */
static inline bool xdp_forward_is_from(const struct xdp_forward *e, const struct addr *a)
{
	return e->family == a->family && e->from_port == htons(a->port) &&
	       memcmp(e->from, a->ip, sizeof(e->from)) == 0;
}

/* Has it been written by such a plan? */
bool xdp_forward_is_planned(const struct xdp_forward *e, const struct xdp_forward_plan *plan);
/* To whom does it send them? */
static inline bool xdp_forward_is_to(const struct xdp_forward *e, const struct addr *a)
{
	return e->out_to_port == htons(a->port) && memcmp(e->out_to, a->ip, sizeof(e->out_to)) == 0;
}

/* By the same next hop? */
static inline bool xdp_forward_is_by(const struct xdp_forward *e, const struct xdp_forward_plan *p)
{
	return e->ifindex == p->ifindex && memcmp(e->macs, p->path.to, FRAME_MAC_LEN) == 0;
}

/* Does it do what it would do by this plan? Of the way alone: from whom, and what its numbers become, is not looked at. */
bool xdp_forward_leads_by(const struct xdp_forward *e, const struct xdp_forward_plan *plan);

#endif
