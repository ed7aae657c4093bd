/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/net/frame_sum.h"

#include <assert.h>

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
