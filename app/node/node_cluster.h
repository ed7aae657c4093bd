/* SPDX-License-Identifier: Apache-2.0 */
/* What a node has of others in its cluster: who they are, links to them, and what is under way
 * between them. Control thread. */
#ifndef APP_NODE_NODE_CLUSTER_H
#define APP_NODE_NODE_CLUSTER_H

#include "app/node/claimant.h"
#include "app/node/node_blf.h"
#include "app/node/node_edge.h"
#include "app/node/node_hand.h"
#include "app/node/node_keeper.h"

struct node_cluster {
	struct claimant *claimant; /* NULL: in no cluster */
	struct node_edge *edge;    /* likewise */
	struct node_blf blf;
	struct node_held held;
	struct node_keeper keeper; /* of floating addresses */
	struct node_rebalance rebalance;
};

#endif
