/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers of a Redis Cluster: a link to each that has slots, and the table of slots, asked of
 * one server after the other: each second, and more often while a link is down. Each command goes
 * to the server of its key. A slot that is moving: a command that its server refuses with ASK is
 * sent to the other server, behind ASKING. The owner is up while each slot has a server and each of
 * these is up. When one is lost or refuses, all links begin anew: users of the owner see one link
 * that is lost and comes again.
 */
#ifndef CLUSTER_REDIS_ROUTE_H
#define CLUSTER_REDIS_ROUTE_H

#include "base/addr.h"

/* Which server of a Redis Cluster has which of the 16,384 slots, as a server says it (CLUSTER
 * SLOTS), or a refusal (MOVED). Pure values: nothing here is sent. */

struct redisReply;

enum { REDIS_SLOTS = 16384, REDIS_SERVERS_MAX = 64 };

/* The slot of a key: that of the text between the first '{' and the next '}', unless empty. */
uint16_t redis_slot(struct bytes key);

struct redis_slots {
	uint32_t count;                         /* of servers, replicas among them */
	struct addr servers[REDIS_SERVERS_MAX]; /* no two are the same */
	uint8_t owners[REDIS_SLOTS];            /* 1 + its place in servers; 0: nobody */
};

/* Reads the answer to CLUSTER SLOTS of the server at that address: one that does not know its own
 * name means itself. 0; -EINVAL: malformed, names a host by no address, contradicts itself about a
 * slot, or has too many servers; *out is then unchanged. */
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

struct redis;

struct redis_route {
	struct redis *owner;
	struct redis *asker; /* to one server after the other */
	struct redis_slots slots;
	struct redis *links[REDIS_SERVERS_MAX]; /* NULL behind the last one */
	uint64_t ask_ns;
	bool asked;
	bool missed; /* what the last one said was of no use */
	bool ending; /* all of them begin anew */
};

/* asker: was made for it, and is the route's from here on. 0 or -ENOMEM. */
int redis_route_open(struct redis *owner, struct redis *asker) NODISCARD;
void redis_route_close(struct redis *owner);
/* Where a command goes. NULL: it goes nowhere now. */
struct redis *redis_route_of(const struct redis *owner, const struct bytes *args, size_t n);
/* A server has refused a command of this link. True: because the slot is not there, or not now. */
bool redis_route_refused(struct redis *link, struct bytes text);
/* A server has refused a command of such a link with ASK: returns the link to say ASKING on, and
 * the command. NULL: it was another refusal, or that server is not connected. */
struct redis *redis_route_on_request(const struct redis *link, struct bytes text);
/* A link of a single slot is to be dialled. False: nobody has the slot. */
bool redis_route_pick(struct redis *link);
void redis_route_hurry(struct redis_route *route, uint64_t now_ns);
void redis_route_expire(struct redis_route *route, uint64_t now_ns);
uint64_t redis_route_next_ns(const struct redis_route *route);

#endif
