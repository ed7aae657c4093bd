/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "engine/net/frame_ready.h"
#include "engine/net/frame_sum.h"

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

/* The heads are summed from their values: reading what was just written in other widths would stall. */
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
	memory_put(udp + 6, field ? field : 0xffff); /* RFC 768: 0 would say that there is none */
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
