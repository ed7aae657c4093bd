/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of connections for a shard that nobody runs just now: one that is loaded here, given to another node or taken from it. Over
 * UDP they would be said again. Over a connection they are not, so they wait here for a few seconds. Control thread.
 */
#ifndef APP_NODE_NODE_HELD_H
#define APP_NODE_NODE_HELD_H

#include "base/clock.h"
#include "base/text.h"
#include "sig/sip/message.h"

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
