/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs, and who hears them. */
#include <assert.h>
#include <stdlib.h>

#include "tests/fuzz/engine_relay.h"

enum { SOUND_SAMPLES = 4000 };

void relay_sounds_open(struct fuzz *f)
{
	for (uint32_t i = 0; i < COUNT_OF(f->sounds); i++) {
		f->sounds[i] = media_sound_make((i + 1) * 8000, SOUND_SAMPLES);
		if (!f->sounds[i])
			abort();
	}
}

void relay_sounds_close(struct fuzz *f)
{
	assert(f->job_closed == f->job_closes);
	for (uint32_t i = 0; i < COUNT_OF(f->sounds); i++) {
		assert(f->sounds[i]->references == 1);
		media_sound_unref(f->sounds[i]);
	}
}

static void listeners_check(const struct fuzz *f, const struct job *j, uint32_t *heard)
{
	uint32_t before = 0;

	for (uint32_t at = j->first; at; at = f->w.flows.list[at - 1].listener.next) {
		const struct flow *flow = &f->w.flows.list[at - 1];

		assert(flow->id.generation != 0 && flow->listener.job == j->id.slot + 1);
		assert(flow->listener.before == before && flow->making & MAKING_SOUND);
		before = at;
		(*heard)++;
	}
	assert(j->first || (!wheel_is_running(&j->timer) && !j->place.waits && !j->next));
}

void relay_jobs_check(const struct fuzz *f)
{
	uint32_t heard = 0, hearing = 0;

	for (uint32_t i = 0; i < JOBS; i++)
		if (f->w.jobs.list[i].id.generation != 0)
			listeners_check(f, &f->w.jobs.list[i], &heard);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		if (f->w.flows.list[slot].id.generation != 0)
			hearing += (f->w.flows.list[slot].making & MAKING_SOUND) != 0;
	assert(heard == hearing);
}

void relay_heard_check(const struct fuzz *f, const struct sim_packet *p, uint32_t slot)
{
	const struct flow *flow = &f->w.flows.list[slot];
	bool hears = flow->listener.job != 0;
	uint8_t type = p->data[1] & 0x7f;

	assert(p->made || !hears);
	if (!p->made || type == EVENT_PT || relay_is_coded(f, slot, type))
		return;
	assert(hears);
	if (flow->kind == MEDIA_VIDEO && flow->listener.member) {
		assert(type == flow->accepted[0].payload_type ||
		       type == flow->accepted[1].payload_type);
		return;
	}
	if (!f->w.jobs.list[flow->listener.job - 1].kind->receive || flow->listener.member)
		assert(type == flow->listener.payload_type);
}

static struct job_id job_of(uint8_t what)
{
	/* one slot too many; one generation that never is */
	return (struct job_id){ .slot = what % (JOBS + 1U), .generation = 1 + (what >> 2) % 2U };
}

/* Some of them cannot be. */
static struct media_work room_read(uint8_t how)
{
	static const uint32_t RATE[] = { 8000, 16000, 48000, 8000 };

	return (struct media_work){ .kind = MEDIA_WORK_ROOM,
				    .room = { .rate_hz = RATE[how & 3],
					      .members = how >> 2 & 3,
					      .talkers = how >> 4 & 3,
					      .packet_ms = (uint8_t)((how >> 6) * 20) } };
}

/* A sound, or who records; the room may be none. */
static struct media_work part_read(uint8_t how, uint8_t room, struct media_sound *sound)
{
	if (how & 1)
		return (struct media_work){ .kind = MEDIA_WORK_ROOM_PLAY,
					    .play = { .room = job_of(room),
						      .sound = sound,
						      .start = how >> 2 & 1,
						      .loops = how >> 1 & 1 } };
	media_sound_unref(sound);
	return (struct media_work){ .kind = MEDIA_WORK_ROOM_TAP,
				    .tap = { .room = job_of(room),
					     .number = how >> 1 & 1,
					     .tone = { .hz = 1400,
						       .ms = (uint16_t)(how >> 2),
						       .level = -200,
						       .every_ms = how & 128 ? 1000 : 0 } } };
}

static void job_open_next(struct fuzz *f, struct script *s, struct job_id id)
{
	static const uint8_t PACKET_MS[] = { 20, 10, 1, 0 };
	uint8_t how = take(s);
	struct media_command c = {
		.kind = MEDIA_JOB_OPEN,
		.job = id,
		.work.track = { .sound = media_sound_ref(f->sounds[how & 1]),
				.codec = (enum media_codec)(how >> 1 &
							    3) /* Opus wants another rate */,
				.packet_ms = PACKET_MS[how >> 3 & 3],
				.loops = how >> 5 & 1,
				.start = how & 64 ? take(s) * UINT32_C(16) : 0,
				.report_ms = how & 128 ? 100 : 0 },
	};

	bool is_free;

	if ((how >> 3 & 7) == 7) {
		media_sound_unref(c.work.track.sound);
		c.work = (struct media_work){ .kind = MEDIA_WORK_DELAY,
					      .delay.ms = take(s) * UINT32_C(4) };
	}
	if ((how >> 3 & 7) == 6) {
		media_sound_unref(c.work.track.sound);
		c.work = room_read(take(s));
		c.call = how & 1;
	}
	if ((how >> 3 & 7) == 5) {
		uint8_t what = take(s);

		c.work = part_read(what, take(s), c.work.track.sound);
		c.call = 1;
	}
	relay_commands_settle(f);
	is_free = id.slot < JOBS && f->w.jobs.list[id.slot].id.generation == 0;
	f->job_closes++; /* if it is refused */
	assert(relay_commanded(f, &c));
	relay_commands_settle(f);
	f->job_closes -= is_free && job_find(&f->w.jobs, id);
}

/* As what, and in which codecs; it is so even where the job is no room. */
static void member_read(struct script *s, struct flow_spec *spec)
{
	uint8_t how = take(s), codecs = take(s);

	spec->peer = (struct flow_id){ 0 };
	spec->alone = 1;
	spec->member = (struct flow_member){ .number = how & 3,
					     .coaches = how >> 2 & 3,
					     .muted = how >> 4 & 1,
					     .deaf = how >> 5 & 1,
					     .gain_db = (int8_t)((how >> 6) * 8),
					     .level_extension = codecs & 128 ? EXTENSION_ID : 0 };
	spec->video = (struct flow_video){ .most_kbps = codecs };
	if (codecs & 64)
		spec->video.layers = (struct media_layers){
			.count = 2 + (codecs >> 5 & 1),
			.extension = EXTENSION_ID,
			.list = { { 1, { 'a' } }, { 2, { 'b', 0 } }, { 1, { 'c' } } }
		};
	spec->accepted_count = 1;
	spec->accepted[0] = (struct media_accepted){ spec->source.payload_type,
						     (uint8_t)((codecs & 7) % MEDIA_CODECS_KNOWN) };
	for (uint8_t i = 0; i < spec->rule_count; i++)
		spec->rule_codecs[i] = (uint8_t)((codecs + i) % (MEDIA_CODECS_KNOWN + 1));
}

/* Spoken of flows that are not there too. */
static void hear_next(struct fuzz *f, struct script *s, struct job_id id)
{
	uint8_t what = take(s);
	uint32_t slot = what % SLOTS;
	struct media_command c = { .kind = MEDIA_FLOW_UPDATE, .spec = f->spec[slot] };

	c.spec.source = (struct flow_source){ .job = id, .payload_type = what >> 2 & 31 };
	relay_commands_settle(f);
	if (what & 128)
		member_read(s, &c.spec);
	assert(relay_commanded(f, &c));
	if (flow_find(&f->w.flows, c.spec.id))
		f->spec[slot] = c.spec;
	relay_commands_settle(f);
}

void relay_job(struct fuzz *f, struct script *s)
{
	uint8_t what = take(s);
	struct media_command c = { .job = job_of(what) };

	switch (what >> 6) {
	case 0:
		job_open_next(f, s, c.job);
		return;
	case 1:
		hear_next(f, s, c.job);
		return;
	case 2:
		c.kind = MEDIA_JOB_CLOSE;
		break;
	default:
		c.kind = MEDIA_JOB_QUERY;
		break;
	}
	if (relay_commanded(f, &c) && c.kind == MEDIA_JOB_CLOSE)
		f->job_closes++;
	if (what & 32)
		relay_step(f);
}
