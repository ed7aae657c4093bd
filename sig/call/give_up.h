/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call of a former process that this one cannot continue: its ports, addresses or networks are gone, or there is no room for it. It
 * is no broken record: its parties are told by what the record knows, from an address that exists now, and it has its CDR.
 */
#ifndef SIG_CALL_GIVE_UP_H
#define SIG_CALL_GIVE_UP_H

#include "sig/model/call.h"

/* Keeps the first reason, a constant sentence. */
void call_obstacle(struct call *c, const char *reason);
/* In the place of call_resume where there is an obstacle: ends the call. */
void call_give_up(struct call_host *h, struct call *c);
/* The same at once and without a place among the calls: BYE is sent once, nobody waits for its answer. */
void call_give_up_homeless(struct call_host *h, struct call *c);

#endif
