/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON object (RFC 8259) without depth, read without a tree: its values are slices of the text. For what this program has written
 * itself. All else is refused, however good it is – escapes, spaces, fractions, objects within – and is a library's to read.
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
/* Takes the next one of FLAT_WORDS' text. False: there is none. */
bool flat_word(struct bytes *words, struct bytes *word);

#endif
