/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a JSON object (RFC 8259) without nesting and without a tree: its values are slices of the
 * text. For text that this program has written. Everything else is refused, even if it is valid
 * JSON (escapes, spaces, fractions, nested objects), and is left to a library.
 */
#ifndef BASE_FLAT_H
#define BASE_FLAT_H

#include "base/bytes.h"

enum { FLAT_MEMBERS_MAX = 64 };

enum flat_kind {
	FLAT_NONE,
	FLAT_TEXT,
	FLAT_NUMBER, /* whole, not below zero */
	FLAT_FALSE,
	FLAT_TRUE,
	FLAT_WORDS, /* a list of texts */
};

struct flat_value {
	enum flat_kind kind;
	uint32_t count;    /* of words */
	struct bytes text; /* between its quotes, or its brackets */
	uint64_t number;
};

struct flat {
	uint32_t n, next; /* next: behind what was found last */
	struct bytes names[FLAT_MEMBERS_MAX];
	struct flat_value values[FLAT_MEMBERS_MAX];
};

/* False: it is not such an object. It has no name twice. */
bool flat_read(struct flat *out, struct bytes text);
/* FLAT_NONE: there is no such member. At no cost for those that are asked for in their order. */
struct flat_value flat_find(struct flat *f, struct bytes name);
/* Takes the next text of a FLAT_WORDS value. False: there are no more. */
bool flat_word(struct bytes *words, struct bytes *word);

#endif
