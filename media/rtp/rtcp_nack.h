/* SPDX-License-Identifier: Apache-2.0 */
/* Generic NACK (RFC 4585 6.2.1): which sequence numbers a party misses, and that of those somebody has seen to. */
#ifndef MEDIA_RTP_RTCP_NACK_H
#define MEDIA_RTP_RTCP_NACK_H

#include "media/rtp/rtcp_parse.h"

enum { RTCP_NACK_NUMBERS = 64, RTCP_NACK_MAX = 12 + 4 * RTCP_NACK_NUMBERS };

/* That `sender` misses those of the stream `media`: at most so many, and each but the first is ahead of the one before it, by less than 2^15. */
struct rtcp_missing {
	uint32_t sender, media;
	const uint16_t *numbers;
	size_t count; /* not 0 */
};

struct bytes rtcp_nack_write(uint8_t out[RTCP_NACK_MAX], const struct rtcp_missing *m);

/* True: the party need not ask anybody else for it. */
typedef bool rtcp_nack_fn(void *user, uint16_t sequence);

/*
 * Of a checked compound, in place: asks about each number that a NACK about the stream `media` names, in order, and takes those out that
 * fn says yes to. A NACK of which nothing is left goes, and *n may be 0 then; all else stays octet by octet, a packet
 * of a type that is none of RTCP perhaps the first now.
 */
void rtcp_nack_take(uint8_t *p, size_t *n, uint32_t media, rtcp_nack_fn *fn, void *user);

#endif
