/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How loud members are, and whether they speak: from their packets if possible (RFC 6464), else
 * from decoded audio. For Opus members without a place SILK's VAD flag tells that there is a voice,
 * and a few packets decoded now and then tell how loud it is.
 */

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dsp/codec/codec.h"
#include "dsp/codec/decoder.h"
#include "engine/job/room.h"
#include "engine/worker/control.h"
#include "engine/worker/worker.h"
#include "media/rtp/rtp_parse.h"
#include "media/rtp/sounding.h"

enum {
	TOLD_MS = 60,      /* how long a level is valid: packets come early and late */
	TOLD_LOUD = 50,    /* -dBov: so loud is voice, for a party that never sets the V bit */
	UNKNOWN_LOUD = 50, /* likewise without the flag */
	BLOCKS_A_SECOND = 100,
	DETECTOR_SELDOM = 4, /* frames of a member that cannot get a place */
	DETECTOR_RARE = 5,   /* ticks, if places are not for audio, but for reports */
};

/* Its party's detector hears no voice, and ours may hear a tone. */
static bool level_is_doubtful(const struct room_member *m)
{
	return !m->speaks && m->signalled_level <= VOICE_TONE_LEAST;
}

/* Its packets have the level. */
static bool room_level_is_signalled(const struct room *r, const struct room_member *m)
{
	return m->levels && m->signalled_ns && r->tick_ns < m->signalled_ns + TOLD_MS * NS_PER_MS;
}

static void level_from_header(struct room_member *m)
{
	m->level = m->signalled_level;
	m->speaks |= m->signals_voice ? m->signalled_voice : m->signalled_level <= TOLD_LOUD;
}

/* Where everybody is heard this only tells who talks: measured now and then, and valid until
 * then. */
static void room_level_start(const struct room *r, struct room_member *m)
{
	if (r->everybody)
		m->unheard = (uint8_t)((m->unheard + 1) % DETECTOR_RARE);
	if (!r->everybody || m->unheard == 0)
		m->speaks = false;
}

/* Begins anew if the rate changes. An incomplete block gives the level, at least. */
void room_level_decoded(struct room *r, struct room_member *m, const int16_t *pcm, uint32_t n,
			uint32_t rate)
{
	bool told = room_level_is_signalled(r, m);
	struct voice_input h;

	if (told)
		level_from_header(m);
	if (told && !level_is_doubtful(m))
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
	if (!room_level_is_signalled(r, m) && sounds != SOUNDING_UNKNOWN)
		m->speaks = sounds == SOUNDING_VOICE || m->tone;
}

/* What it costs to be sure is not spent each time. */
static uint32_t burst(struct worker *w, struct room *r, struct room_member *m)
{
	struct decoder *d = r->decoders[MEDIA_CODEC_OPUS];
	struct room_past_input h;

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

/* All places are as loud. Its detector gets a frame now and then, to know the background noise. */
static bool is_hopeless(const struct room *r, struct room_member *m, const int16_t *pcm, uint32_t n)
{
	if (m->spec.coaches || r->bar == VOICE_LEVEL_SILENCE || ++m->unheard >= DETECTOR_SELDOM ||
	    voice_level(voice_energy(pcm, n), n) < r->bar) {
		m->unheard = 0;
		return false;
	}
	return true;
}

/* A packet of a member without a place: how loud it is. */
static uint32_t room_level_undecoded(struct worker *w, struct room *r, struct room_member *m,
				     enum media_codec codec, struct bytes payload)
{
	struct decoder *d = r->decoders[codec];
	bool told = room_level_is_signalled(r, m);
	int16_t *space = w->transcoders.space;
	int n;

	if (told)
		level_from_header(m);
	if (told && !level_is_doubtful(m)) {
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

/* A tick of a room, up to the sum of its voices. */

enum {
	LEVEL_MAX = VOICE_LEVEL_SILENCE,
	FRAMES_MAX = 16,   /* of one tick: 2.5 ms is the shortest that Opus has */
	VOICES_A_TICK = 2, /* that are warmed up */
	INPUT_WINDOW = 4,  /* members */
};

/* ---- levels of members ---- */

static uint32_t member_frame_decode(struct worker *w, struct room *r, struct room_member *m,
				    const struct jitter_frame *f)
{
	enum media_codec codec = (enum media_codec)f->payload_type;

	if (m->voice || room_codec_is_stateful(codec)) {
		m->past.codec = (uint8_t)codec;
		room_voice_frame(w, r, m, codec, f->payload, f->units);
		return r->costs[codec];
	}
	return room_level_undecoded(w, r, m, codec, f->payload);
}

/* Of silence no more than this tick. */
static uint32_t member_receive(struct worker *w, struct room *r, struct room_member *m)
{
	struct jitter_frame f;
	uint32_t cost = 1;

	jitter_get(m->jitter, r->tick_ns, (uint64_t)m->ahead * NS_PER_S / ROOM_CLOCK_HZ, &f);
	switch (f.kind) {
	case JITTER_PLAY:
		cost = member_frame_decode(w, r, m, &f);
		break;
	case JITTER_LOST:
		if (m->voice)
			room_voice_lost(w, r, m, &f);
		break;
	case JITTER_SILENCE:
		if (f.units > ROOM_TICK_UNITS - m->ahead)
			f.units = ROOM_TICK_UNITS - m->ahead;
		if (m->voice)
			room_voice_silence(m->voice, f.units);
		break;
	}
	m->ahead += f.units;
	return cost;
}

/* Between words a speaker does not become quieter: it fades no faster than a member with a place
 * that pauses (dsp/mix/mix.c). */
static void loudness_follow(struct room_member *m)
{
	if (m->loudness < LEVEL_MAX)
		m->loudness++;
	if (m->speaks && m->level < m->loudness)
		m->loudness = m->level;
}

static const struct room_member *member_next(const struct room *r, uint32_t by)
{
	return r->cursor > by ? r->members[r->active[r->cursor - 1 - by]] : NULL;
}

/* A member; once that is there its buffer, and then its packets. */
void room_hear_fetch(const struct room *r)
{
	const struct room_member *m = member_next(r, 2 * INPUT_WINDOW);

	if (m) {
		room_lines_fetch(m, ROOM_INPUT);
		jitter_fetch(member_jitter(m));
	}
	m = member_next(r, INPUT_WINDOW);
	if (m)
		jitter_fetch_get(m->jitter);
	if (m && r->everybody) {
		room_voice_fetch_first(m->voice);
		mix_fetch_member(r->mix, r->active[r->cursor - 1 - INPUT_WINDOW]);
	}
	m = r->everybody ? member_next(r, INPUT_WINDOW / 2) : NULL;
	if (m)
		room_voice_fetch(m->voice);
}

static void voice_mix(struct room *r, uint32_t index)
{
	struct room_voice *v = r->members[index]->voice;
	const int16_t *pcm = v ? room_voice_play(r, v) : NULL;

	if (pcm)
		mix_put(r->mix, index, pcm);
}

uint32_t room_receive(struct worker *w, struct room *r, uint32_t index)
{
	struct room_member *m = r->members[index];
	uint32_t cost = 0;

	if (r->tick_ns > m->sound_ns + ROOM_LINGER_MS * NS_PER_MS) {
		room_pause_member(r, index);
		return 1;
	}
	room_level_start(r, m);
	for (int i = 0; i < FRAMES_MAX && m->ahead < ROOM_TICK_UNITS; i++)
		cost += member_receive(w, r, m);
	m->ahead = m->ahead > ROOM_TICK_UNITS ? m->ahead - ROOM_TICK_UNITS : 0;
	loudness_follow(m);
	if (r->everybody)
		voice_mix(r, index);
	if (!m->speaks)
		return cost;
	if (m->voice)
		m->voice->spoke = true;
	mix_note(r->mix, index, m->loudness);
	return cost;
}

/* ---- heard members ---- */

static bool member_has_place(const struct room *r, uint32_t index)
{
	for (uint32_t i = 0; i < r->places_n; i++)
		if (r->places[i] == index)
			return true;
	return false;
}

static void voices_release(struct room *r)
{
	for (uint32_t i = 0; i < r->voices_n; i++) {
		uint32_t index = r->voices[i].member;

		if (index != MIX_NOBODY && !member_has_place(r, index))
			room_voice_release(r, r->members[index]);
	}
}

static void voices_claim(struct worker *w, struct room *r)
{
	int taken = 0;

	for (uint32_t i = 0; i < r->places_n && taken < VOICES_A_TICK; i++) {
		if (r->members[r->places[i]]->voice)
			continue;
		(void)room_voice_claim(w, r, r->places[i]);
		taken++;
	}
}

/* The quietest one with a place of those that may talk to all. */
static uint8_t bar_find(const struct room *r)
{
	uint32_t talks = 0;
	uint8_t bar = 0;

	for (uint32_t i = 0; i < r->places_n; i++) {
		const struct room_member *m = r->members[r->places[i]];

		talks += m->spec.coaches == 0;
		if (m->spec.coaches == 0 && m->loudness > bar)
			bar = m->loudness;
	}
	return talks == mix_settings_of(r->mix).talkers ? bar : VOICE_LEVEL_SILENCE;
}

/* True: others have places than before. */
static bool places_deal(struct room *r)
{
	uint32_t before[ROOM_VOICES_MAX], n = r->places_n;

	memcpy(before, r->places, sizeof(before));
	r->places_n = mix_rank(r->mix, r->places);
	return r->places_n != n || memcmp(before, r->places, n * sizeof(before[0])) != 0;
}

static void places_mix(struct worker *w, struct room *r, bool changed)
{
	if (changed)
		voices_release(r);
	r->bar = bar_find(r);
	voices_claim(w, r);
	for (uint32_t i = 0; i < r->places_n; i++)
		voice_mix(r, r->places[i]);
}

void room_mix(struct worker *w, struct room *r)
{
	bool changed = places_deal(r);

	r->talks_due |= changed;
	if (!r->everybody)
		places_mix(w, r, changed);
	room_parts_send(w, r);
	r->heard = mix_sum(r->mix);
	room_parts_receive(w, r);
}

/* What members are sent. */

enum { OUTPUT_WINDOW = 4 }; /* members */

/* ---- packets ---- */

/* Timestamps are those of time, so that one which was not sent is a gap of its length. */
static bool member_packet_send(struct worker *w, struct flow *f, const struct room *r,
			       const struct payloads_sent *sent, uint32_t i, bool begins)
{
	uint32_t tick = (uint32_t)(r->due_ns / (ROOM_TICK_MS * NS_PER_MS));
	const struct job_frame frame = {
		.payload = sent->packets[i].octets,
		.clock_hz = sent->clock_hz,
		.units = sent->units,
		.timestamp = tick * (sent->clock_hz / 1000 * ROOM_TICK_MS) + i * sent->units,
		.payload_type = PAYLOAD_NONE,
		.marker = begins,
	};

	return listener_send(w, f, &frame);
}

static uint32_t member_mix_send(struct worker *w, struct room *r, struct flow *f, uint32_t index)
{
	struct room_member *m = r->members[index];
	struct payloads_space space;
	struct payloads_sent sent = payloads_of(r->payloads, index, &space);
	uint32_t played = 0;

	for (uint32_t i = 0; i < sent.count; i++) {
		const struct packer_packet *packet = &sent.packets[i];
		bool begins = (i == 0 && sent.begins) || packet->begins || m->said != r->wakes;

		if (packet->kind != PACKER_SOUND && packet->kind != PACKER_EMPTY)
			continue;
		if (!member_packet_send(w, f, r, &sent, i, begins)) {
			m->missed = true;
			if (f->making & MAKING_DIGIT) /* its end will not be signalled */
				payloads_missed(r->payloads, index);
			continue;
		}
		if (m->missed)
			payloads_missed(r->payloads, index);
		m->missed = false;
		m->said = r->wakes;
		played++;
	}
	r->played += played;
	return played ? played : 1;
}

/* The lines of flow.h that something which is sent to it touches. */
static void flow_fetch_to(const struct flow *f)
{
	__builtin_prefetch(f, 0);
	__builtin_prefetch((const char *)f + (size_t)3 * FLOW_LINE, 1);
	__builtin_prefetch(&f->listener, 1);
}

void room_say_fetch_to(const struct worker *w, const struct room *r, uint32_t index)
{
	flow_fetch_to(&w->flows.list[r->members[index]->slot]);
	mix_fetch_input(r->mix, index);
}

static void say_fetch(const struct worker *w, const struct room *r)
{
	uint32_t left = r->unsaid;

	if (left > 2 * OUTPUT_WINDOW) {
		uint32_t index = r->here[left - 1 - 2 * OUTPUT_WINDOW];

		__builtin_prefetch(r->members[index], 1);
		mix_fetch_member(r->mix, index);
		payloads_fetch_member(r->payloads, index);
	}
	if (left > OUTPUT_WINDOW)
		room_say_fetch_to(w, r, r->here[left - 1 - OUTPUT_WINDOW]);
}

void room_say_fetch(const struct worker *w, const struct room *r)
{
	for (uint32_t i = 1; i <= OUTPUT_WINDOW && i <= r->here_n; i++)
		flow_fetch_to(&w->flows.list[r->members[r->here[r->here_n - i]]->slot]);
}

uint32_t room_send(struct worker *w, struct room *r)
{
	const struct room_member *m;
	uint32_t index;

	say_fetch(w, r);
	index = r->here[--r->unsaid];
	m = r->members[index];
	if (!m->encodes || m->since == r->tick)
		return 1;
	return member_mix_send(w, r, &w->flows.list[m->slot], index);
}

/* ---- talkers ---- */

static int number_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static struct media_talks talks_read(const struct room *r)
{
	struct media_talks t = { 0 };

	for (uint32_t i = 0; i < r->places_n && t.count < MEDIA_ROOM_TALKERS_MAX; i++) {
		const struct room_member *m = r->members[r->places[i]];

		if (m && !m->spec.coaches)
			t.numbers[t.count++] = m->spec.number;
	}
	qsort(t.numbers, t.count, sizeof(t.numbers[0]), number_compare);
	return t;
}

bool room_talks_notify(struct worker *w, const struct job *j)
{
	struct room *r = j->work;
	struct media_event event;

	if (!r->talks_due)
		return true;
	event = (struct media_event){ .kind = MEDIA_ROOM_TALKS, .job = j->id, .call = j->call };
	event.talks = talks_read(r);
	r->talks_due = memcmp(&event.talks, &r->talks, sizeof(r->talks)) != 0;
	if (!r->talks_due)
		return true;
	if (w->now_ns < r->talks_ns + ROOM_TALKS_MS * NS_PER_MS || !event_send(w, &event))
		return false;
	r->talks_due = false;
	r->talks = event.talks;
	r->talks_ns = w->now_ns;
	return true;
}

/* Members' packets, as they arrive. */

enum {
	LEVEL_SILENCE = 127, /* RFC 6464 3 */
	VOICE_BIT = 0x80,
	COMFORT_NOISE = 13, /* RFC 3389 4 */
};

/* ---- members that send audio ---- */

/* It is heard from the next tick on. */
static void active_add(struct room *r, uint32_t index)
{
	struct room_member *m = r->members[index];

	m->active = true;
	m->active_at = r->active_n;
	r->active[r->active_n++] = index;
}

static void active_move(struct room *r, uint32_t from, uint32_t to)
{
	if (from == to)
		return;
	r->active[to] = r->active[from];
	r->members[r->active[to]]->active_at = to;
}

/* The last member not taken yet moves to its place, and the last one of all to that one's. If no
 * member was taken yet both are the same, and nothing moves twice. */
static void active_drop(struct room *r, uint32_t at)
{
	if (at < r->cursor) {
		active_move(r, --r->cursor, at);
		at = r->cursor;
	}
	active_move(r, --r->active_n, at);
}

void room_pause_member(struct room *r, uint32_t index)
{
	struct room_member *m = r->members[index];

	if (!m->active)
		return;
	active_drop(r, m->active_at);
	m->active = m->speaks = false;
	m->ahead = 0;
	m->past.count = 0;
	m->past.octets_n = 0;
	if (m->voice)
		m->voice->count = m->voice->sounds = m->voice->played = 0;
}

/* Rooms have their ticks at moments of their own. */
void room_awake(struct worker *w, struct job *j)
{
	const uint64_t tick_ns = ROOM_TICK_MS * NS_PER_MS;
	struct room *r = j->work;
	uint64_t phase_ns = j->id.slot % ROOM_TICK_MS * NS_PER_MS;

	r->due_ns = w->now_ns + tick_ns - phase_ns;
	r->due_ns = r->due_ns - r->due_ns % tick_ns + phase_ns;
	r->phase = ROOM_WAITS;
	r->wakes++;
	wheel_start(&w->wheel, &j->timer, r->due_ns);
}

/* Packets that were not stored are not missing: to the jitter buffer it is another source. */
static void member_awake(struct worker *w, struct job *j, uint32_t index)
{
	struct room *r = j->work;

	r->members[index]->epoch++;
	r->members[index]->unsure = true; /* it may have begun before */
	active_add(r, index);
	if (r->phase == ROOM_SLEEPS)
		room_awake(w, j);
}

/* ---- packets ---- */

/* MEDIA_CODECS_KNOWN: no codec. */
static enum media_codec pkt_codec_find(const struct pkt *p)
{
	uint8_t rule = p->flow->rule_of[p->payload_type % PAYLOAD_TYPES];
	uint8_t codec = rule == PAYLOAD_NONE ? 0 : p->flow->rule_codecs[rule];

	return codec ? (enum media_codec)(codec - 1) : MEDIA_CODECS_KNOWN;
}

static inline enum media_codec pkt_codec(const struct room_member *m, const struct pkt *p)
{
	return LIKELY(p->payload_type == m->input_type) ? (enum media_codec)m->input_codec
							: pkt_codec_find(p);
}

/* RFC 6464 3. */
static void level_read(struct room_member *m, const struct pkt *p, uint64_t now_ns)
{
	struct rtp_head head;
	struct bytes level;

	if (rtp_parse(&head, bytes_mem(p->data, p->length)) ||
	    !rtp_element_find(&head, m->levels, &level) || level.n < 1)
		return;
	m->signalled_level = level.p[0] & LEVEL_SILENCE;
	m->signalled_voice = level.p[0] & VOICE_BIT;
	m->signals_voice |= m->signalled_voice;
	m->signalled_ns = now_ns;
}

static bool pkt_is_silent(const struct room_member *m, const struct pkt *p, enum media_codec codec,
			  struct bytes payload, uint64_t now_ns)
{
	if (p->event || codec == MEDIA_CODECS_KNOWN || sounding_is_silent(codec, payload))
		return true;
	return m->levels && m->signalled_ns == now_ns && m->signalled_level == LEVEL_SILENCE;
}

static bool codec_pauses(enum media_codec codec, struct bytes payload)
{
	return (codec == MEDIA_CODEC_OPUS || codec == MEDIA_CODEC_G729) &&
	       sounding_is_silent(codec, payload);
}

static uint32_t clock_of(const struct pkt *p, enum media_codec codec)
{
	uint32_t hz = codec < MEDIA_CODECS_KNOWN ? media_codec_facts(codec)->clock_hz : p->clock_hz;

	return hz && hz < ROOM_CLOCK_HZ ? hz : ROOM_CLOCK_HZ;
}

/* All codecs in one clock, so that they may follow each other. Events and comfort noise have a
 * number and no audio. */
static enum jitter_put pkt_put(struct room_member *m, const struct pkt *p, enum media_codec codec,
			       struct bytes payload, uint32_t units, uint64_t now_ns)
{
	bool sounds = !p->event && codec < MEDIA_CODECS_KNOWN;
	uint32_t by = ROOM_CLOCK_HZ / clock_of(p, codec);

	return jitter_put(m->jitter,
			  &(struct jitter_packet){ .arrival_ns = now_ns,
						   .ssrc = p->ssrc ^ m->epoch,
						   .timestamp = p->timestamp * by,
						   .units = sounds ? units * by : 0,
						   .sequence = p->sequence,
						   .payload_type = (uint8_t)codec,
						   .marker = p->marker,
						   .pauses = sounds && codec_pauses(codec, payload),
						   .payload = payload });
}

static enum verdict put_verdict(enum jitter_put put)
{
	switch (put) {
	case JITTER_LATE:
	case JITTER_DUPLICATE:
		return VERDICT_LATE;
	case JITTER_TOO_LARGE:
		return VERDICT_JOB_FULL;
	case JITTER_KEPT:
	case JITTER_RESTARTED:
	case JITTER_FAR:
		break;
	}
	return VERDICT_ALONE;
}

static uint32_t units_most(enum media_codec codec)
{
	return codec < MEDIA_CODECS_KNOWN
		       ? media_codec_facts(codec)->clock_hz / 1000 * CODEC_PACKET_MS_MAX
		       : 0;
}

enum verdict room_pkt_receive(struct worker *w, struct job *j, const struct pkt *p)
{
	struct room *r = j->work;
	uint32_t index = p->flow->listener.member - 1;
	struct bytes payload = bytes_mem(p->data + p->payload_at, p->payload_length);
	uint64_t now_ns = w->batch.now_ns;
	enum media_codec codec;
	struct room_member *m;
	uint32_t units;
	bool silent;

	if (UNLIKELY(p->flow->listener.video))
		return room_video_receive(w, j, p);
	if (!p->flow->listener.member)
		return VERDICT_ALONE; /* it could not become one */
	m = r->members[index];
	codec = pkt_codec(m, p);
	if (codec == MEDIA_CODECS_KNOWN && !p->event && p->payload_type != COMFORT_NOISE)
		return VERDICT_PAYLOAD_TYPE;
	if (m->hushed)
		return VERDICT_ALONE;
	if (m->levels && (p->data[0] & RTP_EXTENSION_BIT))
		level_read(m, p, now_ns);
	silent = pkt_is_silent(m, p, codec, payload, now_ns);
	if (!silent)
		m->sound_ns = now_ns;
	if (!m->active && silent)
		return VERDICT_ALONE;
	units = sounding_units(codec, payload);
	if (units > units_most(codec))
		return VERDICT_MALFORMED; /* RFC 6716 3.2.5 */
	if (!m->active)
		member_awake(w, j, index);
	return put_verdict(pkt_put(m, p, codec, payload, units, now_ns));
}

void room_pkt_prefetch(const struct job *j, const struct pkt *p, bool first)
{
	const struct room *r = j->work;
	const struct room_member *m;

	if (!p->flow->listener.member || p->flow->listener.video)
		return;
	m = r->members[p->flow->listener.member - 1];
	if (first) {
		__builtin_prefetch(m, 1);
		if (r->active_n > r->here_n / 2)
			jitter_fetch(member_jitter(m));
	} else if (m->active) {
		jitter_fetch_put(m->jitter);
	}
}
