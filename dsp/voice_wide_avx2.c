/* SPDX-License-Identifier: Apache-2.0 */
/* 16 samples at a time: products of 16 bits are added in pairs to 32 bits, and those to 64. */
#include <immintrin.h>

#include "base/compiler.h"
#include "dsp/voice_wide.h"

enum { VOICED_AT_ONCE = 16 };

FOR_CPU("avx2") static ALWAYS_INLINE __m256i voice_load(const int16_t *pcm)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)pcm);
}

FOR_CPU("avx2") static ALWAYS_INLINE uint64_t voice_lanes(__m256i sums)
{
	__m128i two =
		_mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));

	return (uint64_t)_mm_cvtsi128_si64(two) + (uint64_t)_mm_extract_epi64(two, 1);
}

/* What is left of n is in the last 16: of those that were counted already nothing is left. */
FOR_CPU("avx2") static ALWAYS_INLINE __m256i voice_load_last(const int16_t *pcm, size_t n)
{
	static const int16_t g_last[2 * VOICED_AT_ONCE] = {
		[VOICED_AT_ONCE] = -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
	};

	return _mm256_and_si256(voice_load(pcm + n - VOICED_AT_ONCE),
				voice_load(g_last + n % VOICED_AT_ONCE));
}

/* Two squares are 2^31 at most: 32 bits without a sign. */
FOR_CPU("avx2") static ALWAYS_INLINE __m256i energy_add(__m256i sums, __m256i x)
{
	__m256i pairs = _mm256_madd_epi16(x, x), low = _mm256_set1_epi64x(0xffffffff);

	sums = _mm256_add_epi64(sums, _mm256_and_si256(pairs, low));
	return _mm256_add_epi64(sums, _mm256_srli_epi64(pairs, 32));
}

FOR_CPU("avx2") static NOINLINE uint64_t wide_energy(const int16_t *pcm, size_t n)
{
	__m256i sums = _mm256_setzero_si256();

	for (size_t i = 0; i + VOICED_AT_ONCE <= n; i += VOICED_AT_ONCE)
		sums = energy_add(sums, voice_load(pcm + i));
	if (n % VOICED_AT_ONCE)
		sums = energy_add(sums, voice_load_last(pcm, n));
	return voice_lanes(sums);
}

FOR_CPU("avx2") static ALWAYS_INLINE __m256i product_add(__m256i sums, __m256i x, __m256i y)
{
	__m256i least = _mm256_set1_epi16(-INT16_MAX);
	__m256i pairs = _mm256_madd_epi16(_mm256_max_epi16(x, least), _mm256_max_epi16(y, least));

	sums = _mm256_add_epi64(sums, _mm256_cvtepi32_epi64(_mm256_castsi256_si128(pairs)));
	return _mm256_add_epi64(sums, _mm256_cvtepi32_epi64(_mm256_extracti128_si256(pairs, 1)));
}

FOR_CPU("avx2")
static NOINLINE uint64_t wide_product(const int16_t *a, const int16_t *b, size_t n)
{
	__m256i sums = _mm256_setzero_si256();

	for (size_t i = 0; i + VOICED_AT_ONCE <= n; i += VOICED_AT_ONCE)
		sums = product_add(sums, voice_load(a + i), voice_load(b + i));
	if (n % VOICED_AT_ONCE)
		sums = product_add(sums, voice_load_last(a, n), voice_load_last(b, n));
	return voice_lanes(sums);
}

size_t voice_energy_wide(const int16_t *pcm, size_t n, uint64_t *sum)
{
	if (UNLIKELY(n < VOICED_AT_ONCE || !__builtin_cpu_supports("avx2")))
		return 0;
	*sum += wide_energy(pcm, n);
	return n;
}

size_t voice_product_wide(const int16_t *a, const int16_t *b, size_t n, int64_t *sum)
{
	if (UNLIKELY(n < VOICED_AT_ONCE || !__builtin_cpu_supports("avx2")))
		return 0;
	*sum += (int64_t)wide_product(a, b, n);
	return n;
}
