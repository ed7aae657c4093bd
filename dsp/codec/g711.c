/* SPDX-License-Identifier: Apache-2.0 */
/*
 * G.711 mu-law and A-law: the scalar code for any CPU, and the encoder and decoder kinds of PCMU
 * and PCMA. An octet is sign, segment (3 bits) and step (4 bits); the step width doubles from
 * segment to segment. On the wire mu-law inverts all bits and A-law the even ones. Whole packets go
 * through the vectors of g711_wide.h first, with the same results.
 */

#include <errno.h>

#include "dsp/codec/codec_kind.h"
#include "dsp/codec/g711.h"
#include "dsp/codec/g711_wide.h"

enum {
	ULAW_BIAS = 33, /* moves the segments to powers of two: 33, 64, 128 ... 8192 in 14 bits */
	ULAW_MAX = 0x1fff,
	ALAW_EVEN_BITS = 0x55,
	POSITIVE = 0x80,
};

/* For negative samples the one's complement: both signs have as many values. */
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

static bool decoder_g711_accepts(uint32_t rate)
{
	return rate == G711_RATE;
}

static size_t decoder_g711_state_size(void)
{
	return 0;
}

static int decoder_g711_open(void *state, uint32_t rate)
{
	(void)state;
	(void)rate;
	return 0;
}

static int decoder_g711_samples(struct bytes payload, uint32_t rate)
{
	(void)rate;
	return payload.n <= CODEC_SAMPLES_MAX ? (int)payload.n : -EBADMSG;
}

static int decoder_pcmu_frame(void *state, struct bytes payload, int16_t *pcm, uint32_t samples)
{
	(void)state;
	g711_ulaw_decode(pcm, payload.p, samples);
	return (int)samples;
}

static int decoder_pcma_frame(void *state, struct bytes payload, int16_t *pcm, uint32_t samples)
{
	(void)state;
	g711_alaw_decode(pcm, payload.p, samples);
	return (int)samples;
}

const struct decoder_kind decoder_pcmu = {
	.name = "PCMU",
	.rate = G711_RATE,
	.takes = decoder_g711_accepts,
	.state_size = decoder_g711_state_size,
	.state_open = decoder_g711_open,
	.samples = decoder_g711_samples,
	.frame = decoder_pcmu_frame,
};

const struct decoder_kind decoder_pcma = {
	.name = "PCMA",
	.rate = G711_RATE,
	.takes = decoder_g711_accepts,
	.state_size = decoder_g711_state_size,
	.state_open = decoder_g711_open,
	.samples = decoder_g711_samples,
	.frame = decoder_pcma_frame,
};

static uint32_t encoder_g711_rate(const struct encoder_settings *s)
{
	return s->rate == 0 || s->rate == G711_RATE ? G711_RATE : 0;
}

static size_t encoder_g711_state_size(void)
{
	return 0;
}

static int encoder_g711_open(void *state, const struct encoder_settings *s, uint32_t rate)
{
	(void)state;
	(void)s;
	(void)rate;
	return 0;
}

static int encoder_pcmu_frame(void *state, const int16_t *pcm, uint32_t samples, uint8_t *out,
			      uint32_t cap)
{
	(void)state;
	if (samples > cap)
		return -ENOSPC;
	g711_ulaw_encode(out, pcm, samples);
	return (int)samples;
}

static int encoder_pcma_frame(void *state, const int16_t *pcm, uint32_t samples, uint8_t *out,
			      uint32_t cap)
{
	(void)state;
	if (samples > cap)
		return -ENOSPC;
	g711_alaw_encode(out, pcm, samples);
	return (int)samples;
}

const struct encoder_kind encoder_pcmu = {
	.name = "PCMU",
	.rate = encoder_g711_rate,
	.state_size = encoder_g711_state_size,
	.state_open = encoder_g711_open,
	.frame = encoder_pcmu_frame,
};

const struct encoder_kind encoder_pcma = {
	.name = "PCMA",
	.rate = encoder_g711_rate,
	.state_size = encoder_g711_state_size,
	.state_open = encoder_g711_open,
	.frame = encoder_pcma_frame,
};
