/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of flows for the next process (kept.h), and when it is written. Of a flow that had a shortcut nothing is missing: what the
 * kernel forwards is in its entry, and what the worker relays is written with the batch. Of all others it is written at ticks.
 */
#ifndef ENGINE_FLOW_SHORTCUT_KEEP_H
#define ENGINE_FLOW_SHORTCUT_KEEP_H

#include "engine/flow/flow.h"
#include "engine/walk/worker.h"

static inline struct shortcut *shortcut_of(const struct worker *w, const struct flow *f)
{
	return &w->flows.shortcuts[f->id.slot];
}

/* What is known of the flow now, and of the one that it leads to. */
void shortcut_keep_both(const struct worker *w, const struct flow *f);
void shortcut_keep_tick(const struct worker *w, const struct flow *f, uint64_t now_ns);
/* Of a batch that is counted, and about to be sent. */
void shortcut_keep_stage(const struct worker *w, struct batch *b);

#endif
