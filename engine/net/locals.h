/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the owner of a UDP port: local address + port -> slot and channel, in a flat table: two
 * loads and no hash. For ports that take packets below the kernel's sockets. Workers may share one:
 * all look up, and each adds and deletes its own.
 */
#ifndef ENGINE_NET_LOCALS_H
#define ENGINE_NET_LOCALS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/addr.h"

enum {
	LOCALS_MAX = 64, /* addresses */
	LOCAL_PORTS = 1 << 16,
	/* in an entry: a bit for "taken", channel, slot, worker */
	LOCAL_IN_USE = 1,
	LOCAL_CHANNEL_AT = 1,
	LOCAL_SLOT_AT = 2,
	LOCAL_WORKER_AT = 28,
	LOCAL_SLOTS_MAX = 1 << 26,
};

struct local {
	uint32_t slot;
	uint8_t channel; /* enum channel */
	uint8_t worker;
};

struct locals {
	pthread_mutex_t lock; /* for the addresses; lookups take no lock */
	atomic_uint count;
	struct addr list[LOCALS_MAX];
	/* The IPv4 ones again, as they are in a packet; 0: place of an IPv6 address. */
	uint32_t v4[LOCALS_MAX];
	atomic_uint *ports[LOCALS_MAX]; /* LOCAL_PORTS each; 0: free */
};

void locals_open(struct locals *l);
void locals_close(struct locals *l);
/* 0, -EADDRINUSE (another's), -ENOSPC (too many addresses) or -ENOMEM. */
int locals_add(struct locals *l, const struct addr *at, const struct local *who) NODISCARD;
void locals_del(struct locals *l, const struct addr *at);
/* acquire: pairs with the release in address_add: address and table are there before the count */
static inline atomic_uint *locals_ports(const struct locals *l, const struct addr *at)
{
	uint32_t count = atomic_load_explicit(&l->count, memory_order_acquire);

	for (uint32_t i = 0; i < count; i++)
		if (addr_ip_eq(&l->list[i], at))
			return l->ports[i];
	return NULL;
}

static inline bool locals_read(atomic_uint *ports, uint16_t port, struct local *out)
{
	uint32_t value = ports ? atomic_load_explicit(&ports[port], memory_order_relaxed) : 0;

	*out = (struct local){ .slot = value << (32 - LOCAL_WORKER_AT) >>
				       (32 - LOCAL_WORKER_AT + LOCAL_SLOT_AT),
			       .channel = value >> LOCAL_CHANNEL_AT & 1,
			       .worker = (uint8_t)(value >> LOCAL_WORKER_AT) };
	return value != 0;
}

static inline bool locals_find(const struct locals *l, const struct addr *at, struct local *out)
{
	return locals_read(locals_ports(l, at), at->port, out);
}

/* The same for an address of IPv4 as it lies in a packet. */
static inline bool locals_find_v4(const struct locals *l, const uint8_t ip[4], uint16_t port,
				  struct local *out)
{
	uint32_t count = atomic_load_explicit(&l->count, memory_order_acquire), address, at;

	memcpy(&address, ip, sizeof(address));
	for (at = 0; at < count; at++)
		if (l->v4[at] == address && l->list[at].family == ADDR_V4)
			return locals_read(l->ports[at], port, out);
	return false;
}

/* Did any port of this address ever belong to us? */
bool locals_has_ip(const struct locals *l, const struct addr *at);

/* The media ports that this node has open, of all workers, with their owners. A packet from one
 * of them was sent by the node itself: a party that signals such a port as its own would make a
 * loop. */

enum { OWN_NAMES_MAX = 16 };

/* An address others know one of ours by: 1:1 NAT. */
struct own_name {
	struct addr outer, inner;
};

struct own_ports {
	struct locals open;
	uint32_t name_count;
	struct own_name names[OWN_NAMES_MAX];
};

void own_ports_open(struct own_ports *o, const struct own_name *names, uint32_t count);
void own_ports_close(struct own_ports *o);
void own_ports_add(struct own_ports *o, const struct addr *local, const struct local *who);
void own_ports_del(struct own_ports *o, const struct addr *local);
bool own_ports_has(const struct own_ports *o, const struct addr *a);
/* By the exact bound address: the owner, as it was when the port was added. */
bool own_ports_find(const struct own_ports *o, const struct addr *a, struct local *who);

#endif
