/* SPDX-License-Identifier: Apache-2.0 */
/*
 * G.729 by its module (dsp/codec/g729.h). RFC 3551 4.5.6: frames of 10 octets, behind them perhaps one SID frame of two (Annex B), which says
 * what the silence is like that follows.
 */
#include <errno.h>
#include <string.h>

#include "dsp/codec/decoder_kind.h"
#include "dsp/codec/g729.h"

struct g729_decoder {
	const struct g729_module *module;
	void *codec;
	bool pauses; /* the last one was */
	uint8_t sid[G729_SID_OCTETS];
};

static bool decoder_g729_takes(uint32_t rate)
{
	return rate == G729_RATE;
}

static size_t decoder_g729_state_size(void)
{
	return sizeof(struct g729_decoder);
}

static int decoder_g729_open(void *state, uint32_t rate)
{
	struct g729_decoder *g = state;

	(void)rate;
	*g = (struct g729_decoder){ .module = g729_module() };
	if (!g->module)
		return -ENOTSUP;
	g->codec = g->module->decoder_open();
	return g->codec ? 0 : -ENOMEM;
}

static void decoder_g729_close(void *state)
{
	struct g729_decoder *g = state;

	g->module->decoder_close(g->codec);
}

static int decoder_g729_samples(struct bytes payload, uint32_t rate)
{
	size_t sid = payload.n % G729_OCTETS;

	(void)rate;
	if (payload.n > G729_OCTETS_MAX || (sid && sid != G729_SID_OCTETS))
		return -EBADMSG;
	return (int)((payload.n / G729_OCTETS + (sid ? 1 : 0)) * G729_SAMPLES);
}

static bool decoder_g729_pauses(struct bytes payload)
{
	return payload.n % G729_OCTETS == G729_SID_OCTETS;
}

static int decoder_g729_frame(void *state, struct bytes payload, int16_t *pcm, uint32_t samples)
{
	struct g729_decoder *g = state;

	for (uint32_t i = 0; i < samples / G729_SAMPLES; i++) {
		struct bytes frame = bytes_sub(payload, (size_t)i * G729_OCTETS, G729_OCTETS);

		g->module->decode(g->codec, frame.p, (uint8_t)frame.n, pcm + i * G729_SAMPLES);
	}
	g->pauses = decoder_g729_pauses(payload);
	if (g->pauses)
		memcpy(g->sid, payload.p + payload.n - G729_SID_OCTETS, G729_SID_OCTETS);
	return (int)samples;
}

/* bcg729 lets what is lost fade, and takes for lost what is not sent in a pause. So that is the same silence once more. */
static int decoder_g729_conceal(void *state, int16_t *pcm, uint32_t samples)
{
	const struct g729_decoder *g = state;

	for (uint32_t at = 0; at < samples; at += G729_SAMPLES)
		g->module->decode(g->codec, g->sid, g->pauses ? G729_SID_OCTETS : 0, pcm + at);
	return (int)samples;
}

const struct decoder_kind decoder_g729 = {
	.name = "G729",
	.rate = G729_RATE,
	.takes = decoder_g729_takes,
	.state_size = decoder_g729_state_size,
	.state_open = decoder_g729_open,
	.state_close = decoder_g729_close,
	.samples = decoder_g729_samples,
	.frame = decoder_g729_frame,
	.pauses = decoder_g729_pauses,
	.conceal = decoder_g729_conceal,
	.conceals_us = 10000,
};
