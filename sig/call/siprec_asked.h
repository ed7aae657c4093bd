/* SPDX-License-Identifier: Apache-2.0 */
/* What a recorder asks in its session: re-INVITE and UPDATE, with SDP or without, OPTIONS and INFO. Its 2xx is said again until it is acknowledged. */
#ifndef SIG_CALL_SIPREC_ASKED_H
#define SIG_CALL_SIPREC_ASKED_H

#include "sig/model/event.h"
#include "sig/model/recording.h"

/* All but BYE. Answered. */
void siprec_asked(struct call_host *h, struct call *c, struct recording *r,
		  const struct call_event *ev);
/* ACK to our 2xx. NULL, or what is wrong with the answer to our offer in it. */
const char *siprec_asked_done(struct call_host *h, struct siprec *s, const struct sip_message *ack);
/* The 2xx is said again where it is time. False: nobody has acknowledged it. */
bool siprec_asked_again(struct call_host *h, struct siprec *s) NODISCARD;

#endif
