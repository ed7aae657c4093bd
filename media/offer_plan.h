/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine shall do with one agreed m-line: rules, events, RTCP, keys. Internal to media/offer_*.c. */
#ifndef MEDIA_OFFER_PLAN_H
#define MEDIA_OFFER_PLAN_H

#include "media/crypto.h"
#include "media/offer_agree.h"

/* *to_a: our line in the answer to A, own is its key; suite NONE: plain RTP. NULL, or why there are no keys: then none is left behind. */
const char *offer_plan(struct media_line *out, const struct offer_exchange *x, uint8_t index,
		       const struct offer_agreement *g, const struct offer_policy *policy,
		       const struct media_key *own, struct crypto *to_a);

#endif
