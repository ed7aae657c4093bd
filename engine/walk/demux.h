/* SPDX-License-Identifier: Apache-2.0 */
/* What each packet is: RTP with its head read, RTCP, STUN, DTLS, or nothing for us (RFC 7983, RFC 5761). */
#ifndef ENGINE_WALK_DEMUX_H
#define ENGINE_WALK_DEMUX_H

#include "engine/net/packet.h"

struct worker;

/* Drops: not_rtp, malformed. RTCP is only told apart here; rtcp_stage reads it. STUN and DTLS are not_rtp unless ice_stage takes them. */
void demux_stage(struct worker *w, struct batch *b);

#endif
