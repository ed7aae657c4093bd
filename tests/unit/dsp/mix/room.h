/* SPDX-License-Identifier: Apache-2.0 */
/* A mix with its payloads, voices that talk in it, and a decoder for each member that listens. */
#ifndef TESTS_UNIT_DSP_MIX_ROOM_H
#define TESTS_UNIT_DSP_MIX_ROOM_H

#include "dsp/codec/decoder.h"
#include "dsp/mix/payloads.h"
#include "tests/unit/dsp/speech.h"

enum {
	ROOM_MEMBERS = 64,
	ROOM_VOICES = 3,
	ROOM_SECONDS = 5,
	ROOM_LEVEL = 20, /* -dBov, of whoever talks */
	ROOM_NOISE = 130,
	ROOM_HOLD_MS = 40, /* so that places change often */
	ROOM_SEED = 20261125,
};

struct room {
	struct mix *mix;
	struct payloads *payloads;
	uint32_t rate, samples, n, tick, tick_ms;
	uint32_t id[ROOM_MEMBERS];
	struct decoder *ears[ROOM_MEMBERS];
	uint64_t random;
};

static int16_t g_room_voices[ROOM_VOICES][CODEC_RATE_MAX * ROOM_SECONDS];
static uint32_t g_room_voices_rate;

/* Of the same speaker, who says something else at any time, and has enough noise behind it to be heard in each pause. */
static void room_voices(uint32_t rate)
{
	if (g_room_voices_rate == rate)
		return;
	g_room_voices_rate = rate;
	for (uint32_t i = 0; i < ROOM_VOICES; i++) {
		struct speech s = { .rate = rate,
				    .at = (uint64_t)rate * (1 + 7 * i) / 3,
				    .noise = i };

		speech_make(&s, g_room_voices[i], (size_t)rate * ROOM_SECONDS);
		for (uint32_t k = 0; k < rate * ROOM_SECONDS; k++)
			g_room_voices[i][k] = (int16_t)(g_room_voices[i][k] * 3 / 4 +
							ROOM_NOISE * speech_noise(&s));
	}
}

/* All members of the mix; none is sent anything yet. own: as of payloads_open. */
static void room_open_as(struct room *r, const struct mix_settings *s, uint32_t own)
{
	uint32_t n = s->members;

	*r = (struct room){ .rate = s->rate, .n = n, .tick_ms = s->tick_ms, .random = ROOM_SEED };
	room_voices(s->rate);
	assert_int_equal(mix_open(&r->mix, s), 0);
	assert_int_equal(payloads_open(&r->payloads, r->mix, own), 0);
	r->samples = mix_samples(r->mix);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(mix_join(r->mix, &r->id[i]), 0);
}

static inline void room_open_held(struct room *r, uint32_t rate, uint32_t tick_ms, uint32_t n,
				  uint32_t own, uint32_t hold_ms)
{
	room_open_as(r,
		     &(struct mix_settings){
			     .members = n, .rate = rate, .tick_ms = tick_ms, .hold_ms = hold_ms },
		     own);
}

static inline void room_open(struct room *r, uint32_t rate, uint32_t tick_ms, uint32_t n,
			     uint32_t own)
{
	room_open_held(r, rate, tick_ms, n, own, ROOM_HOLD_MS);
}

static void room_join(struct room *r, uint32_t i, const struct packer_settings *s)
{
	struct codec_format f;

	assert_int_equal(payloads_join(r->payloads, r->id[i], s), 0);
	f = payloads_format(r->payloads, r->id[i]);
	assert_int_equal(decoder_open(&r->ears[i], &(struct decoder_settings){ f.codec, f.rate }),
			 0);
}

static inline void room_leave(struct room *r, uint32_t i)
{
	payloads_leave(r->payloads, r->id[i]);
	decoder_close(r->ears[i]);
	r->ears[i] = NULL;
}

static void room_close(struct room *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		decoder_close(r->ears[i]);
	payloads_close(r->payloads);
	mix_close(r->mix);
}

static inline uint32_t room_random(struct room *r, uint32_t below)
{
	r->random = r->random * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)((r->random >> 33) % below);
}

static const int16_t *room_frame(const struct room *r, uint32_t voice)
{
	uint32_t frames = r->rate * ROOM_SECONDS / r->samples;

	return g_room_voices[voice % ROOM_VOICES] + r->tick % frames * r->samples;
}

/* Those whose bit is set talk, each with a voice of its own. */
static void room_tick(struct room *r, uint32_t talk)
{
	uint32_t placed[2 * MIX_TALKERS_MAX];

	r->tick++;
	for (uint32_t i = 0; i < 32; i++) {
		if (talk >> i & 1)
			mix_note(r->mix, r->id[i], ROOM_LEVEL);
	}
	mix_tick(r->mix);
	(void)mix_rank(r->mix, placed);
	for (uint32_t i = 0; i < 32; i++) {
		if (talk >> i & 1)
			mix_put(r->mix, r->id[i], room_frame(r, i));
	}
	(void)mix_sum(r->mix);
	payloads_make(r->payloads);
}

static inline struct payloads_sent room_sent(const struct room *r, uint32_t i)
{
	static struct payloads_space space;

	return payloads_of(r->payloads, r->id[i], &space);
}

/* What it decodes of packet i of this tick; what is not there its decoder makes. Samples. */
static inline uint32_t room_receive(struct room *r, uint32_t member, uint32_t i, int16_t *pcm)
{
	struct payloads_sent sent = room_sent(r, member);
	struct codec_format f = payloads_format(r->payloads, r->id[member]);
	int n;

	assert_true(i < sent.count);
	if (sent.packets[i].kind == PACKER_SOUND)
		n = decoder_frame(r->ears[member], sent.packets[i].octets, pcm, CODEC_SAMPLES_MAX);
	else
		n = decoder_conceal(r->ears[member], pcm, f.samples);
	if (n == -ENOTSUP) {
		memset(pcm, 0, f.samples * sizeof(*pcm));
		n = (int)f.samples;
	}
	assert_int_equal(n, f.samples);
	return f.samples;
}

/* ---- an encoder by itself ---- */

/* What is given to it alone, octet by octet. */
struct alone {
	struct encoder *encoder;
	struct convert convert;
	uint32_t filled, count;
	int16_t pcm[PACKER_SAMPLES_MAX];
	uint8_t octets[PACKER_PACKETS_MAX][PACKER_OCTETS_MAX];
	int lengths[PACKER_PACKETS_MAX];
};

static inline void alone_open(struct alone *a, const struct room *r,
			      const struct packer_settings *given)
{
	struct packer_settings s = *given;

	memset(a, 0, sizeof(*a));
	assert_int_equal(packer_defaults(&s, r->rate), 0);
	assert_int_equal(encoder_open(&a->encoder, &s.encoder), 0);
	assert_int_equal(convert_open(&a->convert, r->rate, s.encoder.rate, r->samples), 0);
}

static inline void alone_close(struct alone *a)
{
	encoder_close(a->encoder);
	convert_close(&a->convert);
}

static inline void alone_hear(struct alone *a, const int16_t *pcm)
{
	uint32_t n = encoder_format(a->encoder).samples;

	a->filled += convert_frame(&a->convert, pcm, a->pcm + a->filled);
	a->count = a->filled / n;
	for (uint32_t i = 0; i < a->count; i++)
		a->lengths[i] = encoder_frame(a->encoder, a->pcm + i * n, n, a->octets[i],
					      PACKER_OCTETS_MAX);
	if (a->count)
		a->filled = 0;
}

#endif
