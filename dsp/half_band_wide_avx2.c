/* SPDX-License-Identifier: Apache-2.0 */
/* 16 samples at a time, to the bit what the plain code makes of them. */
#include <immintrin.h>

#include "base/compiler.h"
#include "dsp/half_band_wide.h"

enum { HALVED_AT_ONCE = 16, HALF_WIDE_TAPS = 16, SHIFT = 14 };

/* 16 sums of products: the even ones of each four lanes, and the others. */
struct sums {
	__m256i low, high;
};

FOR_CPU("avx2") static ALWAYS_INLINE __m256i half_load(const int16_t *pcm)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)pcm);
}

FOR_CPU("avx2") static ALWAYS_INLINE void pcm_put(int16_t *pcm, __m256i v)
{
	_mm256_storeu_si256((__m256i *)(void *)pcm, v);
}

/* By two taps at a time: neighbours side by side are multiplied and added. */
FOR_CPU("avx2")
static ALWAYS_INLINE struct sums half_way_wide(const int16_t *taps, const int16_t *line)
{
	struct sums s = { _mm256_setzero_si256(), _mm256_setzero_si256() };

	for (int k = 0; k < HALF_WIDE_TAPS; k += 2) {
		int32_t both = (int32_t)((uint32_t)(uint16_t)taps[k + 1] << 16 | (uint16_t)taps[k]);
		__m256i t = _mm256_set1_epi32(both);
		__m256i a = half_load(line + k), b = half_load(line + k + 1);

		s.low = _mm256_add_epi32(s.low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), t));
		s.high =
			_mm256_add_epi32(s.high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), t));
	}
	return s;
}

/* Rounded, and cut off where they do not fit; in order again. */
FOR_CPU("avx2") static ALWAYS_INLINE __m256i sums_pack(struct sums s)
{
	__m256i half = _mm256_set1_epi32(1 << (SHIFT - 1));

	return _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(s.low, half), SHIFT),
				  _mm256_srai_epi32(_mm256_add_epi32(s.high, half), SHIFT));
}

FOR_CPU("avx2")
static NOINLINE void wide_part(const int16_t *in, size_t n, int16_t *first, int16_t *second)
{
	for (size_t i = 0; i < n; i += HALVED_AT_ONCE) {
		__m256i a = half_load(in + 2 * i), b = half_load(in + 2 * i + HALVED_AT_ONCE);
		__m256i odd =
			_mm256_packs_epi32(_mm256_srai_epi32(a, 16), _mm256_srai_epi32(b, 16));
		__m256i even = _mm256_packs_epi32(_mm256_srai_epi32(_mm256_slli_epi32(a, 16), 16),
						  _mm256_srai_epi32(_mm256_slli_epi32(b, 16), 16));

		pcm_put(first + i, _mm256_permute4x64_epi64(even, 0xd8));
		pcm_put(second + i, _mm256_permute4x64_epi64(odd, 0xd8));
	}
}

FOR_CPU("avx2")
static NOINLINE void wide_up(const int16_t *taps, const int16_t *line, const int16_t *middle,
			     size_t n, int16_t *out)
{
	for (size_t i = 0; i < n; i += HALVED_AT_ONCE) {
		__m256i between = sums_pack(half_way_wide(taps, line + i));
		__m256i at = half_load(middle + i);
		__m256i low = _mm256_unpacklo_epi16(at, between);
		__m256i high = _mm256_unpackhi_epi16(at, between);

		pcm_put(out + 2 * i, _mm256_permute2x128_si256(low, high, 0x20));
		pcm_put(out + 2 * i + HALVED_AT_ONCE, _mm256_permute2x128_si256(low, high, 0x31));
	}
}

/* Towards zero, as C divides. */
FOR_CPU("avx2") static ALWAYS_INLINE __m256i halved(__m256i v)
{
	return _mm256_srai_epi32(_mm256_add_epi32(v, _mm256_srli_epi32(v, 31)), 1);
}

FOR_CPU("avx2")
static NOINLINE void wide_down(const int16_t *taps, const int16_t *line, const int16_t *middle,
			       size_t n, int16_t *out)
{
	__m256i half = _mm256_set1_epi32(1 << (SHIFT - 1)), zero = _mm256_setzero_si256();

	for (size_t i = 0; i < n; i += HALVED_AT_ONCE) {
		struct sums s = half_way_wide(taps, line + i);
		__m256i at = half_load(middle + i);

		s.low = _mm256_add_epi32(halved(s.low),
					 _mm256_madd_epi16(_mm256_unpacklo_epi16(at, zero), half));
		s.high = _mm256_add_epi32(halved(s.high),
					  _mm256_madd_epi16(_mm256_unpackhi_epi16(at, zero), half));
		pcm_put(out + i, sums_pack(s));
	}
}

size_t half_band_part_wide(const int16_t *in, size_t n, int16_t *first, int16_t *second)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % HALVED_AT_ONCE;
	wide_part(in, n, first, second);
	return n;
}

size_t half_band_up_wide(const int16_t taps[16], const int16_t *line, const int16_t *middle,
			 size_t n, int16_t *out)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % HALVED_AT_ONCE;
	wide_up(taps, line, middle, n, out);
	return n;
}

size_t half_band_down_wide(const int16_t taps[16], const int16_t *line, const int16_t *middle,
			   size_t n, int16_t *out)
{
	if (UNLIKELY(!__builtin_cpu_supports("avx2")))
		return 0;
	n -= n % HALVED_AT_ONCE;
	wide_down(taps, line, middle, n, out);
	return n;
}
