/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converts samples of a parsed WAV file (wav_parse.c) to 16-bit mono: PCM of any width, float,
 * A-law and mu-law, with several channels averaged. Announcements and music on hold that customers
 * upload come in all of these formats. Reading is by position and without state, so a player may
 * start anywhere.
 */

#include <assert.h>
#include <string.h>

#include "dsp/codec/g711.h"
#include "dsp/file/wav.h"

/* Full scale when mixing: 2^31. */
#define WAV_FULL 2147483648.0

/* The n octets as the upper ones of a 32-bit number, so that its sign is right. */
static int32_t pcm_sample(const uint8_t *p, uint32_t octets)
{
	uint32_t v = 0;

	if (octets == 1) /* unsigned, alone of all */
		return (int32_t)((uint32_t)(p[0] ^ 0x80) << 24);
	for (uint32_t i = 0; i < octets; i++)
		v |= (uint32_t)p[i] << (8 * (4 - octets + i));
	return (int32_t)v;
}

static int32_t float_sample(const uint8_t *p, uint32_t octets)
{
	float narrow;
	double v;

	if (octets == sizeof(narrow)) {
		memcpy(&narrow, p, sizeof(narrow));
		v = (double)narrow;
	} else {
		memcpy(&v, p, sizeof(v));
	}
	if (v >= 1)
		return INT32_MAX;
	if (v <= -1)
		return INT32_MIN;
	return v == v ? (int32_t)(v * WAV_FULL) : 0; /* NaN is silence */
}

static int32_t wav_sample(const struct wav *w, const uint8_t *p)
{
	switch (w->format) {
	case WAV_PCM:
		return pcm_sample(p, w->bits / 8);
	case WAV_FLOAT:
		return float_sample(p, w->bits / 8);
	case WAV_ALAW:
		return g711_alaw_sample(*p) * 65536;
	case WAV_ULAW:
		return g711_ulaw_sample(*p) * 65536;
	}
	return 0;
}

/* Their mean, rounded. */
static int16_t wav_mix(const struct wav *w, const uint8_t *p)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < w->channels; i++)
		sum += wav_sample(w, p + i * (w->bits / 8));
	sum = (sum / w->channels + 0x8000) >> 16;
	return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum);
}

/* One octet each: there are no more than 256 samples. */
static void wav_octets_read(const struct wav *w, const uint8_t *p, int16_t *pcm, uint32_t n)
{
	int16_t samples[UINT8_MAX + 1];
	uint8_t octet = 0;

	do
		samples[octet] = wav_mix(w, &octet);
	while (octet++ < UINT8_MAX);
	for (uint32_t i = 0; i < n; i++)
		pcm[i] = samples[p[i]];
}

void wav_read(const struct wav *w, uint64_t from, int16_t *pcm, uint32_t n)
{
	size_t block = (size_t)w->channels * w->bits / 8;

	assert(from <= w->samples && n <= w->samples - from);
	if (block == 1) {
		wav_octets_read(w, w->data.p + from, pcm, n);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		pcm[i] = wav_mix(w, w->data.p + (from + i) * block);
}
