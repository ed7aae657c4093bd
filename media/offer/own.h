/* SPDX-License-Identifier: Apache-2.0 */
/* What the node can do by itself. Internal to media/offer. */
#ifndef MEDIA_OFFER_OWN_H
#define MEDIA_OFFER_OWN_H

#include "media/offer/offer.h"
#include "media/payload.h"

/* It is a codec of ours. */
bool offer_own_has(const struct offer_capabilities *own, const struct payload *p);

#endif
