/* SPDX-License-Identifier: Apache-2.0 */
/* What a call does when something happens to it: events in, effects out. */
#ifndef SIG_STEP_STEP_H
#define SIG_STEP_STEP_H

#include "sig/model/event.h"

/* An INVITE began it. Fills *c (zeroed but for id and self). 0 or -errno with *refusal. */
int call_start(struct call_host *h, struct call *c, const struct call_start *start,
	       struct call_refusal *refusal) NODISCARD;
void call_step(struct call_host *h, struct call *c, const struct call_event *ev);
/* After each step: asks for the save or the end, sets the timer. False: the call is over and may be freed. */
bool call_settle(struct call_host *h, struct call *c);

#endif
