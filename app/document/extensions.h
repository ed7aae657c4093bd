/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All extensions of the node by tenant and number, for commands. There may be 100,000, most with
 * few settings, so they are stored without their zeros. Control thread.
 */
#ifndef APP_DOCUMENT_EXTENSIONS_H
#define APP_DOCUMENT_EXTENSIONS_H

#include "app/schema/extension.h"
#include "app/schema/profile.h"
#include "base/pool.h"
#include "base/table.h"

struct extensions {
	struct pool pool;
	struct table by_number;
	struct hash_key key;
};

/* 0 or -ENOMEM. */
int extensions_open(struct extensions *x, uint32_t capacity, const struct hash_key *key) NODISCARD;
void extensions_close(struct extensions *x);
/* False: no such extension, and *out is unchanged. It has a secret: the caller wipes it. */
bool extensions_find(const struct extensions *x, uint16_t tenant, struct bytes number,
		     struct extension *out);
/* Its mailbox alone. False: there is no such extension, and *out is empty. */
bool extensions_box(const struct extensions *x, uint16_t tenant, struct bytes number,
		    struct extension_box *out);
bool extensions_has(const struct extensions *x, uint16_t tenant, struct bytes number);
/* Adds or replaces, by tenant and number of its core. 0, -ENOSPC or -ENOMEM. */
int extensions_put(struct extensions *x, const struct extension *e) NODISCARD;
bool extensions_delete(struct extensions *x, uint16_t tenant, struct bytes number);
uint32_t extensions_count(const struct extensions *x);
/* Walks all, in no order: *cursor 0 at first; false at the end. */
bool extensions_next(const struct extensions *x, uint32_t *cursor, uint16_t *tenant,
		     struct bytes *number);

/* All codec profiles and ranges of a tenant, as in its documents; both sorted. Control thread. */

struct profiles {
	uint16_t tenant;
	uint32_t count, range_count;
	struct profile list[SHARD_PROFILES_MAX];
	struct profile_range ranges[SHARD_RANGES_MAX];
};

/* With the one that always exists. */
void profiles_open(struct profiles *x, uint16_t tenant);
const struct profile *profiles_find(const struct profiles *x, struct bytes name);
/* Adds or replaces. 0 or -ENOSPC. */
int profiles_put(struct profiles *x, const struct profile *p) NODISCARD;
/* "default" becomes what it is without a document. */
void profiles_delete(struct profiles *x, const char *name);

/* The one that begins there, or NULL. */
const struct profile_range *profiles_range(const struct profiles *x, const struct addr *first);
/* Another one (its first address differs) that shares an address with r, or NULL. */
const struct profile_range *profiles_overlap(const struct profiles *x, const struct shard_range *r);
/* Adds, or replaces the one that begins there. 0 or -ENOSPC. */
int profiles_range_put(struct profiles *x, const struct profile_range *r) NODISCARD;
void profiles_range_delete(struct profiles *x, const struct addr *first);
/* Tells the shard of all ranges. 0, -ENOSPC or -ENOMEM. */
int profiles_ranges_apply(const struct profiles *x, struct shard *shard) NODISCARD;

#endif
