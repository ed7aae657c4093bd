/* SPDX-License-Identifier: Apache-2.0 */
/* The end of every packet: counts its verdict and gives its buffer back to the port, which sends what is relayed. */
#ifndef ENGINE_WALK_OUT_H
#define ENGINE_WALK_OUT_H

#include "engine/net/packet.h"

struct worker;

/* The one place where packets are dropped. The batch is empty afterwards. */
void out_stage(struct worker *w, struct batch *b);
/* Packets to parties of shards that may not speak any more have VERDICT_FENCED afterwards. Until when the others may leave. */
uint64_t out_fence(struct worker *w, struct batch *b);
/* The counting of it alone. */
void out_count(struct worker *w, const struct batch *b);

#endif
