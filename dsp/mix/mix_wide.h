/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions with vector instructions. Each returns how many of the n first samples it did; the
 * caller does the rest.
 */
#ifndef DSP_MIX_MIX_WIDE_H
#define DSP_MIX_MIX_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t mix_widen_wide(const int16_t *pcm, int32_t *out, size_t n);
size_t mix_add_wide(int32_t *sum, const int32_t *in, size_t n);
size_t mix_less_wide(const int32_t *sum, const int32_t *in, int32_t *out, size_t n);
/* The same of samples. */
size_t mix_add_pcm_wide(int32_t *sum, const int16_t *pcm, size_t n);
/* sum less pcm, cut off where it is beyond 32767 either way; *fits becomes false where it was. */
size_t mix_less_pcm_wide(const int32_t *sum, const int16_t *pcm, int16_t *out, size_t n,
			 bool *fits);

/* The same in 32 bits. *peak becomes the largest magnitude, unless it is larger already. */
size_t mix_part_pcm_wide(const int32_t *sum, const int16_t *pcm, int32_t *out, size_t n,
			 int32_t *peak);

#endif
