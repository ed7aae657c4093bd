/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects frames of a mix into packets of one encoder, with resampling where the rates differ and
 * with comfort noise in pauses (RFC 3389, for Opus empty frames, RFC 6716 3.1). It sends pauses by
 * itself, because an encoder's own detection costs as much as encoding. A packer can be copied, so
 * that a member's own stream continues the shared one without an audible step. payloads.c uses
 * packers for members; rooms use the resampling alone for applications and recordings.
 */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/codec/codec.h"
#include "dsp/mix/packer.h"
#include "dsp/voice.h"

static bool convert_is(const struct convert *c, uint32_t from, uint32_t to)
{
	return c->from == from && c->to == to;
}

static bool convert_is_ours(const struct convert *c)
{
	return c->from == c->to || convert_is(c, 8000, 16000) || convert_is(c, 16000, 8000) ||
	       convert_is(c, 8000, 48000) || convert_is(c, 48000, 8000);
}

static bool convert_rate_is_sane(uint32_t rate)
{
	return rate > 0 && rate % 1000 == 0 && rate <= CODEC_RATE_MAX;
}

int convert_open(struct convert *c, uint32_t from, uint32_t to, uint32_t samples)
{
	if (!convert_rate_is_sane(from) || !convert_rate_is_sane(to) || samples > MIX_SAMPLES_MAX ||
	    samples % (from / 1000))
		return -EINVAL;
	*c = (struct convert){ .from = from, .to = to, .samples = samples };
	return convert_is_ours(c) ? 0 : resampler_open(&c->other, from, to);
}

void convert_close(struct convert *c)
{
	resampler_close(c->other);
	c->other = NULL;
}

/* Frames of whole ms have a whole number of samples at both rates, so no samples are left over. */
static void convert_other(struct convert *c, const int16_t *in, int16_t *out, uint32_t n)
{
	uint32_t made = resampler_run(c->other, in, c->samples, out, n);

	assert(made == n);
	memcpy(c->last, in, c->samples * sizeof(*in));
}

uint32_t convert_frame(struct convert *c, const int16_t *in, int16_t *out)
{
	uint32_t n = c->samples / (c->from / 1000) * (c->to / 1000);

	if (c->other)
		convert_other(c, in, out, n);
	else if (c->from == c->to)
		memcpy(out, in, n * sizeof(*out));
	else if (convert_is(c, 8000, 16000))
		half_band_up(&c->half, in, c->samples, out);
	else if (convert_is(c, 16000, 8000))
		half_band_down(&c->half, in, n, out);
	else if (convert_is(c, 8000, 48000))
		sixth_band_up(&c->sixth, in, c->samples, out);
	else
		sixth_band_down(&c->sixth, in, n, out);
	return n;
}

/* speexdsp's state cannot be copied. Its filter is shorter than a frame, so the last frame
 * determines the state. */
void convert_copy(struct convert *to, const struct convert *from)
{
	int16_t made[CODEC_RATE_MAX / 50];

	assert(to->from == from->from && to->to == from->to && to->samples == from->samples);
	to->half = from->half;
	to->sixth = from->sixth;
	if (!to->other)
		return;
	resampler_reset(to->other);
	convert_other(to, from->last, made, to->samples / (to->from / 1000) * (to->to / 1000));
}

enum { COMFORT_LEVEL = 65, COMFORT_LEVEL_MAX = 127, TOC_ONE_FRAME = 0xfc };

/* ---- open, close ---- */

static bool packer_is_opus(const struct packer_settings *s)
{
	return !strcmp(s->encoder.codec, "opus");
}

/* What is between two ticks is not there: a packet has whole ticks, or a tick whole packets. */
static bool packer_packet_is_sane(uint32_t packet_ms)
{
	return packet_ms == 10 || packet_ms == 20 || packet_ms == 40 || packet_ms == 60;
}

/* The default rate depends on the bit rate. Above the mix's rate there is nothing to encode. */
static int packer_rate(struct encoder_settings *s, uint32_t rate, bool opus)
{
	struct encoder *e = NULL;
	int err = encoder_open(&e, s);

	if (err)
		return err;
	s->rate = encoder_format(e).rate;
	if (opus && s->rate > rate)
		s->rate = rate;
	encoder_close(e);
	return 0;
}

int packer_defaults(struct packer_settings *s, uint32_t rate)
{
	bool opus = packer_is_opus(s);

	s->encoder.dtx = false;
	if (s->encoder.packet_ms == 0)
		s->encoder.packet_ms = CODEC_PACKET_MS;
	if (s->pause == PACKER_PAUSE_USUAL)
		s->pause = opus ? PACKER_PAUSE_KEPT : PACKER_PAUSE_SENT;
	if (s->comfort_level == 0)
		s->comfort_level = COMFORT_LEVEL;
	if (!packer_packet_is_sane(s->encoder.packet_ms) || s->comfort_level > COMFORT_LEVEL_MAX)
		return -EINVAL;
	return s->encoder.rate ? 0 : packer_rate(&s->encoder, rate, opus);
}

/* L16 alone can be too long. */
static bool packer_fits(const struct packer *s)
{
	struct codec_format f = encoder_format(s->encoder);

	return strcmp(f.codec, "L16") != 0 || 2 * f.samples <= PACKER_OCTETS_MAX;
}

int packer_open(struct packer **out, const struct packer_settings *of, uint32_t rate,
		uint32_t samples)
{
	struct packer *s = calloc(1, sizeof(*s));
	int err = s ? encoder_open(&s->encoder, &of->encoder) : -ENOMEM;

	if (!err)
		err = convert_open(&s->convert, rate, of->encoder.rate, samples);
	if (!err && !packer_fits(s))
		err = -EINVAL;
	if (err) {
		packer_close(s);
		return err;
	}
	s->samples = encoder_format(s->encoder).samples;
	*out = s;
	return 0;
}

void packer_close(struct packer *s)
{
	if (!s)
		return;
	convert_close(&s->convert);
	encoder_close(s->encoder);
	free(s);
}

/* ---- frames ---- */

/* Where it has been silent for long, filters have nothing left in them: zeros become zeros. */
uint32_t packer_put(struct packer *s, const int16_t *pcm, uint32_t filled)
{
	static const int16_t g_silence[MIX_SAMPLES_MAX];
	const struct convert *c = &s->convert;
	uint32_t ms = c->samples / (c->from / 1000), n = ms * (c->to / 1000);

	assert(filled + n <= PACKER_SAMPLES_MAX);
	if (pcm && voice_energy(pcm, c->samples) > 0)
		s->silent_ms = 0;
	else
		s->silent_ms += ms;
	if (s->silent_ms > PACKER_PAUSE_AFTER_MS)
		memset(s->pcm + filled, 0, n * sizeof(*s->pcm));
	else
		convert_frame(&s->convert, pcm ? pcm : g_silence, s->pcm + filled);
	return n;
}

/* ---- packets ---- */

/* RFC 3389 3: the level alone, in -dBov. */
static void packer_comfort(struct packer *s, const struct packer_settings *of, uint32_t i)
{
	s->octets[i][0] = of->comfort_level;
	s->packets[i] = (struct packer_packet){ .kind = PACKER_COMFORT,
						.octets = bytes_mem(s->octets[i], 1) };
}

/* One frame without an octet: a decoder makes what it makes in pauses (RFC 6716 3.1, 3.2.1). */
static void packer_empty(struct packer *s, uint32_t i)
{
	s->octets[i][0] = s->toc & TOC_ONE_FRAME;
	s->packets[i] = (struct packer_packet){ .kind = PACKER_EMPTY,
						.octets = bytes_mem(s->octets[i], 1) };
}

/* Decoders go their own ways in a pause. So what comes behind it does not look back. */
static void packer_rest(struct packer *s, const struct packer_settings *of, uint32_t i)
{
	bool first = !s->paused;

	if (first)
		encoder_look_forward(s->encoder);
	s->paused = true;
	s->kept_ms = first ? 0 : s->kept_ms + of->encoder.packet_ms;
	s->packets[i] = (struct packer_packet){ .kind = PACKER_NOTHING };
	if (of->pause != PACKER_PAUSE_KEPT || (!first && s->kept_ms < PACKER_KEPT_MS))
		return;
	s->kept_ms = 0;
	if (packer_is_opus(of))
		packer_empty(s, i);
	else
		packer_comfort(s, of, i);
}

static void packer_encode(struct packer *s, uint32_t i, const int16_t *pcm)
{
	int n = encoder_frame(s->encoder, pcm, s->samples, s->octets[i], PACKER_OCTETS_MAX);

	s->packets[i] = (struct packer_packet){ .kind = PACKER_NOTHING };
	if (n <= 0)
		return;
	s->packets[i] = (struct packer_packet){ .kind = PACKER_SOUND,
						.begins = s->paused,
						.octets = bytes_mem(s->octets[i], (size_t)n) };
	s->toc = s->octets[i][0];
	s->paused = false;
}

bool packer_make(struct packer *s, const struct packer_settings *of, uint32_t i, uint32_t from)
{
	bool pauses = of->pause != PACKER_PAUSE_SENT && s->silent_ms >= PACKER_PAUSE_AFTER_MS;

	if (pauses)
		packer_rest(s, of, i);
	else
		packer_encode(s, i, s->pcm + from);
	return !pauses;
}

bool packer_is_plain(const struct packer *s, const struct packer_settings *of)
{
	const struct convert *c = &s->convert;

	return c->from == c->to && c->samples == s->samples && of->pause == PACKER_PAUSE_SENT;
}

void packer_pack(struct packer *s, const int16_t *pcm)
{
	static const int16_t g_silence[MIX_SAMPLES_MAX];

	packer_encode(s, 0, pcm ? pcm : g_silence);
}

struct packer_packet packer_say_to(struct packer *s, const int16_t *pcm,
				   uint8_t octets[PACKER_OCTETS_MAX])
{
	int n = encoder_frame(s->encoder, pcm, s->samples, octets, PACKER_OCTETS_MAX);

	if (n <= 0)
		return (struct packer_packet){ .kind = PACKER_NOTHING };
	return (struct packer_packet){ .kind = PACKER_SOUND,
				       .octets = bytes_mem(octets, (size_t)n) };
}

bool packer_copy(struct packer *to, const struct packer *from, uint32_t filled)
{
	convert_copy(&to->convert, &from->convert);
	memcpy(to->pcm, from->pcm, filled * sizeof(*to->pcm));
	to->silent_ms = from->silent_ms;
	to->kept_ms = from->kept_ms;
	to->paused = from->paused;
	to->toc = from->toc;
	return !encoder_copy(to->encoder, from->encoder);
}
