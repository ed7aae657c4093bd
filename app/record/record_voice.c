/* SPDX-License-Identifier: Apache-2.0 */
#include "app/record/record_voice.h"

#include <assert.h>

#include "dsp/codec/decoder.h"
#include "dsp/codec/g711.h"

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

/* Opus and G.722 at the file's rate; the others have one of their own, and L16 that of its clock. */
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
