/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heads of all frames from one of our sockets to one party, made once: what differs from frame to frame – lengths, the
 * identifier, sums – is put into a copy. For IPv4 without a tag; frame_write does the others. One writer, no locks.
 */
#ifndef ENGINE_FRAME_READY_H
#define ENGINE_FRAME_READY_H

#include "engine/frame_layout.h"
#include "engine/frame_sum.h"

enum { FRAME_READY_LEN = ETHERNET_LEN + IPV4_LEN + UDP_LEN };

/* Zero: none. */
struct frame_ready {
	uint8_t head[FRAME_READY_LEN];
	uint8_t is_set;
	uint8_t device_sums;      /* as in frame_head */
	uint32_t ip_sum, udp_sum; /* of all that does not differ */
};

/* From h->id and the sums of a payload on, all of h is meant for each frame. Not IPv4, or a tag: *out is none. */
void frame_ready_set(struct frame_ready *out, const struct frame_head *h);

/* Is it the way to this party? */
static inline bool frame_ready_leads_to(const struct frame_ready *r, const struct addr *to)
{
	const uint8_t *ip = r->head + ETHERNET_LEN;

	return r->is_set && to->family == ADDR_V4 &&
	       memory_get_32(ip + IPV4_TO_AT) == memory_get_32(to->ip) &&
	       memory_get(ip + IPV4_LEN + UDP_TO_AT) == htons(to->port);
}

static inline uint16_t udp_sum_field(const struct frame_ready *r, const uint8_t *payload,
				     uint16_t length, const uint16_t *tail_sum)
{
	uint64_t sum = r->udp_sum + sum_word((uint16_t)(UDP_LEN + length));
	uint16_t field;

	if (r->device_sums)
		return frame_sum_fold(sum);
	sum += sum_word((uint16_t)(UDP_LEN + length));
	if (LIKELY(tail_sum != NULL))
		sum += *tail_sum + head_sum(payload, FRAME_TAIL_AT);
	else
		sum = frame_sum(sum, bytes_mem(payload, length));
	field = (uint16_t)~frame_sum_fold(sum);
	return field ? field : 0xffff; /* RFC 768: 0 would say that there is none */
}

/* As frame_write, into the FRAME_READY_LEN octets before the payload. tail_sum: of the payload; NULL: not known. */
static inline void frame_ready_write(const struct frame_ready *r, uint8_t *payload, uint16_t length,
				     uint16_t id, const uint16_t *tail_sum)
{
	uint8_t *start = payload - FRAME_READY_LEN, *ip = start + ETHERNET_LEN,
		*udp = payload - UDP_LEN;
	uint16_t total = htons((uint16_t)(IPV4_LEN + UDP_LEN + length)), name = htons(id);
	uint16_t field = udp_sum_field(r, payload, length, tail_sum);

	memcpy(start, r->head, FRAME_READY_LEN);
	memory_put(ip + IPV4_TOTAL_AT, total);
	memory_put(ip + IPV4_ID_AT, name);
	if (!r->device_sums)
		memory_put(ip + IPV4_SUM_AT,
			   (uint16_t)~frame_sum_fold((uint64_t)r->ip_sum + total + name));
	be16_put(udp + UDP_LENGTH_AT, (uint16_t)(UDP_LEN + length));
	memory_put(udp + UDP_SUM_AT, field);
}

#endif
