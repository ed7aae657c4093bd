/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets that one flow of this worker sends to another: of a conversation over two shards of a node (docs/adr/0009). They are handed over
 * as if they had come by the wire, with all that is counted, and neither the port nor the kernel has any work with them. What is not
 * ordinary goes by the port: to a flow of another worker, with keys or ICE, and what is made here.
 */
#ifndef ENGINE_WALK_HAND_H
#define ENGINE_WALK_HAND_H

#include "engine/net/packet.h"

struct worker;

/* In one step. More is a circle of flows that nobody is in. */
enum { HANDS_MAX = 16 };

/* Of what is relayed from that place in the batch on, moves what is for a flow of this worker to worker.handed, which is empty. True: something was. */
bool hand_take(struct worker *w, struct batch *b, uint32_t from);
/* What became of it is in the batch again: what leaves leaves from there. */
void hand_back(struct worker *w, struct batch *b);
/* From that place on, it is too often: dropped as a loop. */
void hand_refuse(struct worker *w, struct batch *b, uint32_t from);

#endif
