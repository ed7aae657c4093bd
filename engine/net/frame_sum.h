/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sum of RFC 1071, in the byte order of memory (2 B): over octets that begin at an even place, not yet folded. The small
 * parts are inline, for the heads of each packet.
 */
#ifndef ENGINE_NET_FRAME_SUM_H
#define ENGINE_NET_FRAME_SUM_H

#include <arpa/inet.h>
#include <string.h>

#include "base/bytes.h"

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

/* 1 to 0xffff, and 0 for 0 alone. Each half is added to the other, with the carry out of the lower one. */
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

/* Fewer than a block, in loads of their own: a copy of n octets to the stack would be waited for. */
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

/* frame_sum for a caller that is made for the CPU in question (FOR_CPU). Both halves of each lane by themselves: they cannot overflow. Two blocks a turn, then the odd one. */
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

#endif
