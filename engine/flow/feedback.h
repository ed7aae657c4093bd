/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport-wide feedback to a WebRTC party: when each packet came that it numbered (media/rtp/transport_cc.h). One count for a transport, all
 * flows of its bundle together; the owner's party is told every FEEDBACK_NS while packets come.
 */
#ifndef ENGINE_FLOW_FEEDBACK_H
#define ENGINE_FLOW_FEEDBACK_H

#include "engine/flow/flow.h"

#define FEEDBACK_NS UINT64_C(100000000)

/* Of the owner of a transport. */
struct feedback;

/* The owner has one from here on; where there is no memory for it the party hears nothing. */
void feedback_open(struct worker *w, const struct flow *owner);
void feedback_close(struct worker *w, const struct flow *owner);
/* Notes RTP of flows with TRANSPORT_CC, once it is authentic. Drops nothing. */
void feedback_stage(struct worker *w, struct batch *b);
/* Tells what was noted. */
void feedback_expire(struct worker *w, struct flow *owner);

#endif
