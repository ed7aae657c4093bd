/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/clock.h"

#define HOUR_MS UINT64_C(3600000)
#define UTC     UINT64_C(1750000000000)

static struct instant at(uint64_t seconds, int64_t wall_step_ms)
{
	return (struct instant){ .ns = (5000 + seconds) * NS_PER_S,
				 .utc_ms = UTC + 1000 * seconds + (uint64_t)wall_step_ms };
}

static void test_no_step_is_seen(void **state)
{
	struct steady s;

	(void)state;
	steady_open(&s, 1, at(0, 0));
	assert_int_equal(steady_utc_ms(&s, at(0, 0).ns), UTC);
	assert_int_equal(steady_utc_ms(&s, at(10, 0).ns), UTC + 10000);
	assert_int_equal(steady_off_wall(&s, at(10, (int64_t)HOUR_MS)), HOUR_MS);
	assert_true(steady_off_wall(&s, at(10, -(int64_t)HOUR_MS)) == -(int64_t)HOUR_MS);
}

/* A time of a process before, 30 s after which it wrote a record; 60 s later the next one reads it. */
static void test_shift(void **state)
{
	static const struct {
		const char *name;
		uint64_t boot_before, boot_after;
		int64_t step_ms; /* of the wall, between the two */
		uint64_t want_age_ms;
	} rows[] = {
		{ "same boot", 1, 1, 0, 90000 },
		{ "same boot, an hour on", 1, 1, (int64_t)HOUR_MS, 90000 },
		{ "same boot, an hour back", 1, 1, -(int64_t)HOUR_MS, 90000 },
		{ "another boot", 1, 2, 0, 90000 },
		{ "boots are not known", 0, 0, 0, 90000 },
		{ "another boot, an hour on", 1, 2, (int64_t)HOUR_MS, 90000 + HOUR_MS },
		{ "another boot, an hour back", 1, 2, -(int64_t)HOUR_MS, 30000 },
		{ "another boot, a year on", 1, 2, INT64_C(8760) * (int64_t)HOUR_MS,
		  30000 + 24 * HOUR_MS },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct steady before, after;
		struct steady_mark mark;
		uint64_t begun, ns = at(90, 0).ns;
		int64_t shift;

		steady_open(&before, row->boot_before, at(0, 0));
		begun = steady_utc_ms(&before, at(0, 0).ns);
		mark = steady_mark(&before, at(30, 0).ns);
		steady_open(&after, row->boot_after, at(90, row->step_ms));
		shift = steady_shift(&after, &mark, ns);
		ROW_ASSERT(row->name, steady_utc_ms(&after, ns) - steady_add(begun, shift) ==
					      row->want_age_ms);
	}
}

static void test_no_mark(void **state)
{
	struct steady_mark none = { 0 }, wild = { .boot = 1, .utc_ms = UINT64_MAX };
	struct steady s;

	(void)state;
	steady_open(&s, 1, at(0, 0));
	assert_int_equal(steady_shift(&s, &none, at(0, 0).ns), 0);
	assert_int_equal(steady_shift(&s, &wild, at(0, 0).ns), 0);
	/* of a later moment of this very boot: a clock of another machine */
	none = (struct steady_mark){ .boot = 1, .offset_ms = s.offset_ms, .utc_ms = UTC + 5000 };
	assert_int_equal(steady_add(UTC, steady_shift(&s, &none, at(0, 0).ns)), UTC - 5000);
	assert_int_equal(steady_add(0, 5), 0);
	assert_int_equal(steady_add(5, -7), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_step_is_seen),
		cmocka_unit_test(test_shift),
		cmocka_unit_test(test_no_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
