/* SPDX-License-Identifier: Apache-2.0 */
/* What a vector of samples needs. Each says how many of n it has done, from the first; the rest is the caller's. */
#ifndef DSP_HALF_BAND_WIDE_H
#define DSP_HALF_BAND_WIDE_H

#include <stddef.h>
#include <stdint.h>

/* Of n pairs of in the first and the second ones. */
size_t half_band_part_wide(const int16_t *in, size_t n, int16_t *first, int16_t *second);
/* Each sample of middle, and behind it what lies half way to the next, by the 16 taps over line. */
size_t half_band_up_wide(const int16_t taps[16], const int16_t *line, const int16_t *middle,
			 size_t n, int16_t *out);
/* Half of each sample of middle, and half of what lies half way between those of line. */
size_t half_band_down_wide(const int16_t taps[16], const int16_t *line, const int16_t *middle,
			   size_t n, int16_t *out);

#endif
