/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PRACK of ours (RFC 3262 4): a party that we ask says a provisional response until it hears it. Each early
 * dialog of a leg has numbers of its own (sig/leg/early.h). PRACK leaves when what it acknowledges is saved, and
 * is the same one after a restart.
 */
#ifndef SIG_CALL_PRACK_H
#define SIG_CALL_PRACK_H

#include "sig/model/event.h"
#include "sig/model/start.h"

/* The party says it until a PRACK comes. */
bool prack_is_due(const struct sip_message *response);
/* The party of the leg, whose INVITE is written, is told that we can. */
bool prack_is_offered(const struct call *c, uint8_t leg);
/* Such a response: its PRACK waits for the save. False: a copy, out of order, or not to be acknowledged now; it is not passed on. */
bool prack_take(struct call_host *h, struct call *c, uint8_t leg, const struct sip_message *m);
/* It was passed on: what it answered stays the answer, whatever the 2xx has. */
void prack_keep_answer(struct leg *leg, const struct sip_message *m);
/* Its INVITE is open, and the answer to what was offered first was acknowledged: its party may offer anew, by UPDATE (RFC 3311 5.1). */
bool prack_may_offer(const struct leg *leg);
/* The save is done. */
void prack_go(struct call_host *h, struct call *c, uint8_t leg);
/* The asker's answer to the offer of the leg's response goes with its PRACK. 0 or -errno with *refusal. */
int prack_answer(struct call_host *h, struct call *c, uint8_t leg, struct bytes sdp,
		 struct call_refusal *refusal) NODISCARD;
/* What the party said to it, or that it said nothing. */
void prack_answered(struct call_host *h, struct call *c, const struct call_event *ev);
/* After a restart. */
void prack_resume(struct call_host *h, struct call *c, uint8_t leg);

#endif
