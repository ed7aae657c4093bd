/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating addresses of the node's shards: they are on this machine while the shard is here. A process of its own has them
 * (app/keeper/keeper.h). Where that may not move any, all goes on: whoever runs the machines moves them then. Control thread.
 */
#ifndef APP_NODE_NODE_KEEPER_H
#define APP_NODE_NODE_KEEPER_H

#include "app/node/node_shard.h"
#include "engine/port/egress.h"

struct keeper;

/* Of a floating network. */
enum node_floating {
	FLOATING_ELSEWHERE,
	FLOATING_HERE,
	FLOATING_STANDING, /* the machine has it anyhow */
	FLOATING_REFUSED,
};

struct node_keeper {
	struct keeper *process; /* NULL: no address floats */
	bool dead;
	bool refusal_said;
	enum node_floating of[SHARD_NETWORKS_MAX];
	struct egress backstop; /* docs/adr/0025; all zero: there is none */
};

void node_keeper_setup(void); /* metrics; main thread, once */
/* Before there are threads. Without it the node goes on. */
void node_keeper_start(struct node *n);
/* The loop is open. 0 or -errno. */
int node_keeper_watch(struct node *n) NODISCARD;
/* The shard is this node's: done comes when its addresses are there, or cannot be. At once where it has none. */
void node_addresses_take(struct node_shard *s, node_shard_fn *done);
/* It is no longer. */
void node_addresses_leave(struct node_shard *s);
/* What that node is to hear when this process is gone. */
void node_keeper_notice(struct node *n, const struct addr *peer, struct bytes datagram);
/* Nothing is said from any address any more. */
void node_keeper_stop(struct node *n);
void node_keeper_metrics(const struct node *n);

#endif
