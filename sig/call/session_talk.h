/* SPDX-License-Identifier: Apache-2.0 */
/* The offerer and answerer of an SDP exchange, and its terms; private to session*.c. Nothing is
 * changed here, and results point into the call. */
#ifndef SIG_CALL_SESSION_TALK_H
#define SIG_CALL_SESSION_TALK_H

#include "media/offer/offer.h"
#include "sig/leg/leg.h"
#include "sig/model/event.h"

/* An offer that was carried from one leg to another, and its answer. */
struct talk {
	uint8_t offerer, answerer;
	struct bytes offer;     /* the offerer's */
	struct bytes offer_out; /* what the answerer was offered for it; empty: nothing yet */
	struct bytes answer;    /* the answerer's; empty: none yet */
	bool two_way; /* the answerer supports both directions: its SDP was limited by the offer */
	/* the leg of another call that made the offer, to be joined with; NULL: none */
	const struct leg *with;
	/* the answerer's SDP is its own offer, offer_out our answer: it did not see this offer */
	bool reversed;
};

/* Of the INVITE that is open towards the leg. */
struct talk talk_open(const struct call *c, uint8_t leg);
/* The same as if the leg, which has answered early, offered anew: its caller may not have been
 * told. */
struct talk talk_early(const struct call *c, uint8_t leg);
/* The same as if this leg had offered last. */
struct talk talk_agreed_by(const struct call *c, uint8_t offerer);
/* That of the open INVITE once it has an answer (early media), else the last agreed one. */
struct talk talk_in_force(const struct call *c);
/* Every line that an open INVITE offers has its two ports. */
bool talks_have_flows(const struct call *c);
/* Whether every relayed line has its flows. Legs from different calls may have different lines. */
bool plan_has_flows(const struct call *c, const struct media_plan *plan, uint8_t a, uint8_t b);

/* offerer == answerer: an SDP that we wrote for that leg. */
struct offer_policy talk_policy(const struct call *c, uint8_t offerer, uint8_t answerer);
/* Of an offer that is to be made. */
struct offer_policy talk_policy_of(const struct call_host *h, const struct call *c,
				   const struct talk *t);
/* Our side towards the party of a leg. */
struct offer_self talk_self(const struct call_host *h, const struct call *c, uint8_t leg);

#endif
