/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To the servers of a Redis Cluster: a link to each that has slots, and the table of slots, which one server after the other is asked for:
 * each second, and more often while a link is down. Each command goes where its key is.
 *
 * A slot that is on its way: what its server refuses with ASK is asked of the other one, behind ASKING.
 *
 * The owner is up while each slot has a server and each of these is up. When one is lost or refuses, all of them begin anew: whoever lives
 * on the owner sees one link, that is lost and comes again.
 */
#ifndef CLUSTER_REDIS_ROUTE_H
#define CLUSTER_REDIS_ROUTE_H

#include "cluster/redis/slots.h"

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
/* A server has refused a command of such a link, or of one of a single slot. True: because the slot is not there, or not now. */
bool redis_route_refused(struct redis *link, struct bytes text);
/* A server has refused a command of such a link with ASK: which one to say ASKING to, and the command. NULL: it was another refusal, or
 * that one is not reached. */
struct redis *redis_route_asked(const struct redis *link, struct bytes text);
/* A link of a single slot is to be dialled. False: nobody has the slot. */
bool redis_route_pick(struct redis *link);
void redis_route_hurry(struct redis_route *route, uint64_t now_ns);
void redis_route_expire(struct redis_route *route, uint64_t now_ns);
uint64_t redis_route_next_ns(const struct redis_route *route);

#endif
