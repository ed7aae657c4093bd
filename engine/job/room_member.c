/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in a room, and as what. */
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>

#include "dsp/codec/decoder.h"
#include "engine/job/room.h"
#include "engine/walk/worker.h"

/* ---- what it is sent ---- */

/* MEDIA_CODECS_KNOWN: it takes none under that number. */
static uint8_t codec_taken(const struct flow *f)
{
	for (uint8_t i = 0; i < f->taken_count; i++)
		if (f->taken[i].payload_type == f->listener.payload_type)
			return f->taken[i].codec;
	return MEDIA_CODECS_KNOWN;
}

/* Long packets take no more than a slice (dsp/codec/encoder.h). */
static uint8_t complexity_of(const struct media_room *spec)
{
	uint8_t asked = spec->complexity ? spec->complexity : ROOM_COMPLEXITY;
	uint8_t most = spec->packet_ms > 40 ? 2 : spec->packet_ms > 20 ? 5 : 10;

	return asked < most ? asked : most;
}

static uint32_t bit_rate_of(const struct media_room *spec)
{
	if (spec->bit_rate)
		return spec->bit_rate;
	return spec->rate_hz == 8000 ? 12000 : spec->rate_hz == 16000 ? 20000 : 28000;
}

static struct packer_settings packer_settings_of(const struct room *r, enum media_codec codec)
{
	const struct media_codec_facts *facts = media_codec_facts(codec);
	struct packer_settings s = {
		.encoder = { .codec = facts->name, .packet_ms = r->spec.packet_ms, .voice = true }
	};

	switch (codec) {
	case MEDIA_CODEC_OPUS:
		s.encoder.rate = r->spec.rate_hz;
		s.encoder.bit_rate = bit_rate_of(&r->spec);
		s.encoder.complexity = complexity_of(&r->spec);
		break;
	case MEDIA_CODEC_L16:
	case MEDIA_CODEC_L16_WIDE:
		s.encoder.rate = facts->clock_hz;
		if (s.encoder.packet_ms > CODEC_PACKET_MS) /* a packet has no room for more */
			s.encoder.packet_ms = CODEC_PACKET_MS;
		break;
	case MEDIA_CODEC_PCMU:
	case MEDIA_CODEC_PCMA:
	case MEDIA_CODEC_G722:
	case MEDIA_CODEC_G726_32:
	case MEDIA_CODEC_G729:
	case MEDIA_CODECS_KNOWN:
		break;
	}
	return s;
}

static int member_codec_set(struct room *r, uint32_t index, uint8_t codec)
{
	struct room_member *m = r->members[index];
	struct packer_settings s;
	int err;

	if (m->encodes && m->codec == codec)
		return 0;
	if (m->encodes)
		payloads_leave(r->payloads, index);
	m->encodes = false;
	m->codec = codec;
	if (codec >= MEDIA_CODECS_KNOWN)
		return -EINVAL;
	s = packer_settings_of(r, (enum media_codec)codec);
	err = payloads_join(r->payloads, index, &s);
	m->encodes = !err;
	return err;
}

/* ---- whom it speaks to ---- */

/* MIX_NOBODY: nobody has that number. */
static uint32_t member_numbered(const struct room *r, uint32_t number)
{
	for (uint32_t i = 0; i < r->spec.members; i++)
		if (r->members[i] && r->members[i]->spec.number == number)
			return i;
	return MIX_NOBODY;
}

/* What the mix knows already is not told again: it would cost the place that a member has. */
static int speech_set(struct room *r, uint32_t index)
{
	struct room_member *m = r->members[index];
	uint32_t whom = m->spec.coaches ? member_numbered(r, m->spec.coaches) : MIX_NOBODY;
	bool hushed = m->spec.muted || (m->spec.coaches && whom == MIX_NOBODY);
	int err = 0;

	if (whom != m->whom)
		err = mix_coach(r->mix, index, whom);
	if (hushed != m->hushed)
		mix_mute(r->mix, index, hushed);
	if (hushed)
		room_hush(r, index);
	m->whom = err ? MIX_NOBODY : whom;
	m->hushed = hushed;
	return err;
}

/* Who coaches this number has whom to speak to, or has not any more. */
static void coaches_tell(struct room *r, uint32_t number)
{
	for (uint32_t i = 0; r->coaches && i < r->spec.members; i++) {
		struct room_member *m = r->members[i];

		if (m && m->spec.coaches == number)
			(void)speech_set(r, i);
	}
}

/* ---- what it says ---- */

static int codec_heard_set(struct room *r, struct room_member *m, enum media_codec codec)
{
	int err = room_voices_open(r, codec);

	if (!err && room_codec_goes_on(codec))
		err = room_decoder_open(r, codec, &m->decoders[codec]);
	return err;
}

/* Of what it may say, as far as that can be decoded here. */
static int codecs_heard_set(struct room *r, struct room_member *m, const struct flow *f)
{
	for (int i = 0; i < PAYLOAD_TYPES; i++) {
		uint8_t rule = f->rule_of[i];
		int err;

		if (rule == PAYLOAD_NONE || f->rule_codecs[rule] == 0)
			continue;
		err = codec_heard_set(r, m, (enum media_codec)(f->rule_codecs[rule] - 1));
		if (err && err != -ENOTSUP)
			return err;
	}
	return r->everybody ? room_voice_open(r, &m->voice) : room_voices_grow(r);
}

/* The first rule's: so nearly no packet asks for more. */
static void heard_usual_set(struct room_member *m, const struct flow *f)
{
	uint8_t codec = f->rule.in == PAYLOAD_NONE ? 0 : f->rule_codecs[0];

	m->heard_type = f->rule.in;
	m->heard_codec = codec ? (uint8_t)(codec - 1) : MEDIA_CODECS_KNOWN;
}

/* ---- join, leave ---- */

static int member_set(struct room *r, uint32_t index, const struct flow_member *spec)
{
	struct room_member *m = r->members[index];
	int err;

	r->coaches += (spec->coaches != 0) - (m->spec.coaches != 0);
	m->spec = *spec;
	m->levels = spec->level_extension;
	r->talks_due = true;
	mix_deafen(r->mix, index, spec->deaf);
	err = mix_gain(r->mix, index, spec->gain_db);
	return err ? err : speech_set(r, index);
}

static void member_free(const struct room *r, struct room_member *m)
{
	if (!m)
		return;
	if (r->everybody)
		room_voice_close(m->voice);
	for (int i = 0; i < MEDIA_CODECS_KNOWN; i++)
		decoder_close(m->decoders[i]);
	free(m);
}

static struct room_member *member_make(const struct flow *f, uint32_t number)
{
	static const struct jitter_settings settings = {
		.clock_hz = ROOM_CLOCK_HZ,
		.slots = ROOM_JITTER_SLOTS,
		.octets = ROOM_OCTETS_MAX,
		.tick_ms = ROOM_TICK_MS,
		.start_ms = ROOM_JITTER_START_MS,
		.max_ms = ROOM_JITTER_MAX_MS,
		.fec = true,
	};
	struct room_member *m =
		aligned_alloc(alignof(struct room_member), sizeof(*m) + jitter_octets(&settings));

	if (!m)
		return NULL;
	*m = (struct room_member){ .spec.number = number,
				   .slot = f->id.slot,
				   .codec = MEDIA_CODECS_KNOWN,
				   .loudness = VOICE_LEVEL_SILENCE,
				   .whom = MIX_NOBODY };
	m->jitter = jitter_open_in(member_jitter(m), &settings);
	return m;
}

static int member_join(struct room *r, struct flow *f, uint32_t number)
{
	struct room_member *m;
	uint32_t index;
	int err;

	if (number == 0 || member_numbered(r, number) != MIX_NOBODY)
		return -EINVAL;
	m = member_make(f, number);
	err = m ? mix_join(r->mix, &index) : -ENOMEM;
	if (err) {
		member_free(r, m);
		return err;
	}
	m->since = r->tick;
	m->here_at = r->here_n;
	r->here[r->here_n++] = index;
	r->members[index] = m;
	r->count++;
	f->listener.member = index + 1;
	coaches_tell(r, number);
	return 0;
}

static void here_move(struct room *r, uint32_t from, uint32_t to)
{
	if (from == to)
		return;
	r->here[to] = r->here[from];
	r->members[r->here[to]]->here_at = to;
}

/* As active_drop does it (room_take.c). */
static void here_drop(struct room *r, uint32_t at)
{
	if (at < r->unsaid) {
		here_move(r, --r->unsaid, at);
		at = r->unsaid;
	}
	here_move(r, --r->here_n, at);
}

static void place_forget(struct room *r, uint32_t index)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < r->places_n; i++)
		if (r->places[i] != index)
			r->places[kept++] = r->places[i];
	r->places_n = kept;
	r->talks_due = true;
	r->bar = VOICE_LEVEL_SILENCE;
	room_voice_give(r, r->members[index]);
}

/* Another number is another member. */
int room_member_set(struct worker *w, struct job *j, struct flow *f, const struct flow_spec *of)
{
	const struct flow_member *spec = &of->member;
	struct room *r = j->work;
	uint32_t index = f->listener.member - 1;
	int err = 0, err_heard, err_codec;
	bool anew;

	if (f->listener.member && f->listener.video != (f->kind == MEDIA_VIDEO))
		room_member_leave(w, j, f);
	if (f->kind == MEDIA_VIDEO)
		return room_video_set(w, j, f, of);
	if (f->listener.member && r->members[index]->spec.number != spec->number)
		room_member_leave(w, j, f);
	if (!f->listener.member)
		err = member_join(r, f, spec->number);
	if (err)
		return err;
	index = f->listener.member - 1;
	anew = r->members[index]->missed || (r->members[index]->spec.deaf && !spec->deaf);
	err = member_set(r, index, spec);
	heard_usual_set(r->members[index], f);
	err_heard = codecs_heard_set(r, r->members[index], f);
	err_codec = member_codec_set(r, index, codec_taken(f));
	if (anew && r->members[index]->encodes)
		payloads_missed(r->payloads, index);
	r->members[index]->missed = false;
	return err ? err : err_heard ? err_heard : err_codec;
}

void room_member_leave(struct worker *w, struct job *j, struct flow *f)
{
	struct room *r = j->work;
	uint32_t index = f->listener.member - 1, number;
	struct room_member *m;

	if (f->listener.video) {
		room_video_leave(w, j, f);
		return;
	}
	m = r->members[index];
	number = m->spec.number;
	r->coaches -= m->spec.coaches != 0;
	r->count--;
	room_hush(r, index);
	here_drop(r, m->here_at);
	place_forget(r, index);
	if (m->encodes)
		payloads_leave(r->payloads, index);
	mix_leave(r->mix, index);
	r->members[index] = NULL;
	f->listener.member = 0;
	member_free(r, m);
	for (uint32_t i = 0; r->coaches && i < r->spec.members; i++)
		if (r->members[i] && r->members[i]->whom == index)
			r->members[i]->whom = MIX_NOBODY;
	coaches_tell(r, number);
}
