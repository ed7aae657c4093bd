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

/* Of the heads: n is a constant, a multiple of 4, and the loop is unrolled. */
static inline uint64_t head_sum(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	for (size_t at = 0; at < n; at += 4)
		sum += memory_get_32(p + at);
	return sum;
}

/* So many folds are enough below 2^48, which no frame reaches; asking in a loop costs a branch each. */
static inline uint16_t frame_sum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* in: up to 2^16 - 1 octets. */
uint64_t frame_sum(uint64_t sum, struct bytes in);

#endif
