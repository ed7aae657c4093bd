/* SPDX-License-Identifier: Apache-2.0 */
/* A's lines as B is offered them. Internal to media/offer. */
#ifndef MEDIA_OFFER_OFFERED_H
#define MEDIA_OFFER_OFFERED_H

#include "media/offer/formats.h"

struct offering {
	const struct sdp *s;
	const struct offer_policy *policy;
	const struct offer_self *to_b;
	const struct sdp *earlier;    /* NULL: none */
	const struct sdp *remote;     /* of B; NULL: nothing */
	bool dtls;                    /* towards B */
	struct offer_numbers numbers; /* given so far; empty before the first line */
};

/* Lines in their order, from 0; *refused has the first reason of ours. 1: offered, 0: written as refused, or -EBADMSG. */
int offer_offered_write(struct writer *w, struct offering *k, uint8_t index,
			struct offer_error *refused, struct offer_error *error) NODISCARD;
/* a=group:BUNDLE of all that would be offered (RFC 9143 7.2); none where nothing is. 0 or -EBADMSG. */
int offer_offered_group(struct writer *w, struct offering *k, struct offer_error *error) NODISCARD;

#endif
