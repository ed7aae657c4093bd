/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms in which all are heard who are not silent, however many they are. */
#include "tests/unit/test.h"

#include "tests/unit/engine/job/room_party.h"

enum { CROWD = 12, QUIETER = 4, HEARD = 300, UNHEARD = 60 };

/* No one is a multiple of another. */
static const uint32_t g_hz[CROWD] = { 310,  470,  610,  770,  890,  1030,
				      1190, 1310, 1450, 1610, 1790, 1930 };

static struct media_room everybody_terms(uint32_t rate_hz)
{
	struct media_room terms = room_terms(rate_hz);

	terms.talkers = MEDIA_ROOM_TALKERS_ALL;
	return terms;
}

/* In the last 2.4 s, ten syllables. */
static bool crowd_hears(const struct parties *s, uint32_t who, uint32_t of_party)
{
	double loud = party_heard(&s->list[who], g_hz[of_party], s->now_ms - 2400, s->now_ms);

	if (loud > UNHEARD && loud < HEARD)
		print_error("%u hears %u at %.0f\n", who, of_party, loud);
	assert_true(loud <= UNHEARD || loud >= HEARD);
	return loud >= HEARD;
}

static void crowd_join(struct parties *s, uint32_t n, const enum media_codec *codecs,
		       uint32_t codecs_n)
{
	for (uint32_t i = 0; i < n; i++)
		party_join(s, codecs[i % codecs_n], g_hz[i])->quieter = QUIETER;
}

static void all_are_heard_and_none_hears_itself(void **state)
{
	static const struct {
		uint32_t rate, codecs_n;
		enum media_codec codecs[4];
	} rows[] = {
		{ 8000, 1, { MEDIA_CODEC_PCMU } },
		{ 16000, 2, { MEDIA_CODEC_PCMA, MEDIA_CODEC_G722 } },
		{ 48000,
		  4,
		  { MEDIA_CODEC_L16, MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMU, MEDIA_CODEC_G726_32 } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		const struct media_room terms = everybody_terms(row->rate);
		struct parties s;

		parties_open(&s, &terms);
		crowd_join(&s, CROWD, row->codecs, row->codecs_n);
		(void)listener_join(&s, row->codecs[0]);
		parties_run(&s, 4000);
		for (uint32_t i = 0; i <= CROWD; i++)
			for (uint32_t k = 0; k < CROWD; k++)
				assert_int_equal(crowd_hears(&s, i, k), k != i);
		parties_close(&s);
	}
}

/* It comes and goes, and is muted, deaf and coached as in any room; what it said goes with it, in the middle of ticks too. */
static void members_come_and_go(void **state)
{
	static const enum media_codec codecs[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS };
	const struct media_room terms = everybody_terms(16000);
	struct party_in_room *coach, *muted, *deaf;
	struct parties s;
	uint32_t packets;

	(void)state;
	parties_open(&s, &terms);
	crowd_join(&s, 8, codecs, 2);
	coach = &s.list[5];
	muted = &s.list[6];
	deaf = &s.list[7];
	coach->spec.member.coaches = s.list[0].spec.member.number;
	muted->spec.member.muted = deaf->spec.member.deaf = 1;
	for (uint32_t i = 5; i < 8; i++)
		party_update(&s, &s.list[i]);
	packets = deaf->packets;
	parties_run(&s, 3200);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(crowd_hears(&s, i, 5), i == 0);
		assert_false(crowd_hears(&s, i, 6));
		assert_true(crowd_hears(&s, i, 7));
	}
	assert_true(crowd_hears(&s, 6, 0));
	assert_int_equal(deaf->packets, packets);
	for (uint32_t i = 4; i-- > 1;) {
		s.list[i].hz = 0;
		parties_run(&s, 7);
		member_close(s.r, i);
	}
	coach->spec.member.coaches = 0;
	party_update(&s, coach);
	parties_run(&s, 3200);
	for (uint32_t i = 1; i < 4; i++)
		assert_false(crowd_hears(&s, 4, i));
	assert_true(crowd_hears(&s, 4, 0));
	assert_true(crowd_hears(&s, 4, 5));
	assert_int_equal(members_count(s.r), 5);
	parties_close(&s);
}

/* The newest one that was told; how many were. */
static struct media_talks talks_of(const struct parties *s, uint32_t *events)
{
	struct media_talks talks = { .count = 99 };
	struct media_event event;

	for (*events = 0; rig_event(s->r, MEDIA_ROOM_TALKS, &event); (*events)++)
		talks = event.talks;
	return talks;
}

/* It is told who talks, though nobody needs a place for that; and silence is no voice. */
static void it_is_told_who_talks(void **state)
{
	static const enum media_codec codecs[] = { MEDIA_CODEC_PCMU };
	const struct media_room terms = everybody_terms(8000);
	struct media_talks talks;
	struct parties s;
	uint32_t events;

	(void)state;
	parties_open(&s, &terms);
	crowd_join(&s, 4, codecs, 1);
	(void)listener_join(&s, MEDIA_CODEC_PCMU);
	parties_run(&s, 2000);
	talks = talks_of(&s, &events);
	assert_in_range(events, 1, 5);
	assert_int_equal(talks.count, 4);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(talks.numbers[i], i + 1);
		s.list[i].hz = 0;
	}
	parties_run(&s, 2000);
	talks = talks_of(&s, &events);
	assert_int_equal(talks.count, 0);
	assert_int_equal(s.r->w.wheel.running, 0); /* it sleeps */
	parties_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_heard_and_none_hears_itself),
		cmocka_unit_test(members_come_and_go),
		cmocka_unit_test(it_is_told_who_talks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
