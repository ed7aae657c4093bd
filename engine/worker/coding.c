/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of transcoding: decoder, sample rate conversion, the samples that wait for a whole
 * packet, encoder, and concealment of losses. transcoder.c drives it with the packets of a flow. It
 * picks Opus's rate and bit rate by the other codec, as a better one would be inaudible, and states
 * its CPU cost for the worker's slices.
 */

#include "engine/worker/coding.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"
#include "dsp/plc.h"
#include "dsp/resample.h"

enum {
	RATE_NARROW = 8000,
	RATE_WIDE = 16000,
	OPUS_BIT_RATE_NARROW = 12000,
	OPUS_BIT_RATE_WIDE = 20000,
	OPUS_BIT_RATE_FULL = 24000,
	ROOM_MS = CODEC_PACKET_MS_MAX + CODING_PACKET_MS_MAX,
};

/* ---- open, close ---- */

/* What its PCM has; 0: whatever one likes. */
static uint32_t pcm_rate_of(uint8_t codec)
{
	if (codec == MEDIA_CODEC_OPUS)
		return 0;
	return codec == MEDIA_CODEC_G722 ? RATE_WIDE : media_codec_facts(codec)->clock_hz;
}

static void rates_set(struct coding *c, const struct media_coding *spec, uint32_t opus_hz)
{
	uint32_t in = pcm_rate_of(spec->from), out = pcm_rate_of(spec->to);
	uint32_t opus = opus_hz ? opus_hz : in ? in : out ? out : RATE_WIDE;

	c->rate_in = in ? in : opus;
	c->rate_out = out ? out : opus;
}

static bool is_straight(const struct coding *c)
{
	return c->rate_in == c->rate_out;
}

/* One of the two is twice, or six times, the other one. */
static bool rate_is_by(const struct coding *c, uint32_t times)
{
	return c->rate_in == times * c->rate_out || c->rate_out == times * c->rate_in;
}

static bool is_resampled(const struct coding *c)
{
	return !is_straight(c) && !rate_is_by(c, 2) && !rate_is_by(c, 6);
}

/* At most the wanted packet time, if Opus has it and one packet takes no long slice
 * (dsp/codec/encoder.h). */
static uint32_t opus_packet_ms(const struct encoder_settings *s)
{
	bool quick = s->rate == RATE_NARROW || s->complexity <= 2;

	if (s->packet_ms >= 60 && quick)
		return 60;
	if (s->packet_ms >= 40 && (quick || s->complexity <= 5))
		return 40;
	if (s->packet_ms >= 20)
		return 20;
	return s->packet_ms >= 10 ? 10 : 5;
}

static uint32_t opus_bit_rate(uint32_t rate)
{
	if (rate == RATE_NARROW)
		return OPUS_BIT_RATE_NARROW;
	return rate == RATE_WIDE ? OPUS_BIT_RATE_WIDE : OPUS_BIT_RATE_FULL;
}

/* What comes is as good as the other codec at most. */
static struct encoder_settings settings_of(const struct coding *c, const struct media_coding *spec)
{
	bool opus = spec->to == MEDIA_CODEC_OPUS;
	struct encoder_settings s = { .codec = media_codec_facts(spec->to)->name,
				      .packet_ms = spec->packet_ms,
				      .bit_rate = spec->bit_rate,
				      .rate = c->rate_out };

	if (spec->packet_ms == 0)
		s.packet_ms = opus ? CODEC_PACKET_MS : CODING_FRAME_MS;
	if (!opus)
		return s;
	s.complexity = spec->complexity ? spec->complexity : CODING_COMPLEXITY;
	s.voice = true;
	s.packet_ms = opus_packet_ms(&s);
	if (s.bit_rate == 0)
		s.bit_rate = opus_bit_rate(c->rate_out);
	return s;
}

uint32_t coding_cost_ns(const struct media_coding *spec, uint32_t opus_hz)
{
	struct encoder_settings out;
	struct coding c = { 0 };
	uint32_t packet_ms, between;

	rates_set(&c, spec, opus_hz);
	between = is_resampled(&c) ? RESAMPLER_NS : rate_is_by(&c, 6) ? SIXTH_BAND_NS : 0;
	out = settings_of(&c, spec);
	packet_ms = spec->packet_ms ? out.packet_ms : CODEC_PACKET_MS;
	return (codec_encode_ns(&out) +
		codec_decode_ns(media_codec_facts(spec->from)->name, c.rate_in) + between) *
	       packet_ms / CODEC_PACKET_MS;
}

/* 0, also where there is nothing to open. -ENOMEM. */
static int coding_plc_open(struct coding *c)
{
	if (decoder_has_means(c->decoder) || !plc_supports(c->rate_in))
		return 0;
	c->plc = calloc(1, sizeof(*c->plc));
	if (!c->plc)
		return -ENOMEM;
	plc_open(c->plc, c->rate_in);
	return 0;
}

static int codecs_open(struct coding *c, const struct media_coding *spec)
{
	const struct decoder_settings in = { .codec = media_codec_facts(spec->from)->name,
					     .rate = c->rate_in };
	const struct encoder_settings out = settings_of(c, spec);
	int err = decoder_open(&c->decoder, &in);

	if (!err)
		err = coding_plc_open(c);
	if (!err)
		err = encoder_open(&c->encoder, &out);
	if (!err && is_resampled(c))
		err = resampler_open(&c->resampler, c->rate_in, c->rate_out);
	if (err)
		return err;
	c->frame = c->packet = encoder_format(c->encoder).samples;
	c->as_received = spec->packet_ms == 0 && spec->to != MEDIA_CODEC_OPUS;
	c->room = c->rate_out / 1000 * ROOM_MS;
	c->pcm = calloc(c->room, sizeof(*c->pcm));
	if (!c->pcm)
		return -ENOMEM;
	c->eases = spec->to == MEDIA_CODEC_OPUS && spec->complexity == 0;
	c->complexity = CODING_COMPLEXITY;
	c->bit_rate = out.bit_rate;
	return 0;
}

int coding_open(struct coding *c, const struct media_coding *spec, uint32_t opus_hz)
{
	int err;

	*c = (struct coding){ 0 };
	if (spec->from >= MEDIA_CODECS_KNOWN || spec->to >= MEDIA_CODECS_KNOWN ||
	    spec->packet_ms > CODING_PACKET_MS_MAX)
		return -EINVAL;
	c->clock_in = media_codec_facts(spec->from)->clock_hz;
	c->clock_out = media_codec_facts(spec->to)->clock_hz;
	c->cost_ns = coding_cost_ns(spec, opus_hz);
	rates_set(c, spec, opus_hz);
	err = codecs_open(c, spec);
	if (err)
		coding_close(c);
	return err;
}

void coding_close(struct coding *c)
{
	decoder_close(c->decoder);
	encoder_close(c->encoder);
	resampler_close(c->resampler);
	free(c->plc);
	free(c->pcm);
	*c = (struct coding){ 0 };
}

void coding_reset(struct coding *c)
{
	if (c->heard)
		c->broken = decoder_reset(c->decoder) != 0;
	if (c->heard && c->plc)
		plc_open(c->plc, c->rate_in);
	c->band = (struct sixth_band){ 0 };
	if (c->resampler)
		resampler_reset(c->resampler);
	c->at = c->count = c->heard = 0;
}

void coding_ease(struct coding *c, uint8_t complexity)
{
	if (LIKELY(!c->eases || c->complexity == complexity))
		return;
	c->complexity = complexity;
	c->cost_ns -= encoder_cost_ns(c->encoder);
	c->eases = encoder_tune(c->encoder, c->bit_rate, complexity) == 0;
	c->cost_ns += encoder_cost_ns(c->encoder);
}

/* ---- samples that wait ---- */

static void front_free(struct coding *c)
{
	if (c->at == 0)
		return;
	memmove(c->pcm, c->pcm + c->at, c->count * sizeof(*c->pcm));
	c->at = 0;
}

static int16_t *behind(struct coding *c)
{
	return c->pcm + c->at + c->count;
}

static void band_up(struct coding *c, const int16_t *in, uint32_t n, int16_t *out)
{
	if (rate_is_by(c, 2))
		half_band_up(&c->band.half, in, n, out);
	else
		sixth_band_up(&c->band, in, n, out);
}

static void band_down(struct coding *c, const int16_t *in, uint32_t n, int16_t *out)
{
	if (rate_is_by(c, 2))
		half_band_down(&c->band.half, in, n, out);
	else
		sixth_band_down(&c->band, in, n, out);
}

/* Converts n samples of rate_in to the encoder's rate, behind what waits. Returns how many. */
static uint32_t space_add(struct coding *c, const coding_space *space, uint32_t n)
{
	uint32_t out = (uint32_t)((uint64_t)n * c->rate_out / c->rate_in);

	if (is_straight(c))
		memcpy(behind(c), space, n * sizeof(*space));
	else if (c->resampler)
		out = resampler_run(c->resampler, space, n, behind(c), c->room - c->at - c->count);
	else if (c->rate_in < c->rate_out)
		band_up(c, space, n, behind(c));
	else
		band_down(c, space, out, behind(c));
	c->count += out;
	return out;
}

static uint32_t samples_in(const struct coding *c, uint32_t samples_out)
{
	return (uint32_t)((uint64_t)samples_out * c->rate_in / c->rate_out);
}

/* As many whole frames as came, and no more than may leave at a time. */
static void packet_set(struct coding *c, uint32_t came)
{
	uint32_t most = c->rate_out / 1000 * CODING_PACKET_MS_MAX;
	uint32_t packet = (came < most ? came : most) / c->frame * c->frame;

	c->packet = packet ? packet : c->frame;
}

/* ---- in ---- */

int coding_decode(struct coding *c, struct bytes payload, coding_space *space)
{
	bool straight = is_straight(c);
	int16_t *to;
	int n;

	assert(!coding_is_full(c));
	if (c->broken)
		return -ENOMEM;
	front_free(c);
	to = straight ? behind(c) : space;
	n = decoder_frame(c->decoder, payload, to,
			  straight ? c->room - c->count : CODEC_SAMPLES_MAX);
	if (n <= 0)
		return n ? n : -EBADMSG;
	c->heard = (uint32_t)n;
	if (c->plc)
		plc_on_samples(c->plc, to, c->heard);
	if (straight)
		c->count += (uint32_t)n;
	else
		n = (int)space_add(c, space, (uint32_t)n);
	if (c->as_received)
		packet_set(c, (uint32_t)n);
	return n;
}

bool coding_makes(const struct coding *c, uint32_t lost)
{
	return c->plc && c->heard && lost <= c->rate_out / 1000 * CODING_LOSS_MS_MAX;
}

/* What the party did not send is silence, or its codec's comfort noise. */
static void missing_make(struct coding *c, bool lost, coding_space *space, uint32_t n)
{
	if (lost && c->plc)
		plc_lost(c->plc, space, n);
	else if (decoder_conceal(c->decoder, space, n) != (int)n)
		memset(space, 0, n * sizeof(*space));
}

uint32_t coding_fill(struct coding *c, uint32_t missing, bool lost, coding_space *space)
{
	uint32_t n = c->packet - c->count, in;

	n = n < missing ? n : missing;
	in = samples_in(c, n);
	front_free(c);
	missing_make(c, lost, space, in);
	return space_add(c, space, in);
}

uint32_t coding_miss(struct coding *c, uint32_t lost, struct bytes next, coding_space *space)
{
	uint32_t left = samples_in(c, lost), frame = c->heard;
	int n;

	assert(c->count == 0);
	if (frame == 0 || left < frame || left > c->rate_in / 1000 * CODEC_PACKET_MS_MAX)
		return 0;
	for (; left >= 2 * frame; left -= frame)
		if (decoder_conceal(c->decoder, space, frame) < 0)
			return 0;
	n = decoder_recover(c->decoder, next, space, frame);
	return n == (int)frame ? space_add(c, space, frame) : 0;
}

/* ---- out ---- */

int coding_encode(struct coding *c, uint8_t *out, uint32_t cap, uint32_t *samples)
{
	uint32_t length = 0;
	int n = 0;

	assert(coding_is_full(c));
	for (uint32_t done = 0; done < c->packet && n >= 0; done += c->frame) {
		n = encoder_frame(c->encoder, c->pcm + c->at + done, c->frame, out + length,
				  cap - length);
		length += n > 0 ? (uint32_t)n : 0;
	}
	*samples = c->packet;
	c->count -= c->packet;
	c->at = c->count ? c->at + c->packet : 0;
	return n < 0 ? n : (int)length;
}
