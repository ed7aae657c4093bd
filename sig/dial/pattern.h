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
 * A number fits a pattern as a whole: "9x." fits all that begin with 9. Lists are stored as text
 * and parsed when used.
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
/* Negative: a is the more exact one. The first difference from the left decides: fewer symbols,
 * then no dot, then longer. */
int pattern_order(const struct pattern *a, const struct pattern *b);

/* NULL: all patterns of the list can be read, and an empty list has none. Else what is wrong. */
const char *pattern_list_wrong(struct bytes list);
/* There is a number that fits both; one that fits a, and with more symbols behind it b. */
bool pattern_meets(const struct pattern *a, const struct pattern *b);
bool pattern_goes_on(const struct pattern *a, const struct pattern *b);
/* A valid pattern of the list that hardly means what it says: writes which and why as a sentence.
 * Returns false if the list has no such pattern. */
bool pattern_list_odd(struct bytes list, struct writer *w);
/* Any pattern of the list. *best: the most exact one that fits the whole number, if fit.whole. An
 * unreadable list ends there. */
struct pattern_fit pattern_list_match(struct bytes list, struct bytes number, struct pattern *best);

/* A set of patterns, parsed once: finds the most exact one that a number fits. Patterns with a
 * common beginning share nodes, one for each element, so a look-up visits only those that begin as
 * the number does. A node takes 48 octets, and a pattern has at most one per element. Their targets
 * (items) are the caller's, and stay where they are. One thread. */

enum { PATTERN_NUMBER_MAX = 63 }; /* a longer number fits nothing */

struct pattern_node;

struct pattern_tree {
	struct pattern_node *first;
	/* For items with equally exact patterns: negative, a counts. */
	int (*order)(const void *a, const void *b);
};

void pattern_tree_close(struct pattern_tree *t); /* NULL, or one that is all zero, is fine */

/* An item may have several patterns; adding one twice is allowed. Returns 0, or -ENOMEM with
 * nothing changed. */
int pattern_tree_put(struct pattern_tree *t, const struct pattern *p, void *item) NODISCARD;
void pattern_tree_delete(struct pattern_tree *t, const struct pattern *p, const void *item);

/* The item of the most exact pattern that the whole number fits, among those permitted by may.
 * Returns NULL if none fits. */
void *pattern_tree_find(const struct pattern_tree *t, struct bytes number,
			bool (*may)(const void *item, const void *arg), const void *arg);

#endif
