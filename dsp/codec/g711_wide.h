/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions with vector instructions. Each returns how many of the n first samples it did; the
 * caller does the rest.
 */
#ifndef DSP_G711_WIDE_H
#define DSP_G711_WIDE_H

#include <stddef.h>
#include <stdint.h>

size_t g711_ulaw_encode_wide(uint8_t *out, const int16_t *pcm, size_t n);
size_t g711_alaw_encode_wide(uint8_t *out, const int16_t *pcm, size_t n);
size_t g711_ulaw_decode_wide(int16_t *pcm, const uint8_t *octets, size_t n);
size_t g711_alaw_decode_wide(int16_t *pcm, const uint8_t *octets, size_t n);

#endif
