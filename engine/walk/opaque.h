/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of lines that are neither audio nor video: what comes of one party leaves for the other as it is. */
#ifndef ENGINE_WALK_OPAQUE_H
#define ENGINE_WALK_OPAQUE_H

#include "engine/net/packet.h"

struct worker;

/* From port to port: the octets are not read, RTCP of the line is no exception. Drops as of rewrite and rtcp. */
void opaque_stage(struct worker *w, struct batch *b);

#endif
