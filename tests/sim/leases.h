/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns which shard, on virtual time: the real machines of cluster/lease.h, cluster/lease.h and cluster/peer/claims.h of several nodes, a
 * Redis that has no more than leases, and all that is between them. Clocks run at their own speeds, nodes stand still and go on, messages
 * are lost, late, or come twice, nobody reaches anybody for a while, and Redis forgets.
 *
 * What must hold: a shard has at most one owner that may speak; soon after all troubles it has one; who goes on with what it has in its
 * memory was the last one. `sim --leases --first SEED --seeds 1 --story` tells a seed.
 */
#ifndef TESTS_SIM_LEASES_H
#define TESTS_SIM_LEASES_H

#include "base/bytes.h"
#include "cluster/peer/claims.h"

struct sim;
struct sim_way;
struct leases;

enum { LEASES_NODES = 50, LEASES_PLACES = 200 };

struct leases_settings {
	uint32_t nodes, places;
	uint32_t watched; /* each shard by so many nodes, its own one first */
	uint64_t length_ns;
	uint64_t calls; /* of all shards: how long a load takes, */
	uint32_t
		call_us; /* each of them; a node loads one shard after the other; 0: a little, at once */
};

/* How much was done. */
struct leases_totals {
	uint64_t taken, kills, stands, cuts, forgets;
	uint64_t misled;         /* looks at two owners of whom one could not know better */
	uint64_t said, commands; /* to other nodes, to Redis */
	uint64_t back, back_ns,
		back_max_ns; /* shards of nodes that were killed, and how long they had no owner */
	uint64_t handed, handed_ns, handed_max_ns; /* by plan, likewise */
};

/* The nodes start at once. */
void leases_open(struct sim *s, const struct leases_settings *set);
void leases_close(struct sim *s);
const struct leases_totals *leases_totals(const struct sim *s);

/* ---- what goes wrong ---- */
void leases_kill(struct sim *s, uint32_t node, bool notice);
/* Its keeper says that its process is gone. */
void leases_notice(struct sim *s, uint32_t node);
/* It says that it leaves, and ends. */
void leases_leave(struct sim *s, uint32_t node);
void leases_start(struct sim *s, uint32_t node);
/* It does nothing for so long, and then all at once. */
void leases_stand(struct sim *s, uint32_t node, uint64_t ns);
bool leases_stands(const struct sim *s, uint32_t node);
/* There, and back. */
void leases_cut(struct sim *s, uint32_t node, bool asks, bool answers);
void leases_part(struct sim *s, uint32_t from, uint32_t to, bool parted);
/* Redis is gone until leases_redis_back, and has lost what it was told in so many ns. */
void leases_redis_away(struct sim *s, uint64_t forgets_ns);
void leases_redis_back(struct sim *s);
bool leases_redis_is_away(const struct sim *s);
/* Of a thousand messages. */
void leases_trouble(struct sim *s, uint32_t lost, uint32_t twice, uint32_t late);
/* All of that ends, but for what stands still or is killed. */
void leases_calm(struct sim *s);
/* Nothing becomes of them any more: each shard stays whose it is. */
void leases_rest(struct sim *s);
bool leases_are_at_rest(const struct sim *s);

/* ---- what a node has to do with them (node_lease.c) ---- */
/* It asks the owner for the shard. */
void leases_want(struct sim *s, uint32_t node, uint32_t place);
/* A save got no answer in time, or one in time. */
void leases_late(struct sim *s, uint32_t node, uint32_t place);
void leases_acked(struct sim *s, uint32_t node, uint32_t place);
/* Redis carries out what such an owner asks for. */
bool leases_admit(const struct sim *s, uint32_t node, uint32_t place, uint32_t epoch);
/* ... and has not. True: it has another owner. */
bool leases_refused(struct sim *s, uint32_t node, uint32_t place);

/* Others ask for all that it has. */
void leases_drain(struct sim *s, uint32_t node);
/* It asks for those that are at home with it. */
void leases_come_home(struct sim *s, uint32_t node);

/* ---- what is ---- */
/* How many shards it has. */
uint32_t leases_count(const struct sim *s, uint32_t node);
bool leases_speaks(const struct sim *s, uint32_t node, uint32_t place);
/* Who has it as far as that node knows; node_count: it knows nobody (claimant_owner). */
uint32_t leases_owner(const struct sim *s, uint32_t node, uint32_t place);
/* Some node had it, as far as that node knows, or may have it (claimant_knows). */
bool leases_knows(const struct sim *s, uint32_t node, uint32_t place);
/* Exactly one owner that may speak, of each. */
bool leases_are_held(struct sim *s);
/* What each node knows of those for which that is not so, in the story. */
void leases_tell(struct sim *s);
/* ... which has named others: whoever names nobody is never past, as long as it stands still. */
bool leases_are_named(struct sim *s);

/* ---- leases_run.c ---- */
/* A seed of leases alone. */
bool leases_run(struct sim *s, uint64_t seed, const struct sim_way *way);
/* Without anything around them. */
void leases_alone(struct sim *s, uint64_t seed, const struct leases_settings *set, bool story);
void leases_run_to_end(struct sim *s);

/* ---- model.c ---- */
struct model_way {
	uint32_t nodes, watched, shards; /* shards: of each */
	uint64_t calls;
};
/* A system of many nodes. False: a shard has no owner in the end, or two. */
bool model_run(const struct model_way *way);

#endif
