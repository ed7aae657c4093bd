/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's part in its cluster: it is told of the others by Redis (cluster/roster.h), hears them (cluster/peer/peers.h), names who may claim its
 * shards, and claims those of others (cluster/peer/claims.h). What it wins is opened by node_shard_claimed. Control thread.
 */
#ifndef APP_NODE_CLAIMANT_H
#define APP_NODE_CLAIMANT_H

#include "cluster/peer/channels.h"
#include "cluster/store/store.h"

struct node;
struct node_shard;
struct claimant;

void claimant_setup(void); /* registers the metrics; main thread, once */
/* The loop and the store are open. Where the node is in no cluster *out stays NULL, and all else does nothing. 0 or -errno. */
int claimant_open(struct claimant **out, struct node *n) NODISCARD;
void claimant_close(struct claimant *c); /* before the store; others hear that it goes */
/* Other nodes that are heard, by their ids, at most so many. How many. */
uint32_t claimant_others(const struct claimant *c, uint64_t *ids, uint32_t most);
/* This process. */
void claimant_self(const struct claimant *c, uint64_t *id, uint64_t *incarnation);
/* A process of another node that is heard: where it is. False: there is none. */
bool claimant_process(const struct claimant *c, uint64_t incarnation, struct channel_to *out);
/* The process that has that shard, as far as is known, if it is heard and another one's. */
bool claimant_owner(const struct claimant *c, uint16_t shard, struct channel_to *out);
/* Some node had it, as far as is known: the next one may be heard soon. */
bool claimant_knows(const struct claimant *c, uint16_t shard);
/* What is due. */
void claimant_expire(struct claimant *c, uint64_t now_ns);
uint64_t claimant_next_ns(const struct claimant *c);
/* End of each round. */
void claimant_flush(struct claimant *c, uint64_t now_ns);
void claimant_metrics(struct claimant *c);
/* Which shards live here has changed: those whom the keeper tells of the end of this process are to hear just that. */
void claimant_notices(struct claimant *c);
/* A lease of this node: those whom it names hear that it lives (store_tell_fn). */
void claimant_tell(struct claimant *c, const struct store_tell *tell);
/* Before a shard is asked for: its store learns what others know of its lease. */
void claimant_acquires(const struct claimant *c, const struct node_shard *s);

#endif
