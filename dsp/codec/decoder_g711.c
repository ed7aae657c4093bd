/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "dsp/codec/decoder_kind.h"
#include "dsp/codec/g711.h"

static bool decoder_g711_takes(uint32_t rate)
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
	.takes = decoder_g711_takes,
	.state_size = decoder_g711_state_size,
	.state_open = decoder_g711_open,
	.samples = decoder_g711_samples,
	.frame = decoder_pcmu_frame,
};

const struct decoder_kind decoder_pcma = {
	.name = "PCMA",
	.rate = G711_RATE,
	.takes = decoder_g711_takes,
	.state_size = decoder_g711_state_size,
	.state_open = decoder_g711_open,
	.samples = decoder_g711_samples,
	.frame = decoder_pcma_frame,
};
