/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that ring at a node, and at all others, for commands. On the thread of the shards. */
#ifndef SIG_FEATURE_PICK_RINGING_H
#define SIG_FEATURE_PICK_RINGING_H

#include "sig/shard/shared_tables.h"

/* pickup_service.ringing, of that call alone; 0: of any. */
void shard_pick_of(const struct shard *s, uint16_t tenant, struct bytes by, struct bytes of,
		   uint64_t call, struct pick_reply *out);
/* Asks all other nodes as well, also for a user's own call (by). shard_remote.picked has that
 * serial when they have answered; else see shard_remote_picked. Returns false if there are no other
 * nodes. */
bool shard_picks_request(struct shard *s, uint16_t tenant, const struct remote_pick *pick,
			 uint64_t serial);
/* Not all nodes answered that serial in time: writes what is known so far. No further result
 * follows. */
void shard_remote_picked(struct shard_shared_tables *c, uint64_t serial, struct park_reply *out);

#endif
