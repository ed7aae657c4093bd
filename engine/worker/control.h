/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control's commands, applied after a batch was received and before its first stage: packets that
 * follow an SDP answer meet the flow as that answer says, and no stage ever sees a flow change
 * under it.
 */
#ifndef ENGINE_WORKER_CONTROL_H
#define ENGINE_WORKER_CONTROL_H

#include "engine/worker/flow.h"
#include "media/flow.h"

struct flow;
struct worker;

/* Applies the commands that wait. An answer that does not fit into the event ring is held, and no
 * further command is taken before it is delivered: so no MEDIA_FLOW_CLOSED is ever lost, however
 * slow control is. */
void control_drain(struct worker *w, uint64_t now_ns);
/* An event that must not be lost: held while the event ring is full. Once for each command. */
void control_answer(struct worker *w, const struct media_event *event);
/* Nothing of it is left. */
void control_flow_end(struct worker *w, struct flow *f);
/* Closes every flow, without events: the worker ends. */
void control_close_all(struct worker *w);

/* What the worker tells control, through its event ring. */

#define EVENT_LATCHED_EVERY_NS UINT64_C(1000000000) /* per flow, against a flapping source */

/* An event of this flow, with its counters and resume. */
struct media_event event_of(const struct flow *f, enum media_event_kind kind);
/* False: the ring is full. */
bool event_send(struct worker *w, const struct media_event *event);
/* MEDIA_FLOW_DIGIT, if the event is a digit; at most 20 per flow and second, further ones are only
 * relayed. Lost, and counted, when the ring is full. */
void event_digit(struct worker *w, struct flow *f, const struct event_done *done);
/* The same for a digit detected as a tone, which the peer's party heard, too. */
void event_tone(struct worker *w, struct flow *f, char digit, uint32_t duration_ms);
/* MEDIA_FLOW_LATCHED if flow.notice is set: at once, or when the last one was long enough ago. */
void event_flag(struct worker *w, struct flow *f, uint64_t now_ns);

/* Tells control what the packets of this batch changed in their flows. Decides nothing. */
void stage_flag(struct worker *w, struct batch *b);

#endif
