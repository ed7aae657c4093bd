/* SPDX-License-Identifier: Apache-2.0 */
/* A caller in a queue: the verb queue of flows (docs/adr/0165). He has his place in the line from
 * the save on that has it (flow_run.queue), until an agent has him or he leaves. */
#ifndef SIG_PBX_QUEUE_WAIT_H
#define SIG_PBX_QUEUE_WAIT_H

#include "sig/pbx/flow/flow.h"

/* The verb; also where agents were rung in vain, or are to be rung now. */
int verb_queue(struct flow_turn_of *t);
/* He waits: VERB_BEGUN, VERB_AGAIN (agents are reserved, and ring), or an outcome. */
int queue_look(struct call_host *h, struct call *c);
/* His time is over. */
int queue_overdue(struct call_host *h, struct call *c);
/* flow_run.queue_ns is past. */
void queue_wait_due(struct call_host *h, struct call *c);
/* The store says whether an agent is his. */
void queue_replied(struct call_host *h, struct call *c, const struct reply *reply);
/* At the end of each step: an agent has answered, or is through with him; the line has him. */
void queue_settle(struct call_host *h, struct call *c);
/* The call ends, or something else takes the caller. */
void queue_over(struct call_host *h, struct call *c, const char *why);
/* This process has the call no longer. */
void queue_released(struct call_host *h, const struct call *c);

#endif
