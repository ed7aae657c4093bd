/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sums of mix.c with AVX2, 8 samples at a time: adding, subtracting, cutting off and finding
 * the peak. Chosen at run time; mix.c does the rest of a frame and all of it on other CPUs. Results
 * are those of the scalar code, to the bit.
 */

#include <immintrin.h>
#include <stdbool.h>

#include "base/compiler.h"
#include "dsp/mix/mix_wide.h"

enum { MIXED_AT_ONCE = 8, PACKED_AT_ONCE = 16 };

FOR_CPU("avx2") static ALWAYS_INLINE __m256i sum_load(const int32_t *sum)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)sum);
}

FOR_CPU("avx2") static ALWAYS_INLINE __m256i pcm_load(const int16_t *pcm)
{
	return _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(const void *)pcm));
}

FOR_CPU("avx2") static NOINLINE void wide_widen(const int16_t *pcm, int32_t *out, size_t n)
{
	for (size_t i = 0; i < n; i += MIXED_AT_ONCE)
		_mm256_storeu_si256((__m256i *)(void *)(out + i), pcm_load(pcm + i));
}

FOR_CPU("avx2") static NOINLINE void wide_add(int32_t *sum, const int32_t *in, size_t n)
{
	for (size_t i = 0; i < n; i += MIXED_AT_ONCE)
		_mm256_storeu_si256((__m256i *)(void *)(sum + i),
				    _mm256_add_epi32(sum_load(sum + i), sum_load(in + i)));
}

FOR_CPU("avx2")
static NOINLINE void wide_less(const int32_t *sum, const int32_t *in, int32_t *out, size_t n)
{
	for (size_t i = 0; i < n; i += MIXED_AT_ONCE)
		_mm256_storeu_si256((__m256i *)(void *)(out + i),
				    _mm256_sub_epi32(sum_load(sum + i), sum_load(in + i)));
}

FOR_CPU("avx2") static NOINLINE void wide_add_pcm(int32_t *sum, const int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i += MIXED_AT_ONCE)
		_mm256_storeu_si256((__m256i *)(void *)(sum + i),
				    _mm256_add_epi32(sum_load(sum + i), pcm_load(pcm + i)));
}

FOR_CPU("avx2")
static NOINLINE bool wide_less_pcm(const int32_t *sum, const int16_t *pcm, int16_t *out, size_t n)
{
	const __m256i full = _mm256_set1_epi32(INT16_MAX);
	__m256i most = full;

	for (size_t i = 0; i < n; i += PACKED_AT_ONCE) {
		__m256i a = _mm256_sub_epi32(sum_load(sum + i), pcm_load(pcm + i));
		__m256i b = _mm256_sub_epi32(sum_load(sum + i + MIXED_AT_ONCE),
					     pcm_load(pcm + i + MIXED_AT_ONCE));
		__m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);

		most = _mm256_max_epi32(most, _mm256_abs_epi32(a));
		most = _mm256_max_epi32(most, _mm256_abs_epi32(b));
		_mm256_storeu_si256((__m256i *)(void *)(out + i), packed);
	}
	return _mm256_movemask_epi8(_mm256_cmpgt_epi32(most, full)) == 0;
}

FOR_CPU("avx2") static ALWAYS_INLINE int32_t lanes_most(__m256i v)
{
	__m128i most = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	most = _mm_max_epi32(most, _mm_shuffle_epi32(most, _MM_SHUFFLE(1, 0, 3, 2)));
	most = _mm_max_epi32(most, _mm_shuffle_epi32(most, _MM_SHUFFLE(2, 3, 0, 1)));
	return _mm_cvtsi128_si32(most);
}

FOR_CPU("avx2")
static NOINLINE int32_t wide_part_pcm(const int32_t *sum, const int16_t *pcm, int32_t *out,
				      size_t n)
{
	__m256i most = _mm256_setzero_si256();

	for (size_t i = 0; i < n; i += MIXED_AT_ONCE) {
		__m256i a = _mm256_sub_epi32(sum_load(sum + i), pcm_load(pcm + i));

		most = _mm256_max_epi32(most, _mm256_abs_epi32(a));
		_mm256_storeu_si256((__m256i *)(void *)(out + i), a);
	}
	return lanes_most(most);
}

size_t mix_widen_wide(const int16_t *pcm, int32_t *out, size_t n)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % MIXED_AT_ONCE;
	wide_widen(pcm, out, n);
	return n;
}

size_t mix_add_wide(int32_t *sum, const int32_t *in, size_t n)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % MIXED_AT_ONCE;
	wide_add(sum, in, n);
	return n;
}

size_t mix_less_wide(const int32_t *sum, const int32_t *in, int32_t *out, size_t n)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % MIXED_AT_ONCE;
	wide_less(sum, in, out, n);
	return n;
}

size_t mix_add_pcm_wide(int32_t *sum, const int16_t *pcm, size_t n)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % MIXED_AT_ONCE;
	wide_add_pcm(sum, pcm, n);
	return n;
}

size_t mix_less_pcm_wide(const int32_t *sum, const int16_t *pcm, int16_t *out, size_t n, bool *fits)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % PACKED_AT_ONCE;
	*fits &= wide_less_pcm(sum, pcm, out, n);
	return n;
}

size_t mix_part_pcm_wide(const int32_t *sum, const int16_t *pcm, int32_t *out, size_t n,
			 int32_t *peak)
{
	int32_t most;

	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % MIXED_AT_ONCE;
	most = wide_part_pcm(sum, pcm, out, n);
	*peak = most > *peak ? most : *peak;
	return n;
}
