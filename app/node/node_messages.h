/* SPDX-License-Identifier: Apache-2.0 */
/* Counts messages of boxes that somebody asks for (sig/host/mailboxes.h), as Redis has them. Control thread. */
#ifndef APP_NODE_NODE_MESSAGES_H
#define APP_NODE_NODE_MESSAGES_H

#include "cluster/redis/redis.h"

struct node;

struct node_messages {
	uint32_t under_way;
	uint64_t again_ns;        /* nothing is asked before: Redis did not answer */
	struct redis_guest guest; /* of the link to Redis: with each new one all are counted anew */
};

/* Those that are due, so many at once. */
void node_messages_round(struct node *n, uint64_t now_ns);

#endif
