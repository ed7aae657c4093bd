/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selects a codec's decoder by its encoding name and checks what is common to all: rates, packet
 * length (120 ms at most) and room in the output. Transcoding, mixing, recording and sound files
 * decode through it. The codecs themselves are struct decoder_kind (codec_kind.h), each in a file
 * of its own, and their state lies behind struct decoder in one allocation made at open, since a
 * worker must not allocate per packet.
 */

#include "dsp/codec/decoder.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/codec/codec_kind.h"
#include "dsp/codec/encoder.h"

struct decoder {
	const struct decoder_kind *kind;
	uint32_t rate;
	bool is_open; /* its state */
	alignas(max_align_t) uint8_t state[];
};

static const struct decoder_kind *const g_decoders[] = {
	&decoder_pcmu,    &decoder_pcma, &decoder_g722, &decoder_opus,
	&decoder_g726_32, &decoder_l16,  &decoder_g729,
};

static const struct decoder_kind *decoder_kind_of(const char *codec)
{
	for (size_t i = 0; i < COUNT_OF(g_decoders); i++) {
		if (!strcmp(codec, g_decoders[i]->name))
			return g_decoders[i];
	}
	return NULL;
}

int decoder_reset(struct decoder *d)
{
	int err;

	if (d->is_open && d->kind->state_close)
		d->kind->state_close(d->state);
	err = d->kind->state_open(d->state, d->rate);
	d->is_open = !err;
	return err;
}

int decoder_open(struct decoder **out, const struct decoder_settings *s)
{
	const struct decoder_kind *kind = decoder_kind_of(s->codec);
	uint32_t rate = s->rate || !kind ? s->rate : kind->rate;

	if (!kind || !kind->takes(rate))
		return -EINVAL;

	struct decoder *d = calloc(1, sizeof(*d) + kind->state_size());

	if (!d)
		return -ENOMEM;
	d->kind = kind;
	d->rate = rate;

	int err = decoder_reset(d);

	if (err) {
		decoder_close(d);
		return err;
	}
	*out = d;
	return 0;
}

struct codec_format decoder_format(const struct decoder *d)
{
	return (struct codec_format){ .codec = d->kind->name,
				      .rate = d->rate,
				      .clock = d->kind->clock ? d->kind->clock : d->rate,
				      .samples = d->rate / 1000 * CODEC_PACKET_MS };
}

uint32_t decoder_cost_ns(const struct decoder *d)
{
	return codec_decode_ns(d->kind->name, d->rate);
}

int decoder_frame(struct decoder *d, struct bytes payload, int16_t *pcm, uint32_t cap)
{
	int samples = payload.n ? d->kind->samples(payload, d->rate) : -EBADMSG;

	if (samples < 0)
		return samples;
	if ((uint32_t)samples > d->rate / 1000 * CODEC_PACKET_MS_MAX)
		return -EBADMSG;
	if ((uint32_t)samples > cap)
		return -ENOSPC;
	return d->kind->frame(d->state, payload, pcm, (uint32_t)samples);
}

bool decoder_pauses(const struct decoder *d, struct bytes payload)
{
	return d->kind->pauses && d->kind->pauses(payload);
}

bool decoder_has_means(const struct decoder *d)
{
	return d->kind->conceal;
}

/* Samples that can be made of nothing. */
static bool decoder_conceals(const struct decoder *d, uint32_t samples)
{
	uint32_t unit = d->rate / 1000 * d->kind->conceals_us / 1000;

	return samples && samples % unit == 0 && samples <= d->rate / 1000 * CODEC_PACKET_MS_MAX;
}

int decoder_conceal(struct decoder *d, int16_t *pcm, uint32_t samples)
{
	if (!d->kind->conceal)
		return -ENOTSUP;
	if (!decoder_conceals(d, samples))
		return -EINVAL;
	return d->kind->conceal(d->state, pcm, samples);
}

int decoder_recover(struct decoder *d, struct bytes next, int16_t *pcm, uint32_t samples)
{
	if (!d->kind->recover)
		return decoder_conceal(d, pcm, samples);
	if (!decoder_conceals(d, samples))
		return -EINVAL;
	if (!next.n || d->kind->samples(next, d->rate) < 0)
		return -EBADMSG;
	return d->kind->recover(d->state, next, pcm, samples);
}

void decoder_close(struct decoder *d)
{
	if (d && d->is_open && d->kind->state_close)
		d->kind->state_close(d->state);
	free(d);
}
