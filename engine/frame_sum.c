/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/frame_sum.h"

#include <assert.h>

/* Fewer than four, in loads of their own: a copy of n octets to the stack would be waited for. */
static uint64_t rest_sum(const uint8_t *p, size_t n)
{
	const uint8_t last[2] = { n & 1 ? p[n - 1] : 0, 0 };
	uint64_t sum = memory_get(last);

	if (n & 2)
		sum += memory_get(p);
	return sum;
}

typedef uint32_t lanes VECTOR_OF(32);

/* Whole blocks, both halves of each lane by themselves: they cannot overflow, for no frame has 2^16 blocks. */
static ALWAYS_INLINE uint64_t lanes_sum(const uint8_t *p, const uint8_t *end)
{
	lanes low = { 0 }, high = { 0 };
	uint64_t sum = 0;

	for (; p < end; p += sizeof(lanes)) {
		lanes block;

		memcpy(&block, p, sizeof(block));
		low += block & 0xffff;
		high += block >> 16;
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

static uint64_t blocks_sum(const uint8_t *p, const uint8_t *end)
{
#ifdef __x86_64__
	if (LIKELY(__builtin_cpu_supports("avx2")))
		return blocks_sum_avx2(p, end);
#endif
	return lanes_sum(p, end);
}

uint64_t frame_sum(uint64_t sum, struct bytes in)
{
	const uint8_t *p = in.p + in.n / sizeof(lanes) * sizeof(lanes);
	size_t n = in.n % sizeof(lanes);

	assert(in.n <= UINT16_MAX);
	if (p > in.p)
		sum += blocks_sum(in.p, p);
	for (; n >= 4; p += 4, n -= 4)
		sum += memory_get_32(p);
	return sum + rest_sum(p, n);
}
