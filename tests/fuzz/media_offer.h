/* SPDX-License-Identifier: Apache-2.0 */
/* What the targets about offers and answers share. The oracle of media_offer_fuzz.c: all of it asserts. One thread. */
#ifndef TESTS_FUZZ_MEDIA_OFFER_H
#define TESTS_FUZZ_MEDIA_OFFER_H

#include "media/offer/offer.h"
#include "media/offer/session.h"

/* Under which profiles a text is. */
enum { AS_OFFERED = -1, PLAIN, SECURE, DTLS };

/* ---- media_offer_input.c ---- */
struct offer_input {
	struct bytes offer, answer;
	struct offer_policy policy;
	struct offer_self to_a, to_b;
};

struct offer_input offer_input_read(struct bytes in);

/* ---- media_offer_text.c ---- */
/* Of a text that must parse. */
void judge_parse(struct sdp *s, struct bytes text);
bool judge_is_dtls(const struct sdp *s, unsigned section);
bool judge_is_opaque(const struct sdp *s, unsigned section);
bool judge_is_secure(const struct sdp *s, unsigned section);
bool judge_same_key(const struct media_key *a, const struct media_key *b);
/* Our text, made of that offer as self, for a party under those terms. */
void judge_text(struct bytes text, struct bytes offer, const struct offer_self *self,
		const struct offer_terms *terms, int kind);

/* ---- media_offer_plan.c ---- */
/* Of our answer, as it is read again: what we say yes to can be used. */
void judge_session(const struct session *session, struct bytes said);
void judge_plan(const struct media_plan *plan, struct bytes offer, struct bytes forwarded,
		struct bytes answer, struct bytes answered);

#endif
