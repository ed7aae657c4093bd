/* SPDX-License-Identifier: Apache-2.0 */
/* What a vector of samples needs. Each says how many of n it has done, from the first; the rest is the caller's. */
#ifndef DSP_LIMITER_WIDE_H
#define DSP_LIMITER_WIDE_H

#include <stddef.h>
#include <stdint.h>

/* How loud sample i becomes: from + i * step. */
struct ramp {
	float from, step;
};

/* Widens what is given. */
size_t limiter_range_wide(const int32_t *sum, size_t n, int32_t *least, int32_t *most);
size_t limiter_pack_wide(const int32_t *sum, int16_t *pcm, size_t n);
size_t limiter_scale_wide(const int32_t *sum, int16_t *pcm, size_t n, struct ramp r);
size_t gain_scale_wide(const int16_t *pcm, int32_t *out, size_t n, struct ramp r);

#endif
