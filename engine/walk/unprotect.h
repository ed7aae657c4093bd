/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRTP and SRTCP of parties that have agreed on keys: authenticated, then believed, then plain. Only what authenticates
 * moves a latch or keeps it (latch.h), so nobody can turn a call away who has not its key.
 */
#ifndef ENGINE_WALK_UNPROTECT_H
#define ENGINE_WALK_UNPROTECT_H

#include "engine/flow/flow.h"

/* So many at the front of a batch are RTP from where their parties are latched, and nothing that a stage does before this one
 * would change that. Those with keys are opened, all at once; what came of it is kept in the packet until it is believed. */
void unprotect_front(struct worker *w, struct batch *b, uint32_t count);
/* Drops: srtp_short, srtp_replay, srtp_auth, srtp_key, source_not_latched, malformed. */
void unprotect_stage(struct worker *w, struct batch *b);

#endif
