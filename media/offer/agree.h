/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One m-line after the answer: which formats offer, our offer and answer have in common. Internal
 * to media/offer.
 */
#ifndef MEDIA_OFFER_AGREE_H
#define MEDIA_OFFER_AGREE_H

#include "media/offer/line.h"
#include "media/offer/own.h"
#include "media/offer/session.h"

/* What A is answered by: B's answer to our offer made of A's, or the node's capabilities. */
struct offer_answering {
	const struct sdp *offer_a, *offer_b, *answer_b;
	bool b_apart;   /* both of B's are about another offer than offer_a */
	bool b_two_way; /* whatever the direction in answer_b */
	bool b_offered; /* offer_b, our text to B, is the answer, and answer_b the offer */
	/* NULL, and both texts of B's empty, if there is no B. */
	const struct session *b;
	const struct offer_capabilities *own; /* of them; else NULL */
	const struct offer_policy *policy;
	const struct offer_self *to_a;
};

/* A format under its three numbers. PAYLOAD_NONE for a party without it: an event may be agreed
 * with one party only. */
struct offer_agreed {
	uint8_t a;        /* A's own: what A receives, and what we let A send */
	uint8_t offered;  /* in our offer: what B sends */
	uint8_t answered; /* in B's answer: what B receives */
	uint8_t event;    /* RFC 4733 */
	uint32_t clock_hz;
	struct bytes name;
	struct bytes encoding;   /* rtpmap towards A, as A wrote it; empty: a static type */
	struct bytes parameters; /* of an fmtp of ours towards A; empty: B's */
};

struct offer_agreement {
	enum offer_line_state state; /* OFF: A, B or our offer had it at port 0 */
	const char *reason;          /* REFUSED: by us, because of B's answer */
	uint16_t number;             /* line of the answer */
	enum media_kind kind;
	struct media_side a; /* rules and keys empty */
	struct offer_profile profile_a;
	uint8_t count;
	struct own_video video; /* parameters of our own lie here: it is not copied */
	/* In B's order, then those only A has; at least one under all three numbers. */
	struct offer_agreed at[PAYLOAD_RULES_MAX];
};

/* 0 or -EBADMSG: A's line is malformed. */
int offer_agree(struct offer_agreement *out, const struct offer_answering *k, uint8_t index,
		struct offer_error *error) NODISCARD;

/* Which payload types a party may send, and how the other party receives them: unchanged, or
 * transcoded. Internal to media/offer. */

/* One line of two legs, seen from one of them. */
struct ruling {
	const struct session_line *own, *other;
	/* For each format of `own` the index of the same in `other`, or PAYLOAD_NONE. */
	const uint8_t *to_other;
	bool codes; /* what the other party does not take is transcoded, where the node speaks it */
};

/* Joins two legs: what the engine does, from what each leg has agreed on. Pure. */

/* A line is active if it is on both legs, with a common codec; an opaque line if it is the same.
 * codes: what one party may send and the other does not take is transcoded if the node speaks both
 * codecs, and audio is then active without a common codec, too. */
void bridge_map(const struct session *a, const struct session *b, bool codes,
		struct media_plan *out);
/* The same, of their texts. 0 or -EBADMSG as session_read; then no line is active. */
int bridge_read(const struct session_texts *a, const struct session_texts *b, bool codes,
		struct media_plan *out, struct offer_error *error) NODISCARD;

/* How two legs suit each other, by what is agreed with each. */
struct bridge_fit {
	/* A line is active, and each audio line of both has a common codec. */
	bool common;
	/* And any audio codec that either may send is one that the other takes. */
	bool whole;
	bool transcoded; /* the first is not so, but both are transcoded for each other */
};
/* 0 or -EBADMSG as session_read; then they do not suit each other at all. */
int bridge_fit(const struct session_texts *a, const struct session_texts *b, struct bridge_fit *out,
	       struct offer_error *error) NODISCARD;

#endif
