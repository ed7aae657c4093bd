/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BLF between nodes (docs/adr/0030): watched users with dialogs on other nodes, and watchers there.
 * The shards' messages go over the channels between nodes. Control thread.
 */
#ifndef APP_NODE_NODE_BLF_H
#define APP_NODE_NODE_BLF_H

#include "base/bytes.h"

struct node;

struct node_blf {
	uint64_t next_ns;
	uint64_t heard; /* hash of the processes that were heard a second ago */
};

void node_blf_setup(void); /* registers the metrics; main thread, once */
/* The shared tables and the edge are open. Without an edge it does nothing. 0 or -ENOMEM. */
int node_blf_open(struct node *n) NODISCARD;
/* That process has told something. */
void node_blf_on_message(struct node *n, uint64_t process, struct bytes outcome);
/* End of each round. */
void node_blf_flush(struct node *n);
void node_blf_expire(struct node *n, uint64_t now_ns);
uint64_t node_blf_next_ns(const struct node *n);
void node_blf_metrics(const struct node *n);

#endif
