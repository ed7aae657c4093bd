/* SPDX-License-Identifier: Apache-2.0 */
/* Who hears whom in a room, by what each of them decodes. */
#include "tests/unit/test.h"

#include "tests/unit/engine/job/room_party.h"

static const uint32_t g_hz[] = { 500, 900, 1300, 1700, 2100 };

static void three_talkers_hear_each_other_and_not_themselves(void **state)
{
	const struct media_room terms = room_terms(8000);
	struct parties s;

	(void)state;
	parties_open(&s, &terms);
	for (uint32_t i = 0; i < 3; i++)
		(void)party_join(&s, MEDIA_CODEC_PCMU, g_hz[i]);
	(void)party_join(&s, MEDIA_CODEC_PCMU, 0);
	(void)party_join(&s, MEDIA_CODEC_PCMU, 0);
	for (uint32_t i = 3; i < 5; i++) { /* who is not heard yet is sent but a trickle */
		s.list[i].silent = true;
	}
	parties_run(&s, 4000);
	hears_all_others(&s, 2400);
	assert_memory_equal(s.list[3].payload, s.list[4].payload, s.list[3].payload_n);
	parties_close(&s);
}

static void all_codecs_hear_each_other(void **state)
{
	static const uint32_t rates[] = { 8000, 16000, 48000 };
	static const enum media_codec others[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA,
						   MEDIA_CODEC_G726_32, MEDIA_CODEC_L16_WIDE,
						   MEDIA_CODEC_OPUS };

	(void)state;
	for (size_t k = 0; k < COUNT_OF(rates); k++) {
		const struct media_room terms = room_terms(rates[k]);
		struct parties s;

		parties_open(&s, &terms);
		(void)party_join(&s, MEDIA_CODEC_G722, g_hz[0]);
		(void)party_join(&s, MEDIA_CODEC_OPUS, g_hz[1]);
		(void)party_join(&s, MEDIA_CODEC_L16, g_hz[2]);
		for (size_t i = 0; i < COUNT_OF(others); i++)
			(void)listener_join(&s, others[i]);
		parties_run(&s, 4000);
		hears_all_others(&s, 2400);
		parties_close(&s);
	}
}

static void who_is_muted_is_not_heard_and_who_is_deaf_hears_nothing(void **state)
{
	const struct media_room terms = room_terms(16000);
	struct parties s;
	struct party_in_room *muted, *deaf, *other;
	uint32_t packets;

	(void)state;
	parties_open(&s, &terms);
	muted = party_join(&s, MEDIA_CODEC_OPUS, g_hz[0]);
	deaf = party_join(&s, MEDIA_CODEC_G722, g_hz[1]);
	other = listener_join(&s, MEDIA_CODEC_PCMU);
	parties_run(&s, 3000);
	hears_all_others(&s, 1920);
	muted->spec.member.muted = 1;
	deaf->spec.member.deaf = 1;
	party_update(&s, muted);
	party_update(&s, deaf);
	packets = deaf->packets;
	parties_run(&s, 2400);
	assert_int_equal(deaf->packets, packets);
	assert_false(party_hears(&s, other, g_hz[0], 1920));
	assert_true(party_hears(&s, other, g_hz[1], 1920));
	assert_true(party_hears(&s, muted, g_hz[1], 1920));
	muted->spec.member.muted = deaf->spec.member.deaf = 0;
	party_update(&s, muted);
	party_update(&s, deaf);
	parties_run(&s, 3000);
	hears_all_others(&s, 1920);
	parties_close(&s);
}

static int step_most(const struct party_in_room *p, uint32_t from_ms, uint32_t to_ms)
{
	uint32_t per_ms = p->rate / 1000;
	int most = 0;

	for (uint32_t i = (from_ms - p->begun_ms) * per_ms; i < (to_ms - p->begun_ms) * per_ms;
	     i++) {
		int d = abs(p->heard[i] - p->heard[i - 1]);

		most = d > most ? d : most;
	}
	return most;
}

/* So low that a step would be far more than what is from sample to sample. */
static void mute_and_hold_within_a_word_do_not_click(void **state)
{
	enum {
		HZ = 213,
		STEP = 1004 + PARTY_LOUD / 40 /* 2 pi * HZ / 8000 of it, and a slope of 5 ms */
	};

	(void)state;
	for (uint32_t at = 0; at < 12; at++) {
		const struct media_room terms = room_terms(8000);
		struct parties s;
		struct party_in_room *p, *other;

		parties_open(&s, &terms);
		p = party_join(&s, MEDIA_CODEC_L16, HZ);
		other = listener_join(&s, MEDIA_CODEC_L16);
		parties_run(&s, 2000 + at * 23);
		if (at % 3 == 0)
			p->spec.member.muted = 1;
		else if (at % 3 == 1)
			p->spec.source = (struct flow_source){ 0 };
		else
			p->spec.member.gain_db = -15;
		party_update(&s, p);
		parties_run(&s, 500);
		assert_true(party_heard(other, HZ, 1000, 2000) > 1000);
		assert_true(step_most(other, 1500, s.now_ms) <= STEP);
		p->spec = member_spec(0, MEDIA_CODEC_L16);
		party_update(&s, p);
		parties_run(&s, 1500);
		assert_true(party_heard(other, HZ, s.now_ms - 960, s.now_ms) > 1000);
		assert_true(step_most(other, 1500, s.now_ms) <= STEP);
		parties_close(&s);
	}
}

static void gain_is_what_others_hear(void **state)
{
	const struct media_room terms = room_terms(8000);
	struct parties s;
	struct party_in_room *p, *other;
	double before, after;

	(void)state;
	parties_open(&s, &terms);
	p = party_join(&s, MEDIA_CODEC_PCMU, g_hz[0]);
	other = listener_join(&s, MEDIA_CODEC_PCMA);
	parties_run(&s, 3000);
	before = party_heard(other, g_hz[0], s.now_ms - 1920, s.now_ms);
	p->spec.member.gain_db = -12;
	party_update(&s, p);
	parties_run(&s, 3000);
	after = party_heard(other, g_hz[0], s.now_ms - 1920, s.now_ms);
	assert_in_range((int)(after / before * 1000), 230, 275); /* 251 */
	parties_close(&s);
}

/* The agent hears the coach, the customer does not. */
static void one_alone_hears_a_coach(void **state)
{
	const struct media_room terms = room_terms(16000);
	struct parties s;
	struct party_in_room *agent, *customer, *coach;

	(void)state;
	parties_open(&s, &terms);
	agent = party_join(&s, MEDIA_CODEC_G722, g_hz[0]);
	customer = party_join(&s, MEDIA_CODEC_PCMU, g_hz[1]);
	coach = party_join(&s, MEDIA_CODEC_OPUS, g_hz[2]);
	coach->spec.member.coaches = agent->spec.member.number;
	party_update(&s, coach);
	parties_run(&s, 4000);
	assert_true(party_hears(&s, agent, g_hz[2], 2400));
	assert_false(party_hears(&s, customer, g_hz[2], 2400));
	assert_true(party_hears(&s, coach, g_hz[0], 2400));
	assert_true(party_hears(&s, coach, g_hz[1], 2400));
	assert_true(party_hears(&s, agent, g_hz[1], 2400));
	coach->spec.member.coaches = 0; /* it barges in */
	party_update(&s, coach);
	parties_run(&s, 3000);
	hears_all_others(&s, 1920);
	parties_close(&s);
}

static void who_is_held_is_not_heard_and_comes_back(void **state)
{
	const struct media_room terms = room_terms(8000);
	struct parties s;
	struct party_in_room *held, *other;
	uint32_t packets;

	(void)state;
	parties_open(&s, &terms);
	held = party_join(&s, MEDIA_CODEC_PCMU, g_hz[0]);
	other = party_join(&s, MEDIA_CODEC_PCMU, g_hz[1]);
	parties_run(&s, 3000);
	hears_all_others(&s, 1920);
	held->spec.receive = held->spec.send = 0;
	party_update(&s, held);
	packets = held->packets;
	parties_run(&s, 2500);
	assert_int_equal(held->packets, packets);
	assert_false(party_hears(&s, other, g_hz[0], 1920));
	held->spec.receive = held->spec.send = 1;
	party_update(&s, held);
	parties_run(&s, 3000);
	hears_all_others(&s, 1920);
	held->spec.source = (struct flow_source){ 0 }; /* music comes from elsewhere */
	party_update(&s, held);
	assert_int_equal(members_count(s.r), 1);
	packets = held->packets;
	parties_run(&s, 1000);
	assert_int_equal(held->packets, packets);
	held->spec.source = (struct flow_source){ .job = ROOM_ID };
	party_update(&s, held);
	parties_run(&s, 3000);
	hears_all_others(&s, 1920);
	parties_close(&s);
}

/* Packets of a room's length, by their timestamps and the time between them. */
static void packets_are_as_long_as_was_asked_for(void **state)
{
	static const enum media_codec codecs[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS,
						   MEDIA_CODEC_G722 };
	static const uint8_t lengths[] = { 10, 40, 60 };

	(void)state;
	for (size_t k = 0; k < COUNT_OF(lengths); k++) {
		struct media_room terms = room_terms(16000);
		struct parties s;

		terms.packet_ms = lengths[k];
		parties_open(&s, &terms);
		for (size_t i = 0; i < COUNT_OF(codecs); i++)
			(void)party_join(&s, codecs[i], g_hz[i]);
		parties_run(&s, 4000);
		hears_all_others(&s, 2400);
		for (uint32_t i = 0; i < s.count; i++) {
			const struct party_in_room *p = &s.list[i];
			uint32_t ms = s.now_ms - p->begun_ms;

			assert_in_range(p->packets * lengths[k], ms - 60, ms + 60);
			if (codecs[i] != MEDIA_CODEC_OPUS)
				assert_int_equal(p->payload_n, lengths[k] * 8);
		}
		parties_close(&s);
	}
}

static bool room_has_timer(const struct parties *s)
{
	const struct job *j = job_find(&s->r->w.jobs, ROOM_ID);

	return wheel_is_running(&j->timer) || j->place.waits;
}

static void a_room_in_which_nobody_speaks_has_no_timer(void **state)
{
	static const enum media_codec codecs[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_G722,
						   MEDIA_CODEC_OPUS };
	const struct media_room terms = room_terms(16000);
	struct parties s;
	uint32_t packets = 0;

	(void)state;
	parties_open(&s, &terms);
	for (size_t i = 0; i < COUNT_OF(codecs); i++)
		(void)party_join(&s, codecs[i], g_hz[i]);
	assert_false(room_has_timer(&s));
	parties_run(&s, 2000);
	assert_true(room_has_timer(&s));
	for (uint32_t i = 0; i < s.count; i++) {
		s.list[i].hz = 0;
		s.list[i].silent = i == 0; /* digital silence is none */
	}
	parties_run(&s, 1800);
	assert_false(room_has_timer(&s));
	for (uint32_t i = 0; i < s.count; i++)
		packets += s.list[i].packets;
	parties_run(&s, 2000);
	assert_false(room_has_timer(&s));
	for (uint32_t i = 0; i < s.count; i++)
		packets -= s.list[i].packets;
	assert_int_equal(packets, 0);
	for (uint32_t i = 0; i < s.count; i++) {
		s.list[i].hz = g_hz[i];
		s.list[i].silent = false;
	}
	parties_run(&s, 3000);
	hears_all_others(&s, 1920);
	for (uint32_t i = 0; i < s.count; i++) /* behind the pause there is a marker */
		assert_in_range(s.list[i].markers, 2, 4);
	parties_close(&s);
}

static struct media_talks talks_of(const struct parties *s, uint32_t *events)
{
	struct media_talks talks = { .count = 99 };
	struct media_event event;

	*events = 0;
	while (rig_event(s->r, MEDIA_ROOM_TALKS, &event)) {
		assert_true(job_id_eq(event.job, ROOM_ID));
		assert_int_equal(event.call, ROOM_CALL);
		talks = event.talks;
		(*events)++;
	}
	return talks;
}

static void it_is_told_who_talks(void **state)
{
	const struct media_room terms = room_terms(8000);
	struct parties s;
	struct media_talks talks;
	uint32_t events;

	(void)state;
	parties_open(&s, &terms);
	for (uint32_t i = 0; i < 3; i++)
		(void)party_join(&s, MEDIA_CODEC_PCMA, i < 2 ? g_hz[i] : 0);
	parties_run(&s, 1500);
	talks = talks_of(&s, &events);
	assert_in_range(events, 1, 4);
	assert_int_equal(talks.count, 2);
	assert_int_equal(talks.numbers[0], 1);
	assert_int_equal(talks.numbers[1], 2);
	s.list[0].hz = 0;
	parties_run(&s, 1500);
	talks = talks_of(&s, &events);
	assert_in_range(events, 1, 3);
	assert_int_equal(talks.count, 1);
	assert_int_equal(talks.numbers[0], 2);
	member_close(s.r, 1);
	s.list[1].hz = 0;
	parties_run(&s, 1500);
	talks = talks_of(&s, &events);
	assert_int_equal(talks.count, 0);
	assert_false(room_has_timer(&s));
	parties_close(&s);
}

/* Two talk where one may: the louder. */
static void no_more_are_heard_than_have_places(void **state)
{
	struct media_room terms = room_terms(8000);
	struct parties s;
	struct party_in_room *p;

	(void)state;
	terms.talkers = 1;
	parties_open(&s, &terms);
	(void)party_join(&s, MEDIA_CODEC_PCMU, g_hz[0]);
	p = listener_join(&s, MEDIA_CODEC_PCMU);
	parties_run(&s, 1000);
	party_join(&s, MEDIA_CODEC_PCMU, g_hz[1])->quieter = 8;
	parties_run(&s, 3000);
	assert_true(party_hears(&s, p, g_hz[0], 1920));
	assert_true(party_heard(p, g_hz[1], 2000, 4000) < 10);
	parties_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_talkers_hear_each_other_and_not_themselves),
		cmocka_unit_test(all_codecs_hear_each_other),
		cmocka_unit_test(who_is_muted_is_not_heard_and_who_is_deaf_hears_nothing),
		cmocka_unit_test(mute_and_hold_within_a_word_do_not_click),
		cmocka_unit_test(gain_is_what_others_hear),
		cmocka_unit_test(one_alone_hears_a_coach),
		cmocka_unit_test(who_is_held_is_not_heard_and_comes_back),
		cmocka_unit_test(packets_are_as_long_as_was_asked_for),
		cmocka_unit_test(a_room_in_which_nobody_speaks_has_no_timer),
		cmocka_unit_test(it_is_told_who_talks),
		cmocka_unit_test(no_more_are_heard_than_have_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
