/* SPDX-License-Identifier: Apache-2.0 */
/* A call made by a command (RFC 3725 4.1, flow I): A's phone is rung with an offer of our own; its
 * answer is acknowledged at once and becomes the offer to the others. The answer of one of them is
 * not known to A yet, so A gets a re-INVITE then. */
#ifndef SIG_CALL_ORIGINATE_H
#define SIG_CALL_ORIGINATE_H

#include "sig/model/call.h"
#include "sig/model/event.h"

/* Fills *c (zeroed except id and self). A number outside (target.trunk) is shown and charged as a
 * call of the paying extension. */
enum refusal call_originate(struct call_host *h, struct call *c, const struct call_originate *o,
			    struct call_refusal *refusal) NODISCARD;
/* A's 2xx. */
void originate_answered(struct call_host *h, struct call *c, const struct sip_message *m);
/* The callee answered a caller that is established already: publishes and counts it. */
void originate_answered_by(struct call_host *h, const struct call *c);
/* Both have answered, and our ACKs are out. */
void originate_joined(struct call_host *h, struct call *c);

#endif
