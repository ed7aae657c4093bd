/* SPDX-License-Identifier: Apache-2.0 */
/* 16 samples at a time. Without FMA, so that sums and products are rounded as those of the plain code are. */
#include <immintrin.h>

#include "base/compiler.h"
#include "dsp/limiter_wide.h"

enum { LIMITED_AT_ONCE = 16 };

FOR_CPU("avx2") static ALWAYS_INLINE __m256i limiter_load(const int32_t *sum)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)sum);
}

/* Of two times 8 in 32 bits 16 in 16, in order. */
FOR_CPU("avx2") static ALWAYS_INLINE void pcm_store(int16_t *pcm, __m256i a, __m256i b)
{
	__m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);

	_mm256_storeu_si256((__m256i *)(void *)pcm, packed);
}

FOR_CPU("avx2") static ALWAYS_INLINE __m256 ramp_wide(struct ramp r, size_t i)
{
	__m256 lanes = _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7);
	__m256 at = _mm256_add_ps(_mm256_set1_ps((float)i), lanes);

	return _mm256_add_ps(_mm256_set1_ps(r.from), _mm256_mul_ps(at, _mm256_set1_ps(r.step)));
}

FOR_CPU("avx2")
static NOINLINE void wide_range(const int32_t *sum, size_t n, int32_t *least, int32_t *most)
{
	__m256i low = _mm256_set1_epi32(*least), high = _mm256_set1_epi32(*most);
	int32_t lows[8], highs[8];

	for (size_t i = 0; i < n; i += 8) {
		low = _mm256_min_epi32(low, limiter_load(sum + i));
		high = _mm256_max_epi32(high, limiter_load(sum + i));
	}
	_mm256_storeu_si256((__m256i *)(void *)lows, low);
	_mm256_storeu_si256((__m256i *)(void *)highs, high);
	for (int i = 0; i < 8; i++) {
		*least = lows[i] < *least ? lows[i] : *least;
		*most = highs[i] > *most ? highs[i] : *most;
	}
}

FOR_CPU("avx2") static NOINLINE void wide_pack(const int32_t *sum, int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i += LIMITED_AT_ONCE)
		pcm_store(pcm + i, limiter_load(sum + i), limiter_load(sum + i + 8));
}

/* 8 of them; what does not fit is cut off before it is made whole, or the conversion would wrap. */
FOR_CPU("avx2") static ALWAYS_INLINE __m256i sum_cut_wide(const int32_t *sum, size_t i, __m256 by)
{
	__m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(limiter_load(sum + i)), by);

	v = _mm256_min_ps(v, _mm256_set1_ps(INT16_MAX));
	return _mm256_cvtps_epi32(_mm256_max_ps(v, _mm256_set1_ps(INT16_MIN)));
}

FOR_CPU("avx2")
static NOINLINE void wide_scale(const int32_t *sum, int16_t *pcm, size_t n, struct ramp r)
{
	if (r.step == 0) {
		for (size_t i = 0; i < n; i += LIMITED_AT_ONCE)
			pcm_store(pcm + i, sum_cut_wide(sum, i, _mm256_set1_ps(r.from)),
				  sum_cut_wide(sum, i + 8, _mm256_set1_ps(r.from)));
		return;
	}
	for (size_t i = 0; i < n; i += LIMITED_AT_ONCE)
		pcm_store(pcm + i, sum_cut_wide(sum, i, ramp_wide(r, i)),
			  sum_cut_wide(sum, i + 8, ramp_wide(r, i + 8)));
}

FOR_CPU("avx2")
static NOINLINE void wide_gain(const int16_t *pcm, int32_t *out, size_t n, struct ramp r)
{
	for (size_t i = 0; i < n; i += 8) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)(pcm + i));
		__m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(x)),
					 ramp_wide(r, i));

		_mm256_storeu_si256((__m256i *)(void *)(out + i), _mm256_cvtps_epi32(v));
	}
}

size_t limiter_range_wide(const int32_t *sum, size_t n, int32_t *least, int32_t *most)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % LIMITED_AT_ONCE;
	wide_range(sum, n, least, most);
	return n;
}

size_t limiter_pack_wide(const int32_t *sum, int16_t *pcm, size_t n)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % LIMITED_AT_ONCE;
	wide_pack(sum, pcm, n);
	return n;
}

size_t limiter_scale_wide(const int32_t *sum, int16_t *pcm, size_t n, struct ramp r)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % LIMITED_AT_ONCE;
	wide_scale(sum, pcm, n, r);
	return n;
}

size_t gain_scale_wide(const int16_t *pcm, int32_t *out, size_t n, struct ramp r)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % LIMITED_AT_ONCE;
	wide_gain(pcm, out, n, r);
	return n;
}
