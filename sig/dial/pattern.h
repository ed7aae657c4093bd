/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of dialled numbers, as in the digit maps of phones (RFC 3435 2.1.5):
 *
 *   list    = pattern *( "|" pattern )
 *   pattern = 1*32( element )
 *   element = symbol [ "." ]                  ; with a dot: none, one or several of them
 *   symbol  = one / "x" / "X" / set           ; x: any digit
 *   set     = "[" 1*( one / DIGIT "-" DIGIT ) "]"
 *   one     = DIGIT / "*" / "#" / "+"
 *
 * A number fits a pattern as a whole: "9x." is all that begins with 9. Lists are kept as text, and read when they are needed.
 */
#ifndef SIG_DIAL_PATTERN_H
#define SIG_DIAL_PATTERN_H

#include "base/bytes.h"

enum { PATTERN_ELEMENTS_MAX = 32, PATTERN_SYMBOLS = 13 };
extern const char g_pattern_symbols[]; /* 0123456789*#+ */

struct pattern {
	uint8_t count;
	uint16_t symbols[PATTERN_ELEMENTS_MAX]; /* 1 << index in g_pattern_symbols */
	uint32_t repeats;                       /* 1 << element: it has a dot */
};

/* How a number fits. Both may be true: "x." fits 1, and 12 too. */
struct pattern_fit {
	bool whole; /* as it is */
	bool more;  /* it would with more symbols behind it */
};

/* 0; -EINVAL with what is wrong. */
int pattern_read(struct pattern *out, struct bytes text, const char **wrong) NODISCARD;
struct pattern_fit pattern_match(const struct pattern *p, struct bytes number);
/* Below 0: a is the more exact one. From left to right the first difference decides: fewer symbols, then no dot, then longer. */
int pattern_order(const struct pattern *a, const struct pattern *b);

/* NULL: all patterns of the list can be read, and an empty list has none. Else what is wrong. */
const char *pattern_list_wrong(struct bytes list);
/* There is a number that fits both; one that fits a, and with more symbols behind it b. */
bool pattern_meets(const struct pattern *a, const struct pattern *b);
bool pattern_goes_on(const struct pattern *a, const struct pattern *b);
/* A pattern of the list that can be read, and hardly means what it says: which and why, as a sentence. False: there is none. */
bool pattern_list_odd(struct bytes list, struct writer *w);
/* Of any pattern. *best: the most exact one that fits the whole number, where fit.whole. A list that cannot be read ends there. */
struct pattern_fit pattern_list_match(struct bytes list, struct bytes number, struct pattern *best);

/*
 * Patterns of numbers, read once: which of many is the most exact one that a number fits. Patterns that begin alike share nodes, one for
 * each element, so a look-up sees those alone whose beginning fits the number. A node takes 48 octets, and a pattern has at most as many as
 * it has elements. What they lead to (items) is the caller's, and stays where it is. One thread.
 */

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
