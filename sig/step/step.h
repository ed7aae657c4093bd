/* SPDX-License-Identifier: Apache-2.0 */
/* What a call does when something happens to it: events in, effects out. */
#ifndef SIG_STEP_STEP_H
#define SIG_STEP_STEP_H

#include "sig/model/deadline.h"
#include "sig/model/event.h"
#include "sig/record/call_record.h"

/* An INVITE began it. Fills *c (zeroed but for id and self). */
enum refusal call_start(struct call_host *h, struct call *c, const struct call_start *start,
			struct call_refusal *refusal) NODISCARD;
void call_step(struct call_host *h, struct call *c, const struct call_event *ev);
/* After each step: requests the save or the end, sets the timer. Returns false if the call is over
 * and may be freed. */
bool call_settle(struct call_host *h, struct call *c);

/* ---- deadlines ---- */

/* Deadlines when the call's timer fires: the call's before those of its legs, those of each leg,
 * the call's after them. */
extern const struct deadline call_deadlines[], leg_deadlines[], call_late_deadlines[];
void call_deadlines_handle(struct call_host *h, struct call *c);
/* The earliest of all; UINT64_MAX: none. */
uint64_t call_deadlines_next(const struct call_host *h, struct call *c);
/* After any step. */
extern const struct deadline settle_deadlines[];

/* ---- a call in the next process ---- */

/* Takes a decoded call into the shard: its ports, transactions and flows. Whatever is missing for
 * it is an obstacle (sig/call/call_end.h). *seed is used up on success. Returns 0, or -EBADMSG
 * (*reason): nothing is left behind. */
int call_attach(struct call_host *h, struct call *c, struct call_seed *seed,
		const char **reason) NODISCARD;
/* Repeats what the record has as sent, and continues from there; or gives up if there is an
 * obstacle. */
void call_resume(struct call_host *h, struct call *c);

/* ---- what a party asks within its dialog ---- */

/* Any request but CANCEL. */
void request_received(struct call_host *h, struct call *c, const struct call_event *ev);

#endif
