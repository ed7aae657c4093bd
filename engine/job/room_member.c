/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in a room, and as what. */
#include <errno.h>
#include <stdlib.h>

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

static struct packer_settings packer_settings_of(const struct room *r, enum media_codec codec)
{
	const struct media_codec_facts *facts = media_codec_facts(codec);
	struct packer_settings s = {
		.encoder = { .codec = facts->name, .packet_ms = r->spec.packet_ms, .voice = true }
	};

	switch (codec) {
	case MEDIA_CODEC_OPUS:
		s.encoder.rate = r->spec.rate_hz;
		s.encoder.bit_rate = r->spec.bit_rate;
		s.encoder.complexity = r->spec.complexity ? r->spec.complexity : ROOM_COMPLEXITY;
		break;
	case MEDIA_CODEC_L16:
	case MEDIA_CODEC_L16_WIDE:
		s.encoder.rate = facts->clock_hz;
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

/* ---- join, leave ---- */

static int member_set(struct room *r, uint32_t index, const struct flow_member *spec)
{
	struct room_member *m = r->members[index];
	int err;

	r->coaches += (spec->coaches != 0) - (m->spec.coaches != 0);
	m->spec = *spec;
	mix_deafen(r->mix, index, spec->deaf);
	err = mix_gain(r->mix, index, spec->gain_db);
	return err ? err : speech_set(r, index);
}

static int member_join(struct room *r, struct flow *f, uint32_t number)
{
	struct room_member *m;
	uint32_t index;
	int err;

	if (number == 0 || member_numbered(r, number) != MIX_NOBODY)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	err = mix_join(r->mix, &index);
	if (err) {
		free(m);
		return err;
	}
	*m = (struct room_member){ .spec.number = number,
				   .slot = f->id.slot,
				   .codec = MEDIA_CODECS_KNOWN,
				   .whom = MIX_NOBODY };
	r->members[index] = m;
	f->listener.member = index + 1;
	coaches_tell(r, number);
	return 0;
}

/* Another number is another member. */
int room_member_set(struct worker *w, struct job *j, struct flow *f, const struct flow_member *spec)
{
	struct room *r = j->work;
	uint32_t index = f->listener.member - 1;
	int err = 0, err_codec;

	if (f->listener.member && r->members[index]->spec.number != spec->number)
		room_member_leave(w, j, f);
	if (!f->listener.member)
		err = member_join(r, f, spec->number);
	if (err)
		return err;
	index = f->listener.member - 1;
	err = member_set(r, index, spec);
	err_codec = member_codec_set(r, index, codec_taken(f));
	return err ? err : err_codec;
}

void room_member_leave(struct worker *w, struct job *j, struct flow *f)
{
	struct room *r = j->work;
	uint32_t index = f->listener.member - 1, number;
	struct room_member *m = r->members[index];

	(void)w;
	number = m->spec.number;
	r->coaches -= m->spec.coaches != 0;
	if (m->encodes)
		payloads_leave(r->payloads, index);
	mix_leave(r->mix, index);
	r->members[index] = NULL;
	f->listener.member = 0;
	free(m);
	for (uint32_t i = 0; r->coaches && i < r->spec.members; i++)
		if (r->members[i] && r->members[i]->whom == index)
			r->members[i]->whom = MIX_NOBODY;
	coaches_tell(r, number);
}
