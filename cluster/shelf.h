/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Redis must have of documents, text by text, as it was put there: so that it can be put there again after Redis was
 * emptied, and written to a snapshot. Control thread.
 */
#ifndef CLUSTER_SHELF_H
#define CLUSTER_SHELF_H

#include "base/hash.h"
#include "base/pool.h"
#include "base/table.h"
#include "base/text.h"
#include "cluster/snapshot.h"

struct shelf {
	struct hash_key key;
	struct pool pool; /* struct shelf_item */
	struct table by_name;
	size_t size;         /* of all in a snapshot */
	uint64_t generation; /* the highest version there was */
	uint64_t changes;    /* one more with each */
};

/* 0 or -ENOMEM. */
int shelf_open(struct shelf *s, uint32_t capacity, const struct hash_key *key) NODISCARD;
void shelf_close(struct shelf *s);
/* Adds or replaces. 0, -ENOSPC, -ENOMEM, -EINVAL (a name or a text too long). */
int shelf_put(struct shelf *s, const struct snapshot_document *d) NODISCARD;
void shelf_delete(struct shelf *s, struct bytes kind, struct bytes name, uint64_t version);
/* Walks all: *cursor 0 at first; false at the end. */
bool shelf_next(const struct shelf *s, uint32_t *cursor, struct snapshot_document *out);
uint32_t shelf_count(const struct shelf *s);
/* A snapshot of all, for the caller to wipe and free; n: its length. NULL: no memory, or too long. */
uint8_t *shelf_snapshot(const struct shelf *s, size_t *n) NODISCARD;

#endif
