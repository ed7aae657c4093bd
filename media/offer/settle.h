/* SPDX-License-Identifier: Apache-2.0 */
/* What A will have agreed on, before it is written. Internal to media/offer. */
#ifndef MEDIA_OFFER_SETTLE_H
#define MEDIA_OFFER_SETTLE_H

#include "media/crypto.h"
#include "media/offer/agree.h"

/*
 * A's lines as its answer shall have them, and of those that are SRTP our a=crypto towards A; the caller wipes both. Of the formats the
 * numbers alone. 0, -EBADMSG, or -ENOTSUP: by us no line is taken.
 */
int offer_settle(struct session *a, struct crypto to_a[MEDIA_LINES_MAX],
		 const struct offer_answering *k, struct offer_error *error) NODISCARD;

#endif
