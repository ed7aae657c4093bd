/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selects a codec's encoder by its encoding name, fills in defaults and checks settings.
 * Transcoding, mixing and players encode through it. The codecs are struct encoder_kind
 * (codec_kind.h); their state lies behind struct encoder in one allocation made at open. The table
 * of CPU costs is here, too: the engine budgets transcoding and mixing by these constants and not
 * by a clock, so that the same input gives the same order.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/codec/codec_kind.h"
#include "dsp/codec/encoder.h"

/* At 3 GHz (Zen 5, gcc 12, 2026-11). encode_ns: at complexity 0; step_ns: per step of it. */
static const struct codec_cost {
	const char *codec;
	uint32_t rate; /* and above, up to that of the next row of the codec */
	uint32_t encode_ns, step_ns, decode_ns;
} g_costs[] = {
	{ "PCMU", 0, 40, 0, 40 },
	{ "PCMA", 0, 40, 0, 40 },
	{ "L16", 0, 500, 0, 500 },
	{ "G722", 0, 4700, 0, 2500 },
	{ "G722", 16000, 11500, 0, 5400 },
	{ "G726-32", 0, 10700, 0, 8900 },
	{ "G729", 0, 36000, 0, 7100 },
	{ "opus", 0, 20000, 6300, 4600 },
	{ "opus", 12000, 36000, 14100, 8500 },
	{ "opus", 24000, 50000, 15000, 23000 },
};

static const struct codec_cost *cost_of(const char *codec, uint32_t rate)
{
	const struct codec_cost *found = NULL;

	for (size_t i = 0; i < COUNT_OF(g_costs); i++) {
		if (!strcmp(g_costs[i].codec, codec) && g_costs[i].rate <= rate)
			found = &g_costs[i];
	}
	assert(found);
	return found;
}

uint32_t codec_encode_ns(const struct encoder_settings *s)
{
	const struct codec_cost *c = cost_of(s->codec, s->rate);

	return c->encode_ns + s->complexity * c->step_ns;
}

uint32_t codec_decode_ns(const char *codec, uint32_t rate)
{
	return cost_of(codec, rate)->decode_ns;
}

struct encoder {
	const struct encoder_kind *kind;
	struct encoder_settings settings; /* with defaults */
	uint32_t samples;                 /* of a packet */
	bool is_open;                     /* its state */
	alignas(max_align_t) uint8_t state[];
};

static const struct encoder_kind *const g_kinds[] = {
	&encoder_pcmu,    &encoder_pcma, &encoder_g722, &encoder_opus,
	&encoder_g726_32, &encoder_l16,  &encoder_g729,
};

static const struct encoder_kind *encoder_kind_of(const char *codec)
{
	for (size_t i = 0; i < COUNT_OF(g_kinds); i++) {
		if (!strcmp(codec, g_kinds[i]->name))
			return g_kinds[i];
	}
	return NULL;
}

/* Its rate is 0 where it cannot be had. */
static struct encoder_settings encoder_defaults(const struct encoder_settings *s,
						const struct encoder_kind *kind)
{
	struct encoder_settings full = *s;

	full.codec = kind->name; /* outlives the caller's */
	if (!full.packet_ms)
		full.packet_ms = CODEC_PACKET_MS;
	if (!full.bit_rate)
		full.bit_rate = kind->bit_rate;
	full.rate = full.packet_ms <= ENCODER_PACKET_MS_MAX ? kind->rate(&full) : 0;
	return full;
}

int encoder_reset(struct encoder *e)
{
	int err;

	if (e->is_open && e->kind->state_close)
		e->kind->state_close(e->state);
	memset(e->state, 0, e->kind->state_size());
	err = e->kind->state_open(e->state, &e->settings, e->settings.rate);
	e->is_open = !err;
	return err;
}

int encoder_open(struct encoder **out, const struct encoder_settings *s)
{
	const struct encoder_kind *kind = encoder_kind_of(s->codec);

	if (!kind)
		return -EINVAL;

	struct encoder_settings full = encoder_defaults(s, kind);

	if (!full.rate)
		return -EINVAL;

	struct encoder *e = calloc(1, sizeof(*e) + kind->state_size());

	if (!e)
		return -ENOMEM;
	e->kind = kind;
	e->settings = full;
	e->samples = full.rate / 1000 * full.packet_ms;

	int err = encoder_reset(e);

	if (err) {
		encoder_close(e);
		return err;
	}
	*out = e;
	return 0;
}

struct codec_format encoder_format(const struct encoder *e)
{
	uint32_t rate = e->settings.rate;

	return (struct codec_format){ .codec = e->kind->name,
				      .rate = rate,
				      .clock = e->kind->clock ? e->kind->clock : rate,
				      .samples = e->samples };
}

uint32_t encoder_cost_ns(const struct encoder *e)
{
	return codec_encode_ns(&e->settings) * e->settings.packet_ms / CODEC_PACKET_MS;
}

int encoder_frame(struct encoder *e, const int16_t *pcm, uint32_t samples, uint8_t *out,
		  uint32_t cap)
{
	if (samples != e->samples)
		return -EINVAL;
	return e->kind->frame(e->state, pcm, samples, out, cap);
}

int encoder_tune(struct encoder *e, uint32_t bit_rate, uint32_t complexity)
{
	struct encoder_settings fresh = e->settings;
	int err;

	if (!e->kind->tune)
		return -ENOTSUP;
	fresh.bit_rate = bit_rate ? bit_rate : e->kind->bit_rate;
	fresh.complexity = complexity;
	if (e->kind->rate(&fresh) != e->settings.rate)
		return -EINVAL;
	err = e->kind->tune(e->state, &fresh);
	if (!err)
		e->settings = fresh;
	return err;
}

int encoder_stretch(struct encoder *e, uint32_t packet_ms)
{
	struct encoder_settings fresh = e->settings;

	if (!e->kind->tune)
		return -ENOTSUP;
	fresh.packet_ms = packet_ms;
	if (packet_ms > ENCODER_PACKET_MS_MAX || e->kind->rate(&fresh) != e->settings.rate)
		return -EINVAL;
	e->settings = fresh;
	e->samples = fresh.rate / 1000 * packet_ms;
	return 0;
}

void encoder_look_forward(struct encoder *e)
{
	if (e->kind->look_forward)
		e->kind->look_forward(e->state);
}

int encoder_copy(struct encoder *to, const struct encoder *from)
{
	if (to->kind != from->kind || to->settings.rate != from->settings.rate ||
	    to->samples != from->samples)
		return -EINVAL;
	if (from->kind->state_close)
		return -ENOTSUP;
	memcpy(to->state, from->state, from->kind->state_size());
	to->settings = from->settings;
	return 0;
}

void encoder_close(struct encoder *e)
{
	if (e && e->is_open && e->kind->state_close)
		e->kind->state_close(e->state);
	free(e);
}
