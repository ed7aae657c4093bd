/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTP from one party as part of the one stream the other party hears from us: our SSRC, a sequence without breaks
 * whatever source feeds it, the payload types that party knows. The head is rewritten in place; the payload, its
 * padding and CSRCs pass, and extensions where the other party may know them.
 */
#ifndef ENGINE_WALK_REWRITE_H
#define ENGINE_WALK_REWRITE_H

#include "engine/flow/flow.h"

/* Drops: not_receiving, no_peer, not_sending, payload_type, no_destination. Everything else that is RTP is relayed. */
void rewrite_stage(struct worker *w, struct batch *b);

#endif
