/* SPDX-License-Identifier: Apache-2.0 */
/* A value as it was given: as an argument of a command, by jansson, or in a document, mostly without a tree (base/flat.h). */
#ifndef APP_DOCUMENT_GIVEN_H
#define APP_DOCUMENT_GIVEN_H

#include <jansson.h>

#include "base/flat.h"

enum given_kind {
	GIVEN_NOTHING,
	GIVEN_TEXT,
	GIVEN_NUMBER, /* whole */
	GIVEN_FALSE,
	GIVEN_TRUE,
	GIVEN_LIST,
	GIVEN_OTHER, /* what nobody takes */
};

/* Slices of what was read. */
struct given {
	enum given_kind kind;
	struct bytes text;
	int64_t number;
	/* of a list */
	size_t count;
	const json_t *list; /* NULL: words has it */
	struct bytes words; /* as flat_word takes them */
};

/* NULL: nothing. */
struct given given_json(const json_t *json);
struct given given_flat(struct flat_value v);
/* The i-th of a list, taken in their order. kind is GIVEN_TEXT, or no text is there. */
struct given given_next(struct given *list, size_t i);

#endif
