/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating addresses of the node's shards: they are on this machine while the shard is here. A
 * process of its own has them (app/keeper/keeper.h). If that may not move any, all goes on: the
 * operator moves them then. Control thread.
 */
#ifndef APP_NODE_NODE_KEEPER_H
#define APP_NODE_NODE_KEEPER_H

#include "app/keeper/sockets.h"
#include "app/node/node_shard.h"
#include "engine/port/egress.h"

struct keeper;

/* State of a floating network's address. */
enum node_floating {
	FLOATING_REMOTE,
	FLOATING_HERE,
	FLOATING_STANDING, /* the machine has it anyhow */
	FLOATING_REFUSED,
	FLOATING_HOOKED, /* cluster.address_hook alone moves it */
};

struct node_keeper {
	struct keeper *process; /* NULL: it could not be started */
	bool dead;
	bool refusal_logged;
	enum node_floating of[SHARD_NETWORKS_MAX];
	struct sockets_link sockets; /* of media, held by the keeper */
	struct remains left;         /* of the former process, until the engine opens */
	bool left_received;          /* they have come; and from then on */
	uint32_t remains_sent;       /* engine_remains_change of what the keeper has */
	struct egress backstop;      /* docs/adr/0025; all zero: none */
};

void node_keeper_setup(void); /* metrics; main thread, once */
/* Before there are threads. Without it the node goes on. */
void node_keeper_start(struct node *n);
/* The loop is open. 0 or -errno. */
int node_keeper_watch(struct node *n) NODISCARD;
/* Memory for media sockets. 0 or -ENOMEM. */
int node_keeper_sockets(struct node *n) NODISCARD;
/* Receives the former process's sockets, as late as possible: the keeper has to get them first. */
void node_keeper_sockets_receive(struct node *n);
/* Remains of the former process in the kernel, for engine_open; the caller closes the rest. */
void node_keeper_remains_await(struct node *n, struct remains *out);
/* Gives the keeper this process's remains, in place of all others. */
void node_keeper_remain(struct node *n);
/* Again where it has changed. */
void node_keeper_round(struct node *n);
/* The shard is this node's: done is called when its addresses are here, or cannot be;
 * at once without any. */
void node_addresses_claim(struct node_shard *s, node_shard_fn *done);
/* The shard is not this node's any more. */
void node_addresses_leave(struct node_shard *s);
/* Datagram for that node when this process is gone. */
void node_keeper_gone(struct node *n, const struct addr *peer, struct bytes datagram);
/* Nothing may be sent from its addresses any more. */
void node_keeper_stop(struct node *n);
void node_keeper_metrics(const struct node *n);

#endif
