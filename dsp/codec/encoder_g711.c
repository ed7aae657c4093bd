/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "dsp/codec/encoder_kind.h"
#include "dsp/codec/g711.h"

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
