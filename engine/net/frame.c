/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes Ethernet, IPv4, IPv6 and UDP headers with their checksums (RFC 768, 791, 8200,
 * 1071). Ports that bypass the kernel (AF_XDP, DPDK) use it for every frame, so it must refuse
 * whatever the kernel's IP would refuse: wrong checksums, fragments, odd sources. The XDP program's
 * forwarding uses its sums, too. Headers of a steady destination are prepared once (struct
 * frame_ready), and the sum over the payload is vectorised.
 */

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "engine/net/frame.h"

#ifdef __x86_64__
FOR_CPU("avx2") static NOINLINE uint64_t sum_avx2(uint64_t sum, struct bytes in)
{
	return frame_sum_inline(sum, in);
}
#endif

/* By itself: the caller needs no place for vectors. */
static NOINLINE uint64_t sum_any(uint64_t sum, struct bytes in)
{
	return frame_sum_inline(sum, in);
}

uint64_t frame_sum(uint64_t sum, struct bytes in)
{
	assert(in.n <= UINT16_MAX);
#ifdef __x86_64__
	if (LIKELY(__builtin_cpu_supports("avx2")))
		return sum_avx2(sum, in);
#endif
	return sum_any(sum, in);
}

/* Of eight octets as they lie in memory. */
static inline uint64_t word_sum(uint64_t octets)
{
	return (octets & UINT32_MAX) + (octets >> 32);
}

size_t frame_head_size(uint8_t family, uint16_t vlan)
{
	return (size_t)ETHERNET_LEN + (vlan ? TAG_LEN : 0) +
	       (family == ADDR_V4 ? IPV4_LEN : IPV6_LEN) + UDP_LEN;
}

static inline uint8_t *ethernet_write(const struct frame_head *h, uint8_t *p)
{
	const struct frame_path *path = h->path;

	memcpy(p, path->to, FRAME_MAC_LEN);
	memcpy(p + FRAME_MAC_LEN, path->from, FRAME_MAC_LEN);
	p += MACS_LEN;
	if (path->vlan) {
		be16_put(p, TYPE_TAG);
		be16_put(p + 2, path->vlan);
		p += TAG_LEN;
	}
	be16_put(p, h->from->family == ADDR_V4 ? TYPE_IPV4 : TYPE_IPV6);
	return p + 2;
}

/* Sums headers from their values: reading what was just written in other widths would stall. */
static inline void ipv4_write(const struct frame_head *h, uint8_t *ip, uint16_t udp_length,
			      uint64_t addresses)
{
	uint64_t first = htobe64((uint64_t)(0x4500 | h->tos) << 48 |
				 (uint64_t)(IPV4_LEN + udp_length) << 32 | (uint64_t)h->id << 16);
	uint16_t last = htons((uint16_t)(h->hops << 8 | PROTOCOL_UDP));

	memcpy(ip, &first, sizeof(first));
	memory_put(ip + 8, last);
	memory_put(ip + 10,
		   h->device_sums ? 0
				  : (uint16_t)~frame_sum_fold(addresses + word_sum(first) + last));
	memcpy(ip + 12, h->from->ip, 4);
	memcpy(ip + 16, h->to->ip, 4);
}

static void ipv6_write(const struct frame_head *h, uint8_t *ip, uint16_t udp_length)
{
	be32_put(ip, 6U << 28 | (uint32_t)h->tos << 20);
	be16_put(ip + 4, udp_length);
	ip[6] = PROTOCOL_UDP;
	ip[7] = h->hops;
	memcpy(ip + 8, h->from->ip, 16);
	memcpy(ip + 24, h->to->ip, 16);
}

static inline void udp_write(const struct frame_head *h, uint8_t *udp, uint16_t length,
			     uint64_t addresses)
{
	uint64_t head = htobe64((uint64_t)h->from->port << 48 | (uint64_t)h->to->port << 32 |
				(uint64_t)length << 16);
	uint64_t sum = addresses + sum_word(PROTOCOL_UDP) + sum_word(length);
	uint16_t field;

	if (h->device_sums) {
		memcpy(udp, &head, sizeof(head));
		memory_put(udp + 6, frame_sum_fold(sum));
		return;
	}
	sum += word_sum(head);
	if (h->tail_known)
		sum += h->tail_sum + head_sum(udp + UDP_LEN, FRAME_TAIL_AT);
	else
		sum = frame_sum(sum, bytes_mem(udp + UDP_LEN, (size_t)length - UDP_LEN));
	field = (uint16_t)~frame_sum_fold(sum);
	memcpy(udp, &head, sizeof(head));
	memory_put(udp + 6, field ? field : 0xffff); /* RFC 768: 0 would mean no checksum */
}

uint8_t *frame_write(const struct frame_head *h, uint8_t *payload, uint16_t length)
{
	bool v4 = h->from->family == ADDR_V4;
	uint16_t udp_length = (uint16_t)(UDP_LEN + length);
	uint8_t *start = payload - frame_head_size(h->from->family, h->path->vlan);
	uint8_t *ip = ethernet_write(h, start), *udp = payload - UDP_LEN;
	uint64_t addresses = v4 ? head_sum(h->from->ip, 4) + head_sum(h->to->ip, 4)
				: head_sum(h->from->ip, 16) + head_sum(h->to->ip, 16);

	assert(h->from->family == h->to->family && h->path->vlan <= FRAME_VLAN_MAX);
	if (v4)
		ipv4_write(h, ip, udp_length, addresses);
	else
		ipv6_write(h, ip, udp_length);
	udp_write(h, udp, udp_length, addresses);
	return start;
}

void frame_ready_set(struct frame_ready *out, const struct frame_head *h)
{
	uint8_t memory[FRAME_HEAD_MAX];
	struct frame_head bare = *h;

	*out = (struct frame_ready){ 0 };
	if (h->from->family != ADDR_V4 || h->path->vlan)
		return;
	bare.id = 0;
	bare.device_sums = true; /* no sums in it yet */
	(void)frame_write(&bare, memory + FRAME_READY_LEN, 0);
	memcpy(out->head, memory, FRAME_READY_LEN);
	out->device_sums = h->device_sums;
	out->to_end = addr_end(h->to);
	frame_ready_resize(out, 0);
}

void frame_ready_resize(struct frame_ready *r, uint16_t length)
{
	uint8_t *ip = r->head + ETHERNET_LEN, *udp = ip + IPV4_LEN;
	uint64_t pseudo = head_sum(ip + IPV4_FROM_AT, 8) + sum_word(PROTOCOL_UDP) +
			  sum_word((uint16_t)(UDP_LEN + length));

	r->length = length;
	be16_put(ip + IPV4_TOTAL_AT, (uint16_t)(IPV4_LEN + UDP_LEN + length));
	be16_put(udp + UDP_LENGTH_AT, (uint16_t)(UDP_LEN + length));
	memory_put(udp + UDP_SUM_AT, r->device_sums ? frame_sum_fold(pseudo) : 0);
	r->ip_sum = frame_sum_fold(head_sum(ip, IPV4_LEN));
	r->udp_sum = frame_sum_fold(pseudo + head_sum(udp, UDP_LEN));
}

/* RFC 768, RFC 8200 8.1: from and to lie side by side in both heads. */
static inline uint64_t pseudo_sum(const uint8_t *addresses, bool v4, uint16_t udp_length)
{
	return sum_word(PROTOCOL_UDP) + sum_word(udp_length) +
	       (v4 ? head_sum(addresses, 8) : head_sum(addresses, 32));
}

/* What lies behind the Ethernet head. */
struct layer {
	const uint8_t *ip;
	size_t n;
	uint16_t type;
	bool summed;
};

static inline enum frame_fault ethernet_parse(struct frame *out, struct layer *l, struct bytes in)
{
	size_t at = ETHERNET_LEN;

	if (in.n < ETHERNET_LEN)
		return FRAME_SHORT;
	if (in.p[0] & 1)
		return FRAME_MULTICAST;
	out->vlan = 0;
	l->type = be16_get(in.p + MACS_LEN);
	if (l->type == TYPE_TAG) {
		if (in.n < ETHERNET_LEN + TAG_LEN)
			return FRAME_SHORT;
		out->vlan = be16_get(in.p + ETHERNET_LEN) & TAG_VLAN;
		l->type = be16_get(in.p + ETHERNET_LEN + 2);
		at += TAG_LEN;
	}
	l->ip = in.p + at;
	l->n = in.n - at;
	return FRAME_FINE;
}

/* As one store: what is read in wider pieces than it was written is waited for. */
static void ip_set(struct addr *a, enum addr_family family, const uint8_t *ip)
{
	uint64_t whole[2] = { 0 };

	memcpy(whole, ip, family == ADDR_V4 ? 4 : 16);
	memcpy(a->ip, whole, sizeof(a->ip));
	a->scope = 0;
	a->family = (uint8_t)family;
	a->pad = 0;
}

static void addresses_set(struct frame *out, enum addr_family family, const uint8_t *from, size_t n)
{
	ip_set(&out->from, family, from);
	ip_set(&out->to, family, from + n);
}

/* The rest of the pseudo header's sum, summed with the field and data: 0xffff if correct. */
static bool udp_checksum_is_fine(struct frame *out, const uint8_t *udp, uint16_t length,
				 uint64_t pseudo)
{
	uint16_t field = memory_get(udp + 6);
	size_t tail = UDP_LEN + FRAME_TAIL_AT;

	out->tail_known = field != 0 && length >= tail;
	if (field == 0)
		return out->from.family == ADDR_V4; /* RFC 8200 8.1: never in IPv6 */
	if (!out->tail_known)
		return frame_sum_fold(frame_sum(pseudo, bytes_mem(udp, length))) == 0xffff ||
		       field == frame_sum_fold(pseudo);
	out->tail_sum = frame_sum_fold(frame_sum(0, bytes_mem(udp + tail, length - tail)));
	return frame_sum_fold(pseudo + out->tail_sum + head_sum(udp, UDP_LEN + FRAME_TAIL_AT)) ==
		       0xffff ||
	       field == frame_sum_fold(pseudo);
}

static inline enum frame_fault udp_parse(struct frame *out, const uint8_t *udp, size_t n,
					 const uint8_t *addresses, bool summed)
{
	bool v4 = out->from.family == ADDR_V4;
	uint16_t length;

	if (n < UDP_LEN)
		return FRAME_HEAD;
	length = be16_get(udp + 4);
	if (length < UDP_LEN || length > n)
		return FRAME_HEAD;
	out->tail_known = false;
	if (!summed && !udp_checksum_is_fine(out, udp, length, pseudo_sum(addresses, v4, length)))
		return FRAME_CHECKSUM;
	out->from.port = be16_get(udp);
	out->to.port = be16_get(udp + 2);
	out->payload_length = (uint16_t)(length - UDP_LEN);
	return FRAME_FINE;
}

static inline enum frame_fault ipv4_parse(struct frame *out, const struct layer *l)
{
	const uint8_t *ip = l->ip;
	uint16_t total;

	if (l->n < IPV4_LEN)
		return FRAME_SHORT;
	if (ip[0] != 0x45)
		return ip[0] >> 4 == 4 && (ip[0] & 15) > 5 ? FRAME_OPTIONS : FRAME_HEAD;
	total = be16_get(ip + 2);
	if (total > l->n)
		return FRAME_SHORT;
	if (total < IPV4_LEN)
		return FRAME_HEAD;
	if (be16_get(ip + 6) & FRAGMENT_BITS)
		return FRAME_FRAGMENT;
	if (ip[9] != PROTOCOL_UDP)
		return FRAME_PROTOCOL;
	if (frame_sum_fold(head_sum(ip, IPV4_LEN)) != 0xffff)
		return FRAME_CHECKSUM;
	out->tos = ip[1];
	addresses_set(out, ADDR_V4, ip + 12, 4);
	return udp_parse(out, ip + IPV4_LEN, total - IPV4_LEN, ip + 12, l->summed);
}

static enum frame_fault ipv6_parse(struct frame *out, const struct layer *l)
{
	const uint8_t *ip = l->ip;
	uint16_t length;

	if (l->n < IPV6_LEN)
		return FRAME_SHORT;
	if (ip[0] >> 4 != 6)
		return FRAME_HEAD;
	if (ip[6] != PROTOCOL_UDP)
		return FRAME_PROTOCOL;
	length = be16_get(ip + 4);
	if (length > l->n - IPV6_LEN)
		return FRAME_SHORT;
	out->tos = (uint8_t)(be16_get(ip) >> 4);
	addresses_set(out, ADDR_V6, ip + 8, 16);
	return udp_parse(out, ip + IPV6_LEN, length, ip + 8, l->summed);
}

/* IPv4-mapped IPv6 never crosses a wire, and link-local addresses need their interface. */
static bool ipv6_source_is_bad(const uint8_t *ip)
{
	static const uint8_t MAPPED[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(ip, MAPPED, sizeof(MAPPED)) == 0 || (ip[0] == 0xfe && ip[1] >> 6 == 2);
}

/* Unspecified, loopback, multicast, broadcast. */
static bool ipv4_source_is_bad(const uint8_t *ip)
{
	return ip[0] == 127 || ip[0] >> 4 == 14 || be32_get(ip) == 0 || be32_get(ip) == UINT32_MAX;
}

/* No honest host sends from these (RFC 1122 3.2.1.3, RFC 4291 2.7). */
static bool source_is_bad(const struct addr *from)
{
	if (from->port == 0)
		return true;
	if (LIKELY(from->family == ADDR_V4))
		return ipv4_source_is_bad(from->ip);
	return addr_is_any(from) || addr_is_multicast(from) || addr_is_loopback(from) ||
	       ipv6_source_is_bad(from->ip);
}

/* Straight into *out: to put it together elsewhere and copy it stalls. */
static enum frame_fault frame_head_parse(struct frame *out, struct bytes in, bool summed)
{
	struct layer l = { .summed = summed };
	enum frame_fault fault = ethernet_parse(out, &l, in);

	if (fault == FRAME_FINE)
		fault = l.type == TYPE_IPV4   ? ipv4_parse(out, &l)
			: l.type == TYPE_IPV6 ? ipv6_parse(out, &l)
					      : FRAME_PROTOCOL;
	if (fault == FRAME_FINE && source_is_bad(&out->from))
		fault = FRAME_HEAD;
	if (fault != FRAME_FINE)
		return fault;
	out->payload_at = (uint16_t)((size_t)(l.ip - in.p) +
				     (out->from.family == ADDR_V4 ? IPV4_LEN : IPV6_LEN) + UDP_LEN);
	return FRAME_FINE;
}

enum frame_fault frame_parse(struct frame *out, struct bytes in)
{
	return frame_head_parse(out, in, false);
}

enum frame_fault frame_parse_summed(struct frame *out, struct bytes in)
{
	return frame_head_parse(out, in, true);
}
