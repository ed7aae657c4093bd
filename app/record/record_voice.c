/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three helpers of recording.c: the window of samples in memory, the detection of a message's
 * sound, and the decoder of one side. They turn payloads of any codec into samples at fixed
 * positions of the file. G.711 is copied bit by bit when the file has the same law, so a recording
 * proves what was on the wire.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "app/record/record_voice.h"
#include "dsp/codec/codec.h"
#include "dsp/codec/decoder.h"
#include "dsp/codec/g711.h"

int wav_window_open(struct wav_window *w, enum wav_sound sound, uint32_t rate, bool mono)
{
	uint32_t octets = wav_sound_octets(sound);

	*w = (struct wav_window){ .octets = octets,
				  .frame = mono ? octets : WAV_SIDES * octets,
				  .room = (int64_t)rate *
					  (mono ? WAV_WINDOW_S + WAV_HELD_S : WAV_WINDOW_S),
				  .silence = wav_sound_silence(sound) };
	w->frames = malloc((size_t)w->room * w->frame);
	if (!w->frames)
		return -ENOMEM;
	return 0;
}

void wav_window_close(struct wav_window *w)
{
	free(w->frames);
	w->frames = NULL;
}

/* A part of [at, to) up to where it is folded. */
struct wav_part {
	uint8_t *frames;
	uint32_t n;
};

static struct wav_part part_of(const struct wav_window *w, int64_t at, int64_t to)
{
	int64_t index = at % w->room;
	int64_t n = w->room - index < to - at ? w->room - index : to - at;

	return (struct wav_part){ w->frames + (size_t)index * w->frame, (uint32_t)n };
}

/* Frames that are not written yet become silent up to there. */
static void silence_until(struct wav_window *w, int64_t to)
{
	while (w->high < to) {
		struct wav_part part = part_of(w, w->high, to);

		memset(part.frames, w->silence, (size_t)part.n * w->frame);
		w->high += part.n;
	}
}

/* A sample of two octets is copied as such. */
static void samples_put(const struct wav_window *w, uint8_t *to, const uint8_t *samples, size_t n)
{
	if (w->frame == w->octets) {
		memcpy(to, samples, n * w->octets);
		return;
	}
	if (w->octets == 1) {
		for (size_t i = 0; i < n; i++)
			to[i * 2] = samples[i];
		return;
	}
	for (size_t i = 0; i < n; i++)
		memcpy(to + i * 4, samples + i * 2, 2);
}

/* Where the other side has no sound yet: whole frames, without reading them. */
static void samples_start(const struct wav_window *w, uint8_t *to, unsigned side,
			  const uint8_t *samples, size_t n)
{
	uint32_t own = side * w->octets, other = w->octets - own;

	if (w->frame == w->octets) {
		memcpy(to, samples, n * w->octets);
		return;
	}
	if (w->octets == 1) {
		for (size_t i = 0; i < n; i++) {
			to[i * 2 + own] = samples[i];
			to[i * 2 + other] = w->silence;
		}
		return;
	}
	for (size_t i = 0; i < n; i++) {
		memcpy(to + i * 4 + own, samples + i * 2, 2);
		memset(to + i * 4 + other, w->silence, 2);
	}
}

void wav_window_put(struct wav_window *w, unsigned side, int64_t at, const uint8_t *samples,
		    uint32_t n)
{
	int64_t to = at + n;

	assert(at >= w->low && to <= w->low + w->room);
	silence_until(w, at);
	while (at < to) {
		bool begins = at >= w->high;
		struct wav_part part = part_of(w, at, begins || to < w->high ? to : w->high);

		if (begins)
			samples_start(w, part.frames, side, samples, part.n);
		else
			samples_put(w, part.frames + side * w->octets, samples, part.n);
		samples += (size_t)part.n * w->octets;
		at += part.n;
		w->high = w->high < at ? at : w->high;
	}
}

void wav_window_advance(struct wav_window *w, int64_t low)
{
	w->low = w->low < low ? low : w->low;
	w->high = w->high < low ? low : w->high;
}

struct bytes wav_window_read(struct wav_window *w, int64_t from, int64_t to)
{
	struct wav_part part = part_of(w, from, to);

	assert(from >= w->low && to <= w->low + w->room && from <= to);
	silence_until(w, to);
	return bytes_mem(part.frames, (size_t)part.n * w->frame);
}

static void samples_read(enum wav_sound sound, const uint8_t *in, int16_t *pcm, uint32_t n)
{
	switch (sound) {
	case WAV_SOUND_ULAW:
		g711_ulaw_decode(pcm, in, n);
		return;
	case WAV_SOUND_ALAW:
		g711_alaw_decode(pcm, in, n);
		return;
	case WAV_SOUND_PCM:
		break;
	}
	for (uint32_t i = 0; i < n; i++)
		pcm[i] = (int16_t)(in[i * 2] | (uint16_t)in[i * 2 + 1] << 8);
}

bool record_message_on_samples(struct record_message *m, enum wav_sound sound, uint32_t rate,
			       int64_t at, const uint8_t *samples, uint32_t n)
{
	static _Thread_local int16_t pcm[CODEC_SAMPLES_MAX];
	uint32_t block = rate / 1000 * VOICE_BLOCK_MS, whole = n / block * block;
	bool first = !m->begun;
	struct voice_input heard;

	if (!whole || whole > CODEC_SAMPLES_MAX)
		return false;
	samples_read(sound, samples, pcm, whole);
	heard = voice_frame(&m->voice, rate, pcm, whole);
	if (!heard.speaks && heard.level > MESSAGE_LOUD)
		return false;
	m->begun = true;
	if (first)
		m->from = at;
	if (at + n > m->until)
		m->until = at + n;
	return first;
}

int64_t record_message_end(const struct record_message *m, uint32_t rate, int64_t now)
{
	int64_t around = (int64_t)rate * MESSAGE_AROUND_MS / 1000;
	int64_t end = m->until + around, held = now - (int64_t)rate * WAV_HELD_S;

	/* it stays within the window even if it is never ended: then that silence is in the file */
	if (end < held)
		end = held;
	return end < now ? end : now;
}

enum { NARROW = 8000, WIDE = 16000 };

void record_voice_kind(enum media_codec codec, enum wav_sound *sound, uint32_t *rate)
{
	bool wide = codec == MEDIA_CODEC_OPUS || codec == MEDIA_CODEC_G722 ||
		    codec == MEDIA_CODEC_L16_WIDE;

	*rate = wide ? WIDE : NARROW;
	*sound = codec == MEDIA_CODEC_PCMU   ? WAV_SOUND_ULAW
		 : codec == MEDIA_CODEC_PCMA ? WAV_SOUND_ALAW
					     : WAV_SOUND_PCM;
}

static bool voice_is_own(enum wav_sound sound, uint32_t rate, enum media_codec codec)
{
	return rate == NARROW && ((sound == WAV_SOUND_ULAW && codec == MEDIA_CODEC_PCMU) ||
				  (sound == WAV_SOUND_ALAW && codec == MEDIA_CODEC_PCMA));
}

/* Opus and G.722 at the file's rate; others have their own, and L16 its clock's. */
static bool voice_decoder(struct record_voice *v, uint32_t rate, enum media_codec codec)
{
	bool free_rate = codec == MEDIA_CODEC_OPUS || codec == MEDIA_CODEC_G722;
	bool linear = codec == MEDIA_CODEC_L16 || codec == MEDIA_CODEC_L16_WIDE;
	struct decoder_settings settings = { .rate = free_rate ? rate : 0 };

	if (v->codec == codec && (v->decoder || v->dead))
		return v->decoder != NULL;
	record_voice_close(v);
	v->codec = codec;
	settings.codec = media_codec_facts(codec)->name;
	if (linear)
		settings.rate = media_codec_facts(codec)->clock_hz;
	v->dead = decoder_open(&v->decoder, &settings) != 0;
	if (v->dead)
		v->decoder = NULL;
	return !v->dead;
}

static void voice_encode(enum wav_sound sound, const int16_t *pcm, uint32_t n, uint8_t *out)
{
	switch (sound) {
	case WAV_SOUND_ULAW:
		g711_ulaw_encode(out, pcm, n);
		return;
	case WAV_SOUND_ALAW:
		g711_alaw_encode(out, pcm, n);
		return;
	case WAV_SOUND_PCM:
		break;
	}
	for (uint32_t i = 0; i < n; i++) {
		out[i * 2] = (uint8_t)((uint16_t)pcm[i] & 0xff);
		out[i * 2 + 1] = (uint8_t)((uint16_t)pcm[i] >> 8);
	}
}

uint32_t record_voice_read(struct record_voice *v, enum wav_sound sound, uint32_t rate,
			   enum media_codec codec, struct bytes payload, uint8_t *out)
{
	static _Thread_local int16_t pcm[CODEC_SAMPLES_MAX], wide[CODEC_SAMPLES_MAX];
	const int16_t *from = pcm;
	uint32_t own_rate;
	int n;

	if (codec >= MEDIA_CODECS_KNOWN || payload.n > CODEC_SAMPLES_MAX)
		return 0;
	if (voice_is_own(sound, rate, codec)) {
		memcpy(out, payload.p, payload.n);
		return (uint32_t)payload.n;
	}
	if (!voice_decoder(v, rate, codec))
		return 0;
	n = decoder_frame(v->decoder, payload, pcm, CODEC_SAMPLES_MAX);
	if (n <= 0)
		return 0;
	own_rate = decoder_format(v->decoder).rate;
	if (own_rate * 2 == rate && n <= CODEC_SAMPLES_MAX / 2) {
		half_band_up(&v->up, pcm, (size_t)n, wide);
		from = wide;
		n *= 2;
	} else if (own_rate != rate) {
		return 0;
	}
	voice_encode(sound, from, (uint32_t)n, out);
	return (uint32_t)n;
}

void record_voice_close(struct record_voice *v)
{
	decoder_close(v->decoder);
	*v = (struct record_voice){ .codec = v->codec };
}
