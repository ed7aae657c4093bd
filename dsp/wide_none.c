/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for wide_avx2.c on CPUs that are not x86-64: does no samples, so that the callers'
 * scalar loops do all. It exists so that they need no conditional compilation.
 */

#include "dsp/wide.h"

size_t limiter_range_wide(const int32_t *sum, size_t n, int32_t *least, int32_t *most)
{
	(void)sum;
	(void)n;
	(void)least;
	(void)most;
	return 0;
}

size_t limiter_pack_wide(const int32_t *sum, int16_t *pcm, size_t n)
{
	(void)sum;
	(void)pcm;
	(void)n;
	return 0;
}

size_t limiter_scale_wide(const int32_t *sum, int16_t *pcm, size_t n, struct ramp r)
{
	(void)sum;
	(void)pcm;
	(void)n;
	(void)r;
	return 0;
}

size_t gain_scale_wide(const int16_t *pcm, int32_t *out, size_t n, struct ramp r)
{
	(void)pcm;
	(void)out;
	(void)n;
	(void)r;
	return 0;
}

/* For CPUs that are not x86-64. */

size_t voice_energy_wide(const int16_t *pcm, size_t n, uint64_t *sum)
{
	(void)pcm;
	(void)n;
	(void)sum;
	return 0;
}

size_t voice_product_wide(const int16_t *a, const int16_t *b, size_t n, int64_t *sum)
{
	(void)a;
	(void)b;
	(void)n;
	(void)sum;
	return 0;
}

/* For CPUs that are not x86-64. */

size_t half_band_part_wide(const int16_t *in, size_t n, int16_t *first, int16_t *second)
{
	(void)in;
	(void)n;
	(void)first;
	(void)second;
	return 0;
}

size_t half_band_up_wide(const int16_t taps[16], const int16_t *line, const int16_t *middle,
			 size_t n, int16_t *out)
{
	(void)taps;
	(void)line;
	(void)middle;
	(void)n;
	(void)out;
	return 0;
}

size_t half_band_down_wide(const int16_t taps[16], const int16_t *line, const int16_t *middle,
			   size_t n, int16_t *out)
{
	(void)taps;
	(void)line;
	(void)middle;
	(void)n;
	(void)out;
	return 0;
}
