/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How loud members are, and whether they speak. Best their packets say it (RFC 6464), else what was decoded does. Of Opus that nobody hears
 * SILK's flag says that there is a voice, and a few packets that are decoded now and then say how loud it is.
 */
#include "base/clock.h"
#include "dsp/codec/decoder.h"
#include "engine/job/room.h"
#include "engine/walk/worker.h"
#include "media/rtp/sounding.h"

enum {
	TOLD_MS = 60,      /* so long a level is believed: packets come early and late */
	TOLD_LOUD = 50,    /* -dBov: so loud is voice, of who never says that there is one */
	UNKNOWN_LOUD = 50, /* likewise of what has no flag */
	BLOCKS_A_SECOND = 100,
	DETECTOR_SELDOM = 4, /* frames of who cannot get a place */
	DETECTOR_RARE = 5,   /* ticks, where a place is not to be heard, but to be told of */
};

/* Its party's detector hears no voice, and ours may hear a tone. */
static bool told_is_doubtful(const struct room_member *m)
{
	return !m->speaks && m->told_level <= VOICE_TONE_LEAST;
}

bool room_level_told(const struct room *r, const struct room_member *m)
{
	return m->levels && m->told_ns && r->tick_ns < m->told_ns + TOLD_MS * NS_PER_MS;
}

static void level_as_told(struct room_member *m)
{
	m->level = m->told_level;
	m->speaks |= m->tells_voice ? m->told_voice : m->told_level <= TOLD_LOUD;
}

/* Where everybody is heard this only tells who talks: it is asked now and then, and the answer holds until then. */
void room_level_begin(const struct room *r, struct room_member *m)
{
	if (r->everybody)
		m->unheard = (uint8_t)((m->unheard + 1) % DETECTOR_RARE);
	if (!r->everybody || m->unheard == 0)
		m->speaks = false;
}

/* It begins anew where the rate changes. What is no whole block says how loud it is, at least. */
void room_level_decoded(struct room *r, struct room_member *m, const int16_t *pcm, uint32_t n,
			uint32_t rate)
{
	bool told = room_level_told(r, m);
	struct voice_heard h;

	if (told)
		level_as_told(m);
	if (told && !told_is_doubtful(m))
		return;
	if (r->everybody && m->unheard > 0)
		return;
	if (m->detector_rate != rate)
		m->detector = (struct voice){ 0 };
	m->detector_rate = rate;
	if (n % (rate / BLOCKS_A_SECOND) == 0) {
		h = voice_frame(&m->detector, rate, pcm, n);
		m->tone = h.tone;
		m->level = told ? m->level : h.level;
		m->speaks |= h.tone || (h.speaks && !told);
		return;
	}
	if (told)
		return;
	m->level = voice_level(voice_energy(pcm, n), n);
	m->speaks |= m->level <= UNKNOWN_LOUD;
}

void room_level_flagged(const struct room *r, struct room_member *m, struct bytes payload)
{
	enum sounding_opus sounds = sounding_opus(payload);

	m->unsure |= sounds != SOUNDING_QUIET;
	if (!room_level_told(r, m) && sounds != SOUNDING_UNKNOWN)
		m->speaks = sounds == SOUNDING_VOICE || m->tone;
}

/* What it costs to be sure is not spent each time. */
static uint32_t burst(struct worker *w, struct room *r, struct room_member *m)
{
	struct decoder *d = r->decoders[MEDIA_CODEC_OPUS];
	struct room_past_heard h;

	if (m->burst_tick && r->tick - m->burst_tick < m->burst_wait)
		return 1;
	h = room_past_decode(m, d, w->transcoders.space);
	if (h.n == 0)
		return 1;
	m->burst_tick = r->tick;
	m->burst_wait = ROOM_BURST_TICKS;
	m->burst_level = h.loudest;
	m->tone = m->unsure = h.tone;
	return m->past.count * room_cost(decoder_cost_ns(d));
}

/* An encoder takes a steady tone for a voice at first, and for noise after some seconds. */
static uint32_t opus_level(struct worker *w, struct room *r, struct room_member *m,
			   struct bytes payload, bool told)
{
	enum sounding_opus sounds = sounding_opus(payload);
	uint32_t cost;

	if (!r->decoders[MEDIA_CODEC_OPUS] || (sounds == SOUNDING_QUIET && !m->unsure && !told))
		return 1;
	cost = burst(w, r, m);
	m->unsure |= sounds != SOUNDING_QUIET;
	m->speaks |= m->tone;
	if (told)
		return cost;
	m->level = m->burst_level;
	m->speaks |= sounds == SOUNDING_VOICE ||
		     (m->burst_level <= UNKNOWN_LOUD && m->burst_wait == ROOM_BURST_TICKS);
	return cost;
}

/* All have places who are as loud. Its detector has a frame now and then, so that it knows the noise behind it. */
static bool is_hopeless(const struct room *r, struct room_member *m, const int16_t *pcm, uint32_t n)
{
	if (m->spec.coaches || r->bar == VOICE_LEVEL_SILENCE || ++m->unheard >= DETECTOR_SELDOM ||
	    voice_level(voice_energy(pcm, n), n) < r->bar) {
		m->unheard = 0;
		return false;
	}
	return true;
}

uint32_t room_level_undecoded(struct worker *w, struct room *r, struct room_member *m,
			      enum media_codec codec, struct bytes payload)
{
	struct decoder *d = r->decoders[codec];
	bool told = room_level_told(r, m);
	int16_t *space = w->transcoders.space;
	int n;

	if (told)
		level_as_told(m);
	if (told && !told_is_doubtful(m)) {
		room_past_put(m, codec, payload);
		return 1;
	}
	if (codec == MEDIA_CODEC_OPUS) {
		room_past_put(m, codec, payload);
		return opus_level(w, r, m, payload, told);
	}
	n = d ? decoder_frame(d, payload, space, CODEC_SAMPLES_MAX) : 0;
	if (n > 0 && !told && is_hopeless(r, m, space, (uint32_t)n)) {
		m->past.count = 0; /* it gets no place in this tick */
		return 1;
	}
	room_past_put(m, codec, payload);
	if (n > 0)
		room_level_decoded(r, m, space, (uint32_t)n, decoder_format(d).rate);
	return 1;
}
