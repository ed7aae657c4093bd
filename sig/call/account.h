/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The account code of a call (sig/model/call.h), set by command, or pressed by a party that may: behind the in-call code `account`
 * (sig/call/call_digits.h) come digits and a '#', of which the other party hears nothing. '#' alone: the call has none from then on; '*': all is as
 * it was. What is pressed so far is in the record, so who goes on with the call goes on with it.
 *
 * A call that is recorded goes on, and its recording does, unless a setting has it otherwise (BEAT-09, REC-06).
 */
#ifndef SIG_CALL_ACCOUNT_H
#define SIG_CALL_ACCOUNT_H

#include "sig/leg/dtmf.h"

struct module;
extern const struct module account_module;

/* The party of the leg may press one. */
bool account_is_pressed(const struct call_host *h, const struct call *c, uint8_t leg);
/* What it presses from now on is one. */
void account_begin(struct call_host *h, struct call *c, uint8_t leg);
/* False: none was begun, and the key is for others. */
bool account_on_digit(struct call_host *h, struct call *c, uint8_t leg, const struct dtmf *dtmf);
/* No further key came in time: what was pressed is all of it. */
void account_overdue(struct call_host *h, struct call *c, uint8_t leg);
/* What was pressed is forgotten. */
void account_drop(struct call *c, uint8_t leg);

#endif
