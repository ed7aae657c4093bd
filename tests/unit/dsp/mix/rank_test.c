/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "dsp/mix/mix.h"

enum { MEMBERS = 10, PLACES = 2, HOLD = 25 };

static struct rank_member g_members[MEMBERS];
static struct rank g_rank;

static int rank_begin(void **state)
{
	(void)state;
	for (int i = 0; i < MEMBERS; i++)
		g_members[i] = (struct rank_member){ 0 };
	rank_open(&g_rank, g_members, PLACES, HOLD);
	return 0;
}

static void ticks(int n, uint32_t member, uint8_t level)
{
	for (int i = 0; i < n; i++) {
		rank_note(&g_rank, member, level);
		rank_tick(&g_rank);
	}
}

static void both_talk(int n, uint8_t level)
{
	for (int i = 0; i < n; i++) {
		rank_note(&g_rank, 0, level);
		ticks(1, 1, level);
	}
}

static void test_a_free_place_is_taken_at_once(void **state)
{
	(void)state;
	ticks(1, 4, 60);
	assert_true(rank_has(&g_rank, 4));
}

static void test_the_loudest_win(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MEMBERS; i++)
		rank_note(&g_rank, i, (uint8_t)(i == 3 || i == 7 ? 30 : 40 + i));
	rank_tick(&g_rank);
	assert_true(rank_has(&g_rank, 3));
	assert_true(rank_has(&g_rank, 7));
}

static void test_a_pause_keeps_the_place(void **state)
{
	(void)state;
	ticks(1, 4, 30);
	for (int i = 0; i < HOLD; i++)
		rank_tick(&g_rank);
	assert_true(rank_has(&g_rank, 4));
	rank_tick(&g_rank);
	assert_false(rank_has(&g_rank, 4));
}

/* Each as loud as the others within the lead: places do not go to and fro. */
static void test_equals_take_nothing(void **state)
{
	(void)state;
	both_talk(1, 30);
	for (uint32_t i = 0; i < 500; i++) {
		rank_note(&g_rank, 2, (uint8_t)(26 + i % 8));
		both_talk(1, 30);
		assert_false(rank_has(&g_rank, 2));
	}
}

static void test_one_burst_takes_nothing(void **state)
{
	(void)state;
	both_talk(3, 40);
	for (int i = 0; i < RANK_RUN - 1; i++) {
		rank_note(&g_rank, 2, 5);
		both_talk(1, 40);
	}
	assert_false(rank_has(&g_rank, 2));
	rank_note(&g_rank, 2, 5);
	both_talk(1, 40);
	assert_true(rank_has(&g_rank, 2));
}

static void test_who_pauses_gives_way(void **state)
{
	(void)state;
	both_talk(3, 30);
	for (int i = 0; i < RANK_LEAD_DB + RANK_RUN; i++) {
		rank_note(&g_rank, 0, 30);
		ticks(1, 2, 30);
	}
	assert_true(rank_has(&g_rank, 0));
	assert_false(rank_has(&g_rank, 1));
	assert_true(rank_has(&g_rank, 2));
}

static void test_who_left_is_no_rival(void **state)
{
	(void)state;
	rank_note(&g_rank, 5, 10);
	rank_forget(&g_rank, 5);
	rank_tick(&g_rank);
	assert_false(rank_has(&g_rank, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_free_place_is_taken_at_once, rank_begin),
		cmocka_unit_test_setup(test_the_loudest_win, rank_begin),
		cmocka_unit_test_setup(test_a_pause_keeps_the_place, rank_begin),
		cmocka_unit_test_setup(test_equals_take_nothing, rank_begin),
		cmocka_unit_test_setup(test_one_burst_takes_nothing, rank_begin),
		cmocka_unit_test_setup(test_who_pauses_gives_way, rank_begin),
		cmocka_unit_test_setup(test_who_left_is_no_rival, rank_begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
