/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shards whose batches leave on one link. They leave together, in one transaction that watches the fences of all of them: EXEC forgets
 * whatever its link watches, so they cannot have one each.
 *
 *   WATCH fences, MGET fences  ->  MULTI, a batch of each shard, EXEC, WATCH fences, MGET fences  ->  ...
 *
 * With save_replicas a WAIT follows EXEC, and who waits for a batch hears of it behind that. It covers what its own connection has sent,
 * which is all of the batch. Where replicas are slow or away it ends by itself: the calls go on as with none, and so does all that leaves
 * in the next second. Each of these batches is counted.
 *
 * A shard whose fence was not its own has no part in the next one. Should another one own a shard by then, EXEC answers nil and
 * nothing happened to any of them: the answer to MGET says which shard is lost, and the batches of all others leave again.
 */
#ifndef CLUSTER_STORE_LINK_H
#define CLUSTER_STORE_LINK_H

#include "cluster/redis/buffer.h"

struct redis;
struct store_shard;
struct store_flight;

struct store_link {
	struct store_link *next; /* of the store that is shared */
	struct redis *redis;
	struct store_shard *shards; /* by link_next: who has a seat first */
	uint32_t count;
	struct store_flight *flight; /* NULL: none is on its way */
	struct redis_buffer text;    /* one is written here */
	uint64_t ready_ns;           /* the next one leaves then, at the earliest */
	uint64_t alone_ns;           /* replicas were behind: until then nobody waits for them */
};

/* 0 or -ENOMEM. */
int store_link_join(struct store_shard *s, struct redis *redis) NODISCARD;
/* Whoever waits for its batch is answered by who closes the store. */
void store_link_leave(struct store_shard *s);
/* It is down: nothing is on its way any more. */
void store_link_lost(struct store_link *l);
/* The end of a round. */
void store_link_flush(struct store_link *l);

#endif
