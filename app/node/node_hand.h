/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster.rebalance: plans by cluster/roster.h from what this node sees of the others, and carries
 * it out. The new owner of a shard is told to request it, again and again, until it has it; no node
 * gives or takes two shards at once. Control thread.
 */
#ifndef APP_NODE_NODE_HAND_H
#define APP_NODE_NODE_HAND_H

#include "app/node/claimant.h"
#include "cluster/roster.h"

struct node;

enum node_move_state {
	MOVE_WAITS, /* for another move of one of its nodes */
	MOVE_ASKED,
	MOVE_OVER,
};

struct node_rebalance {
	uint32_t count; /* 0: none is under way */
	uint64_t next_ns;
	struct node_move {
		uint16_t shard;
		uint64_t from, to; /* nodes */
		enum node_move_state state;
		uint64_t until_ns, again_ns; /* ASKED */
	} moves[BALANCE_SHARDS_MAX];
};

/* The plan. Nodes are numbered: this one, and those that are heard. */
struct rebalance_plan {
	struct balance balance;
	struct claimant_node nodes[BALANCE_NODES_MAX];
	struct balance_move moves[BALANCE_SHARDS_MAX];
	uint32_t count;
	/* a node that is heard, and has not said which shards are its own; NULL: none */
	const char *silent;
	bool any_takes;
};
/* The node is in a cluster. */
void node_rebalance_plan(const struct node *n, struct rebalance_plan *out);
/* None is under way. */
void node_rebalance_start(struct node *n, const struct rebalance_plan *plan);
void node_rebalance_expire(struct node *n, uint64_t now_ns);
uint64_t node_rebalance_next_ns(const struct node *n);

#endif
