/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of extensions in small: what a feature code sets there outlives the node, and is told when the store has it. */
#ifndef TESTS_SIM_DOCUMENT_H
#define TESTS_SIM_DOCUMENT_H

#include "sig/shard/shard.h"

struct node;

enum { DOCUMENT_CHANGES_MAX = 64 };

struct document_change {
	uint64_t call, serial;
	enum feature feature;
	uint32_t extension, incarnation; /* of the node that asked */
	char number[FEATURE_VALUE_MAX];
};

struct document_changes {
	struct document_change list[DOCUMENT_CHANGES_MAX]; /* the newest ones */
	uint32_t count;
	enum {
		DOCUMENTS_KEPT,
		DOCUMENTS_FAIL,
		DOCUMENTS_SILENT
	} way; /* SILENT: nobody hears of it */
};

/* EFFECT_SET. */
void document_set(struct node *n, const struct effect *e);
/* A node that starts reads that of an extension. */
void document_put(struct node *n, uint32_t extension);
/* What has changed in it counts for the node from now on. */
void document_tell(struct node *n, uint32_t extension);

#endif
