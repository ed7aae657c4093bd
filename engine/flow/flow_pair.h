/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a flow of WebRTC sends to: what ICE has selected (RFC 8445 8.2) becomes its latch, and that of those bundled with it. Private
 * to flow_transport.c and flow_bundle.c; the worker's thread.
 */
#ifndef ENGINE_FLOW_FLOW_PAIR_H
#define ENGINE_FLOW_FLOW_PAIR_H

#include "engine/walk/worker.h"

static inline bool flow_is_shared(const struct flow *f)
{
	return f->transport & TRANSPORT_SHARED;
}

/* This flow alone, to where that ICE says. */
void flow_pair_follow(struct flow *f, const struct ice *i, uint64_t now_ns);
/* The owner and its bundle. */
void flow_pairs_follow(struct worker *w, struct flow *owner, uint64_t now_ns);
/* The pair that the process before sent to; nothing where another flow has that address on the same port. */
void flow_pair_restore(struct worker *w, struct flow *f, enum channel c, const struct addr *party);
/* All of them. */
void flow_pairs_drop(struct worker *w, struct flow *f);

#endif
