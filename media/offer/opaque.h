/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opaque m-lines: neither audio nor video, over plain UDP. Fax by T.38 (RFC 3362), floor control (RFC 8856), text (RFC 4103) and so on. What they say
 * of their formats is between the parties: only address, port and direction are ours. Internal to media/.
 */
#ifndef MEDIA_OFFER_OPAQUE_H
#define MEDIA_OFFER_OPAQUE_H

#include "media/offer/offer.h"
#include "media/sdp/sdp.h"

/* The word of a line for terms.lines; NONE: it needs none, or is opaque over a transport that is not relayed. */
enum offer_lines offer_lines_word(enum media_kind kind, struct bytes proto);
/* It has a port for RTCP, the next one, as well. */
bool offer_opaque_has_rtcp(struct bytes proto);
/* NULL, or why the offered line may not pass between these two, whatever else is asked of its kind. */
const char *offer_lines_refusal(const struct sdp *s, uint8_t index, enum media_kind kind,
				const struct offer_policy *policy);

/* What is ours in such a line. */
struct offer_opaque {
	struct bytes media, proto; /* as the offerer wrote them */
	uint16_t port;             /* RTCP, where there is any, is the next one */
	struct sdp_direction direction;
	enum offer_record record;
};

/* The m-line of the source, and what passes of the lines of its section. */
void offer_opaque_write(struct writer *w, const struct sdp *source, uint8_t index,
			const struct offer_opaque *line);

#endif
