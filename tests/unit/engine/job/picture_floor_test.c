/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/rand.h"
#include "engine/job/video_choice.h"

enum { TICK_MS = 20, N = FLOOR_NOBODY };

static const enum floor_claim ALL[4] = { FLOOR_SPEAKS, FLOOR_SPEAKS, FLOOR_SPEAKS, FLOOR_SPEAKS };

/* How often who is shown changed. */
static int talks(struct floor *f, uint32_t talker, uint32_t ms)
{
	int changes = 0;

	for (; ms > 0; ms -= TICK_MS)
		changes += floor_talks(f, talker, TICK_MS);
	return changes;
}

static struct floor floor_of(uint32_t shown)
{
	struct floor f = floor_empty();

	(void)floor_review(&f, ALL, 4);
	if (shown != f.shown)
		assert_int_equal(talks(&f, shown, 3000), 1);
	(void)talks(&f, N, FLOOR_KEEPS_MS);
	assert_int_equal(f.shown, shown);
	return f;
}

static void the_first_one_is_shown_at_once(void **state)
{
	struct floor f = floor_empty();

	(void)state;
	assert_true(floor_review(&f, ALL, 1));
	assert_int_equal(f.shown, 0);
	assert_int_equal(floor_seen_by(&f, 0), N);
	assert_true(floor_review(&f, ALL, 2));
	assert_int_equal(floor_seen_by(&f, 0), 1);
	assert_int_equal(floor_seen_by(&f, 1), 0);
	assert_false(floor_review(&f, ALL, 2));
}

static void who_talks_for_a_while_is_shown(void **state)
{
	struct floor f = floor_of(0);

	(void)state;
	assert_int_equal(talks(&f, 2, FLOOR_TALKS_MS - TICK_MS), 0);
	assert_int_equal(talks(&f, 2, TICK_MS), 1);
	assert_int_equal(f.shown, 2);
	assert_int_equal(floor_seen_by(&f, 2), 0);
	assert_int_equal(floor_seen_by(&f, 1), 2);
}

static void a_burst_is_no_talk(void **state)
{
	struct floor f = floor_of(0);

	(void)state;
	for (int i = 0; i < 50; i++) {
		assert_int_equal(talks(&f, 1, 300), 0);
		assert_int_equal(talks(&f, 0, 400), 0);
	}
	for (int i = 0; i < 50; i++) {
		assert_int_equal(talks(&f, 1, 200), 0);
		assert_int_equal(talks(&f, N, 600), 0);
	}
}

static void pauses_between_words_are_talk(void **state)
{
	struct floor f = floor_of(0);
	int changes = 0;

	(void)state;
	for (int i = 0; i < 5; i++)
		changes += talks(&f, 3, 240) + talks(&f, N, 120);
	assert_int_equal(changes, 1);
	assert_int_equal(f.shown, 3);
}

static void who_is_shown_stays_a_while(void **state)
{
	struct floor f = floor_of(0);

	(void)state;
	assert_int_equal(talks(&f, 1, FLOOR_TALKS_MS), 1);
	assert_int_equal(talks(&f, 2, FLOOR_KEEPS_MS - TICK_MS), 0);
	assert_int_equal(talks(&f, 2, TICK_MS), 1);
	assert_int_equal(f.shown, 2);
	assert_int_equal(f.before, 1);
}

static void who_is_gone_or_muted_is_not_shown(void **state)
{
	enum floor_claim claims[4] = { FLOOR_SPEAKS, FLOOR_SPEAKS, FLOOR_SPEAKS, FLOOR_NONE };
	struct floor f = floor_of(0);

	(void)state;
	assert_int_equal(talks(&f, 2, FLOOR_TALKS_MS), 1);
	claims[2] = FLOOR_NONE;
	assert_true(floor_review(&f, claims, 4));
	assert_int_equal(f.shown, 0); /* who talked before */
	assert_int_equal(f.before, 1);
	claims[0] = FLOOR_MUTED;
	assert_true(floor_review(&f, claims, 4));
	assert_int_equal(f.shown, 1);
	assert_int_equal(f.before, 0);
	claims[1] = FLOOR_MUTED; /* nobody else is there */
	assert_false(floor_review(&f, claims, 4));
	claims[0] = claims[1] = FLOOR_NONE;
	assert_true(floor_review(&f, claims, 4));
	assert_int_equal(f.shown, N);
	assert_int_equal(f.before, N);
}

static void a_rival_takes_the_place_that_is_free(void **state)
{
	enum floor_claim claims[4] = { FLOOR_SPEAKS, FLOOR_SPEAKS, FLOOR_SPEAKS, FLOOR_SPEAKS };
	struct floor f = floor_of(0);

	(void)state;
	(void)talks(&f, 3, 200);
	claims[0] = FLOOR_NONE;
	assert_true(floor_review(&f, claims, 4));
	assert_int_equal(f.shown, 3);
}

/* Whatever is said: who is shown may be, sees another one, and stays as long as it may. */
static void any_talk(void **state)
{
	struct rand_source rand;
	struct floor f = floor_empty();
	enum floor_claim claims[4] = { FLOOR_NONE, FLOOR_NONE, FLOOR_NONE, FLOOR_NONE };
	uint32_t kept_ms = FLOOR_KEEPS_MS;

	(void)state;
	rand_open_seed(&rand, 7);
	for (int i = 0; i < 200000; i++) {
		uint32_t talker = (uint32_t)rand_below(&rand, 5), shown = f.shown;

		if (rand_below(&rand, 50) == 0)
			claims[rand_below(&rand, 4)] = (enum floor_claim)rand_below(&rand, 3);
		if (floor_review(&f, claims, 4) && f.shown != shown)
			kept_ms = 0;
		talker = talker < 4 && claims[talker] == FLOOR_SPEAKS ? talker : N;
		kept_ms += TICK_MS;
		if (floor_talks(&f, talker, TICK_MS)) {
			assert_true(kept_ms >= FLOOR_KEEPS_MS);
			kept_ms = 0;
		}
		assert_true(f.shown == N || claims[f.shown] != FLOOR_NONE);
		assert_true(f.shown == N || f.before != f.shown);
		for (uint32_t k = 0; k < 4; k++) {
			assert_true(claims[k] == FLOOR_NONE || f.shown != N);
			assert_true(f.shown == N || claims[f.shown] == FLOOR_SPEAKS ||
				    claims[k] != FLOOR_SPEAKS);
		}
	}
}

static void requests_are_few(void **state)
{
	struct keyframe_need a = { 0 };
	uint64_t now_ns = NS_PER_S;

	(void)state;
	assert_false(keyframe_is_due(&a, now_ns));
	keyframe_set_due(&a);
	assert_true(keyframe_is_due(&a, now_ns));
	assert_false(keyframe_is_due(&a, now_ns + VIDEO_AGAIN_NS - 1));
	assert_true(keyframe_is_due(&a, now_ns + VIDEO_AGAIN_NS)); /* none came */
	keyframe_came(&a);
	assert_false(keyframe_is_due(&a, now_ns + 10 * VIDEO_AGAIN_NS));
	keyframe_set_due(&a);
	assert_true(keyframe_is_due(&a, now_ns + 10 * VIDEO_AGAIN_NS));
	keyframe_came(&a);
	keyframe_set_due(&a);
	assert_false(keyframe_is_due(&a, now_ns + 10 * VIDEO_AGAIN_NS + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_one_is_shown_at_once),
		cmocka_unit_test(who_talks_for_a_while_is_shown),
		cmocka_unit_test(a_burst_is_no_talk),
		cmocka_unit_test(pauses_between_words_are_talk),
		cmocka_unit_test(who_is_shown_stays_a_while),
		cmocka_unit_test(who_is_gone_or_muted_is_not_shown),
		cmocka_unit_test(a_rival_takes_the_place_that_is_free),
		cmocka_unit_test(any_talk),
		cmocka_unit_test(requests_are_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
