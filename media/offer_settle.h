/* SPDX-License-Identifier: Apache-2.0 */
/* What an exchange means for all lines together. Internal to media/offer_*.c. */
#ifndef MEDIA_OFFER_SETTLE_H
#define MEDIA_OFFER_SETTLE_H

#include "media/offer_plan.h"

/*
 * Every line of the plan, and of those that are SRTP our a=crypto towards A; the caller wipes both. 0, -EBADMSG, or -ENOTSUP: by us no line is
 * taken.
 */
int offer_settle(struct media_plan *plan, struct crypto to_a[MEDIA_LINES_MAX],
		 const struct offer_exchange *x, const struct offer_policy *policy,
		 const struct offer_self *self, struct offer_error *error) NODISCARD;

#endif
