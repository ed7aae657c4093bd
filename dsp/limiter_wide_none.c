/* SPDX-License-Identifier: Apache-2.0 */
/* For CPUs that are not x86-64. */
#include "dsp/limiter_wide.h"

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
