/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An octet is sign, segment (3 bits) and step (4 bits). The widths of the steps double from segment to segment.
 * On the wire mu-law has all bits inverted and A-law the even ones.
 */
#include "dsp/codec/g711.h"

#include "dsp/codec/g711_wide.h"

enum {
	ULAW_BIAS = 33, /* moves the segments to powers of two: 33, 64, 128 ... 8192 in 14 bits */
	ULAW_MAX = 0x1fff,
	ALAW_EVEN_BITS = 0x55,
	POSITIVE = 0x80,
};

/* Of what is negative the one's complement: both signs have as many values. */
static uint32_t g711_magnitude(int16_t sample)
{
	return (uint16_t)(sample < 0 ? ~sample : sample);
}

static uint32_t g711_highest_bit(uint32_t v)
{
	return 31 - (uint32_t)__builtin_clz(v);
}

uint8_t g711_ulaw_of(int16_t sample)
{
	uint32_t m = (g711_magnitude(sample) >> 2) + ULAW_BIAS;

	if (m > ULAW_MAX)
		m = ULAW_MAX;

	uint32_t segment = g711_highest_bit(m) - 5;
	uint32_t code = segment << 4 | (m >> (segment + 1) & 0xf);

	return (uint8_t)(~code & (sample < 0 ? 0x7f : 0xff));
}

uint8_t g711_alaw_of(int16_t sample)
{
	uint32_t m = g711_magnitude(sample) >> 4;
	uint32_t segment = m < 32 ? m >> 4 : g711_highest_bit(m) - 3;
	uint32_t code = segment << 4 | (m >> (segment ? segment - 1 : 0) & 0xf);

	return (uint8_t)((code | (sample < 0 ? 0 : POSITIVE)) ^ ALAW_EVEN_BITS);
}

int16_t g711_ulaw_sample(uint8_t octet)
{
	uint32_t code = ~(uint32_t)octet & 0x7f;
	int32_t m = (int32_t)(((code & 0xf) * 2 + ULAW_BIAS) << (code >> 4)) - ULAW_BIAS;

	return (int16_t)((octet & POSITIVE ? m : -m) * 4);
}

int16_t g711_alaw_sample(uint8_t octet)
{
	uint32_t code = octet ^ ALAW_EVEN_BITS, segment = code >> 4 & 7;
	uint32_t step = (code & 0xf) * 2 + 1; /* the middle of the step */
	int32_t m = (int32_t)(segment ? (step + 32) << (segment - 1) : step) * 8;

	return (int16_t)(code & POSITIVE ? m : -m);
}

void g711_ulaw_encode(uint8_t *out, const int16_t *pcm, size_t n)
{
	for (size_t i = g711_ulaw_encode_wide(out, pcm, n); i < n; i++)
		out[i] = g711_ulaw_of(pcm[i]);
}

void g711_alaw_encode(uint8_t *out, const int16_t *pcm, size_t n)
{
	for (size_t i = g711_alaw_encode_wide(out, pcm, n); i < n; i++)
		out[i] = g711_alaw_of(pcm[i]);
}

void g711_ulaw_decode(int16_t *pcm, const uint8_t *octets, size_t n)
{
	for (size_t i = g711_ulaw_decode_wide(pcm, octets, n); i < n; i++)
		pcm[i] = g711_ulaw_sample(octets[i]);
}

void g711_alaw_decode(int16_t *pcm, const uint8_t *octets, size_t n)
{
	for (size_t i = g711_alaw_decode_wide(pcm, octets, n); i < n; i++)
		pcm[i] = g711_alaw_sample(octets[i]);
}
