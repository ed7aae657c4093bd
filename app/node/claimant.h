/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's part in its cluster: it learns the other nodes from Redis (cluster/roster.h), hears them
 * (cluster/peer/peers.h), names claimants of its shards, and claims those of others
 * (cluster/peer/claims.h). node_shard_claimed opens a shard that it wins. Control thread.
 */
#ifndef APP_NODE_CLAIMANT_H
#define APP_NODE_CLAIMANT_H

#include "cluster/peer/channels.h"
#include "cluster/store/store.h"

struct node;
struct node_shard;
struct claimant;

void claimant_setup(void); /* registers the metrics; main thread, once */
/* The loop and the store are open. Without a cluster *out stays NULL, and all else does nothing.
 * 0 or -errno. */
int claimant_open(struct claimant **out, struct node *n) NODISCARD;
/* The node stops: Redis is told that it is gone, while the loop runs on until claimant_has_left. */
void claimant_leave(struct claimant *c);
bool claimant_has_left(const struct claimant *c);
/* Before the store is closed: tells other nodes that it goes, and stops listening to them. */
void claimant_stop(struct claimant *c);
void claimant_close(struct claimant *c); /* after the store */

/* A node of the cluster, as Redis had it when that was last read. */
struct claimant_node {
	struct roster_node node;
	bool alive; /* its beat goes on */
	bool heard; /* by this one; never itself */
};
/* All of them, itself too: i from 0 on. False: no more. */
bool claimant_node(const struct claimant *c, uint32_t i, struct claimant_node *out);
/* What a heard node says of itself (cluster/peer/peers.h); NULL: nothing yet. */
struct standing;
const struct standing *claimant_standing(const struct claimant *c, uint64_t id);
/* That node is to ask for the shard, wherever it is. Said once: it may be lost. */
void claimant_let_claim(const struct claimant *c, uint64_t id, uint16_t shard);
/* What this node knows of a shard's lease; NULL: nothing. */
const struct claim *claimant_claim(const struct claimant *c, uint16_t shard);
/* A node that is not alive is gone for good: no lease names it any more.
 * One that had left is forgotten. */
void claimant_remove(struct claimant *c, const struct roster_node *node);
/* Ids of other nodes that are heard, at most so many. Returns their number. */
uint32_t claimant_others(const struct claimant *c, uint64_t *ids, uint32_t most);
/* This process. */
void claimant_self(const struct claimant *c, uint64_t *id, uint64_t *incarnation);
/* Where that process of another node is. False: it is not heard. */
bool claimant_process(const struct claimant *c, uint64_t incarnation, struct channel_to *out);
/* Processes of all other nodes that are heard, at most so many. Returns their number. */
uint32_t claimant_processes(const struct claimant *c, struct channel_to *out, uint32_t most);
/* The known owner's process, if it is heard and not this one. */
bool claimant_owner(const struct claimant *c, uint16_t shard, struct channel_to *out);
/* Some node had it, as far as is known, or Redis has not said yet: one may be heard soon. */
bool claimant_knows(const struct claimant *c, uint16_t shard);
/* What is due. */
void claimant_expire(struct claimant *c, uint64_t now_ns);
uint64_t claimant_next_ns(const struct claimant *c);
/* End of each round. */
void claimant_flush(struct claimant *c, uint64_t now_ns);
void claimant_metrics(struct claimant *c);
/* Shards have become live here, or ended:
 * renews what the keeper tells other nodes at the end of this process. */
void claimant_notifies(struct claimant *c);
/* A shard has come to live here: its lease names others at once. */
void claimant_lives(struct claimant *c);
/* A lease of this node: the named nodes are notified that it is renewed (store_notice_fn). */
void claimant_notify(struct claimant *c, const struct store_claim_report *tell);
/* Before a shard is asked for: its store learns what others know of its lease. */
void claimant_acquires(const struct claimant *c, const struct node_shard *s);

#endif
