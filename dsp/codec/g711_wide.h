/* SPDX-License-Identifier: Apache-2.0 */
/* What a vector of samples needs. Each says how many of n it has done, from the first; the rest is the caller's. */
#ifndef DSP_G711_WIDE_H
#define DSP_G711_WIDE_H

#include <stddef.h>
#include <stdint.h>

size_t g711_ulaw_encode_wide(uint8_t *out, const int16_t *pcm, size_t n);
size_t g711_alaw_encode_wide(uint8_t *out, const int16_t *pcm, size_t n);
size_t g711_ulaw_decode_wide(int16_t *pcm, const uint8_t *octets, size_t n);
size_t g711_alaw_decode_wide(int16_t *pcm, const uint8_t *octets, size_t n);

#endif
