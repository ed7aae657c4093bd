/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads Ethernet frames with UDP, with every check that the kernel would make, and writes them. For
 * ports below the kernel's IP. Numbers are in host order, addresses as in base/addr.h. Thread-safe:
 * stores nothing.
 */
#ifndef ENGINE_NET_FRAME_H
#define ENGINE_NET_FRAME_H

#include <arpa/inet.h>
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/addr.h"
#include "base/bytes.h"

enum {
	FRAME_MAC_LEN = 6,
	FRAME_HEAD_MAX = 14 + 4 + 40 + 8, /* Ethernet, one tag, IPv6, UDP */
	FRAME_IP_HEAD_MAX = 40 + 8,       /* IPv6, UDP: of the MTU */
	FRAME_VLAN_MAX = 4094,
	FRAME_TAIL_AT = 12, /* a payload's tail begins there: behind the fixed head of RTP */
};

/* Why a frame is not accepted. */
enum frame_fault {
	FRAME_FINE,
	FRAME_SHORT,     /* shorter than its headers claim */
	FRAME_PROTOCOL,  /* not IP, not UDP, more than one tag, IPv6 extension headers */
	FRAME_HEAD,      /* version, lengths or addresses that no IP head has */
	FRAME_OPTIONS,   /* IPv4 options */
	FRAME_FRAGMENT,  /* of IPv4; one of IPv6 is FRAME_PROTOCOL */
	FRAME_CHECKSUM,  /* of IPv4 or UDP */
	FRAME_MULTICAST, /* to many stations: RFC 1122 3.3.6 wants no unicast IP in there */
	FRAME_FAULTS,
};

struct frame {
	struct addr from, to;
	uint16_t vlan; /* 802.1Q identifier; 0: untagged */
	uint8_t tos;   /* DSCP and ECN */
	uint16_t payload_at, payload_length;
	/* Of the payload from FRAME_TAIL_AT on; known if there is a checksum and that much payload.
	 * A caller that only changes the RTP head need not sum the rest again. */
	uint16_t tail_sum;
	bool tail_known;
};

/* The Ethernet part of a frame's destination. */
struct frame_path {
	uint8_t to[FRAME_MAC_LEN], from[FRAME_MAC_LEN];
	uint16_t vlan; /* 0: untagged */
};

struct frame_head {
	const struct frame_path *path;
	const struct addr *from, *to; /* of one family */
	uint8_t tos, hops;
	bool tail_known; /* tail_sum is that of the payload */
	uint16_t tail_sum;
	uint16_t id; /* of IPv4, which may be fragmented on its way (RFC 6864 4.2): counts up */
	/* The device makes the checksums: IPv4's is 0 until then, UDP's the pseudo header's. */
	bool device_sums;
};

/* A UDP checksum of the pseudo header alone is accepted, too: such a packet comes from this machine
 * or its host, over a virtual device that left the rest to hardware which was never reached. *out
 * is only valid on success. */
enum frame_fault frame_parse(struct frame *out, struct bytes in);
/* The same for a frame with a UDP checksum that was verified already. */
enum frame_fault frame_parse_summed(struct frame *out, struct bytes in);

/* Of the heads before the payload. */
size_t frame_head_size(uint8_t family, uint16_t vlan);
/* Writes the headers directly before the payload, where FRAME_HEAD_MAX octets must be free. Returns
 * where the frame begins. */
uint8_t *frame_write(const struct frame_head *h, uint8_t *payload, uint16_t length);

/* The sum of RFC 1071, in the byte order of memory (2 B): over octets that begin at an even place,
 * not yet folded. The small parts are inline, for the headers of each packet. */

static inline uint16_t memory_get(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t memory_get_32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void memory_put(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* Of the heads: n is a constant, a multiple of 4, and the loop is unrolled. */
static inline uint64_t head_sum(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	for (size_t at = 0; at < n; at += 4)
		sum += memory_get_32(p + at);
	return sum;
}

/* 1 to 0xffff, and 0 for 0 only. Adds each half to the other, with the carry of the lower one. */
static inline uint16_t frame_sum_fold(uint64_t sum)
{
	uint32_t half;

	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}

/* The same of a sum of few words: below 2^31. */
static inline uint16_t frame_sum_fold_32(uint32_t sum)
{
	sum += sum << 16 | sum >> 16;
	return (uint16_t)(sum >> 16);
}

/* Of something that is not all zero, with its checksum in it. */
static inline bool frame_sum_is_fine(uint64_t sum)
{
	return sum % 0xffff == 0;
}

/* Less than a block, by direct loads: reading back a copy on the stack would stall. */
static ALWAYS_INLINE uint64_t frame_sum_rest(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	if (n & 16) {
		sum += head_sum(p, 16);
		p += 16;
	}
	if (n & 8) {
		sum += head_sum(p, 8);
		p += 8;
	}
	if (n & 4) {
		sum += memory_get_32(p);
		p += 4;
	}
	if (n & 2) {
		sum += memory_get(p);
		p += 2;
	}
	return n & 1 ? sum + htons((uint16_t)(*p << 8)) : sum;
}

typedef uint64_t frame_lanes VECTOR_OF(32);

/* frame_sum for a caller compiled for the CPU in question (FOR_CPU). Both halves of each lane are
 * summed apart: they cannot overflow. Two blocks per turn, then the odd one. */
static ALWAYS_INLINE uint64_t frame_sum_inline(uint64_t sum, struct bytes in)
{
	const uint8_t *p = in.p, *end = p + in.n;
	frame_lanes low = { 0 }, high = { 0 };

	for (; (size_t)(end - p) >= 2 * sizeof(frame_lanes); p += 2 * sizeof(frame_lanes)) {
		frame_lanes one, two;

		memcpy(&one, p, sizeof(one));
		memcpy(&two, p + sizeof(one), sizeof(two));
		low += (one & UINT32_MAX) + (two & UINT32_MAX);
		high += (one >> 32) + (two >> 32);
	}
	if ((size_t)(end - p) >= sizeof(frame_lanes)) {
		frame_lanes one;

		memcpy(&one, p, sizeof(one));
		low += one & UINT32_MAX;
		high += one >> 32;
		p += sizeof(frame_lanes);
	}
	low += high;
	for (size_t i = 0; i < sizeof(frame_lanes) / sizeof(low[0]); i++)
		sum += low[i];
	return p < end ? sum + frame_sum_rest(p, (size_t)(end - p)) : sum;
}

/* in: up to 2^16 - 1 octets. */
uint64_t frame_sum(uint64_t sum, struct bytes in);

/* Lengths and numbers of Ethernet, IPv4, IPv6, UDP. Only for files that read or write frames. */

enum {
	MACS_LEN = 2 * FRAME_MAC_LEN,
	ETHERNET_LEN = MACS_LEN + 2,
	TAG_LEN = 4,
	IPV4_LEN = 20,
	IPV6_LEN = 40,
	UDP_LEN = 8,
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_TAG = 0x8100,
	TAG_VLAN = 0x0fff,
	PROTOCOL_UDP = 17,
	IPV4_VERSION = 0x45, /* and no options */
	IPV4_TOTAL_AT = 2,
	IPV4_ID_AT = 4,
	IPV4_FRAGMENT_AT = 6,
	IPV4_PROTOCOL_AT = 9,
	IPV4_SUM_AT = 10,
	IPV4_FROM_AT = 12,
	IPV4_TO_AT = 16,
	UDP_TO_AT = 2,
	UDP_LENGTH_AT = 4,
	UDP_SUM_AT = 6,
	FRAGMENT_BITS = 0x3fff, /* more fragments, and the offset */
};

/* As it lies in memory, for sums. */
static inline uint64_t sum_word(uint16_t value)
{
	return htons(value);
}

/* Nearly all frames: IPv4 without tag or options, complete, with a checksum and nothing behind a
 * UDP payload long enough for RTP. Such a frame is read once, from end to end, without other cases,
 * and its addresses in place. Frames refused here go to frame_parse, which would give the same
 * result for those accepted. */

enum {
	FRAME_ORDINARY_AT = ETHERNET_LEN + IPV4_LEN + UDP_LEN, /* its payload */
	FRAME_ORDINARY_FROM = ETHERNET_LEN + IPV4_FROM_AT,     /* addresses, network order */
	FRAME_ORDINARY_TO = ETHERNET_LEN + IPV4_TO_AT,
	FRAME_ORDINARY_FROM_PORT = ETHERNET_LEN + IPV4_LEN, /* and ports */
	FRAME_ORDINARY_TO_PORT = FRAME_ORDINARY_FROM_PORT + UDP_TO_AT,
};

/* Compares octets in memory, several at once: all bits of the mask equal those of the value. */
static inline bool octets_are(const uint8_t *p, uint32_t mask, uint32_t value)
{
	return (memory_get_32(p) & htonl(mask)) == htonl(value);
}

/* 0/8, loopback, multicast, reserved addresses, broadcast: hardly ever a source. */
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

/* Length of its payload, or 0 if it is not such a frame. summed: UDP's checksum is verified
 * already, and *tail_sum not set. */
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

/* The headers of all frames from one of our sockets to one party, made once: what differs between
 * frames (identifier, sums, rarely the length) is put into a copy. For IPv4 without a tag;
 * frame_write does the rest. One writer, no locks. */

enum { FRAME_READY_LEN = ETHERNET_LEN + IPV4_LEN + UDP_LEN };

/* Zero: unused. */
struct frame_ready {
	/* Of a frame with this length, except for the identifier and the sums made here. */
	uint8_t head[FRAME_READY_LEN];
	uint16_t length;          /* of the payload; of most streams it is always the same */
	uint32_t to_end;          /* addr_end of the destination in the head; 0: unused */
	uint32_t ip_sum, udp_sum; /* of all that does not differ */
	uint8_t device_sums;      /* as in frame_head */
};

/* All of h counts for each frame, but h->id and the sums of a payload. Not IPv4, or with a tag:
 * *out becomes unused. */
void frame_ready_set(struct frame_ready *out, const struct frame_head *h);
/* From now on for payloads of this length. */
void frame_ready_resize(struct frame_ready *r, uint16_t length);

/* Port and family, which follow the address, in one load. Never 0 for an address. */
static inline uint32_t addr_end(const struct addr *a)
{
	static_assert(offsetof(struct addr, port) + 4 == sizeof(*a), "port, family, pad");
	return memory_get_32((const uint8_t *)a + offsetof(struct addr, port));
}

/* Whether it leads to this party. */
static inline bool frame_ready_leads_to(const struct frame_ready *r, const struct addr *to)
{
	return r->to_end == addr_end(to) && r->to_end != 0 &&
	       memory_get_32(r->head + ETHERNET_LEN + IPV4_TO_AT) == memory_get_32(to->ip);
}

/* Did an untagged frame of IPv4 come this very way? */
static inline bool frame_ready_answers(const struct frame_ready *r, const uint8_t *frame)
{
	const uint8_t *to = r->head + ETHERNET_LEN, *from = frame + ETHERNET_LEN;

	return r->to_end != 0 &&
	       memory_get_32(to + IPV4_TO_AT) == memory_get_32(from + IPV4_FROM_AT) &&
	       memory_get(to + IPV4_LEN + UDP_TO_AT) == memory_get(from + IPV4_LEN) &&
	       memcmp(r->head, frame + FRAME_MAC_LEN, FRAME_MAC_LEN) == 0;
}

static inline uint16_t udp_sum_field(const struct frame_ready *r, const uint8_t *payload,
				     const uint16_t *tail_sum)
{
	uint64_t sum = r->udp_sum;
	uint16_t field;

	if (LIKELY(tail_sum != NULL))
		sum += *tail_sum + head_sum(payload, FRAME_TAIL_AT);
	else
		sum = frame_sum(sum, bytes_mem(payload, r->length));
	field = (uint16_t)~frame_sum_fold(sum);
	return field ? field : 0xffff; /* RFC 768: 0 would mean no checksum */
}

/* Like frame_write, into FRAME_READY_LEN octets before the payload. tail_sum: its sum, or NULL. */
static inline void frame_ready_write(struct frame_ready *r, uint8_t *payload, uint16_t length,
				     uint16_t id, const uint16_t *tail_sum)
{
	uint8_t *start = payload - FRAME_READY_LEN, *ip = start + ETHERNET_LEN;
	uint16_t name = htons(id);

	if (UNLIKELY(r->length != length))
		frame_ready_resize(r, length);
	memcpy(start, r->head, FRAME_READY_LEN);
	memory_put(ip + IPV4_ID_AT, name);
	if (UNLIKELY(r->device_sums))
		return;
	memory_put(ip + IPV4_SUM_AT, (uint16_t)~frame_sum_fold_32(r->ip_sum + name));
	memory_put(payload - UDP_LEN + UDP_SUM_AT, udp_sum_field(r, payload, tail_sum));
}

#endif
