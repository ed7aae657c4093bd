/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The legs of all calls of a shard by the tenant's user whose phone they reach, so that a phone that comes back finds its calls among thousands.
 * Legs link each other: no capacity, and no memory but the buckets.
 */
#ifndef SIG_MODEL_LEG_USERS_H
#define SIG_MODEL_LEG_USERS_H

#include "base/hash.h"
#include "base/rand.h"

struct leg;

struct leg_users {
	struct leg **buckets;
	uint32_t mask;
	struct hash_key key;
};

/* In a leg. */
struct leg_link {
	struct leg *next;
	struct leg **back; /* what points at this one; NULL: not listed */
	uint32_t hash;
	uint16_t tenant;
};

/* So many legs are found without long walks. 0 or -ENOMEM. */
int leg_users_open(struct leg_users *u, uint32_t legs, struct rand_source *rand) NODISCARD;
/* No leg is listed any more. */
void leg_users_close(struct leg_users *u);
/* Under leg->user; without one, or listed already: nothing happens. */
void leg_users_put(struct leg_users *u, uint16_t tenant, struct leg *leg);
void leg_users_remove(struct leg *leg);
/* All of a tenant's user, the newest first: after NULL the first one, NULL at the end. What is removed meanwhile must not be `after`. */
struct leg *leg_users_next(const struct leg_users *u, uint16_t tenant, struct bytes user,
			   const struct leg *after);

#endif
