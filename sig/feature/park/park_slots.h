/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of a tenant, for commands. Called on the thread of the shard. */
#ifndef SIG_FEATURE_PARK_SLOTS_H
#define SIG_FEATURE_PARK_SLOTS_H

#include "sig/shard/shard.h"

struct park_place;

/* Whether the tenant has that slot; and the slots of a group ("": of its first one). Returns false
 * if it does not exist, or is of a group that the user is not in. user empty: nobody is asked. */
bool shard_slot_is(const struct shard *s, uint16_t tenant, struct bytes user, struct bytes slot);
bool shard_slot_group(const struct shard *s, uint16_t tenant, struct bytes user, struct bytes group,
		      struct park_place *out);

#endif
