/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/job/key_tone.h"

#include <stdlib.h>

#include "dsp/codec/encoder.h"
#include "dsp/dtmf.h"
#include "engine/walk/originate.h"
#include "engine/walk/worker.h"
#include "media/codec.h"

enum {
	OCTETS_MAX = 1280,
	SAMPLES_MAX = 48 * DIGIT_TONE_PACKET_MS,
	OPUS_BIT_RATE = 24000, /* at 8 kHz: more than enough for two sines */
	OPUS_COMPLEXITY = 5,
};

/* By the clock of what is sent now; where nothing is, the first. */
static const struct media_taken *digit_tone_taken(const struct flow *f)
{
	if (f->kind != MEDIA_AUDIO) /* of video it is something else */
		return NULL;
	for (uint8_t i = 0; i < f->taken_count; i++) {
		const struct media_taken *t = &f->taken[i];

		if (!f->sink.started || f->sink.clock_hz == 0 ||
		    f->sink.clock_hz == media_codec_facts(t->codec)->clock_hz)
			return t;
	}
	return f->taken_count ? &f->taken[0] : NULL;
}

/* L16 has the rate of its clock; for others that is the codec's own. */
static bool rate_is_said(uint8_t codec)
{
	return codec == MEDIA_CODEC_L16 || codec == MEDIA_CODEC_L16_WIDE;
}

void digit_tone_close(struct digit_tone *k)
{
	if (!k)
		return;
	encoder_close(k->encoder);
	free(k);
}

struct digit_tone *digit_tone_open(const struct flow *f)
{
	const struct media_taken *t = digit_tone_taken(f);
	struct digit_tone *k = t ? calloc(1, sizeof(*k)) : NULL;
	struct encoder_settings s = { .packet_ms = DIGIT_TONE_PACKET_MS };

	if (!k)
		return NULL;
	s.codec = media_codec_facts(t->codec)->name;
	if (rate_is_said(t->codec))
		s.rate = media_codec_facts(t->codec)->clock_hz;
	if (t->codec == MEDIA_CODEC_OPUS) {
		s.rate = DTMF_RATE;
		s.bit_rate = OPUS_BIT_RATE;
		s.complexity = OPUS_COMPLEXITY;
	}
	k->taken = *t;
	if (encoder_open(&k->encoder, &s)) {
		free(k);
		return NULL;
	}
	k->format = encoder_format(k->encoder);
	if (k->format.samples > SAMPLES_MAX) {
		digit_tone_close(k);
		return NULL;
	}
	return k;
}

bool digit_tone_fits(const struct digit_tone *k, const struct flow *f)
{
	for (uint8_t i = 0; i < f->taken_count; i++) {
		if (f->taken[i].codec == k->taken.codec &&
		    f->taken[i].payload_type == k->taken.payload_type)
			return true;
	}
	return false;
}

bool digit_tone_begin(struct digit_tone *k, char digit, uint16_t on_ms, uint16_t off_ms)
{
	return dtmf_tone(digit, on_ms, off_ms, DTMF_LEVEL, &k->tone);
}

bool digit_tone_send(struct worker *w, struct flow *f, struct digit_tone *k,
		     const struct digit_tone_at *at)
{
	uint32_t units = k->format.clock / 1000 * DIGIT_TONE_PACKET_MS;
	struct made_rtp rtp = { .payload_type = k->taken.payload_type,
				.marker = at->packet == 0,
				.unrecorded = at->unrecorded,
				.timestamp = at->timestamp + at->packet * units,
				.clock_hz = k->format.clock };
	int16_t pcm[SAMPLES_MAX];
	uint8_t octets[OCTETS_MAX];
	int length;

	tone_render(&k->tone, k->format.rate, (uint64_t)at->packet * k->format.samples, pcm,
		    k->format.samples);
	length = encoder_frame(k->encoder, pcm, k->format.samples, octets, sizeof(octets));
	if (length <= 0)
		return false;
	rtp.payload = bytes_mem(octets, (size_t)length);
	return originate_rtp(w, f, &rtp);
}
