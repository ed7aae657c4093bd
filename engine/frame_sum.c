/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/frame_sum.h"

#include <arpa/inet.h>
#include <assert.h>

/* Fewer than a block, in loads of their own: a copy of n octets to the stack would be waited for. */
static uint64_t rest_sum(const uint8_t *p, size_t n)
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

typedef uint64_t lanes VECTOR_OF(32);

/* Whole blocks, both halves of each lane by themselves: they cannot overflow. */
static ALWAYS_INLINE uint64_t lanes_sum(const uint8_t *p, const uint8_t *end)
{
	lanes low = { 0 }, high = { 0 };
	uint64_t sum = 0;

	for (; p < end; p += sizeof(lanes)) {
		lanes block;

		memcpy(&block, p, sizeof(block));
		low += block & UINT32_MAX;
		high += block >> 32;
	}
	low += high;
	for (size_t i = 0; i < sizeof(lanes) / sizeof(low[0]); i++)
		sum += low[i];
	return sum;
}

#ifdef __x86_64__
FOR_CPU("avx2") static uint64_t blocks_sum_avx2(const uint8_t *p, const uint8_t *end)
{
	return lanes_sum(p, end);
}
#endif

/* By itself: the caller needs no place for vectors. */
static NOINLINE uint64_t blocks_sum_any(const uint8_t *p, const uint8_t *end)
{
	return lanes_sum(p, end);
}

static uint64_t blocks_sum(const uint8_t *p, const uint8_t *end)
{
#ifdef __x86_64__
	if (LIKELY(__builtin_cpu_supports("avx2")))
		return blocks_sum_avx2(p, end);
#endif
	return blocks_sum_any(p, end);
}

uint64_t frame_sum(uint64_t sum, struct bytes in)
{
	size_t rest = in.n % sizeof(lanes);
	const uint8_t *end = in.p + (in.n - rest);

	assert(in.n <= UINT16_MAX);
	if (LIKELY(end > in.p))
		sum += blocks_sum(in.p, end);
	return rest > 0 ? sum + rest_sum(end, rest) : sum;
}
