/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions with vector instructions. Each returns how many of the n first samples it did; the
 * caller does the rest.
 */
#ifndef DSP_WIDE_H
#define DSP_WIDE_H

#include <stddef.h>
#include <stdint.h>

/* Of n pairs of in the first and the second ones. */
size_t half_band_part_wide(const int16_t *in, size_t n, int16_t *first, int16_t *second);
/* Each sample of middle, and behind it what lies half way to the next, by the 16 taps over line. */
size_t half_band_up_wide(const int16_t taps[16], const int16_t *line, const int16_t *middle,
			 size_t n, int16_t *out);
/* Half of each sample of middle, plus half of the interpolated one of line. */
size_t half_band_down_wide(const int16_t taps[16], const int16_t *line, const int16_t *middle,
			   size_t n, int16_t *out);

/* Likewise: each returns how many of the n first samples it did; the caller does the rest. */

/* How loud sample i becomes: from + i * step. */
struct ramp {
	float from, step;
};

/* Widens what is given. */
size_t limiter_range_wide(const int32_t *sum, size_t n, int32_t *least, int32_t *most);
size_t limiter_pack_wide(const int32_t *sum, int16_t *pcm, size_t n);
size_t limiter_scale_wide(const int32_t *sum, int16_t *pcm, size_t n, struct ramp r);
size_t gain_scale_wide(const int16_t *pcm, int32_t *out, size_t n, struct ramp r);

/* Likewise, but each adds to what it is given. */

size_t voice_energy_wide(const int16_t *pcm, size_t n, uint64_t *sum);
/* Of products of a[i] and b[i]; of -32768 it makes -32767. */
size_t voice_product_wide(const int16_t *a, const int16_t *b, size_t n, int64_t *sum);

#endif
