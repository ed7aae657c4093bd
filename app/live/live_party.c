/* SPDX-License-Identifier: Apache-2.0 */
#include "app/live/live_party.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dsp/codec/decoder.h"
#include "dsp/plc.h"
#include "dsp/resampler.h"
#include "media/codec.h"
#include "media/feed.h"
#include "media/rtp/jitter.h"
#include "media/rtp/sounding.h"

enum {
	SLOTS = 64,
	DELAY_MIN_MS = 20,
	DELAY_START_MS = 40,
	DELAY_MAX_MS = 300,
	DECODED_MAX = 24000 / 1000 * CODEC_PACKET_MS_MAX, /* no rate is higher */
	ROUNDS_MAX = 64,                                  /* of asking for one frame */
};

void live_party_open(struct live_party *p, uint32_t rate)
{
	p->rate = rate;
	p->codec = -1;
}

void live_party_close(struct live_party *p)
{
	jitter_close(p->jitter);
	decoder_close(p->decoder);
	resampler_close(p->up);
	free(p->plc);
	p->jitter = NULL;
	p->decoder = NULL;
	p->plc = NULL;
	p->up = NULL;
	p->codec = -1;
}

/* 0, also where the codec has means of its own, or there are none. -ENOMEM. */
static int plc_of(struct live_party *p)
{
	if (decoder_has_means(p->decoder) || !plc_takes(p->decoder_rate))
		return 0;
	p->plc = calloc(1, sizeof(*p->plc));
	if (!p->plc)
		return -ENOMEM;
	plc_open(p->plc, p->decoder_rate);
	return 0;
}

static bool codec_is_linear(enum media_codec codec)
{
	return codec == MEDIA_CODEC_L16 || codec == MEDIA_CODEC_L16_WIDE;
}

/* Parties speak those of the node; a mix is linear. */
static bool codec_is_heard(enum media_codec codec)
{
	return codec < MEDIA_CODECS || codec_is_linear(codec);
}

/* Opus decodes at any of our rates, L16 has that of its clock. */
static uint32_t rate_asked(const struct live_party *p, enum media_codec codec)
{
	if (codec_is_linear(codec))
		return media_codec_facts(codec)->clock_hz;
	return codec == MEDIA_CODEC_OPUS ? p->rate : 0;
}

static int decoder_of(struct live_party *p, enum media_codec codec)
{
	const struct decoder_settings settings = {
		.codec = media_codec_facts(codec)->name,
		.rate = rate_asked(p, codec),
	};
	int err = decoder_open(&p->decoder, &settings);

	if (err)
		return err;
	p->decoder_rate = decoder_format(p->decoder).rate;
	err = plc_of(p);
	return err ? err : resampler_open(&p->up, p->decoder_rate, p->rate);
}

static int codec_set(struct live_party *p, enum media_codec codec)
{
	const struct jitter_settings settings = {
		.clock_hz = media_codec_facts(codec)->clock_hz,
		.slots = SLOTS,
		.octets = FEED_OCTETS_MAX,
		.tick_ms = FEED_FRAME_MS,
		.min_ms = DELAY_MIN_MS,
		.start_ms = DELAY_START_MS,
		.max_ms = DELAY_MAX_MS,
	};
	int err;

	live_party_close(p);
	err = decoder_of(p, codec);
	if (!err)
		err = jitter_open(&p->jitter, &settings);
	if (err) {
		live_party_close(p);
		return err;
	}
	p->codec = (int)codec;
	p->clock_hz = settings.clock_hz;
	return 0;
}

void live_party_put(struct live_party *p, const struct live_packet *packet)
{
	struct jitter_packet in = { .arrival_ns = packet->at_ns,
				    .ssrc = packet->ssrc,
				    .timestamp = packet->timestamp,
				    .sequence = packet->sequence,
				    .payload_type = packet->payload_type,
				    .marker = packet->marker,
				    .payload = packet->payload };

	if (!codec_is_heard((enum media_codec)packet->codec) ||
	    (packet->codec != p->codec && codec_set(p, (enum media_codec)packet->codec)))
		return;
	in.units = sounding_units((enum media_codec)p->codec, packet->payload);
	if (packet->payload.n)
		in.pauses = decoder_pauses(p->decoder, packet->payload);
	(void)jitter_put(p->jitter, &in);
}

/* ---- PCM ---- */

static void silence_add(struct live_party *p, uint32_t samples)
{
	uint32_t room = LIVE_PCM - p->heard.n;

	samples = samples < room ? samples : room;
	memset(p->heard.samples + p->heard.n, 0, samples * sizeof(p->heard.samples[0]));
	p->heard.n += samples;
}

static void pcm_add(struct live_party *p, const int16_t *pcm, uint32_t samples)
{
	uint32_t room = LIVE_PCM - p->heard.n;

	if ((uint64_t)samples * p->rate / p->decoder_rate + 1 > room)
		return;
	p->heard.n += resampler_run(p->up, pcm, samples, p->heard.samples + p->heard.n, room);
}

/* Samples that were lost. How many, or -errno: nobody can make them. */
static int lost_make(struct live_party *p, int16_t *pcm, uint32_t samples)
{
	if (!p->plc)
		return decoder_conceal(p->decoder, pcm, samples);
	plc_lost(p->plc, pcm, samples);
	return (int)samples;
}

static void frame_decode(struct live_party *p, const struct jitter_frame *f)
{
	int16_t pcm[DECODED_MAX];
	uint32_t samples = (uint32_t)((uint64_t)f->units * p->decoder_rate / p->clock_hz);
	int n = -1;

	if (f->kind == JITTER_PLAY)
		n = decoder_frame(p->decoder, f->payload, pcm, DECODED_MAX);
	else if (samples <= DECODED_MAX)
		n = lost_make(p, pcm, samples);
	if (f->kind == JITTER_PLAY && n > 0 && p->plc)
		plc_heard(p->plc, pcm, (uint32_t)n);
	if (n > 0)
		pcm_add(p, pcm, (uint32_t)n);
	else
		silence_add(p, (uint32_t)((uint64_t)f->units * p->rate / p->clock_hz));
}

void live_party_hear(struct live_party *p, uint64_t now_ns, uint32_t n)
{
	for (uint32_t i = 0; i < ROUNDS_MAX && p->jitter && p->heard.n < n; i++) {
		struct jitter_frame f;

		jitter_get(p->jitter, now_ns, p->heard.n * NS_PER_S / p->rate, &f);
		switch (f.kind) {
		case JITTER_PLAY:
		case JITTER_LOST:
			frame_decode(p, &f);
			break;
		case JITTER_SILENCE:
			silence_add(p, n - p->heard.n);
			break;
		}
	}
	if (p->heard.n < n)
		silence_add(p, n - p->heard.n);
}

void live_party_release(struct live_party *p, uint32_t n)
{
	p->heard.n -= n;
	memmove(p->heard.samples, p->heard.samples + n, p->heard.n * sizeof(p->heard.samples[0]));
}
