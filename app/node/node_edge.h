/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of other nodes (docs/adr/0023): messages of a shard here to a phone that is connected
 * to another node go to that node, and messages of phones here to the node that has their shard.
 * Control thread.
 */
#ifndef APP_NODE_NODE_EDGE_H
#define APP_NODE_NODE_EDGE_H

#include "base/bytes.h"
#include "base/clock.h"
#include "sig/sip/message.h"

struct node;
struct node_edge;

void node_edge_setup(void); /* registers the metrics; main thread, once */
/* The claimant is open. Without a cluster n->cluster->edge stays NULL, and all else does nothing.
 * 0 or -errno. */
int node_edge_open(struct node *n) NODISCARD;
/* SIP is open: from now on its transport sends by it. */
void node_edge_provide(struct node *n);
void node_edge_close(struct node *n);
/* Names of connections in hops and records. */
struct hop_edges *node_edge_names(struct node *n);
/* Hands over a message of a connection here for a shard that is not here. True: another node has
 * it; a message that was handed on goes back to that node, if a third one has the shard. */
bool node_edge_hand(struct node *n, uint16_t shard, const struct sip_hop *from,
		    struct bytes message);
/* Sends from a shard here to one that is not (docs/adr/0009). 0: another node has it, or it is lost
 * like a datagram, as the shard has no owner now. -EHOSTUNREACH (no node is known to have had it),
 * -EMSGSIZE, -ENOBUFS or -ENOMEM. */
int node_edge_inter_shard(struct node *n, uint16_t from, uint16_t to, struct bytes message);
/* Sends states of watched users to a node (node_blf.h). They may be lost, and are repeated. */
struct channel_to;
void node_edge_on_message(struct node *n, const struct channel_to *to, struct bytes outcome);
void node_edge_expire(struct node *n, uint64_t now_ns);
uint64_t node_edge_next_ns(const struct node *n);
void node_edge_metrics(const struct node *n);

/* Messages of connections for a shard without an owner just now: one that is being loaded here,
 * given to another node or taken from it. Over UDP they would be retransmitted. Over a connection
 * they are not, so they wait here for a few seconds. Control thread. */

struct node;

enum { NODE_HELD_MAX = 1024, NODE_HELD_OCTETS_MAX = 1 << 20 };

struct node_held_message {
	struct sip_hop from;
	struct text message;
	uint64_t until_ns;
};

struct node_held { /* zeroed: empty; the eldest first */
	struct node_held_message *list;
	uint32_t count;
	size_t octets;
	uint64_t next_ns;
	bool retries; /* nothing is held meanwhile */
};

void node_held_setup(void); /* registers the metrics; main thread, once */
/* Holds a copy. Datagrams are not held; messages without room are counted. */
void node_hold(struct node *n, const struct sip_hop *from, struct bytes message);
/* Whether a message of the connection is held: its later ones must wait behind that. */
bool node_holds(const struct node *n, const struct sip_hop *from);
/* Tries all of them again, now and then. */
void node_held_expire(struct node *n, struct instant now);
uint64_t node_held_next_ns(const struct node *n);
void node_held_close(struct node *n);

#endif
