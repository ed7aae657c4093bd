/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converts sound between a party and an application: jitter buffer, decoder, concealment and
 * resampling one way; a bounded ring, resampling and marks the other way. live_stream.c feeds it
 * octets of the WebSocket, the engine's feed carries frames to and from the worker. Marks are
 * reported when all sound before them has been played, and clear drops what has not.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/live/live_sound.h"
#include "base/clock.h"
#include "dsp/codec/decoder.h"
#include "dsp/codec/g711.h"
#include "dsp/plc.h"
#include "dsp/resample.h"
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

static void live_party_open(struct live_party *p, uint32_t rate)
{
	p->rate = rate;
	p->codec = -1;
}

static void live_party_close(struct live_party *p)
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

/* 0, also if the codec conceals losses itself, or cannot. -ENOMEM. */
static int plc_of(struct live_party *p)
{
	if (decoder_has_means(p->decoder) || !plc_supports(p->decoder_rate))
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

/* Parties use codecs of the node; a mix is linear. */
static bool codec_is_decoded(enum media_codec codec)
{
	return codec < MEDIA_CODECS || codec_is_linear(codec);
}

/* Opus decodes at any of our rates, L16 has that of its clock. */
static uint32_t rate_of_decoder(const struct live_party *p, enum media_codec codec)
{
	if (codec_is_linear(codec))
		return media_codec_facts(codec)->clock_hz;
	return codec == MEDIA_CODEC_OPUS ? p->rate : 0;
}

static int decoder_of(struct live_party *p, enum media_codec codec)
{
	const struct decoder_settings settings = {
		.codec = media_codec_facts(codec)->name,
		.rate = rate_of_decoder(p, codec),
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

/* In zeroed memory. */
static void live_party_put(struct live_party *p, const struct live_packet *packet)
{
	struct jitter_packet in = { .arrival_ns = packet->at_ns,
				    .ssrc = packet->ssrc,
				    .timestamp = packet->timestamp,
				    .sequence = packet->sequence,
				    .payload_type = packet->payload_type,
				    .marker = packet->marker,
				    .payload = packet->payload };

	if (!codec_is_decoded((enum media_codec)packet->codec) ||
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

/* Conceals lost samples. Returns their number, or -errno: it cannot. */
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
		plc_on_samples(p->plc, pcm, (uint32_t)n);
	if (n > 0)
		pcm_add(p, pcm, (uint32_t)n);
	else
		silence_add(p, (uint32_t)((uint64_t)f->units * p->rate / p->clock_hz));
}

static void live_party_decode(struct live_party *p, uint64_t now_ns, uint32_t n)
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

/* p->heard has n samples at least: silence without speech. */
static void live_party_release(struct live_party *p, uint32_t n)
{
	p->heard.n -= n;
	memmove(p->heard.samples, p->heard.samples + n, p->heard.n * sizeof(p->heard.samples[0]));
}

enum { AUDIO_SIZE_FIRST = 8192, TAIL_MS = 60 /* without more, part of a frame is said */ };

static uint32_t sample_octets(const struct live_sound *s)
{
	return s->format == LIVE_ULAW ? 1 : 2;
}

uint32_t live_sound_frame_octets(const struct live_sound *s)
{
	return s->rate * FEED_FRAME_MS / 1000 * sample_octets(s) * s->channels;
}

static int frames_open(struct live_sound *s)
{
	uint32_t octets = live_sound_frame_octets(s);

	s->octets = calloc(LIVE_FRAMES, octets);
	for (uint32_t i = 0; s->octets && i < LIVE_FRAMES; i++)
		s->frames[i].octets = s->octets + (size_t)i * octets;
	return s->octets ? 0 : -ENOMEM;
}

int live_sound_open_mixed(struct live_sound *s, enum live_format format, uint32_t rate,
			  uint32_t channels)
{
	bool is_known = rate == 8000 || rate == 16000 || rate == 24000;

	if (!is_known || (format == LIVE_ULAW && rate != 8000))
		return -EINVAL;
	s->format = format;
	s->rate = rate;
	s->channels = channels;
	for (uint32_t i = 0; i < channels; i++)
		live_party_open(&s->parties[i], rate);
	return frames_open(s);
}

int live_sound_open(struct live_sound *s, struct media_feed *feed, enum live_format format,
		    uint32_t rate, uint32_t feed_rate)
{
	int err = live_sound_open_mixed(s, format, rate, 1);

	if (err)
		return err;
	s->feed = feed;
	s->feed_rate = feed_rate;
	return resampler_open(&s->down, rate, feed_rate);
}

void live_sound_close(struct live_sound *s)
{
	for (uint32_t i = 0; i < s->channels; i++)
		live_party_close(&s->parties[i]);
	resampler_close(s->down);
	s->down = NULL;
	free(s->said);
	s->said = NULL;
	free(s->octets);
	s->octets = NULL;
}

/* ---- sound of the application ---- */

/* Room for n more, as far as there may be. */
static void audio_grow(struct live_sound *s, uint32_t n)
{
	uint32_t most = s->rate / 1000 * sample_octets(s) * LIVE_SAID_MS, size = s->audio_size;
	uint8_t *fresh;

	if (size - s->audio_count >= n)
		return;
	while (size - s->audio_count < n && size < most)
		size = size ? 2 * size : AUDIO_SIZE_FIRST;
	size = size < most ? size : most;
	fresh = size > s->audio_size ? malloc(size) : NULL;
	if (!fresh)
		return;
	for (uint32_t i = 0; i < s->audio_count; i++)
		fresh[i] = s->said[(s->audio_first + i) % s->audio_size];
	free(s->said);
	s->said = fresh;
	s->audio_size = size;
	s->audio_first = 0;
}

static void app_said_put(struct live_sound *s, const uint8_t *p, uint32_t n)
{
	uint32_t at = s->audio_size ? (s->audio_first + s->audio_count) % s->audio_size : 0;
	uint32_t ahead = s->audio_size - at < n ? s->audio_size - at : n;

	if (n == 0)
		return;
	memcpy(s->said + at, p, ahead);
	memcpy(s->said, p + ahead, n - ahead);
	s->audio_count += n;
	s->audio_total += n;
}

void live_sound_receive(struct live_sound *s, struct bytes octets, uint64_t now_ns)
{
	uint32_t room, n = (uint32_t)(octets.n - octets.n % sample_octets(s));

	if (!s->feed)
		return;
	audio_grow(s, n);
	room = s->audio_size - s->audio_count;
	room -= room % 2;
	if (n > room) {
		s->refused += n - room;
		s->refused_total += n - room;
		n = room;
	}
	app_said_put(s, octets.p, n);
	s->received_ns = now_ns;
}

bool live_sound_set_mark(struct live_sound *s, const char *name)
{
	struct live_mark *m = &s->marks[(s->mark_first + s->mark_count) % LIVE_MARKS];

	if (!s->feed || s->mark_count == LIVE_MARKS) {
		s->marks_refused++;
		return false;
	}
	*m = (struct live_mark){ .at = s->audio_total };
	memcpy(m->name, name, strlen(name));
	s->mark_count++;
	return true;
}

void live_sound_clear(struct live_sound *s)
{
	if (!s->feed)
		return;
	s->audio_taken = s->audio_total;
	s->audio_count = s->audio_first = 0;
	s->ready.n = 0;
	media_feed_clear(s->feed, s->serial);
}

/* ---- sound for the party ---- */

static struct feed_frame *frame_reserve(struct live_sound *s)
{
	struct feed_frame *f = media_feed_reserve(s->feed);

	if (f) {
		f->serial = ++s->serial;
		f->mark = s->mark_number;
		f->is_silence = 0;
	}
	return f;
}

/* Hands over the next mark if all sound before it was. False: not its turn, or no room. */
static bool mark_give(struct live_sound *s)
{
	for (uint32_t i = 0; i < s->mark_count; i++) {
		struct live_mark *m = &s->marks[(s->mark_first + i) % LIVE_MARKS];
		struct feed_frame *f;

		if (m->number)
			continue;
		if (m->at > s->audio_taken || s->ready.n >= s->feed_rate * FEED_FRAME_MS / 1000)
			return false;
		m->number = ++s->mark_number;
		f = frame_reserve(s);
		if (!f) {
			m->number = 0;
			s->mark_number--;
			return false;
		}
		f->is_silence = 1;
		media_feed_publish(s->feed);
		return true;
	}
	return false;
}

/* Octets before the next mark that was not handed over. */
static uint32_t audio_until_mark(const struct live_sound *s)
{
	for (uint32_t i = 0; i < s->mark_count; i++) {
		const struct live_mark *m = &s->marks[(s->mark_first + i) % LIVE_MARKS];

		if (m->number == 0)
			return m->at > s->audio_taken ? (uint32_t)(m->at - s->audio_taken) : 0;
	}
	return s->audio_count;
}

static uint32_t live_said_pop(struct live_sound *s, int16_t *pcm, uint32_t samples)
{
	uint32_t octets = sample_octets(s);

	for (uint32_t i = 0; i < samples; i++) {
		const uint8_t low = s->said[s->audio_first];

		if (octets == 1) {
			g711_ulaw_decode(&pcm[i], &low, 1);
		} else {
			uint8_t high = s->said[(s->audio_first + 1) % s->audio_size];

			pcm[i] = (int16_t)(uint16_t)(high << 8 | low);
		}
		s->audio_first = (s->audio_first + octets) % s->audio_size;
	}
	s->audio_count -= samples * octets;
	s->audio_taken += (uint64_t)samples * octets;
	return samples;
}

/* Converts 20 ms of its sound, or the rest before a mark or the end. False: nothing. */
static bool audio_convert(struct live_sound *s, uint64_t now_ns)
{
	int16_t pcm[FEED_SAMPLES_MAX];
	uint32_t whole = live_sound_frame_octets(s), n = audio_until_mark(s);
	bool is_tail = n < s->audio_count || now_ns - s->received_ns > TAIL_MS * NS_PER_MS;
	uint32_t samples;

	n = n < whole ? n : whole;
	samples = n / sample_octets(s);
	if (samples == 0 || (n < whole && !is_tail))
		return false;
	(void)live_said_pop(s, pcm, samples);
	s->ready.n += resampler_run(s->down, pcm, samples, s->ready.samples + s->ready.n,
				    LIVE_PCM - s->ready.n);
	return true;
}

static bool frame_give(struct live_sound *s)
{
	uint32_t n = s->feed_rate * FEED_FRAME_MS / 1000;
	struct feed_frame *f = s->ready.n >= n ? frame_reserve(s) : NULL;

	if (!f)
		return false;
	memcpy(f->pcm, s->ready.samples, n * sizeof(f->pcm[0]));
	s->ready.n -= n;
	memmove(s->ready.samples, s->ready.samples + n, s->ready.n * sizeof(f->pcm[0]));
	media_feed_publish(s->feed);
	return true;
}

/* Pads the rest behind the last whole frame, before a mark or at the end. */
static void tail_fill(struct live_sound *s, uint64_t now_ns)
{
	uint32_t n = s->feed_rate * FEED_FRAME_MS / 1000;
	bool is_over = s->audio_count == 0 && now_ns - s->received_ns > TAIL_MS * NS_PER_MS;

	if (s->ready.n == 0 || s->ready.n >= n || !is_over)
		return;
	memset(s->ready.samples + s->ready.n, 0, (n - s->ready.n) * sizeof(s->ready.samples[0]));
	s->ready.n = n;
}

static void say_tick(struct live_sound *s, uint64_t now_ns)
{
	while (media_feed_waiting(s->feed) < LIVE_QUEUE) {
		if (frame_give(s) || mark_give(s))
			continue;
		if (!audio_convert(s, now_ns))
			break;
	}
	tail_fill(s, now_ns);
}

/* ---- marks that were reached ---- */

const char *live_sound_mark(const struct live_sound *s)
{
	const struct live_mark *m = &s->marks[s->mark_first];
	uint32_t told;

	if (s->mark_count == 0 || m->number == 0)
		return NULL;
	told = atomic_load_explicit(&s->feed->mark, memory_order_relaxed);
	if ((int32_t)(told - m->number) < 0)
		return NULL;
	return m->name;
}

void live_sound_mark_release(struct live_sound *s)
{
	s->mark_first = (s->mark_first + 1) % LIVE_MARKS;
	s->mark_count--;
}

/* ---- sound of the party ---- */

const struct live_frame *live_sound_frame(const struct live_sound *s)
{
	return s->frame_count ? &s->frames[s->frame_first] : NULL;
}

void live_sound_frame_release(struct live_sound *s)
{
	s->frame_first = (s->frame_first + 1) % LIVE_FRAMES;
	s->frame_count--;
}

void live_sound_unheard(struct live_sound *s)
{
	while (s->frame_count) {
		s->missed += 1 + s->frames[s->frame_first].missed_before;
		s->frames_missed++;
		live_sound_frame_release(s);
	}
}

static void sample_write(const struct live_sound *s, uint8_t *out, int16_t sample)
{
	if (s->format == LIVE_ULAW) {
		g711_ulaw_encode(out, &sample, 1);
		return;
	}
	out[0] = (uint8_t)((uint16_t)sample & 0xff);
	out[1] = (uint8_t)((uint16_t)sample >> 8);
}

static void live_frame_put(struct live_sound *s, uint32_t n)
{
	struct live_frame *f = &s->frames[(s->frame_first + s->frame_count) % LIVE_FRAMES];
	uint8_t *out = f->octets;

	if (s->frame_count == LIVE_FRAMES) {
		s->missed++;
		s->frames_missed++;
		return;
	}
	f->missed_before = s->missed;
	s->missed = 0;
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t c = 0; c < s->channels; c++, out += sample_octets(s))
			sample_write(s, out, s->parties[c].heard.samples[i]);
	}
	s->frame_count++;
}

static void frame_play(struct live_sound *s)
{
	uint32_t n = s->rate * FEED_FRAME_MS / 1000;

	for (uint32_t c = 0; c < s->channels; c++)
		live_party_decode(&s->parties[c], s->next_ns, n);
	live_frame_put(s, n);
	for (uint32_t c = 0; c < s->channels; c++)
		live_party_release(&s->parties[c], n);
}

void live_sound_put(struct live_sound *s, uint32_t channel, const struct live_packet *packet)
{
	live_party_put(&s->parties[channel], packet);
}

/* Packets that came since. */
static void feed_read_packets(struct live_sound *s)
{
	const struct feed_out *said;

	while ((said = media_feed_out(s->feed)) != NULL) {
		const struct live_packet packet = { .at_ns = said->at_ns,
						    .ssrc = said->ssrc,
						    .timestamp = said->timestamp,
						    .sequence = said->sequence,
						    .payload_type = said->payload_type,
						    .marker = said->marker,
						    .codec = said->codec,
						    .payload =
							    bytes_mem(said->octets, said->length) };

		live_sound_put(s, 0, &packet);
		media_feed_out_release(s->feed);
	}
}

void live_sound_tick(struct live_sound *s, uint64_t now_ns)
{
	const uint64_t frame_ns = FEED_FRAME_MS * NS_PER_MS;

	if (s->feed)
		feed_read_packets(s);
	if (s->next_ns == 0 || now_ns > s->next_ns + NS_PER_S)
		s->next_ns = now_ns;
	for (; s->next_ns <= now_ns; s->next_ns += frame_ns)
		frame_play(s);
	if (s->feed)
		say_tick(s, now_ns);
}
