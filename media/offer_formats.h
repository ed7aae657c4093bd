/* SPDX-License-Identifier: Apache-2.0 */
/* Which formats the answerer is offered, and under which numbers. Internal to media/offer_*.c. */
#ifndef MEDIA_OFFER_FORMATS_H
#define MEDIA_OFFER_FORMATS_H

#include "media/offer_line.h"
#include "media/offer_write.h"

/*
 * The offerer's formats (selected), less events where the answerer takes its digits by INFO, and with events of ours where
 * the offerer does. Numbers: as earlier on that leg (NULL: nothing was), else the offerer's, an event's as the policy prefers.
 */
void offer_formats_fill(struct offer_formats *out, const struct offer_line *line,
			const struct sdp *s, uint8_t index, const struct offer_policy *policy,
			const struct sdp *earlier);

#endif
