/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which node gives which shard to whom, so that the shards of a cluster lie evenly. A shard whose home takes calls goes home, or
 * stays there: it would go back by itself. The rest is spread over the nodes that take calls, so that no two of them differ by more
 * than one where a move could help, with as few moves as can be. Pure.
 */
#ifndef CLUSTER_BALANCE_H
#define CLUSTER_BALANCE_H

#include "base/bytes.h"

enum { BALANCE_NODES_MAX = 64, BALANCE_SHARDS_MAX = 64, BALANCE_NOBODY = BALANCE_NODES_MAX };

enum balance_why {
	BALANCE_HOME,   /* it is a shard of that node's file */
	BALANCE_DRAINS, /* whoever has it takes no calls */
	BALANCE_EVEN,   /* whoever has it has more than that node */
};

struct balance {
	uint32_t node_count, shard_count;
	bool takes[BALANCE_NODES_MAX]; /* nodes by number: it is heard, and does not drain */
	struct balance_shard {
		uint16_t number;
		uint32_t
			owner; /* a node that is heard; BALANCE_NOBODY: who could give it is not known */
		uint32_t home; /* BALANCE_NOBODY: no node that is heard */
	} shards[BALANCE_SHARDS_MAX];
};

struct balance_move {
	uint16_t shard;
	uint32_t from, to;
	enum balance_why why;
};

/* How many moves there are. None has to wait for another one. */
uint32_t balance_plan(const struct balance *b, struct balance_move out[BALANCE_SHARDS_MAX]);

#endif
