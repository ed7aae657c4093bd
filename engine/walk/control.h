/* SPDX-License-Identifier: Apache-2.0 */
/* Control's commands, applied when a batch was received and before its first stage: what comes after an answer meets the flow as that
 * answer says, and no stage ever sees a flow change under it. */
#ifndef ENGINE_WALK_CONTROL_H
#define ENGINE_WALK_CONTROL_H

#include "media/flow.h"

struct flow;
struct worker;

/* Applies what waits in the command ring. An answer that does not fit into the event ring is held, and no further command
 * is taken before it is delivered: so no MEDIA_FLOW_CLOSED is ever lost, however slow control is. */
void control_drain(struct worker *w, uint64_t now_ns);
/* To be told whatever happens: held while the event ring is full. Once for each command. */
void control_answer(struct worker *w, const struct media_event *event);
/* Nothing of it is left. */
void control_flow_end(struct worker *w, struct flow *f);
/* Closes every flow, without events: the worker ends. */
void control_close_all(struct worker *w);

#endif
