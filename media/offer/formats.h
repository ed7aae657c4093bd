/* SPDX-License-Identifier: Apache-2.0 */
/* Which formats the answerer is offered, and under which numbers. Internal to media/offer. */
#ifndef MEDIA_OFFER_FORMATS_H
#define MEDIA_OFFER_FORMATS_H

#include "media/offer/line.h"
#include "media/offer/write.h"

/* Numbers that are no longer free: other lines of our offer have them, and one BUNDLE group has one use of each (RFC 9143 9.1). */
struct offer_numbers {
	bool taken[128];
};

/*
 * The offerer's formats (selected), less events where the answerer takes its digits by INFO, and with events of ours where
 * the offerer does, and codecs of ours where the line adds them; a WebRTC answerer is offered events of one clock, that of the first codec. Numbers: as earlier on that leg (NULL: nothing was), else the offerer's, an event's as the policy prefers.
 */
void offer_formats_fill(struct offer_formats *out, const struct offer_line *line,
			const struct sdp *s, uint8_t index, const struct offer_policy *policy,
			const struct sdp *earlier, const struct offer_numbers *others);

#endif
