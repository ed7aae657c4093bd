/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encoder and decoder of G.729, by a module that is loaded at start and only where it is
 * installed (g729.h); without it both are refused with -ENOTSUP. A packet has frames of 10 ms in 10
 * octets each, and at its end perhaps one SID frame of two octets (RFC 3551 4.5.6, Annex B). The
 * file checks packet lengths, because the module trusts its input.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dsp/codec/codec_kind.h"
#include "dsp/codec/g729.h"

static const struct g729_module *g_g729; /* written before threads start */

int g729_load(char why[MODULE_TEXT_MAX])
{
	static const struct module MODULE = {
		.file = G729_MODULE, .folder = "dsp", .symbol = G729_SYMBOL, .needs = "bcg729"
	};
	const struct g729_module *m = module_load(&MODULE, why);

	if (m && m->version != G729_VERSION) {
		(void)snprintf(why, MODULE_TEXT_MAX, G729_MODULE " is of another version");
		m = NULL;
	}
	g_g729 = m;
	return m ? 0 : -ENOENT;
}

const struct g729_module *g729_module(void)
{
	return g_g729;
}

/* A SID frame at the end of a packet describes the silence that follows. */

struct g729_decoder {
	const struct g729_module *module;
	void *codec;
	bool pauses; /* the last one was */
	uint8_t sid[G729_SID_OCTETS];
};

static bool decoder_g729_accepts(uint32_t rate)
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

/* bcg729 fades lost packets out, and takes packets not sent in a pause for lost: so the SID frame
 * is decoded again. */
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
	.takes = decoder_g729_accepts,
	.state_size = decoder_g729_state_size,
	.state_open = decoder_g729_open,
	.state_close = decoder_g729_close,
	.samples = decoder_g729_samples,
	.frame = decoder_g729_frame,
	.pauses = decoder_g729_pauses,
	.conceal = decoder_g729_conceal,
	.conceals_us = 10000,
};

/* No voice activity detection: silence is encoded like voices. */

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
