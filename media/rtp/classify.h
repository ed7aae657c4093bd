/* SPDX-License-Identifier: Apache-2.0 */
/* What a datagram on a media port is, by its first two octets (RFC 7983 7, RFC 5761 4). */
#ifndef MEDIA_RTP_CLASSIFY_H
#define MEDIA_RTP_CLASSIFY_H

#include "base/bytes.h"

enum datagram_class {
	DATAGRAM_UNKNOWN,
	DATAGRAM_STUN, /* 0..3 */
	DATAGRAM_ZRTP, /* 16..19 */
	DATAGRAM_DTLS, /* 20..63 */
	DATAGRAM_TURN, /* 64..79: channel data */
	DATAGRAM_RTP,  /* 128..191 */
	DATAGRAM_RTCP, /* 128..191, and the second octet is an RTCP packet type, 192..223 */
};

/* Shorter than 2 octets, or none of these: unknown. Nothing further is checked. */
static inline enum datagram_class datagram_classify(struct bytes in)
{
	if (in.n < 2)
		return DATAGRAM_UNKNOWN;
	if (LIKELY(in.p[0] >= 128 && in.p[0] <= 191))
		return in.p[1] >= 192 && in.p[1] <= 223 ? DATAGRAM_RTCP : DATAGRAM_RTP;
	if (in.p[0] <= 3)
		return DATAGRAM_STUN;
	if (in.p[0] >= 16 && in.p[0] <= 19)
		return DATAGRAM_ZRTP;
	if (in.p[0] >= 20 && in.p[0] <= 63)
		return DATAGRAM_DTLS;
	return in.p[0] >= 64 && in.p[0] <= 79 ? DATAGRAM_TURN : DATAGRAM_UNKNOWN;
}

#endif
