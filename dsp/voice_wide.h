/* SPDX-License-Identifier: Apache-2.0 */
/* What a vector of samples needs. Each says how many of n it has done, from the first, and adds to what it is given; the rest is the caller's. */
#ifndef DSP_VOICE_WIDE_H
#define DSP_VOICE_WIDE_H

#include <stddef.h>
#include <stdint.h>

size_t voice_energy_wide(const int16_t *pcm, size_t n, uint64_t *sum);
/* Of products of a[i] and b[i]; of -32768 it makes -32767. */
size_t voice_product_wide(const int16_t *a, const int16_t *b, size_t n, int64_t *sum);

#endif
