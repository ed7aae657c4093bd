/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport-wide congestion control, the receiver's part
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01): the sender numbers all packets of a
 * transport in a header extension, and is told when each arrived. Pure: one thread, nothing is
 * allocated.
 */
#ifndef MEDIA_RTP_TRANSPORT_CC_H
#define MEDIA_RTP_TRANSPORT_CC_H

#include "base/bytes.h"

#define TRANSPORT_CC_URI "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

enum {
	/* numbers, the highest one and those before it, of which is known when they came */
	TRANSPORT_CC_KEPT = 256,
	/* a feedback packet: its head, chunks of seven statuses each, deltas of two octets each,
	 * and zeros up to a whole word */
	TRANSPORT_CC_MAX = 20 + 2 * ((TRANSPORT_CC_KEPT + 6) / 7) + 2 * TRANSPORT_CC_KEPT + 2,
};

/* Of one transport, all its m-lines and SSRCs. Zero-initialised. */
struct transport_cc {
	uint32_t arrival[TRANSPORT_CC_KEPT]; /* of each number modulo KEPT; 250 us */
	uint64_t received[TRANSPORT_CC_KEPT / 64];
	uint16_t begin, end; /* to be reported: from begin on, and before end */
	uint8_t packets;     /* of feedback, modulo 256 */
	bool started;
};

/* A packet with that number came. A late one is reported again with all that came after it; a
 * duplicate counts once. A number far from all others (a new sender, say) begins the count anew. */
void transport_cc_note(struct transport_cc *t, uint16_t number, uint64_t now_ns);
/* Whether arrivals wait for a report. */
static inline bool transport_cc_is_due(const struct transport_cc *t)
{
	return t->begin != t->end;
}
/* An RTCP packet (RTPFB, FMT 15; not a compound) about what is due. Arrivals more than 8 s apart do
 * not fit into one: the rest stays due. */
struct bytes transport_cc_write(struct transport_cc *t, uint8_t out[TRANSPORT_CC_MAX],
				uint32_t sender_ssrc, uint32_t media_ssrc);

#endif
