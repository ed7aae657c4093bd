/* SPDX-License-Identifier: Apache-2.0 */
/* What a vector of sums needs. Each says how many of n it has done, from the first; the rest is the caller's. */
#ifndef DSP_MIX_MIX_WIDE_H
#define DSP_MIX_MIX_WIDE_H

#include <stddef.h>
#include <stdint.h>

size_t mix_widen_wide(const int16_t *pcm, int32_t *out, size_t n);
size_t mix_add_wide(int32_t *sum, const int32_t *in, size_t n);
size_t mix_less_wide(const int32_t *sum, const int32_t *in, int32_t *out, size_t n);

#endif
