/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating addresses of the node's shards: they are on this machine while the shard is here. A process of its own has them
 * (app/keeper/keeper.h). Where that may not move any, all goes on: whoever runs the machines moves them then. Control thread.
 */
#ifndef APP_NODE_NODE_KEEPER_H
#define APP_NODE_NODE_KEEPER_H

#include "app/keeper/sockets.h"
#include "app/node/node_shard.h"
#include "engine/port/egress.h"

struct keeper;

/* Of a floating network. */
enum node_floating {
	FLOATING_ELSEWHERE,
	FLOATING_HERE,
	FLOATING_STANDING, /* the machine has it anyhow */
	FLOATING_REFUSED,
	FLOATING_HOOKED, /* cluster.address_hook alone moves it */
};

struct node_keeper {
	struct keeper *process; /* NULL: it could not be started */
	bool dead;
	bool refusal_said;
	enum node_floating of[SHARD_NETWORKS_MAX];
	struct sockets_link sockets; /* of media, held by the keeper */
	struct remains left;         /* of the process before, until the engine opens */
	bool left_heard;             /* and from then on */
	uint32_t remains_told;       /* engine_remains_change, of what the keeper holds */
	struct egress backstop;      /* docs/adr/0025; all zero: there is none */
};

void node_keeper_setup(void); /* metrics; main thread, once */
/* Before there are threads. Without it the node goes on. */
void node_keeper_start(struct node *n);
/* The loop is open. 0 or -errno. */
int node_keeper_watch(struct node *n) NODISCARD;
/* Memory for media sockets. 0 or -ENOMEM. */
int node_keeper_sockets(struct node *n) NODISCARD;
/* Those that the process before left are here, if there are any: as late as can be, as the keeper has to get them first. */
void node_keeper_sockets_receive(struct node *n);
/* What the process before left in the kernel, for engine_open; what is not taken of it the caller closes. */
void node_keeper_remains_await(struct node *n, struct remains *out);
/* What this one would leave: the keeper holds it, and nothing else any more. */
void node_keeper_remain(struct node *n);
/* Again where it has changed. */
void node_keeper_round(struct node *n);
/* The shard is this node's: done comes when its addresses are there, or cannot be. At once where it has none. */
void node_addresses_claim(struct node_shard *s, node_shard_fn *done);
/* It is no longer. */
void node_addresses_leave(struct node_shard *s);
/* What that node is to hear when this process is gone. */
void node_keeper_notice(struct node *n, const struct addr *peer, struct bytes datagram);
/* Nothing is said from any address any more. */
void node_keeper_stop(struct node *n);
void node_keeper_metrics(const struct node *n);

#endif
