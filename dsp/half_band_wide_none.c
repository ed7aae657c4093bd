/* SPDX-License-Identifier: Apache-2.0 */
/* For CPUs that are not x86-64. */
#include "dsp/half_band_wide.h"

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
