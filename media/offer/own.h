/* SPDX-License-Identifier: Apache-2.0 */
/* What the node can do by itself. Internal to media/offer. */
#ifndef MEDIA_OFFER_OWN_H
#define MEDIA_OFFER_OWN_H

#include "media/offer/offer.h"
#include "media/payload.h"

/* It is a codec of ours. */
bool offer_own_has(const struct offer_capabilities *own, const struct payload *p);
#define OFFER_CODINGS_FULL "no codec in common, and no more calls may be transcoded"

/* Why nothing of these formats can be transcoded: names the first codec, and says what to do. */
const char *offer_own_lacks(const struct payload_list *formats);

#endif
