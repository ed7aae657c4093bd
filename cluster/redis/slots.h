/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which server of a Redis Cluster has which of the 16,384 slots, as one of them says it (CLUSTER SLOTS) or as a refusal does (MOVED).
 * Pure values: nothing here is sent.
 */
#ifndef CLUSTER_REDIS_SLOTS_H
#define CLUSTER_REDIS_SLOTS_H

#include "base/addr.h"

struct redisReply;

enum { REDIS_SLOTS = 16384, REDIS_SERVERS_MAX = 64 };

/* The slot of a key: that of what stands between the first '{' and the next '}', if that is something. */
uint16_t redis_slot(struct bytes key);

struct redis_slots {
	uint32_t count;                         /* of servers, replicas among them */
	struct addr servers[REDIS_SERVERS_MAX]; /* no two are the same */
	uint8_t owners[REDIS_SLOTS];            /* 1 + its place in servers; 0: nobody */
};

/* The answer to CLUSTER SLOTS of the server at that address: one that does not know its own name means itself. 0, or -EINVAL: it is
 * none, names a host by no address, says two things of one slot, or has too many servers; *out is as it was then. */
int redis_slots_read(struct redis_slots *out, const struct redisReply *reply,
		     const struct addr *from) NODISCARD;
/* "MOVED 3999 192.0.2.1:6381" of a server at that address. 0 or -EINVAL. */
int redis_moved_read(uint16_t *slot, struct addr *to, struct bytes text,
		     const struct addr *from) NODISCARD;
/* The same of "ASK 3999 192.0.2.1:6381": the slot is on its way there. */
int redis_ask_read(uint16_t *slot, struct addr *to, struct bytes text,
		   const struct addr *from) NODISCARD;
/* It is there from now on. 0 or -ENOSPC. */
int redis_slots_move(struct redis_slots *s, uint16_t slot, const struct addr *to) NODISCARD;
/* NULL: nobody has it. */
const struct addr *redis_slots_owner(const struct redis_slots *s, uint16_t slot);
/* Each slot has an owner. */
bool redis_slots_are_whole(const struct redis_slots *s);

#endif
