/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sum of RFC 1071, in the byte order of memory (2 B): over octets that begin at an even place, not yet folded. The small
 * parts are inline, for the heads of each packet.
 */
#ifndef ENGINE_FRAME_SUM_H
#define ENGINE_FRAME_SUM_H

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

/* in: up to 2^16 - 1 octets. */
uint64_t frame_sum(uint64_t sum, struct bytes in);

#endif
