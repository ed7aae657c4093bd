/* SPDX-License-Identifier: Apache-2.0 */
/* A tick of a room, up to the sum of its voices. */
#include <string.h>

#include "base/clock.h"
#include "dsp/codec/cost.h"
#include "dsp/codec/decoder.h"
#include "engine/job/room.h"
#include "engine/walk/worker.h"

enum {
	LEVEL_MAX = VOICE_LEVEL_SILENCE,
	FRAMES_MAX = 16,   /* of one tick: 2.5 ms is the shortest that Opus has */
	VOICES_A_TICK = 2, /* that are warmed up */
	HEAR_AHEAD = 4,    /* members */
};

/* ---- what a member says ---- */

static uint32_t member_frame_hear(struct worker *w, struct room *r, struct room_member *m,
				  const struct jitter_frame *f)
{
	enum media_codec codec = (enum media_codec)f->payload_type;

	if (m->voice || room_codec_goes_on(codec)) {
		m->past.codec = (uint8_t)codec;
		room_voice_frame(w, r, m, codec, f->payload, f->units);
		return r->costs[codec];
	}
	return room_level_undecoded(w, r, m, codec, f->payload);
}

/* Of silence no more than this tick. */
static uint32_t one_hear(struct worker *w, struct room *r, struct room_member *m)
{
	struct jitter_frame f;
	uint32_t cost = 1;

	jitter_get(m->jitter, r->tick_ns, (uint64_t)m->ahead * NS_PER_S / ROOM_CLOCK_HZ, &f);
	switch (f.kind) {
	case JITTER_PLAY:
		cost = member_frame_hear(w, r, m, &f);
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

/* Between words nobody is quieter than one who speaks: it falls no faster than it does for who has a place and pauses (rank.c). */
static void loudness_follow(struct room_member *m)
{
	if (m->loudness < LEVEL_MAX)
		m->loudness++;
	if (m->speaks && m->level < m->loudness)
		m->loudness = m->level;
}

static const struct room_member *member_ahead(const struct room *r, uint32_t by)
{
	return r->cursor > by ? r->members[r->active[r->cursor - 1 - by]] : NULL;
}

/* A member, when that is there what it keeps, and then what it said. */
void room_hear_fetch(const struct room *r)
{
	const struct room_member *m = member_ahead(r, 2 * HEAR_AHEAD);

	if (m) {
		room_lines_fetch(m, ROOM_HEARD);
		jitter_fetch(member_jitter(m));
	}
	m = member_ahead(r, HEAR_AHEAD);
	if (m)
		jitter_fetch_get(m->jitter);
	if (m && r->everybody) {
		room_voice_fetch_first(m->voice);
		mix_fetch_member(r->mix, r->active[r->cursor - 1 - HEAR_AHEAD]);
	}
	m = r->everybody ? member_ahead(r, HEAR_AHEAD / 2) : NULL;
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

uint32_t room_hear(struct worker *w, struct room *r, uint32_t index)
{
	struct room_member *m = r->members[index];
	uint32_t cost = 0;

	if (r->tick_ns > m->sound_ns + ROOM_LINGER_MS * NS_PER_MS) {
		room_hush(r, index);
		return 1;
	}
	room_level_begin(r, m);
	for (int i = 0; i < FRAMES_MAX && m->ahead < ROOM_TICK_UNITS; i++)
		cost += one_hear(w, r, m);
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

/* ---- who is heard ---- */

static bool member_has_place(const struct room *r, uint32_t index)
{
	for (uint32_t i = 0; i < r->places_n; i++)
		if (r->places[i] == index)
			return true;
	return false;
}

static void voices_give(struct room *r)
{
	for (uint32_t i = 0; i < r->voices_n; i++) {
		uint32_t index = r->voices[i].member;

		if (index != MIX_NOBODY && !member_has_place(r, index))
			room_voice_give(r, r->members[index]);
	}
}

static void voices_take(struct worker *w, struct room *r)
{
	int taken = 0;

	for (uint32_t i = 0; i < r->places_n && taken < VOICES_A_TICK; i++) {
		if (r->members[r->places[i]]->voice)
			continue;
		(void)room_voice_take(w, r, r->places[i]);
		taken++;
	}
}

/* Of those who may talk to all, the quietest one with a place. */
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
		voices_give(r);
	r->bar = bar_find(r);
	voices_take(w, r);
	for (uint32_t i = 0; i < r->places_n; i++)
		voice_mix(r, r->places[i]);
}

void room_mix(struct worker *w, struct room *r)
{
	bool changed = places_deal(r);

	r->talks_due |= changed;
	if (!r->everybody)
		places_mix(w, r, changed);
	room_parts_say(w, r);
	r->heard = mix_sum(r->mix);
	room_parts_hear(w, r);
}
