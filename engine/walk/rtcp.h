/* SPDX-License-Identifier: Apache-2.0 */
/* RTCP from one party to the other, with the SSRCs, sequence numbers and timestamps that the other knows. It goes on during hold
 * (RFC 3264 5.1). */
#ifndef ENGINE_WALK_RTCP_H
#define ENGINE_WALK_RTCP_H

#include "engine/flow/flow.h"

/* Drops: no_peer, no_destination, malformed, unknown_ssrc, answered. All other RTCP is relayed. */
void rtcp_stage(struct worker *w, struct batch *b);

#endif
