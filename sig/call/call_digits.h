/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that a party presses while it speaks with another one, where they may be an in-call feature code (sig/sip/feature_code.h). Keys of such
 * a party are not relayed as they come, neither events nor INFO: each is looked at when it is let go. What begins no code goes on at once.
 * What does is kept until the code is whole, another digit comes that does not belong to it, or none comes in time. The other party hears
 * nothing of a code, unless its digits are tones, which pass as sound. What is kept is in the record: who goes on with the call goes on with the code.
 */
#ifndef SIG_CALL_CALL_DIGITS_H
#define SIG_CALL_CALL_DIGITS_H

#include "sig/leg/dtmf.h"
#include "sig/model/event.h"

/* They are: it speaks with another party, there are codes, and it may use one of them. */
bool call_digits_are_read(const struct call_host *h, const struct call *c, uint8_t leg);
/* Somebody listens for digits of its party, which are tones: a code, or what an application collects. Nobody else pays for an ear. */
bool call_digits_are_tones(const struct call_host *h, const struct call *c,
			   const struct call_flow *f);
/* A digit that the other party did not get yet. False: digits of the leg are not heard, and what was kept went on. Else all that is to become of
 * it does. */
bool call_digits_on_digit(struct call_host *h, struct call *c, uint8_t leg,
			  const struct dtmf *dtmf);
/* A digit of a party that the node itself asks: one that is to confirm a call, or is with nobody else. False: it is neither. */
bool call_digits_asked(struct call_host *h, struct call *c, uint8_t leg, char digit);
/* The other party gets what is kept: no further digit came in time, or it has one that came behind it. */
void call_digits_pass(struct call_host *h, struct call *c, uint8_t leg);
/* After each step: what was for a party that is gone is for nobody. */
void call_digits_settle(struct call *c);
/* In the next process, where the time begins anew: nobody could hear a digit meanwhile. */
void call_digits_resume(const struct call_host *h, struct call *c);

/* INFO within a call (RFC 6086, and the older use without packages): digits, candidates, requests for a picture, and what settings name. */

/* By its type: it ends here, or goes to the other party as it is. The call may be over by then. */
void info_received(struct call_host *h, struct call *c, const struct call_event *ev);

/* The next key behind a code did not come in time. */
void call_digits_code_overdue(struct call_host *h, struct call *c, uint8_t leg);

#endif
