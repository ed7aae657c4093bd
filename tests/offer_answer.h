/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_OFFER_ANSWER_H
#define TESTS_OFFER_ANSWER_H

#include "base/compiler.h"
#include "media/offer/offer.h"

/* B's answer (to offer_b, the text of offer_forward) as we send it to A, and what the engine shall do. */
NODISCARD static inline int offer_answer(struct bytes offer_a, struct bytes offer_b,
					 struct bytes answer_b, const struct offer_policy *policy,
					 const struct offer_self *to_a, struct writer *answer_a,
					 struct media_plan *plan, struct offer_error *error)
{
	const struct offer_of_other b = { .local = offer_b, .remote = answer_b };

	return offer_answer_by(offer_a, &b, policy, to_a, answer_a, plan, error);
}

#endif
