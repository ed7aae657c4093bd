/* SPDX-License-Identifier: Apache-2.0 */
/* Slots where calls are parked: what a shard asks of them, and what the store answers. Control thread. */
#ifndef APP_NODE_PARKS_H
#define APP_NODE_PARKS_H

#include "app/effect/answers.h"
#include "cluster/store/store.h"
#include "sig/host/effect.h"

/* EFFECT_PARK of that shard; its answer is ANSWER_PARK. */
void parks_carry(struct store_shared *store, struct answers *answers, uint16_t shard,
		 const struct effect *e);

#endif
