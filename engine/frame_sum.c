/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/frame_sum.h"

#include <arpa/inet.h>
#include <assert.h>

/* Fewer than a block, in loads of their own: a copy of n octets to the stack would be waited for. */
static ALWAYS_INLINE uint64_t rest_sum(const uint8_t *p, size_t n)
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

/* Both halves of each lane by themselves: they cannot overflow. Two blocks a turn, then the odd one. */
static ALWAYS_INLINE uint64_t lanes_sum(uint64_t sum, struct bytes in)
{
	const uint8_t *p = in.p, *end = p + in.n;
	lanes low = { 0 }, high = { 0 };

	for (; (size_t)(end - p) >= 2 * sizeof(lanes); p += 2 * sizeof(lanes)) {
		lanes one, two;

		memcpy(&one, p, sizeof(one));
		memcpy(&two, p + sizeof(one), sizeof(two));
		low += (one & UINT32_MAX) + (two & UINT32_MAX);
		high += (one >> 32) + (two >> 32);
	}
	if ((size_t)(end - p) >= sizeof(lanes)) {
		lanes one;

		memcpy(&one, p, sizeof(one));
		low += one & UINT32_MAX;
		high += one >> 32;
		p += sizeof(lanes);
	}
	low += high;
	for (size_t i = 0; i < sizeof(lanes) / sizeof(low[0]); i++)
		sum += low[i];
	return p < end ? sum + rest_sum(p, (size_t)(end - p)) : sum;
}

#ifdef __x86_64__
FOR_CPU("avx2") static NOINLINE uint64_t sum_avx2(uint64_t sum, struct bytes in)
{
	return lanes_sum(sum, in);
}
#endif

/* By itself: the caller needs no place for vectors. */
static NOINLINE uint64_t sum_any(uint64_t sum, struct bytes in)
{
	return lanes_sum(sum, in);
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
