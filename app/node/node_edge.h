/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of other nodes (docs/adr/0023): what a shard here says to a phone that is connected to another node goes there, and what
 * phones here say goes to the node that has the shard it is for. Control thread.
 */
#ifndef APP_NODE_NODE_EDGE_H
#define APP_NODE_NODE_EDGE_H

#include "base/bytes.h"
#include "base/clock.h"
#include "sig/sip/message.h"

struct node;
struct node_edge;

void node_edge_setup(void); /* registers the metrics; main thread, once */
/* The claimant is open. Where the node is in no cluster n->cluster.edge stays NULL, and all else does nothing. 0 or -errno. */
int node_edge_open(struct node *n) NODISCARD;
/* SIP is open: from now on its transport sends by it. */
void node_edge_provide(struct node *n);
void node_edge_close(struct node *n);
/* By which connections are named in hops and records. */
struct hop_edges *node_edge_names(struct node *n);
/* What a connection here said to that shard, which is not here. True: another node has it now; what another one handed on goes back to it,
 * where a third one has the shard. */
bool node_edge_hand(struct node *n, uint16_t shard, const struct sip_hop *from,
		    struct bytes message);
/* Of a shard here to one that is not (docs/adr/0009). 0: another node has it now, or it is lost as a datagram is, because nobody has the
 * shard just now. -EHOSTUNREACH (no node is known to have had it), -EMSGSIZE, -ENOBUFS or -ENOMEM. */
int node_edge_inter_shard(struct node *n, uint16_t from, uint16_t to, struct bytes message);
/* What other nodes are told of users that are watched (node_lamps.h). Lost where its channel is full: it is said again. */
struct channel_to;
void node_edge_on_message(struct node *n, const struct channel_to *to, struct bytes news);
void node_edge_expire(struct node *n, uint64_t now_ns);
uint64_t node_edge_next_ns(const struct node *n);
void node_edge_metrics(const struct node *n);

/*
 * Messages of connections for a shard that nobody runs just now: one that is loaded here, given to another node or taken from it. Over
 * UDP they would be said again. Over a connection they are not, so they wait here for a few seconds. Control thread.
 */

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
	bool retries; /* nothing is kept meanwhile */
};

void node_held_setup(void); /* registers the metrics; main thread, once */
/* Keeps a copy. Datagrams are not kept, and what there is no room for is counted. */
void node_hold(struct node *n, const struct sip_hop *from, struct bytes message);
/* Whether something waits that the connection said before: what it says now must wait behind that. */
bool node_holds(const struct node *n, const struct sip_hop *from);
/* Tries all of them again, now and then. */
void node_held_expire(struct node *n, struct instant now);
uint64_t node_held_next_ns(const struct node *n);
void node_held_close(struct node *n);

#endif
