/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/overlay_voice.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"
#include "dsp/tone.h"
#include "engine/walk/worker.h"
#include "media/codec.h"

enum {
	VOICE_FRAME_MS = 10,     /* of codecs that have no packets of their own */
	VOICE_BIT_RATE = 32000,  /* of Opus: what comes may have the whole band */
	VOICE_COMPLEXITY = 2,    /* likewise: packets of any length are quick enough */
	VOICE_SAMPLES_MAX = 480, /* that are summed at a time */
	TONE_JUMP_S = 10,        /* a larger jump of the RTP timestamp restarts the tone */
};

/* ---- codecs ---- */

static void voice_close(struct overlay_voice *v)
{
	decoder_close(v->decoder);
	encoder_close(v->encoder);
	free(v);
}

static int voice_codecs_open(struct overlay_voice *v)
{
	bool opus = v->codec == MEDIA_CODEC_OPUS;
	const char *name = media_codec_facts(v->codec)->name;
	const struct encoder_settings s = { .codec = name,
					    .packet_ms = opus ? CODEC_PACKET_MS : VOICE_FRAME_MS,
					    .bit_rate = opus ? VOICE_BIT_RATE : 0,
					    .complexity = VOICE_COMPLEXITY,
					    .voice = opus };
	int err = encoder_open(&v->encoder, &s);
	struct codec_format format;

	if (err)
		return err;
	format = encoder_format(v->encoder);
	v->rate = format.rate;
	v->clock_hz = format.clock;
	v->frame = opus ? 0 : format.samples;
	err = decoder_open(&v->decoder,
			   &(struct decoder_settings){ .codec = name, .rate = v->rate });
	if (err)
		return err;
	v->cost_ns = encoder_cost_ns(v->encoder) * (opus ? 1 : CODEC_PACKET_MS / VOICE_FRAME_MS) +
		     decoder_cost_ns(v->decoder);
	return 0;
}

static struct overlay_voice *voice_open(uint8_t codec)
{
	struct overlay_voice *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->codec = codec;
	if (voice_codecs_open(v)) {
		voice_close(v);
		return NULL;
	}
	return v;
}

void overlay_voices_open(struct overlay *o)
{
	for (uint8_t i = 0; i < o->taken_count; i++) {
		uint8_t codec = o->taken[i].codec;

		if (codec < MEDIA_CODECS && !o->voices[codec])
			o->voices[codec] = voice_open(codec);
	}
}

void overlay_voices_close(struct overlay *o)
{
	assert(!o->voice);
	for (unsigned i = 0; i < MEDIA_CODECS; i++) {
		if (o->voices[i])
			voice_close(o->voices[i]);
		o->voices[i] = NULL;
	}
}

void overlay_voice_give(struct overlay *o)
{
	assert(o->count == 0);
	o->first = 0;
	o->voice = NULL;
}

bool overlay_voice_take(struct overlay *o, uint8_t codec)
{
	struct overlay_voice *v = codec < MEDIA_CODECS ? o->voices[codec] : NULL;

	if (o->voice && o->voice->codec == codec)
		return true;
	if (!v || o->count > 0)
		return false;
	overlay_voice_give(o);
	if (decoder_reset(v->decoder) || encoder_reset(v->encoder))
		return false;
	o->voice = v;
	return true;
}

uint8_t overlay_codec_of(const struct overlay *o, uint8_t payload_type)
{
	for (uint8_t i = 0; i < o->taken_count; i++) {
		if (o->taken[i].payload_type == payload_type)
			return o->taken[i].codec;
	}
	return MEDIA_CODECS;
}

/* ---- the tone ---- */

static struct tone tone_of(const struct media_tone *t)
{
	const struct tone_step sounds = { t->ms, { { t->hz, t->level } } };

	/* and then silence without end */
	if (!t->gap_ms)
		return (struct tone){ .count = 2, .steps = { sounds, { 0 } } };
	return (struct tone){ .count = 4, .steps = { sounds, { t->gap_ms }, sounds, { 0 } } };
}

static void tone_at(const struct overlay *o, uint64_t at, struct overlay_samples s)
{
	const struct tone t = tone_of(&o->spec.tone);

	tone_render(&t, s.rate, at, s.pcm, s.n);
}

void overlay_tone_render(const struct overlay *o, uint32_t at_ms, struct overlay_samples s)
{
	tone_at(o, (uint64_t)at_ms * s.rate / 1000, s);
}

/* Of the first sample, counted from the beginning of the tone; negative: before it. */
static int64_t tone_place(struct overlay *o, uint32_t timestamp, const struct overlay_samples *s)
{
	int32_t units = (int32_t)(timestamp - o->base);

	if (!o->based || o->base_hz != s->clock_hz ||
	    llabs((int64_t)units) > (int64_t)TONE_JUMP_S * s->clock_hz) {
		o->base = timestamp;
		o->base_hz = s->clock_hz;
		o->based = true;
		units = 0;
	}
	return (int64_t)units * s->rate / s->clock_hz;
}

static void piece_mix(struct overlay *o, uint64_t at, struct overlay_samples s)
{
	int16_t tone[VOICE_SAMPLES_MAX];
	int32_t sum[VOICE_SAMPLES_MAX];

	tone_at(o, at, (struct overlay_samples){ tone, s.n, s.rate, s.clock_hz });
	for (uint32_t i = 0; i < s.n; i++)
		sum[i] = s.pcm[i] + tone[i];
	limiter_frame(&o->limiter, s.rate, sum, s.pcm, s.n);
}

void overlay_mix(struct overlay *o, uint32_t timestamp, struct overlay_samples s)
{
	int64_t at = tone_place(o, timestamp, &s);

	while (s.n > 0) {
		struct overlay_samples piece = s;

		piece.n = s.n < VOICE_SAMPLES_MAX ? s.n : VOICE_SAMPLES_MAX;
		if (at >= 0)
			piece_mix(o, (uint64_t)at, piece);
		at += piece.n;
		s.pcm += piece.n;
		s.n -= piece.n;
	}
}

/* ---- packets ---- */

/* Opus has packets of any length, others frames. */
static uint32_t frame_of(struct overlay_voice *v, uint32_t n)
{
	if (v->frame)
		return n % v->frame ? 0 : v->frame;
	return encoder_stretch(v->encoder, n * 1000 / v->rate) ||
			       encoder_format(v->encoder).samples != n
		       ? 0
		       : n;
}

uint32_t overlay_voice_encode(struct overlay_line *l, struct overlay_voice *v, uint32_t n)
{
	uint32_t frame = frame_of(v, n), length = 0;

	for (uint32_t done = 0; frame && done < n; done += frame) {
		int got = encoder_frame(v->encoder, l->pcm + done, frame, l->octets + length,
					(uint32_t)sizeof(l->octets) - length);

		if (got <= 0)
			return 0;
		length += (uint32_t)got;
	}
	return length;
}

uint32_t overlay_voice_mix(struct worker *w, struct overlay *o, struct bytes payload,
			   uint32_t timestamp, bool add)
{
	struct overlay_line *l = &w->overlays;
	struct overlay_voice *v = o->voice;
	int n = decoder_frame(v->decoder, payload, l->pcm, CODEC_SAMPLES_MAX);

	if (n <= 0)
		return 0;
	if (add)
		overlay_mix(o, timestamp,
			    (struct overlay_samples){ l->pcm, (uint32_t)n, v->rate, v->clock_hz });
	return overlay_voice_encode(l, v, (uint32_t)n);
}
