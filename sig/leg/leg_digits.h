/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digits on their way to a party by INFO: one at a time, so that they arrive in order. A party that is busy with an INFO of its own
 * (491) is asked again after a while. They are in no record: a digit that comes after a restart comes too late.
 */
#ifndef SIG_LEG_LEG_DIGITS_H
#define SIG_LEG_LEG_DIGITS_H

#include "sig/leg/dtmf.h"

/* So many more may wait for it. */
uint32_t leg_digits_room(const struct leg *leg);
/* Sent now, or when those before it have been answered. What is lost says so in leg.digits_lost. */
void leg_digits_put(struct call_host *h, struct call *c, uint8_t leg, const struct dtmf *dtmf);
/* The answer to one, or none in time. */
void leg_digits_answered(struct call_host *h, struct call *c, const struct call_event *ev);
/* When one is due to be sent again; 0: none is. */
uint64_t leg_digits_due_ns(const struct leg *leg);
void leg_digits_again(struct call_host *h, struct call *c, uint8_t leg);
void leg_digits_clear(struct leg *leg);

#endif
