/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for g711_wide_avx2.c on CPUs that are not x86-64: does no samples, so that the scalar
 * code of g711.c does all. It exists so that g711.c needs no conditional compilation.
 */

#include "dsp/codec/g711_wide.h"

size_t g711_ulaw_encode_wide(uint8_t *out, const int16_t *pcm, size_t n)
{
	(void)out;
	(void)pcm;
	(void)n;
	return 0;
}

size_t g711_alaw_encode_wide(uint8_t *out, const int16_t *pcm, size_t n)
{
	(void)out;
	(void)pcm;
	(void)n;
	return 0;
}

size_t g711_ulaw_decode_wide(int16_t *pcm, const uint8_t *octets, size_t n)
{
	(void)pcm;
	(void)octets;
	(void)n;
	return 0;
}

size_t g711_alaw_decode_wide(int16_t *pcm, const uint8_t *octets, size_t n)
{
	(void)pcm;
	(void)octets;
	(void)n;
	return 0;
}
