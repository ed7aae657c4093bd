/* SPDX-License-Identifier: Apache-2.0 */
/* G.729 by its module (dsp/codec/g729.h): frames of 10 ms, one behind the other (RFC 3551 4.5.6). It sends silence as it sends voices. */
#include <errno.h>

#include "dsp/codec/encoder_kind.h"
#include "dsp/codec/g729.h"

struct g729_encoder {
	const struct g729_module *module;
	void *codec;
};

static uint32_t encoder_g729_rate(const struct encoder_settings *s)
{
	return s->packet_ms % G729_FRAME_MS == 0 && (s->rate == 0 || s->rate == G729_RATE)
		       ? G729_RATE
		       : 0;
}

static size_t encoder_g729_state_size(void)
{
	return sizeof(struct g729_encoder);
}

static int encoder_g729_open(void *state, const struct encoder_settings *s, uint32_t rate)
{
	struct g729_encoder *g = state;

	(void)s;
	(void)rate;
	g->module = g729_module();
	if (!g->module)
		return -ENOTSUP;
	g->codec = g->module->encoder_open();
	return g->codec ? 0 : -ENOMEM;
}

static void encoder_g729_close(void *state)
{
	struct g729_encoder *g = state;

	g->module->encoder_close(g->codec);
}

static int encoder_g729_frame(void *state, const int16_t *pcm, uint32_t samples, uint8_t *out,
			      uint32_t cap)
{
	const struct g729_encoder *g = state;
	uint32_t frames = samples / G729_SAMPLES;

	if (frames * G729_OCTETS > cap)
		return -ENOSPC;
	for (uint32_t i = 0; i < frames; i++)
		g->module->encode(g->codec, pcm + i * G729_SAMPLES, out + i * G729_OCTETS);
	return (int)(frames * G729_OCTETS);
}

const struct encoder_kind encoder_g729 = {
	.name = "G729",
	.rate = encoder_g729_rate,
	.state_size = encoder_g729_state_size,
	.state_open = encoder_g729_open,
	.state_close = encoder_g729_close,
	.frame = encoder_g729_frame,
};
