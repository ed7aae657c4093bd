/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of other nodes (docs/adr/0023): what a shard here says to a phone that is connected to another node goes there, and what
 * phones here say goes to the node that has the shard it is for. Control thread.
 */
#ifndef APP_NODE_NODE_EDGE_H
#define APP_NODE_NODE_EDGE_H

#include "sig/sip/message.h"

struct node;
struct node_edge;

void node_edge_setup(void); /* registers the metrics; main thread, once */
/* The claimant is open. Where the node is in no cluster n->edge stays NULL, and all else does nothing. 0 or -errno. */
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
int node_edge_cell(struct node *n, uint16_t from, uint16_t to, struct bytes message);
/* What other nodes are told of users that are watched (node_lamps.h). Lost where its channel is full: it is said again. */
struct channel_to;
void node_edge_news(struct node *n, const struct channel_to *to, struct bytes news);
void node_edge_expire(struct node *n, uint64_t now_ns);
uint64_t node_edge_next_ns(const struct node *n);
void node_edge_metrics(const struct node *n);

#endif
