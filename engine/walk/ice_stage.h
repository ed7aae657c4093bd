/* SPDX-License-Identifier: Apache-2.0 */
/* The packets of flows with a transport (flow_transport.h): checks are answered, all else is believed from proven addresses alone. */
#ifndef ENGINE_WALK_ICE_STAGE_H
#define ENGINE_WALK_ICE_STAGE_H

#include "engine/net/packet.h"

struct worker;

/*
 * A binding request becomes its answer, in its buffer, and goes back to where it came from. RTP and RTCP of a bundle get their flow
 * (bundle.h). Drops: stun_malformed, stun_auth, stun_ignored, ice_no_pair, wrong_port, media_line, payload_type.
 */
void ice_stage(struct worker *w, struct batch *b);

#endif
