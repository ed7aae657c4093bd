/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parties that understand a=record (RFC 7866 6.1.2, 7.1.2, docs/adr/0049-recording-awareness.md): each SDP to them says what is recorded, and a
 * re-INVITE does where that changes. It follows from the recordings and from the texts that the legs have, after each step: nothing else is
 * kept, so that whoever goes on with the call tells what the one before could not.
 */
#ifndef SIG_CALL_AWARE_H
#define SIG_CALL_AWARE_H

#include "media/offer/offer.h"
#include "sig/model/call.h"

/* What the party of the leg is told; other: what the party says with whom it speaks, which may be recording, too (7.3.1). */
struct offer_record_told aware_told(const struct call *c, uint8_t leg, struct bytes other);
/* The same by what that party said last. */
struct offer_record_told aware_told_now(const struct call *c, uint8_t leg);
/* The answer to the leg's INVITE is written, and has not left: it says what will be recorded as soon as it does. */
void aware_answer(struct call_host *h, struct call *c, uint8_t leg);
/* After each step, before recordings_settle: what parties prefer (7.1.3) is noted, and followed where settings say so. */
void aware_prefer(struct call_host *h, struct call *c);
/* ... and behind it: who was told something else is told by a re-INVITE. */
void aware_settle(struct call_host *h, struct call *c);

#endif
