/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job of a conference room: members join and leave by command, and a tick of 20 ms takes
 * packets in, ranks the talkers, mixes, encodes once per encoding, and sends (room.h). It only does
 * its work in slices, since the worker must return to packets in time; this file has the phases and
 * their costs. room_sound.c has the audio input, room_voice.c decoding, room_part.c jobs beside
 * members, and room_video.c video.
 */

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>

#include "base/clock.h"
#include "dsp/codec/decoder.h"
#include "engine/job/room.h"
#include "engine/worker/worker.h"

static void room_near(const struct worker *w, const struct job *j, uint32_t turns);

static int room_member_set(struct worker *w, struct job *j, struct flow *f,
			   const struct flow_spec *spec);

static void room_member_leave(struct worker *w, struct job *j, struct flow *f);

enum {
	VOICE_COST_NS = 200, /* of a tick at 8000 Hz */
	VOICES_A_COST = 16,  /* that are in the sum: each is looked at */
};

/* ---- open, close ---- */

static int room_mix_open(struct room *r, const struct media_room *spec)
{
	const struct mix_settings settings = { .members = spec->members,
					       .rate = spec->rate_hz,
					       .talkers = spec->talkers,
					       .hold_ms = spec->hold_ms,
					       .seams = true,
					       .lent = true };
	int err = mix_open(&r->mix, &settings);

	r->spec = *spec;
	r->everybody = spec->talkers == MEDIA_ROOM_TALKERS_ALL;
	r->tick = 1;
	r->bar = VOICE_LEVEL_SILENCE;
	return err ? err : payloads_open(&r->payloads, r->mix, 0);
}

static void room_free(struct room *r)
{
	room_video_free(r);
	room_voices_close(r);
	payloads_close(r->payloads);
	mix_close(r->mix);
	free(r->active);
	free(r);
}

/* A packet has whole ticks, or a tick whole packets. */
static bool packet_is_fit(uint8_t ms)
{
	return ms == 0 || ms == 10 || ms == 20 || ms == 40 || ms == 60;
}

static int room_job_open(struct job *j, const struct media_work *work)
{
	const struct media_room *spec = &work->room;
	struct room *r;
	int err;

	if (spec->members == 0 || spec->members > MEDIA_ROOM_MEMBERS_MAX ||
	    !packet_is_fit(spec->packet_ms))
		return -EINVAL;
	r = calloc(1, sizeof(*r) + spec->members * sizeof(struct room_member *));
	if (!r)
		return -ENOMEM;
	r->active = calloc(2UL * spec->members, sizeof(*r->active));
	r->here = r->active + spec->members;
	err = r->active ? room_mix_open(r, spec) : -ENOMEM;
	if (err)
		room_free(r);
	else
		j->work = r;
	return err;
}

static struct media_sound *room_job_close(struct job *j)
{
	room_parts_close(j->work);
	room_free(j->work);
	return NULL;
}

/* ---- its time ---- */

static uint64_t encodes_since(struct room *r)
{
	struct payloads_counts c = payloads_counts(r->payloads);
	uint64_t before = r->encoded;

	r->encoded = c.shared + c.own;
	return r->encoded - before;
}

/* Each voice is filtered and added, unless that is done already. */
static uint32_t mix_cost(const struct room *r)
{
	if (r->everybody)
		return 1 + r->active_n / VOICES_A_COST;
	return 1 + r->places_n * room_cost(r->spec.rate_hz / 8000 * VOICE_COST_NS);
}

/* Silent at first, unless a part of it speaks. */
static void room_wake(struct worker *w, struct job *j)
{
	struct room *r = j->work;

	r->phase = ROOM_SLEEPS;
	r->quiet_ms = 0;
	r->unsaid = 0;
	if (room_parts_are_due(r))
		room_awake(w, j);
}

/* What is left of this phase, at least; a slice where one part of it takes that. */
static uint32_t mix_effort(const struct room *r, uint64_t now_ns)
{
	switch (r->phase) {
	case ROOM_SLEEPS:
		break;
	case ROOM_WAITS:
		return now_ns >= r->due_ns;
	case ROOM_INPUTS:
	case ROOM_SAYS:
		return 1;
	case ROOM_MIXES:
		return mix_cost(r);
	case ROOM_ENCODES:
		return room_cost(payloads_cost_ns(r->payloads));
	}
	return 0;
}

static uint32_t room_effort(const struct job *j, uint64_t now_ns)
{
	const struct room *r = j->work;

	if (UNLIKELY(room_video_wait(r, now_ns)))
		return 1;
	return mix_effort(r, now_ns);
}

static void room_late_skip(struct worker *w, struct room *r)
{
	uint64_t late_ns = w->now_ns - r->due_ns, n;

	if (late_ns < ROOM_LATE_MS * NS_PER_MS)
		return;
	n = late_ns / (ROOM_TICK_MS * NS_PER_MS);
	r->due_ns += n * ROOM_TICK_MS * NS_PER_MS;
	metric_add(w->metrics->frames_late, n);
}

static void tick_start(struct worker *w, struct room *r)
{
	room_late_skip(w, r);
	r->tick++;
	r->tick_ns = w->now_ns;
	r->cursor = r->active_n;
	r->played = 0;
	r->phase = ROOM_INPUTS;
	mix_lend(r->mix, w->jobs.space);
	mix_tick(r->mix);
}

static void tick_end(struct worker *w, struct job *j)
{
	struct room *r = j->work;
	bool told = room_talks_notify(w, j);

	room_video_tick(w, j);
	metric_add(w->metrics->frames_played, r->played);
	metric_add(w->metrics->frames_encoded, encodes_since(r));
	r->quiet_ms = r->heard || r->active_n || r->places_n || room_parts_are_due(r)
			      ? 0
			      : r->quiet_ms + ROOM_TICK_MS;
	r->due_ns += ROOM_TICK_MS * NS_PER_MS;
	if (r->quiet_ms >= ROOM_QUIET_MS && told) {
		r->phase = ROOM_SLEEPS;
		r->quiet_ms = 0;
		return;
	}
	r->phase = ROOM_WAITS;
	wheel_start(&w->wheel, &j->timer, r->due_ns);
}

static uint32_t phase_receive(struct worker *w, struct room *r, uint32_t most)
{
	uint32_t done = 0;

	while (r->cursor && done < most) {
		room_hear_fetch(r);
		done += room_receive(w, r, r->active[--r->cursor]);
	}
	if (!r->cursor)
		r->phase = ROOM_MIXES;
	return done;
}

static uint32_t phase_send(struct worker *w, struct job *j, uint32_t most)
{
	struct room *r = j->work;
	uint32_t done = 0;

	while (r->unsaid && done < most)
		done += room_send(w, r);
	if (!r->unsaid && r->phase == ROOM_SAYS)
		tick_end(w, j);
	return done;
}

static uint32_t phase_encode(struct room *r)
{
	uint32_t ns = payloads_step(r->payloads);

	if (ns)
		return room_cost(ns);
	r->phase = ROOM_SAYS;
	r->unsaid = payloads_any(r->payloads) ? r->here_n : 0;
	return 1;
}

static uint32_t phase_turn(struct worker *w, struct job *j, uint32_t most)
{
	struct room *r = j->work;

	switch (r->phase) {
	case ROOM_SLEEPS:
		break;
	case ROOM_WAITS:
		tick_start(w, r);
		return 1;
	case ROOM_INPUTS:
		return phase_receive(w, r, most);
	case ROOM_MIXES:
		room_say_fetch(w, r);
		room_mix(w, r);
		payloads_tick(r->payloads);
		r->phase = ROOM_ENCODES;
		return mix_cost(r);
	case ROOM_ENCODES:
		return phase_encode(r);
	case ROOM_SAYS:
		return phase_send(w, j, most);
	}
	return most;
}

/* Audio waits for video no longer than half of a slice. */
static uint32_t video_share(const struct room *r, uint32_t most, uint64_t now_ns)
{
	return most > 1 && mix_effort(r, now_ns) > 0 ? most / 2 : most;
}

/* Small rooms do their whole tick at once, if it is short. */
static uint32_t room_turn(struct worker *w, struct job *j, uint32_t most)
{
	const struct room *r = j->work;
	uint32_t done = 0;

	if (UNLIKELY(room_video_wait(r, w->now_ns)))
		done = room_video_turn(w, j, video_share(r, most, w->now_ns));
	while (done < most && mix_effort(r, w->now_ns) > 0)
		done += phase_turn(w, j, most - done);
	return done < most ? done : most;
}

/* It keeps time, and gets nowhere. */
static uint32_t room_place(const struct job *j)
{
	(void)j;
	return 0;
}

const struct job_kind job_room = {
	.open = room_job_open,
	.close = room_job_close,
	.wake = room_wake,
	.effort = room_effort,
	.turn = room_turn,
	.place = room_place,
	.receive = room_pkt_receive,
	.fetch = room_pkt_prefetch,
	.near = room_near,
	.member = room_member_set,
	.asked = room_video_on_feedback,
	.leave = room_member_leave,
};

/* Members of a room, and their roles. */

/* ---- what it is sent ---- */

/* MEDIA_CODECS_KNOWN: it takes no codec under that number. */
static uint8_t codec_accepted(const struct flow *f)
{
	for (uint8_t i = 0; i < f->accepted_count; i++)
		if (f->accepted[i].payload_type == f->listener.payload_type)
			return f->accepted[i].codec;
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

/* ---- coaching ---- */

/* MIX_NOBODY: no member has that number. */
static uint32_t member_numbered(const struct room *r, uint32_t number)
{
	for (uint32_t i = 0; i < r->spec.members; i++)
		if (r->members[i] && r->members[i]->spec.number == number)
			return i;
	return MIX_NOBODY;
}

/* The mix is only told changes: telling it again would cost a member its place. */
static int speech_set(struct room *r, uint32_t index)
{
	struct room_member *m = r->members[index];
	uint32_t of_party = m->spec.coaches ? member_numbered(r, m->spec.coaches) : MIX_NOBODY;
	bool hushed = m->spec.muted || (m->spec.coaches && of_party == MIX_NOBODY);
	int err = 0;

	if (of_party != m->of_party)
		err = mix_coach(r->mix, index, of_party);
	if (hushed != m->hushed)
		mix_mute(r->mix, index, hushed);
	if (hushed)
		room_pause_member(r, index);
	m->of_party = err ? MIX_NOBODY : of_party;
	m->hushed = hushed;
	return err;
}

/* Members that coach this number gain or lose the one they speak to. */
static void coaches_update(struct room *r, uint32_t number)
{
	for (uint32_t i = 0; r->coaches && i < r->spec.members; i++) {
		struct room_member *m = r->members[i];

		if (m && m->spec.coaches == number)
			(void)speech_set(r, i);
	}
}

/* ---- its codecs ---- */

static int codec_heard_set(struct room *r, struct room_member *m, enum media_codec codec)
{
	int err = room_voices_open(r, codec);

	if (!err && room_codec_is_stateful(codec))
		err = room_decoder_open(r, codec, &m->decoders[codec]);
	return err;
}

/* The codecs that it may send, if they can be decoded here. */
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
static void input_usual_set(struct room_member *m, const struct flow *f)
{
	uint8_t codec = f->rule.in == PAYLOAD_NONE ? 0 : f->rule_codecs[0];

	m->input_type = f->rule.in;
	m->input_codec = codec ? (uint8_t)(codec - 1) : MEDIA_CODECS_KNOWN;
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
				   .of_party = MIX_NOBODY };
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
	coaches_update(r, number);
	return 0;
}

static void here_move(struct room *r, uint32_t from, uint32_t to)
{
	if (from == to)
		return;
	r->here[to] = r->here[from];
	r->members[r->here[to]]->here_at = to;
}

/* As active_drop does it (room_sound.c). */
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
	room_voice_release(r, r->members[index]);
}

/* Another number is another member. */
static int room_member_set(struct worker *w, struct job *j, struct flow *f,
			   const struct flow_spec *of)
{
	const struct flow_member *spec = &of->member;
	struct room *r = j->work;
	uint32_t index = f->listener.member - 1;
	int err = 0, err_input, err_codec;
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
	input_usual_set(r->members[index], f);
	err_input = codecs_heard_set(r, r->members[index], f);
	err_codec = member_codec_set(r, index, codec_accepted(f));
	if (anew && r->members[index]->encodes)
		payloads_missed(r->payloads, index);
	r->members[index]->missed = false;
	return err ? err : err_input ? err_input : err_codec;
}

static void room_member_leave(struct worker *w, struct job *j, struct flow *f)
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
	room_pause_member(r, index);
	here_drop(r, m->here_at);
	place_forget(r, index);
	if (m->encodes)
		payloads_leave(r->payloads, index);
	mix_leave(r->mix, index);
	r->members[index] = NULL;
	f->listener.member = 0;
	member_free(r, m);
	for (uint32_t i = 0; r->coaches && i < r->spec.members; i++)
		if (r->members[i] && r->members[i]->of_party == index)
			r->members[i]->of_party = MIX_NOBODY;
	coaches_update(r, number);
}

/* With many small rooms none is in the cache when its tick comes, and a tick of three members is
 * shorter than fetching its data piece by piece. So it is prefetched during the turns of others,
 * from pointer to pointer. */

static void lines_near(const void *from, size_t octets)
{
	room_lines_fetch(from, octets);
}

/* In rooms with mostly silent members only what all members need. */
static void member_near(const struct room *r, const struct room_member *m)
{
	bool most = r->active_n > r->here_n / 2;

	lines_near(m, most ? ROOM_INPUT : 1);
	if (most)
		jitter_fetch(member_jitter(m));
}

static void parts_near(const struct room *r)
{
	for (uint32_t i = 0; i < ROOM_NEAR && i < r->spec.members; i++)
		if (r->members[i])
			member_near(r, r->members[i]);
	for (uint32_t i = 0; i < r->voices_n; i++)
		room_voice_fetch_first(&r->voices[i]);
	__builtin_prefetch(r->active, 1);
	__builtin_prefetch(r->here);
	mix_fetch(r->mix);
	payloads_fetch(r->payloads, true);
}

static void member_sounds_near(const struct room *r, const struct room_member *m)
{
	if (r->active_n > r->here_n / 2) {
		jitter_fetch_get(m->jitter);
	} else {
		lines_near(m, ROOM_INPUT);
		jitter_fetch(member_jitter(m));
	}
	if (r->everybody && m->voice)
		room_voice_fetch_first(m->voice);
}

/* In a larger room first those that are sent something. */
static void flows_near(const struct worker *w, const struct room *r)
{
	for (uint32_t i = 1; i <= ROOM_NEAR && i <= r->here_n; i++)
		room_say_fetch_to(w, r, r->here[r->here_n - i]);
}

static void sounds_near(const struct worker *w, const struct room *r)
{
	flows_near(w, r);
	for (uint32_t i = 0; i < ROOM_NEAR && i < r->spec.members; i++)
		if (r->members[i] && r->members[i]->active)
			member_sounds_near(r, r->members[i]);
	for (uint32_t i = 0; i < r->voices_n; i++)
		if (r->voices[i].member != MIX_NOBODY)
			room_voice_fetch(&r->voices[i]);
	payloads_fetch(r->payloads, false);
}

static void room_near(const struct worker *w, const struct job *j, uint32_t turns)
{
	const struct room *r = j->work;

	static_assert((int)TURN_NEAR == 3, "three steps");
	switch (turns) {
	case 3:
		lines_near(r, offsetof(struct room, voices));
		lines_near(r->members, 1);
		break;
	case 2:
		parts_near(r);
		break;
	default:
		sounds_near(w, r);
	}
}
