/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "media/rtp/seq.h"

static void test_unwrap(void **state)
{
	static const struct {
		uint64_t highest;
		uint16_t sequence;
		uint64_t want;
	} rows[] = {
		{ 0, 0, 0 },
		{ 0, 1, 1 },
		{ 65535, 0, 65536 },
		{ 65536, 65535, 65535 },
		{ 0x20005, 0xfff0, 0x1fff0 },
		{ 0x1fff0, 0x0005, 0x20005 },
		{ 0x10000, 0x8000, 0x18000 }, /* half the circle: the same cycle */
		{ 0x1c000, 0x4000, 0x14000 },
		{ 0, 0xffff, 0xffffffffffff }, /* before the beginning */
		{ 0xffffffffffff, 0, 0 },      /* after the end */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(seq_unwrap(rows[i].highest, rows[i].sequence), rows[i].want);
}

static void test_unwrap_is_the_nearest(void **state)
{
	(void)state;
	for (uint64_t highest = UINT64_C(0x700000000); highest < UINT64_C(0x700020000);
	     highest += 37) {
		for (int64_t away = -32767; away < 32768; away += 61) {
			uint64_t index = highest + (uint64_t)away;

			assert_int_equal(seq_unwrap(highest, (uint16_t)index), index);
		}
	}
}

/* f: forward, l: late, j: jump, r: restart */
static void test_steps(void **state)
{
	static const struct {
		const char *name;
		uint16_t sequence[8];
		const char *steps;
		int64_t lost;
		uint32_t highest;
	} rows[] = {
		{ "in order", { 10, 11, 12 }, "fff", 0, 12 },
		{ "gap", { 10, 13 }, "ff", 2, 13 },
		{ "gap filled late", { 10, 12, 11 }, "ffl", 0, 12 },
		{ "repeated", { 10, 11, 11 }, "ffl", -1, 11 },
		{ "wrap", { 65534, 65535, 0, 1 }, "ffff", 0, 65537 },
		{ "wrap with a gap", { 65535, 2 }, "ff", 2, 65538 },
		{ "the largest gap", { 0, 2999 }, "ff", 2998, 2999 },
		{ "a jump alone", { 0, 3000, 1 }, "fjf", 0, 1 },
		{ "a jump that goes on", { 0, 3000, 3001, 3002 }, "fjrf", 0, 3002 },
		{ "99 late", { 200, 101 }, "fl", -1, 200 },
		{ "100 late is a jump", { 200, 99, 100 }, "fjr", 0, 100 },
		{ "two jumps apart", { 0, 30000, 50000, 50001 }, "fjjr", 0, 50001 },
		{ "loss of both runs", { 0, 2, 30000, 30001, 30004 }, "ffjrf", 3, 30004 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct seq_count s = { 0 };

		for (size_t i = 0; row->steps[i]; i++) {
			ROW_ASSERT(row->name,
				   "fljr"[seq_update(&s, row->sequence[i])] == row->steps[i]);
		}
		ROW_ASSERT(row->name, seq_lost(&s) == row->lost);
		ROW_ASSERT(row->name, seq_lost_24(&s) == ((uint32_t)row->lost & 0xffffff));
		ROW_ASSERT(row->name, seq_extended_highest(&s) == row->highest);
	}
}

static void test_fraction(void **state)
{
	struct seq_count s = { 0 };

	(void)state;
	assert_int_equal(seq_fraction_lost(&s), 0);
	for (uint16_t i = 0; i < 100; i++) {
		if (i % 4 != 3)
			(void)seq_update(&s, i);
	}
	(void)seq_update(&s, 100);
	assert_int_equal(seq_lost(&s), 25);
	assert_int_equal(seq_fraction_lost(&s), 25 * 256 / 101);
	assert_int_equal(seq_fraction_lost(&s), 0); /* nothing since */
	(void)seq_update(&s, 102);
	assert_int_equal(seq_fraction_lost(&s), 128);
	(void)seq_update(&s, 102); /* twice: not a negative fraction */
	assert_int_equal(seq_fraction_lost(&s), 0);
}

static void test_lost_is_clamped(void **state)
{
	struct seq_count s = { .started = 1, .highest = UINT64_C(0x1000000) };

	(void)state;
	assert_int_equal(seq_lost_24(&s), 0x7fffff);
	s.received = UINT64_C(0x3000000);
	assert_int_equal(seq_lost_24(&s), 0x800000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unwrap),
		cmocka_unit_test(test_unwrap_is_the_nearest),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_fraction),
		cmocka_unit_test(test_lost_is_clamped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
