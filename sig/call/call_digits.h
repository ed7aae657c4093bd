/* SPDX-License-Identifier: Apache-2.0 */
/* DTMF digits of a party in a bridge that may be an in-call feature code (sig/sip/feature_code.h).
 * Digits of such a party, events and INFO, are not relayed as they come: each is looked at when it
 * ends. A digit that begins no code goes on at once. One that does is withheld until the code is
 * complete, a digit comes that does not belong to it, or time is over. The peer hears nothing of a
 * code, unless its digits are tones, which pass as audio. Withheld digits are in the record: a
 * successor continues the code. */
#ifndef SIG_CALL_CALL_DIGITS_H
#define SIG_CALL_CALL_DIGITS_H

#include "sig/leg/dtmf.h"
#include "sig/model/event.h"

/* They are: it has a peer, there are codes, and it may use one of them. */
bool call_digits_are_read(const struct call_host *h, const struct call *c, uint8_t leg);
/* The flow needs tone detection: for codes, or digits that an application collects. It costs CPU,
 * so others have none. */
bool call_digits_are_tones(const struct call_host *h, const struct call *c,
			   const struct call_flow *f);
/* A digit that the peer did not get yet. Returns false if the leg's digits are not read, and
 * withheld ones were passed on. Else the digit is fully handled here. */
bool call_digits_on_digit(struct call_host *h, struct call *c, uint8_t leg,
			  const struct dtmf *dtmf);
/* A digit of a party that the node asks: one that is to confirm a call, or has no peer. Returns
 * false for any other party. */
bool call_digits_asked(struct call_host *h, struct call *c, uint8_t leg, char digit);
/* The peer gets the withheld digits: no further one came in time, or a digit came behind them. */
void call_digits_pass(struct call_host *h, struct call *c, uint8_t leg);
/* After each step: drops digits withheld for a party that is gone. */
void call_digits_settle(struct call *c);
/* In a successor, with the time restarted: no digit could be received meanwhile. */
void call_digits_resume(const struct call_host *h, struct call *c);

/* INFO within a call (RFC 6086, and the older use without packages): digits, ICE candidates,
 * picture requests, and the types in settings. */

/* By its type: it ends here, or goes to the other party as it is. The call may be over by then. */
void info_received(struct call_host *h, struct call *c, const struct call_event *ev);

/* The next digit behind a code did not come in time. */
void call_digits_code_overdue(struct call_host *h, struct call *c, uint8_t leg);

#endif
