/* SPDX-License-Identifier: Apache-2.0 */
/* Common to processes beside the node (app/node/node_process.h): lines of JSON, and no rights. */
#ifndef APP_HELPER_NODE_LINK_H
#define APP_HELPER_NODE_LINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { NODE_LINK = 3, NODE_LINK_HANDS = 4 /* where descriptors are handed over */ };

struct node_link {
	int fd;   /* -1: the node is gone */
	char *in; /* what has come of a line */
	size_t in_n, in_cap;
};

/* Whether the node has started this process, which gets that kind of socket there. */
bool node_link_is(int fd, int type);
/* Ends with the node, drops rights and core dumps, closes descriptors above that one. */
void node_link_confine(int highest);
/* Reads what has come. False: the node is gone. */
bool node_link_read(struct node_link *l, void (*on_line)(const json_t *line, void *arg), void *arg);
void node_link_send(const struct node_link *l, json_t *line); /* stolen */
void node_link_close(struct node_link *l);

#endif
