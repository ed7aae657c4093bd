/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for mix_wide_avx2.c on CPUs that are not x86-64: does no samples, so that mix.c does
 * all. It exists so that mix.c needs no conditional compilation.
 */

#include "dsp/mix/mix_wide.h"

size_t mix_widen_wide(const int16_t *pcm, int32_t *out, size_t n)
{
	(void)pcm;
	(void)out;
	(void)n;
	return 0;
}

size_t mix_add_wide(int32_t *sum, const int32_t *in, size_t n)
{
	(void)sum;
	(void)in;
	(void)n;
	return 0;
}

size_t mix_less_wide(const int32_t *sum, const int32_t *in, int32_t *out, size_t n)
{
	(void)sum;
	(void)in;
	(void)out;
	(void)n;
	return 0;
}

size_t mix_add_pcm_wide(int32_t *sum, const int16_t *pcm, size_t n)
{
	(void)sum;
	(void)pcm;
	(void)n;
	return 0;
}

size_t mix_less_pcm_wide(const int32_t *sum, const int16_t *pcm, int16_t *out, size_t n, bool *fits)
{
	(void)sum;
	(void)pcm;
	(void)out;
	(void)n;
	(void)fits;
	return 0;
}

size_t mix_part_pcm_wide(const int32_t *sum, const int16_t *pcm, int32_t *out, size_t n,
			 int32_t *peak)
{
	(void)sum;
	(void)pcm;
	(void)out;
	(void)n;
	(void)peak;
	return 0;
}
