/* SPDX-License-Identifier: Apache-2.0 */
/* 8 samples at a time. */
#include <immintrin.h>

#include "base/compiler.h"
#include "dsp/mix/mix_wide.h"

enum { AT_ONCE = 8 };

FOR_CPU("avx2") static ALWAYS_INLINE __m256i sum_load(const int32_t *sum)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)sum);
}

FOR_CPU("avx2") static NOINLINE void wide_widen(const int16_t *pcm, int32_t *out, size_t n)
{
	for (size_t i = 0; i < n; i += AT_ONCE) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)(pcm + i));

		_mm256_storeu_si256((__m256i *)(void *)(out + i), _mm256_cvtepi16_epi32(x));
	}
}

FOR_CPU("avx2") static NOINLINE void wide_add(int32_t *sum, const int32_t *in, size_t n)
{
	for (size_t i = 0; i < n; i += AT_ONCE)
		_mm256_storeu_si256((__m256i *)(void *)(sum + i),
				    _mm256_add_epi32(sum_load(sum + i), sum_load(in + i)));
}

FOR_CPU("avx2")
static NOINLINE void wide_less(const int32_t *sum, const int32_t *in, int32_t *out, size_t n)
{
	for (size_t i = 0; i < n; i += AT_ONCE)
		_mm256_storeu_si256((__m256i *)(void *)(out + i),
				    _mm256_sub_epi32(sum_load(sum + i), sum_load(in + i)));
}

size_t mix_widen_wide(const int16_t *pcm, int32_t *out, size_t n)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % AT_ONCE;
	wide_widen(pcm, out, n);
	return n;
}

size_t mix_add_wide(int32_t *sum, const int32_t *in, size_t n)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % AT_ONCE;
	wide_add(sum, in, n);
	return n;
}

size_t mix_less_wide(const int32_t *sum, const int32_t *in, int32_t *out, size_t n)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % AT_ONCE;
	wide_less(sum, in, out, n);
	return n;
}
