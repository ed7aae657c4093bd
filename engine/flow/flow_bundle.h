/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows that share the transport of another (RFC 9143): who is with whom. Which of them a packet is of: bundle.h. Private to
 * flow_transport.c; the worker's thread.
 */
#ifndef ENGINE_FLOW_FLOW_BUNDLE_H
#define ENGINE_FLOW_FLOW_BUNDLE_H

#include "engine/walk/worker.h"

/* 0, or -EINVAL: the owner is not there, is itself bundled, has no room, or there is a flow with this one's SSRC (one SSRC twice
 * under one key would be one keystream twice). */
int flow_bundle_join(struct worker *w, struct flow *f, struct flow_id owner) NODISCARD;
/* It is reached by nobody then, and sends nowhere. */
void flow_bundle_leave(struct worker *w, struct flow *f);
/* So are all that are with it. */
void flow_bundle_end(struct worker *w, struct flow *owner);

#endif
