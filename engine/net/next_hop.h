/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The next hop of a datagram: from the kernel's own routes and neighbours, asked once for each
 * destination and kept current by its notifications. For ports below the kernel's IP; one table per
 * worker, only for its thread.
 *
 * What is unknown or uncertain is left to the kernel: a packet sent through a socket makes it
 * resolve or confirm the neighbour, and we receive the result. So none of this needs a privilege,
 * and a station that moved is noticed even though the kernel does not see our frames.
 */
#ifndef ENGINE_NET_NEXT_HOP_H
#define ENGINE_NET_NEXT_HOP_H

#include "base/addr.h"
#include "base/table.h"
#include "engine/net/frame.h"

enum { NEXT_HOP_DEVICES_MAX = 16 };

struct next_hops;

struct next_hop {
	struct frame_path path;
	uint32_t ifindex; /* by which it leaves: of the VLAN, where the path has a tag */
	uint32_t device;  /* index into the interfaces given to next_hops_open */
	uint16_t mtu;     /* of the path, IP heads included */
	uint8_t hops;     /* TTL or hop limit of the route; 0: the default */
	bool doubtful;    /* of next_hop_look */
};

struct next_hop_settings {
	/* Ethernet devices for our frames, with the VLANs on them. */
	uint32_t ifindex[NEXT_HOP_DEVICES_MAX];
	uint32_t device_count;
	uint32_t destinations; /* remembered; the least used is forgotten */
	struct hash_key key;
};

/* 0 or -errno. */
int next_hops_open(struct next_hops **out, const struct next_hop_settings *settings) NODISCARD;
void next_hops_close(struct next_hops *t);
void next_hops_read(struct next_hops *t, uint64_t now_ns);
/* Something known of a path is wrong, such as an MTU: from the next read on everything is asked
 * again, and nothing is used before the answer. */
void next_hops_doubt(struct next_hops *t);
/* Takes messages of rtnetlink(7), as next_hops_read does. */
void next_hops_on_messages(struct next_hops *t, struct bytes messages, uint64_t now_ns);
/* False: leave the packet to the kernel. Its requests wait for next_hops_flush. */
bool next_hop_find(struct next_hops *t, const struct addr *from, const struct addr *to,
		   uint64_t now_ns, struct next_hop *out);
/* For packets that others send by that route; false: it is unknown. Doubtful once in each second in
 * which the kernel should confirm the neighbour: then the caller sends one by next_hop_find,
 * through the kernel. */
bool next_hop_look(struct next_hops *t, const struct addr *from, const struct addr *to,
		   uint64_t now_ns, struct next_hop *out);
/* Sends next_hop_find's requests: at most one system call, often none. */
void next_hops_flush(struct next_hops *t);
/* Another device took the place of the one with this index. */
void next_hops_device(struct next_hops *t, uint32_t device, uint32_t ifindex);
/* Whether the kernel has a device for this tag on it (0: untagged), and it is up. */
bool next_hops_has_vlan(const struct next_hops *t, uint32_t device, uint16_t vlan);

#endif
