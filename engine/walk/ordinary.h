/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nearly all packets are: RTP without anything odd, from the latched source, the next of its run, of the party's first
 * payload type, for a peer that is ready for it. Nothing is to be decided about such a packet, so all that the stages from demux
 * to measure would do to it is done here in one pass. A flow's packets keep their order: the first odd one of a batch ends
 * the pass, and the stages take it and those behind it.
 *
 * Where any flow has keys, those at the front that could be ordinary are opened first, all at once (unprotect_front). One that turns
 * out odd after that, or not authentic, goes to the stages with what came of it: nothing is opened twice.
 */
#ifndef ENGINE_WALK_ORDINARY_H
#define ENGINE_WALK_ORDINARY_H

#include "engine/net/packet.h"

struct worker;

/* Sets b->done, b->opened and b->notices. */
void ordinary_stage(struct worker *w, struct batch *b);

#endif
