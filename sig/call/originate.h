/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that a command makes (RFC 3725 4.1, flow I): A's phone is rung with an offer of our own; its answer is acknowledged at once and
 * becomes the offer to the others. Whose answer A does not know yet, so A is asked once more when one of them has answered.
 */
#ifndef SIG_CALL_ORIGINATE_H
#define SIG_CALL_ORIGINATE_H

#include "sig/model/call.h"
#include "sig/model/event.h"

/* Fills *c (zeroed but for id and self). A number outside (target.trunk) is shown and charged as a call of the
 * extension that pays. */
enum refusal call_originate(struct call_host *h, struct call *c, const struct call_originate *o,
			    struct call_refusal *refusal) NODISCARD;
/* A's 2xx. */
void originate_answered(struct call_host *h, struct call *c, const struct sip_message *m);
/* Whoever is to speak with a caller that is up does so: that is told and counted. */
void originate_answered_by(struct call_host *h, const struct call *c);
/* Both have answered, and our ACKs are out. */
void originate_joined(struct call_host *h, struct call *c);

#endif
