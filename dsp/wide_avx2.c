/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVX2 versions of the loops of the limiter, voice detection and the half-band filter (wide.h), 8
 * or 16 samples at a time. Chosen at run time. Without FMA, so that sums and products are rounded
 * as in the plain code, and results do not depend on the CPU.
 */

#include <immintrin.h>

#include "base/compiler.h"
#include "dsp/wide.h"

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

/* 16 samples at a time: products of 16 bits are added in pairs to 32 bits, and those to 64. */

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

/* 16 samples at a time, to the bit what the plain code makes of them. */

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
