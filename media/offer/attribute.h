/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a party's a= lines the other party sees, and how. Internal to media/offer. */
#ifndef MEDIA_OFFER_ATTRIBUTE_H
#define MEDIA_OFFER_ATTRIBUTE_H

#include "media/offer/write.h"

/* An a= value about the path to the party and its keys, not about the call. */
bool offer_attribute_is_of_the_hop(struct bytes attribute);
/* Header extensions (RFC 8285): their numbers are agreed on with one party. */
bool offer_attribute_is_extension(struct bytes attribute);
/* Those of an m-line's section that pass, under the numbers that we write. */
void offer_attributes_write(struct writer *w, const struct sdp *source, unsigned section,
			    const struct offer_media *media);

#endif
