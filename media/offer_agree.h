/* SPDX-License-Identifier: Apache-2.0 */
/* One m-line after the answer: which formats offer, our offer and answer have in common. Internal to media/offer_*.c. */
#ifndef MEDIA_OFFER_AGREE_H
#define MEDIA_OFFER_AGREE_H

#include "media/offer_line.h"

/* A's offer, the offer we made of it, B's answer. */
struct offer_exchange {
	struct sdp offer_a, offer_b, answer_b;
};

/* A format under its three numbers. An event that one party alone has is agreed with that one: PAYLOAD_NONE for the other. */
struct offer_agreed {
	uint8_t a;        /* A's own: what A receives, and what we let A send */
	uint8_t offered;  /* in our offer: what B sends */
	uint8_t answered; /* in B's answer: what B receives */
	uint8_t event;    /* RFC 4733 */
	uint32_t clock_hz;
	struct bytes name;
	struct bytes encoding; /* rtpmap towards A, as A wrote it; empty: a static type */
};

struct offer_agreement {
	enum offer_line_state state; /* OFF: A, B or our offer had it at port 0 */
	const char *reason;          /* REFUSED: by us, because of B's answer */
	uint16_t number;             /* line of the answer */
	enum media_kind kind;
	struct media_side a, b;                    /* rules and keys empty */
	struct offer_profile profile_a, profile_b; /* as the parties wrote them */
	uint8_t count;
	struct offer_agreed at
		[PAYLOAD_RULES_MAX]; /* in B's order, then those of A alone; at least one under all three */
};

/* 0 or -EBADMSG: the answer's line is malformed, or of another kind than the offer's. */
int offer_agree(struct offer_agreement *out, const struct offer_exchange *x, uint8_t index,
		const struct offer_policy *policy, struct offer_error *error) NODISCARD;
/* Of the first codec: what its packets have. 0: there is none. */
uint32_t offer_agreement_clock_hz(const struct offer_agreement *g);

#endif
