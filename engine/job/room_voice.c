/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member with a place is decoded into a voice: there are as many as places. A voice has its own
 * Opus decoder, which is given the last packets of the member it gets, since it needs some to
 * settle. Stateless codecs share one decoder; with other codecs each member has its own, which runs
 * even when nobody hears it.
 */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/codec/decoder.h"
#include "engine/job/room.h"
#include "engine/worker/worker.h"

enum {
	VOICE_MS_MAX = CODEC_PACKET_MS_MAX + 2 * ROOM_TICK_MS, /* of waiting audio */
	WIDE_HZ = 16000,                                       /* of G.722 */
};

bool room_codec_is_stateful(enum media_codec codec)
{
	return codec == MEDIA_CODEC_G722 || codec == MEDIA_CODEC_G726_32 ||
	       codec == MEDIA_CODEC_G729;
}

/* ---- open, close ---- */

static const uint32_t g_rates[ROOM_RATES] = {
	[ROOM_RATE_8000] = 8000, [ROOM_RATE_16000] = WIDE_HZ
};

static struct decoder_settings decoder_settings_of(const struct room *r, enum media_codec codec)
{
	const struct media_codec_facts *facts = media_codec_facts(codec);
	bool linear = codec == MEDIA_CODEC_L16 || codec == MEDIA_CODEC_L16_WIDE;

	return (struct decoder_settings){ .codec = facts->name,
					  .rate = codec == MEDIA_CODEC_OPUS ? r->spec.rate_hz
						  : linear                  ? facts->clock_hz
									    : 0 };
}

int room_decoder_open(const struct room *r, enum media_codec codec, struct decoder **d)
{
	const struct decoder_settings s = decoder_settings_of(r, codec);

	return *d ? 0 : decoder_open(d, &s);
}

static uint32_t samples_room(const struct room *r)
{
	uint32_t mix = r->spec.rate_hz, rate = mix > WIDE_HZ ? mix : WIDE_HZ;

	return rate / 1000 * VOICE_MS_MAX;
}

/* Existing buffers stay. */
static int samples_open(const struct room *r, struct room_voice *v)
{
	uint32_t mix = r->spec.rate_hz;
	bool other = false;

	for (int i = 0; i < ROOM_RATES; i++)
		other |= r->rates[i];
	if (!v->pcm)
		v->pcm = calloc(samples_room(r), sizeof(*v->pcm));
	v->room = samples_room(r);
	if (other && !v->played_pcm)
		v->played_pcm = calloc(mix / 1000 * ROOM_TICK_MS, sizeof(*v->played_pcm));
	return v->pcm && (!other || v->played_pcm) ? 0 : -ENOMEM;
}

static int one_convert_open(struct convert **out, uint32_t from, uint32_t to)
{
	struct convert *c = calloc(1, sizeof(*c));
	int err = c ? convert_open(c, from, to, from / 1000 * ROOM_TICK_MS) : -ENOMEM;

	if (err)
		free(c);
	else
		*out = c;
	return err;
}

/* An existing voice stays. */
static int one_voice_open(const struct room *r, struct room_voice *v)
{
	uint32_t mix = r->spec.rate_hz;
	int err = samples_open(r, v);

	for (int i = 0; i < ROOM_RATES && !err; i++)
		if (r->rates[i] && !v->convert[i])
			err = one_convert_open(&v->convert[i], g_rates[i], mix);
	if (!err && r->decoders[MEDIA_CODEC_OPUS])
		err = room_decoder_open(r, MEDIA_CODEC_OPUS, &v->opus);
	return err;
}

static int voices_fit(struct room *r)
{
	int err = 0;

	for (uint32_t i = 0; i < r->voices_n && !err; i++)
		err = one_voice_open(r, &r->voices[i]);
	for (uint32_t i = 0; i < r->here_n && r->everybody && !err; i++)
		err = room_voice_open(r, &r->members[r->here[i]]->voice);
	return err;
}

int room_voices_open(struct room *r, enum media_codec codec)
{
	struct decoder *d = NULL;
	uint32_t rate;
	int err;

	if (r->speaks[codec])
		return 0;
	err = room_decoder_open(r, codec, &d);
	if (err)
		return err;
	r->costs[codec] = room_cost(decoder_cost_ns(d));
	rate = decoder_format(d).rate;
	for (int i = 0; i < ROOM_RATES; i++)
		r->rates[i] |= rate == g_rates[i] && rate != r->spec.rate_hz;
	if (room_codec_is_stateful(codec))
		decoder_close(d);
	else
		r->decoders[codec] = d;
	r->speaks[codec] = true;
	return voices_fit(r);
}

int room_voices_grow(struct room *r)
{
	uint32_t want = mix_settings_of(r->mix).talkers + (r->coaches ? MIX_TALKERS_MAX : 0);

	want = want < r->count ? want : r->count;
	if (r->everybody || r->voices_n >= want)
		return 0;
	while (r->voices_n < want)
		r->voices[r->voices_n++].member = MIX_NOBODY;
	return voices_fit(r);
}

/* Its samples are behind it: all of it is found without looking into it. */
int room_voice_open(const struct room *r, struct room_voice **out)
{
	size_t octets = sizeof(**out) + samples_room(r) * sizeof(int16_t);
	struct room_voice *v = *out ? *out : calloc(1, octets);

	if (!v)
		return -ENOMEM;
	if (!*out)
		v->pcm = (int16_t *)(void *)(v + 1);
	*out = v;
	return one_voice_open(r, v);
}

static void one_convert_close(struct convert *c)
{
	if (c)
		convert_close(c);
	free(c);
}

static void one_voice_close(struct room_voice *v)
{
	for (int i = 0; i < ROOM_RATES; i++)
		one_convert_close(v->convert[i]);
	decoder_close(v->opus);
	free(v->played_pcm);
}

void room_voice_close(struct room_voice *v)
{
	if (v)
		one_voice_close(v);
	free(v);
}

void room_voices_close(struct room *r)
{
	for (uint32_t i = 0; i < r->voices_n; i++) {
		one_voice_close(&r->voices[i]);
		free(r->voices[i].pcm);
	}
	for (int i = 0; i < MEDIA_CODECS_KNOWN; i++)
		decoder_close(r->decoders[i]);
}

/* ---- earlier audio ---- */

static void past_drop_first(struct room_past *p)
{
	uint16_t n = p->lengths[0];

	memmove(p->octets, p->octets + n, p->octets_n - n);
	memmove(p->lengths, p->lengths + 1, (ROOM_PAST_MAX - 1) * sizeof(p->lengths[0]));
	p->octets_n = (uint16_t)(p->octets_n - n);
	p->count--;
}

/* A stateless codec needs no past packets. */
static uint8_t past_most(enum media_codec codec)
{
	return codec == MEDIA_CODEC_OPUS ? ROOM_PAST_MAX : 1;
}

void room_past_put(struct room_member *m, enum media_codec codec, struct bytes payload)
{
	struct room_past *p = &m->past;

	if (p->codec != codec)
		p->count = 0;
	if (p->count == 0)
		p->octets_n = 0;
	p->codec = (uint8_t)codec;
	if (payload.n > ROOM_PAST_OCTETS)
		return;
	while (p->count >= past_most(codec) || p->octets_n + payload.n > ROOM_PAST_OCTETS)
		past_drop_first(p);
	memcpy(p->octets + p->octets_n, payload.p, payload.n);
	p->lengths[p->count++] = (uint16_t)payload.n;
	p->octets_n = (uint16_t)(p->octets_n + payload.n);
}

enum { TONE_PACKETS = 2 };

struct room_past_input room_past_decode(const struct room_member *m, struct decoder *d,
					int16_t *space)
{
	const struct room_past *p = &m->past;
	struct room_past_input heard = { .loudest = VOICE_LEVEL_SILENCE };
	uint32_t rate = decoder_format(d).rate;
	uint8_t tones = 0;
	size_t at = 0;
	int n = 0;

	if (decoder_reset(d))
		return heard;
	for (uint8_t i = 0; i < p->count; i++) {
		uint8_t level = VOICE_LEVEL_SILENCE;

		n = decoder_frame(d, bytes_mem(p->octets + at, p->lengths[i]), space,
				  CODEC_SAMPLES_MAX);
		at += p->lengths[i];
		if (n > 0)
			level = voice_level(voice_energy(space, (size_t)n), (size_t)n);
		tones = level <= VOICE_TONE_LEAST && voice_is_tone(rate, space, (size_t)n)
				? (uint8_t)(tones + 1)
				: 0;
		heard.loudest = level < heard.loudest ? level : heard.loudest;
	}
	heard.n = n > 0 ? (uint32_t)n : 0;
	heard.tone = tones >= TONE_PACKETS;
	return heard;
}

/* ---- samples ---- */

static uint32_t voice_samples(const struct room_voice *v, uint32_t units)
{
	return (uint32_t)((uint64_t)units * v->rate / ROOM_CLOCK_HZ);
}

/* What was played goes. */
static void samples_pass(struct room_voice *v)
{
	uint32_t n = v->played;

	if (n == 0)
		return;
	v->count -= n;
	v->frame = NULL;
	if (v->count)
		memmove(v->pcm, v->pcm + n, v->count * sizeof(*v->pcm));
	v->sounds = v->sounds > n ? v->sounds - n : 0;
	v->played = 0;
}

/* More comes behind the frame that waits. */
static void samples_gather(struct room_voice *v)
{
	if (v->frame)
		memcpy(v->pcm, v->frame, v->count * sizeof(*v->pcm));
	v->frame = NULL;
}

/* n: at most what there is room for; pcm: anywhere, or where they belong; NULL: silence. */
static void samples_add(struct room_voice *v, const int16_t *pcm, uint32_t n)
{
	samples_pass(v);
	if (pcm && pcm == v->frame) {
		v->count = v->sounds = n;
		return;
	}
	samples_gather(v);
	n = n < v->room - v->count ? n : v->room - v->count;
	if (pcm == v->pcm + v->count)
		;
	else if (pcm)
		memcpy(v->pcm + v->count, pcm, n * sizeof(*pcm));
	else
		memset(v->pcm + v->count, 0, n * sizeof(*pcm));
	v->count += n;
	if (pcm)
		v->sounds = v->count;
}

/* A codec of another rate: what waits is of the one before. */
static void voice_rate_set(struct room_voice *v, uint32_t rate)
{
	if (v->rate == rate)
		return;
	v->rate = rate;
	v->count = v->sounds = v->played = 0;
	if (rate <= PLC_RATE_MAX)
		plc_open(&v->plc, rate);
}

static bool codec_conceals(enum media_codec codec)
{
	return codec == MEDIA_CODEC_OPUS || codec == MEDIA_CODEC_G729;
}

/* What decodes it; NULL: nothing does. */
static struct decoder *decoder_for(const struct room *r, const struct room_member *m,
				   const struct room_voice *v, enum media_codec codec)
{
	if (codec >= MEDIA_CODECS_KNOWN)
		return NULL;
	if (codec == MEDIA_CODEC_OPUS)
		return v ? v->opus : NULL;
	return room_codec_is_stateful(codec) ? m->decoders[codec] : r->decoders[codec];
}

static void voice_add(struct room_voice *v, enum media_codec codec, int16_t *pcm, uint32_t n,
		      uint32_t rate)
{
	voice_rate_set(v, rate);
	if (!codec_conceals(codec) && rate <= PLC_RATE_MAX)
		plc_on_samples(&v->plc, pcm, n);
	samples_add(v, pcm, n);
}

/* Where it can be played, and stays for concealment: so most frames are touched in one place
 * only. */
static int16_t *kept_space(struct room_voice *v, enum media_codec codec, uint32_t units)
{
	int16_t *space;

	if (v->count || units != ROOM_TICK_UNITS || codec_conceals(codec) || v->rate > PLC_RATE_MAX)
		return NULL;
	space = plc_space(&v->plc, voice_samples(v, units));
	v->frame = space;
	return space;
}

/* Where there is room for any packet it is decoded where it belongs. */
static int16_t *frame_space(struct worker *w, struct room_voice *v, enum media_codec codec,
			    uint32_t rate, uint32_t units)
{
	int16_t *space;

	if (!v)
		return w->transcoders.space;
	voice_rate_set(v, rate);
	samples_pass(v);
	space = kept_space(v, codec, units);
	if (space)
		return space;
	samples_gather(v);
	return v->room - v->count < rate / 1000 * CODEC_PACKET_MS_MAX ? w->transcoders.space
								      : v->pcm + v->count;
}

/* At most the duration that its packet announces. */
static uint32_t frame_room(const struct room_voice *v, const int16_t *space, uint32_t units)
{
	return v && space == v->frame ? voice_samples(v, units) : CODEC_SAMPLES_MAX;
}

void room_voice_frame(struct worker *w, struct room *r, struct room_member *m,
		      enum media_codec codec, struct bytes payload, uint32_t units)
{
	struct decoder *d = decoder_for(r, m, m->voice, codec);
	int16_t *space = d ? frame_space(w, m->voice, codec, decoder_format(d).rate, units) : NULL;
	int n = d ? decoder_frame(d, payload, space, frame_room(m->voice, space, units)) : 0;

	if (n > 0)
		room_level_decoded(r, m, space, (uint32_t)n, decoder_format(d).rate);
	if (n > 0 && codec == MEDIA_CODEC_OPUS)
		room_level_flagged(r, m, payload);
	if (m->voice && n > 0)
		voice_add(m->voice, codec, space, (uint32_t)n, decoder_format(d).rate);
	else if (m->voice)
		room_voice_silence(m->voice, units);
}

static int voice_conceal(struct decoder *d, const struct jitter_frame *f, int16_t *space,
			 uint32_t n)
{
	if (f->payload.n)
		return decoder_recover(d, f->payload, space, n);
	return decoder_conceal(d, space, n);
}

/* By what the codec has for that, else by what was heard before. */
void room_voice_lost(struct worker *w, struct room *r, struct room_member *m,
		     const struct jitter_frame *f)
{
	struct room_voice *v = m->voice;
	enum media_codec codec = (enum media_codec)m->past.codec;
	struct decoder *d = decoder_for(r, m, v, codec);
	int16_t *space = w->transcoders.space;
	uint32_t n = v->rate ? voice_samples(v, f->units) : 0;

	if (n == 0 || n > CODEC_SAMPLES_MAX)
		room_voice_silence(v, f->units);
	else if (d && codec_conceals(codec) && voice_conceal(d, f, space, n) == (int)n)
		samples_add(v, space, n);
	else if (!codec_conceals(codec) && v->rate <= PLC_RATE_MAX) {
		plc_lost(&v->plc, space, n);
		samples_add(v, space, n);
	} else {
		room_voice_silence(v, f->units);
	}
}

void room_voice_silence(struct room_voice *v, uint32_t units)
{
	samples_add(v, NULL, voice_samples(v, units));
}

/* ---- places ---- */

static struct room_voice *voice_free(struct room *r)
{
	for (uint32_t i = 0; i < r->voices_n; i++)
		if (r->voices[i].member == MIX_NOBODY && r->voices[i].pcm)
			return &r->voices[i];
	return NULL;
}

/* Starts with its last audio, not heard yet; for stateful codecs that is gone. */
static void voice_start(struct worker *w, const struct room *r, struct room_member *m)
{
	struct room_voice *v = m->voice;
	enum media_codec codec = (enum media_codec)m->past.codec;
	struct decoder *d = decoder_for(r, m, v, codec);
	uint32_t units = ROOM_TICK_UNITS + m->ahead, want;
	int16_t *space = w->transcoders.space;
	uint32_t n = 0;

	if (d && m->past.count && !room_codec_is_stateful(codec)) {
		n = room_past_decode(m, d, space).n;
		voice_rate_set(v, decoder_format(d).rate);
	}
	if (v->rate == 0)
		return;
	want = voice_samples(v, units);
	if (n < want)
		room_voice_silence(v, units - (uint32_t)((uint64_t)n * ROOM_CLOCK_HZ / v->rate));
	if (n > 0)
		voice_add(v, codec, n > want ? space + n - want : space, n < want ? n : want,
			  v->rate);
}

struct room_voice *room_voice_claim(struct worker *w, struct room *r, uint32_t index)
{
	struct room_member *m = r->members[index];
	struct room_voice *v = voice_free(r);

	if (!v)
		return NULL;
	v->rate = v->count = v->sounds = v->played = 0;
	v->spoke = false;
	if (v->opus && decoder_reset(v->opus))
		return NULL;
	v->member = index;
	m->voice = v;
	voice_start(w, r, m);
	return v;
}

/* A member that was not a voice after all is not decoded again so soon. */
void room_voice_release(struct room *r, struct room_member *m)
{
	if (!m->voice || r->everybody)
		return;
	if (!m->voice->spoke) {
		m->burst_tick = r->tick;
		m->burst_wait = ROOM_NOISE_TICKS;
	}
	m->voice->member = MIX_NOBODY;
	m->voice = NULL;
	m->past.count = 0;
}

static struct convert *voice_convert(const struct room *r, struct room_voice *v)
{
	for (int i = 0; i < ROOM_RATES && v->rate != r->spec.rate_hz; i++)
		if (v->rate == g_rates[i])
			return v->convert[i];
	return NULL;
}

void room_voice_fetch(const struct room_voice *v)
{
	size_t tick = v->rate / 1000 * ROOM_TICK_MS * sizeof(*v->pcm);

	room_lines_fetch(v->rate <= PLC_RATE_MAX ? v->plc.history + v->plc.at : v->pcm, tick);
}

void room_voice_fetch_first(const struct room_voice *v)
{
	room_lines_fetch(v, offsetof(struct room_voice, plc.history));
}

const int16_t *room_voice_play(const struct room *r, struct room_voice *v)
{
	uint32_t n = v->rate / 1000 * ROOM_TICK_MS;
	struct convert *c = voice_convert(r, v);

	samples_pass(v);
	if (v->count < n)
		samples_add(v, NULL, n - v->count);
	v->played = n;
	if (n == 0 || v->sounds == 0 || (!c && v->rate != r->spec.rate_hz))
		return NULL;
	if (!c)
		return v->frame ? v->frame : v->pcm;
	(void)convert_frame(c, v->frame ? v->frame : v->pcm, v->played_pcm);
	return v->played_pcm;
}
