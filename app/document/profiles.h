/* SPDX-License-Identifier: Apache-2.0 */
/* All codec profiles and ranges of a tenant, as the documents in Redis say; both sorted. Control thread. */
#ifndef APP_DOCUMENT_PROFILES_H
#define APP_DOCUMENT_PROFILES_H

#include "app/document/profile.h"

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
/* One that names the profile, or NULL. */
const struct profile_range *profiles_user(const struct profiles *x, const char *name);
/* Adds, or replaces the one that begins there. 0 or -ENOSPC. */
int profiles_range_put(struct profiles *x, const struct profile_range *r) NODISCARD;
void profiles_range_delete(struct profiles *x, const struct addr *first);
/* Tells the shard of all ranges. 0, -ENOSPC or -ENOMEM. */
int profiles_ranges_apply(const struct profiles *x, struct shard *shard) NODISCARD;

#endif
