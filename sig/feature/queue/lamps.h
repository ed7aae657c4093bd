/* SPDX-License-Identifier: Apache-2.0 */
/* Lamps of phones that watch queues and agents (BEAT-30): a number that leads to a queue, and the
 * feature code agent_login with an extension behind it. Thread of the shards. */
#ifndef SIG_FEATURE_QUEUE_LAMPS_H
#define SIG_FEATURE_QUEUE_LAMPS_H

#include "base/bytes.h"
#include "base/clock.h"

struct shard;
struct shard_lamp;
struct shard_shared_tables;

/* shard_hooks.lamp */
bool queue_lamp(const struct shard *s, uint16_t tenant, struct bytes name, struct shard_lamp *out);
/* Watchers of queues where the first one began to wait, or the last one ceased to, are notified. */
void queue_lamps_second(struct shard_shared_tables *c);
/* The agent's document is another, or gone: his watchers are notified. */
void queue_lamp_agent(struct shard *s, uint16_t tenant, struct bytes number, struct instant now);

#endif
