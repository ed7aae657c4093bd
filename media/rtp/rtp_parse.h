/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTP packets (RFC 3550 5.1) and header extension elements (RFC 8285). Slices lie within the
 * packet.
 */
#ifndef MEDIA_RTP_RTP_PARSE_H
#define MEDIA_RTP_RTP_PARSE_H

#include "base/bytes.h"

enum {
	RTP_VERSION = 2,
	RTP_FIRST_PLAIN = RTP_VERSION << 6, /* a first octet: no padding, no extension, no CSRC */
	RTP_HEAD_LEN = 12,                  /* without CSRC list and extension */
	RTP_EXTENSION_BIT = 0x10,           /* X, of the first octet */
	RTP_PADDING_BIT = 0x20,             /* P */
	/* RFC 8285 4.2, and 4.3, where the lowest 4 bits are the application's */
	RTP_EXTENSION_ONE_BYTE = 0xbede,
	RTP_EXTENSION_TWO_BYTE = 0x1000,
};

/*
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 * |                           timestamp                           |
 * |           synchronization source (SSRC) identifier            |
 * |            contributing source (CSRC) identifiers             |
 */
struct rtp_head {
	uint32_t timestamp, ssrc;
	uint16_t sequence;
	uint8_t payload_type; /* 0..127 */
	uint8_t marker;
	uint8_t padding; /* octets at the end, not part of the payload */
	uint8_t has_extension;
	uint16_t extension_profile; /* valid with has_extension */
	struct bytes csrc;          /* whole 32-bit identifiers */
	struct bytes extension;     /* without its 4 octets of header */
	struct bytes payload;       /* without padding; may be empty */
};

/* in: one plain (not encrypted) packet. 0 or -EBADMSG; *out is untouched on error. */
int rtp_parse(struct rtp_head *out, struct bytes in) NODISCARD;
/* The same for a packet that may be encrypted: padding is not visible, so the payload is all that
 * follows the head. */
int rtp_parse_sealed(struct rtp_head *out, struct bytes in) NODISCARD;

struct rtp_element {
	uint8_t id;
	struct bytes data;
};

/* Walks the elements of h->extension; start with *rest = h->extension. False at the end, at a
 * reserved id (RFC 8285 4.2: 15, and 0 with a length), or if the rest is malformed. */
bool rtp_element_next(const struct rtp_head *h, struct bytes *rest, struct rtp_element *out);
/* The first element with that id. False: it is absent. */
bool rtp_element_find(const struct rtp_head *h, uint8_t id, struct bytes *data);

/* What a datagram on a media port is, by its first two octets (RFC 7983 7, RFC 5761 4). */

enum datagram_class {
	DATAGRAM_UNKNOWN,
	DATAGRAM_STUN, /* 0..3 */
	DATAGRAM_ZRTP, /* 16..19 */
	DATAGRAM_DTLS, /* 20..63 */
	DATAGRAM_TURN, /* 64..79: channel data */
	DATAGRAM_RTP,  /* 128..191 */
	DATAGRAM_RTCP, /* 128..191, and the second octet is an RTCP packet type, 192..223 */
};

/* Shorter than 2 octets, or of no such class: unknown. Nothing further is checked. */
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
