/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of numbers, read once: which of many is the most exact one that a number fits. Patterns that begin alike share nodes, one for
 * each element, so a look-up sees those alone whose beginning fits the number. A node takes 48 octets, and a pattern has at most as many as
 * it has elements. What they lead to (items) is the caller's, and stays where it is. One thread.
 */
#ifndef SIG_DIAL_PATTERN_TREE_H
#define SIG_DIAL_PATTERN_TREE_H

#include "sig/dial/pattern.h"

enum { PATTERN_NUMBER_MAX = 63 }; /* a longer number fits nothing */

struct pattern_node;

struct pattern_tree {
	struct pattern_node *first;
	/* Of items whose patterns are equally exact: below 0, a counts. */
	int (*order)(const void *a, const void *b);
};

void pattern_tree_close(struct pattern_tree *t); /* NULL, or one that is all zero, is fine */

/* An item may have several patterns. That it has that one already is fine. 0; or -ENOMEM, and nothing is changed. */
int pattern_tree_put(struct pattern_tree *t, const struct pattern *p, void *item) NODISCARD;
void pattern_tree_delete(struct pattern_tree *t, const struct pattern *p, const void *item);

/* The item of the most exact pattern that the whole number fits, of those that may be taken. NULL: none. */
void *pattern_tree_find(const struct pattern_tree *t, struct bytes number,
			bool (*may)(const void *item, const void *arg), const void *arg);

#endif
