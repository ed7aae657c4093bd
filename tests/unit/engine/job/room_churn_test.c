/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members, their video, and what else is in two rooms join, change, leave and close in any order, also in the middle of a tick, and then the
 * worker stops. The lists of a room are looked at after each step; what was freed too early is for the sanitizers.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/test.h"

#include "base/rand.h"
#include "engine/job/room_video.h"
#include "engine/worker/control.h"
#include "media/feed.h"
#include "media/job.h"
#include "tests/unit/engine/job/room_rig.h"

enum {
	SEEDS = 100,
	STEPS = 1500,
	SLOTS = 22, /* a third of them is of video */
	MANY = 120, /* slots of a seed whose ticks take longer than a slice of work */
	VIDEO_PT = 97,
	PARTS = 2,
};

static const struct job_id g_rooms[] = { { 0, 5 }, { 1, 5 } };
static const struct job_id g_parts[PARTS] = { { 2, 9 }, { 3, 9 } };

struct churn {
	struct rig *r;
	struct rand_source rand;
	uint32_t slots, numbers; /* of members: some want the same one */
	struct flow_spec specs[MANY];
	uint16_t sequence[MANY];
	bool open[MANY];
	struct media_feed *feed;
	bool everybody;
};

static bool odds(struct churn *c, uint32_t of)
{
	return rand_below(&c->rand, of) == 0;
}

/* ---- what a room says of itself ---- */

static void list_is_whole(const struct room *room, const uint32_t *list, uint32_t n, bool active)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct room_member *m = room->members[list[i]];

		assert_non_null(m);
		assert_int_equal(active ? m->active_at : m->here_at, i);
	}
}

static void room_is_whole(const struct churn *c, const struct job *j)
{
	const struct room *room = j->work;
	uint32_t members = 0, active = 0, flows = 0;

	for (uint32_t i = 0; i < room->spec.members; i++) {
		members += room->members[i] != NULL;
		active += room->members[i] && room->members[i]->active;
	}
	for (uint32_t slot = 0; slot < c->slots; slot++) {
		const struct flow *f = &c->r->w.flows.list[slot];

		if (f->id.generation && f->listener.job == j->id.slot + 1 && f->listener.member &&
		    !f->listener.video) {
			assert_int_equal(room->members[f->listener.member - 1]->slot, slot);
			flows++;
		}
	}
	assert_int_equal(flows, members);
	assert_int_equal(room->count, members);
	assert_int_equal(room->here_n, members);
	assert_int_equal(room->active_n, active);
	assert_in_range(room->unsaid, 0, members);
	assert_in_range(room->cursor, 0, active);
	list_is_whole(room, room->here, room->here_n, false);
	list_is_whole(room, room->active, room->active_n, true);
	for (uint32_t i = 0; i < room->places_n; i++)
		assert_non_null(room->members[room->places[i]]);
}

static void rooms_are_whole(const struct churn *c)
{
	for (size_t i = 0; i < COUNT_OF(g_rooms); i++) {
		const struct job *j = job_find(&c->r->w.jobs, g_rooms[i]);

		if (j)
			room_is_whole(c, j);
	}
}

/* ---- what befalls it ---- */

static void room_toggle(struct churn *c)
{
	struct job_id id = g_rooms[rand_below(&c->rand, COUNT_OF(g_rooms))];
	struct media_command command = { .kind = MEDIA_JOB_CLOSE, .job = id, .call = ROOM_CALL };

	if (!job_find(&c->r->w.jobs, id)) {
		command.kind = MEDIA_JOB_OPEN;
		command.work =
			(struct media_work){ .kind = MEDIA_WORK_ROOM, .room = room_terms(16000) };
		command.work.room.members = (uint16_t)(c->numbers - 1);
		command.work.room.talkers = c->everybody ? MEDIA_ROOM_TALKERS_ALL : 2;
	}
	rig_command(c->r, &command);
}

static struct media_work part_work(struct churn *c)
{
	struct job_id room = g_rooms[rand_below(&c->rand, COUNT_OF(g_rooms))];
	struct media_work work = { .kind = MEDIA_WORK_ROOM_FEED,
				   .room_feed = {
					   .room = room, .feed = c->feed, .rate_hz = 16000 } };

	if (odds(c, 3))
		work = (struct media_work){ .kind = MEDIA_WORK_ROOM_PLAY,
					    .play = { .room = room,
						      .sound = media_sound_make(16000, 3000) } };
	else if (odds(c, 2))
		work = (struct media_work){
			.kind = MEDIA_WORK_ROOM_TAP,
			.tap = { .room = room, .number = 1, .tone = { 1400, 200, -100, 1000, 1 } }
		};
	return work;
}

static void part_toggle(struct churn *c)
{
	struct job_id id = g_parts[rand_below(&c->rand, PARTS)];
	struct media_command command = { .kind = MEDIA_JOB_CLOSE, .job = id, .call = ROOM_CALL };

	if (!job_find(&c->r->w.jobs, id)) {
		command.kind = MEDIA_JOB_OPEN;
		command.work = part_work(c);
	}
	rig_command(c->r, &command);
}

static enum media_codec codec_any(struct churn *c)
{
	static const enum media_codec codecs[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA,
						   MEDIA_CODEC_G722, MEDIA_CODEC_OPUS };

	return codecs[rand_below(&c->rand, COUNT_OF(codecs))];
}

/* Mostly what its slot is for; an offer may make it another medium, or one that is carried as it comes (a fax). */
static enum media_kind kind_any(struct churn *c, uint32_t slot)
{
	bool video = slot % 3 == 2;

	if (odds(c, 8))
		return MEDIA_OPAQUE;
	return video != odds(c, 10) ? MEDIA_VIDEO : MEDIA_AUDIO;
}

static struct flow_spec spec_of(struct churn *c, uint32_t slot)
{
	struct flow_spec s = member_spec(slot, codec_any(c));

	s.kind = kind_any(c, slot);
	if (s.kind != MEDIA_VIDEO)
		return s;
	s.rule_count = 1;
	s.rules[0] = (struct payload_rule){ .in = VIDEO_PT, .out = VIDEO_PT, .clock_hz = 90000 };
	s.rule_codecs[0] = VIDEO_H264 | 1;
	s.accepted[0] =
		(struct media_accepted){ .payload_type = VIDEO_PT, .codec = VIDEO_H264 | 1 };
	return s;
}

/* In one of the rooms, or in none. */
static void spec_change(struct churn *c, uint32_t slot)
{
	struct flow_spec *s = &c->specs[slot];

	*s = spec_of(c, slot);
	s->source.job = g_rooms[rand_below(&c->rand, COUNT_OF(g_rooms))];
	if (odds(c, 6))
		s->source.job = (struct job_id){ 0 };
	s->member = (struct flow_member){ .number = 1 + rand_below(&c->rand, c->numbers),
					  .muted = odds(c, 5),
					  .deaf = odds(c, 8) };
	if (odds(c, 5))
		s->member.coaches = 1 + rand_below(&c->rand, c->numbers);
	s->send = !odds(c, 8);
	s->receive = !odds(c, 8);
}

static void flow_toggle(struct churn *c, uint32_t slot)
{
	if (c->open[slot]) {
		member_close(c->r, slot);
	} else {
		spec_change(c, slot);
		member_open(c->r, &c->specs[slot]);
	}
	c->open[slot] = !c->open[slot];
}

static void flow_change(struct churn *c, uint32_t slot)
{
	if (!c->open[slot])
		return;
	spec_change(c, slot);
	rig_update(c->r, &c->specs[slot]);
}

static void flow_says(struct churn *c, uint32_t slot)
{
	uint8_t payload[160];
	struct rtp rtp = { .ssrc = 0xabc00 + slot,
			   .timestamp = c->sequence[slot] * 160U,
			   .sequence = c->sequence[slot],
			   .payload_type = c->specs[slot].rules[0].in,
			   .payload = (const char *)payload,
			   .payload_n = sizeof(payload) };

	if (!c->open[slot])
		return;
	c->sequence[slot]++;
	memset(payload, 0xd5, sizeof(payload)); /* quiet, in most of them */
	if (!odds(c, 3))
		rand_fill(&c->rand, payload, sizeof(payload));
	if (c->specs[slot].rule_codecs[0] == MEDIA_CODEC_OPUS + 1) /* SILK, 20 ms, one frame */
		payload[0] = 0x48;
	if (c->specs[slot].kind == MEDIA_VIDEO) { /* an IDR picture */
		payload[0] = 0x65;
		rtp.marker = 1;
	}
	put_rtp_from(c->r, (int)slot, &c->specs[slot].remote_rtp, &rtp);
}

static void all_say(struct churn *c)
{
	for (uint32_t slot = 0; slot < c->slots; slot++)
		if (!odds(c, 4))
			flow_says(c, slot);
	worker_step(&c->r->w);
}

static void something_happens(struct churn *c)
{
	uint32_t slot = rand_below(&c->rand, c->slots), what = rand_below(&c->rand, 100);

	if (what == 0)
		room_toggle(c);
	else if (what < 3)
		part_toggle(c);
	else if (what < 12)
		flow_toggle(c, slot);
	else if (what < 20)
		flow_change(c, slot);
	else if (what < 50)
		all_say(c);
	else
		advance_ms(c->r, 1 + rand_below(&c->rand, 12));
	if (odds(c, 2))
		worker_step(&c->r->w);
}

static void world_takes(struct churn *c)
{
	struct media_event event;

	while (port_sim_sent(c->r->sim))
		;
	while (ring_pop(&c->r->w.events, &event, 1) == 1)
		if (event.kind == MEDIA_JOB_CLOSED)
			media_sound_unref(event.sound);
	while (media_feed_out(c->feed))
		media_feed_out_release(c->feed);
}

static void churn_run(uint64_t seed)
{
	bool many = seed % 10 == 0;
	struct churn c = { .r = rig_open_slots(4096, MANY),
			   .slots = many ? MANY : SLOTS,
			   .numbers = many ? MANY : SLOTS / 2,
			   .everybody = seed % 3 == 0 };

	rand_open_seed(&c.rand, seed);
	c.feed = media_feed_make();
	assert_non_null(c.feed);
	room_toggle(&c);
	for (uint32_t slot = 0; many && slot < MANY; slot++)
		flow_toggle(&c, slot);
	for (int i = 0; i < STEPS; i++) {
		something_happens(&c);
		world_takes(&c);
		rooms_are_whole(&c);
	}
	if (odds(&c, 2))
		control_close_all(&c.r->w);
	rooms_are_whole(&c);
	world_takes(&c);
	rig_close(c.r);
	media_feed_free(c.feed);
}

/* TANDEM_SEED: that one alone. */
static void in_any_order(void **state)
{
	const char *one = getenv("TANDEM_SEED");
	uint64_t first = one ? strtoull(one, NULL, 10) : 1, last = one ? first : SEEDS;

	(void)state;
	for (uint64_t seed = first; seed <= last; seed++)
		churn_run(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
