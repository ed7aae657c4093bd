/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nearly all frames are: IPv4 without a tag or options, whole, with a checksum and no octet behind its UDP payload, which is long
 * enough for RTP. Such a frame is looked at once, from end to end, without asking what else it may be, and its addresses are read where they
 * lie. Whatever is refused here is for frame_parse, which would find the same of what is not.
 */
#ifndef ENGINE_NET_FRAME_ORDINARY_H
#define ENGINE_NET_FRAME_ORDINARY_H

#include "engine/net/frame_layout.h"
#include "engine/net/frame_sum.h"

enum {
	FRAME_ORDINARY_AT = ETHERNET_LEN + IPV4_LEN + UDP_LEN, /* its payload */
	FRAME_ORDINARY_FROM = ETHERNET_LEN + IPV4_FROM_AT,     /* addresses, network order */
	FRAME_ORDINARY_TO = ETHERNET_LEN + IPV4_TO_AT,
	FRAME_ORDINARY_FROM_PORT = ETHERNET_LEN + IPV4_LEN, /* and ports */
	FRAME_ORDINARY_TO_PORT = FRAME_ORDINARY_FROM_PORT + UDP_TO_AT,
};

/* Looked at as they lie in memory, several at once: all bits of the mask are those of the value. */
static inline bool octets_are(const uint8_t *p, uint32_t mask, uint32_t value)
{
	return (memory_get_32(p) & htonl(mask)) == htonl(value);
}

/* 0/8, loopback, multicast and what is reserved, broadcast with it: nobody sends from there, or hardly ever. */
static inline bool frame_ipv4_source_is_odd(const uint8_t *ip)
{
	return ip[0] == 127 || (uint8_t)(ip[0] - 1) >= 223;
}

/* The heads, but for sums. *length: of UDP. */
static inline bool frame_heads_are_ordinary(struct bytes in, uint16_t *length)
{
	const uint8_t *ip = in.p + ETHERNET_LEN, *udp = ip + IPV4_LEN;

	if (in.n < FRAME_ORDINARY_AT + FRAME_TAIL_AT || in.p[0] & 1 ||
	    !octets_are(in.p + MACS_LEN, 0xffffff00, TYPE_IPV4 << 16 | IPV4_VERSION << 8))
		return false;
	*length = be16_get(udp + UDP_LENGTH_AT);
	return *length >= UDP_LEN + FRAME_TAIL_AT && *length <= in.n - (ETHERNET_LEN + IPV4_LEN) &&
	       be16_get(ip + IPV4_TOTAL_AT) == IPV4_LEN + *length &&
	       /* with the time to live in between */
	       octets_are(ip + IPV4_FRAGMENT_AT, FRAGMENT_BITS << 16 | 0xff, PROTOCOL_UDP) &&
	       memory_get(udp + UDP_SUM_AT) != 0 && memory_get(udp) != 0 &&
	       !frame_ipv4_source_is_odd(ip + IPV4_FROM_AT);
}

/* Length of its payload, or 0: it is none. summed: somebody has found the checksum of UDP to be right, and *tail_sum is not made. */
static ALWAYS_INLINE uint16_t frame_ordinary(struct bytes in, bool summed, uint16_t *tail_sum)
{
	const uint8_t *ip = in.p + ETHERNET_LEN, *udp = ip + IPV4_LEN;
	const size_t tail = UDP_LEN + FRAME_TAIL_AT;
	uint64_t addresses, sum;
	uint16_t length;

	if (UNLIKELY(!frame_heads_are_ordinary(in, &length)))
		return 0;
	addresses = head_sum(ip + IPV4_FROM_AT, 8);
	if (UNLIKELY(!frame_sum_is_fine(addresses + head_sum(ip, IPV4_FROM_AT))))
		return 0;
	if (LIKELY(!summed)) {
		*tail_sum =
			frame_sum_fold(frame_sum_inline(0, bytes_mem(udp + tail, length - tail)));
		sum = addresses + sum_word(PROTOCOL_UDP) + sum_word(length) + *tail_sum +
		      head_sum(udp, UDP_LEN + FRAME_TAIL_AT);
		if (UNLIKELY(!frame_sum_is_fine(sum)))
			return 0;
	}
	return (uint16_t)(length - UDP_LEN);
}

#endif
