/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heads of all frames from one of our sockets to one party, made once: what differs from frame to frame – the identifier, sums,
 * seldom the length – is put into a copy. For IPv4 without a tag; frame_write does the others. One writer, no locks.
 */
#ifndef ENGINE_NET_FRAME_READY_H
#define ENGINE_NET_FRAME_READY_H

#include <stddef.h>

#include "engine/net/frame_layout.h"
#include "engine/net/frame_sum.h"

enum { FRAME_READY_LEN = ETHERNET_LEN + IPV4_LEN + UDP_LEN };

/* Zero: none. */
struct frame_ready {
	uint8_t head
		[FRAME_READY_LEN]; /* of a frame with this length, but for the identifier and sums that are made here */
	uint16_t length; /* of the payload; of most streams it is always the same */
	uint32_t to_end; /* addr_end of whom it leads to, whose address is in the head; 0: none */
	uint32_t ip_sum, udp_sum; /* of all that does not differ */
	uint8_t device_sums;      /* as in frame_head */
};

/* From h->id and the sums of a payload on, all of h is meant for each frame. Not IPv4, or a tag: *out is none. */
void frame_ready_set(struct frame_ready *out, const struct frame_head *h);
/* From now on for payloads of this length. */
void frame_ready_resize(struct frame_ready *r, uint16_t length);

/* What follows the address: port and family, as they lie in memory, at once. Not 0 of an address. */
static inline uint32_t addr_end(const struct addr *a)
{
	static_assert(offsetof(struct addr, port) + 4 == sizeof(*a), "port, family, pad");
	return memory_get_32((const uint8_t *)a + offsetof(struct addr, port));
}

/* Is it the way to this party? */
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
	return field ? field : 0xffff; /* RFC 768: 0 would say that there is none */
}

/* As frame_write, into the FRAME_READY_LEN octets before the payload. tail_sum: of the payload; NULL: not known. */
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
