/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By which socket a flow with a transport sends, and under which DSCP: where many flows have one socket each keeps its own (RFC 8837
 * 5). Others have a socket of their own, which is marked.
 */
#ifndef ENGINE_FLOW_FLOW_MARK_H
#define ENGINE_FLOW_FLOW_MARK_H

#include "engine/flow/flow.h"

/* By the socket of the owner of its transport, which may be itself. */
void flow_mark_begin(struct worker *w, struct flow *f, const struct flow *owner);
/* By its own again. */
void flow_mark_end(struct worker *w, struct flow *f);

#endif
