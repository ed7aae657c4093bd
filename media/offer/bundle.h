/* SPDX-License-Identifier: Apache-2.0 */
/* BUNDLE groups (RFC 9143). Internal to media/offer. */
#ifndef MEDIA_OFFER_BUNDLE_H
#define MEDIA_OFFER_BUNDLE_H

#include "media/offer/session.h"

#define OFFER_BUNDLE_MID "urn:ietf:params:rtp-hdrext:sdes:mid"

/* The value of the a=group:BUNDLE that an m-line is in, its identification-tags. False: in none. */
bool offer_bundle_of(const struct sdp *s, uint8_t index, struct bytes *tags);
/* The m-line that a tag names. False: none. */
bool offer_bundle_line(const struct sdp *s, struct bytes tag, uint8_t *index);
/* The line has a port, or gets that of its group: a=bundle-only with port 0 refuses nothing (RFC 9143 6). */
bool offer_bundle_is_live(const struct sdp *s, uint8_t index);

/* The groups of A's offer with the tags of what is answered, the tagged one first; none that is empty. */
void offer_bundle_write(struct writer *w, const struct sdp *offer_a,
			const struct session *answered);

#endif
