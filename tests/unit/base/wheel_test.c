/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/clock.h"
#include "base/rand.h"
#include "base/wheel.h"

#define MS  NS_PER_MS
#define DAY (86400 * NS_PER_S)

static struct wheel g_wheel; /* 50 kB: not on the stack */

/* Runs the wheel as its owner does, sleeping from one wheel_next_ns to the next. Returns when it fired. */
static uint64_t fired_ns(struct wheel *w, const struct wheel_timer *want, uint64_t now)
{
	for (int i = 0; i < 64; i++) {
		const struct wheel_timer *t = wheel_expire(w, now);
		uint64_t next;

		if (t) {
			assert_ptr_equal(t, want);
			return now;
		}
		next = wheel_next_ns(w);
		if (next == UINT64_MAX)
			break;
		assert_true(next > now);
		now = next;
	}
	return UINT64_MAX;
}

static void fires_in_time_wherever_it_lies(void **state)
{
	static const struct row {
		const char *name;
		uint64_t now, deadline;
		uint64_t want;
	} rows[] = {
		{ "now, at zero", 0, 0, 0 },
		{ "1 ns, at zero", 0, 1, MS },
		{ "1 ms, at zero", 0, MS, MS },
		{ "past", 500 * MS, 3, 500 * MS },
		{ "within this ms", 5 * MS + 10, 5 * MS + 20, 6 * MS },
		{ "this very ms", 5 * MS, 5 * MS, 5 * MS },
		{ "level 0 end", 0, 255 * MS, 255 * MS },
		{ "level 1 start", 0, 256 * MS, 256 * MS },
		{ "over a level 0 edge", 255 * MS, 257 * MS, 257 * MS },
		{ "level 1", 0, 32 * NS_PER_S, 32 * NS_PER_S },
		{ "level 2 start", 0, 65536 * MS, 65536 * MS },
		{ "level 2", 7 * MS, 3600 * NS_PER_S + 1, 3600 * NS_PER_S + MS },
		{ "level 3", 7 * MS, 30 * DAY, 30 * DAY },
		{ "level 4", 7 * MS, 3650 * DAY, 3650 * DAY },
		{ "last of level 4", 0, (BIT64(40) - 1) * MS, (BIT64(40) - 1) * MS },
		{ "first beyond", 0, BIT64(40) * MS, BIT64(40) * MS },
		{ "edge of the horizon", (BIT64(40) - 1) * MS, BIT64(40) * MS, BIT64(40) * MS },
		{ "three horizons", 3 * MS, 3 * BIT64(40) * MS + 1, 3 * BIT64(40) * MS + MS },
		{ "late start", 100 * DAY, 100 * DAY + 12345, 100 * DAY + MS },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct wheel_timer t = { 0 };

		wheel_open(&g_wheel, row->now);
		wheel_start(&g_wheel, &t, row->deadline);
		ROW_ASSERT(row->name, wheel_is_running(&t));
		ROW_ASSERT(row->name, fired_ns(&g_wheel, &t, row->now) == row->want);
		ROW_ASSERT(row->name, !wheel_is_running(&t) && g_wheel.running == 0);
		ROW_ASSERT(row->name, wheel_next_ns(&g_wheel) == UINT64_MAX);
	}
}

static void never_is_a_deadline_too(void **state)
{
	struct wheel_timer t = { 0 };

	(void)state;
	wheel_open(&g_wheel, UINT64_MAX - DAY);
	wheel_start(&g_wheel, &t, UINT64_MAX);
	assert_null(wheel_expire(&g_wheel, UINT64_MAX));
	assert_true(wheel_is_running(&t));
	assert_true(wheel_next_ns(&g_wheel) < UINT64_MAX);
	wheel_stop(&g_wheel, &t);
	assert_int_equal(g_wheel.running, 0);
	assert_true(wheel_next_ns(&g_wheel) == UINT64_MAX);
}

static void jumps_over_years(void **state)
{
	static struct wheel_timer timers[64];
	unsigned n = 0;

	(void)state;
	wheel_open(&g_wheel, 0);
	for (unsigned i = 0; i < COUNT_OF(timers); i++)
		wheel_start(&g_wheel, &timers[i], BIT64(i));
	while (wheel_expire(&g_wheel, BIT64(62) + MS))
		n++;
	assert_int_equal(n, 63);
	assert_true(wheel_is_running(&timers[63]));
}

static void restart_replaces_the_deadline(void **state)
{
	struct wheel_timer t = { 0 };

	(void)state;
	wheel_open(&g_wheel, 0);
	wheel_start(&g_wheel, &t, 10 * MS);
	wheel_start(&g_wheel, &t, 5000 * MS);
	assert_int_equal(g_wheel.running, 1);
	assert_null(wheel_expire(&g_wheel, 4999 * MS));
	wheel_start(&g_wheel, &t, 4999 * MS);
	assert_ptr_equal(wheel_expire(&g_wheel, 4999 * MS), &t);
	assert_null(wheel_expire(&g_wheel, 6000 * MS));
}

static void aims_at_a_time_or_at_none(void **state)
{
	struct wheel_timer first = { 0 }, second = { 0 };

	(void)state;
	wheel_open(&g_wheel, 0);
	wheel_aim(&g_wheel, &first, UINT64_MAX);
	assert_false(wheel_is_running(&first));
	wheel_aim(&g_wheel, &first, 5 * MS);
	wheel_aim(&g_wheel, &second, 5 * MS);
	wheel_aim(&g_wheel, &first, 5 * MS);
	assert_int_equal(g_wheel.running, 2);
	assert_ptr_equal(wheel_expire(&g_wheel, 5 * MS), &first);
	wheel_aim(&g_wheel, &second, 9 * MS);
	assert_null(wheel_expire(&g_wheel, 8 * MS));
	wheel_aim(&g_wheel, &second, UINT64_MAX);
	assert_null(wheel_expire(&g_wheel, DAY));
}

static void stopped_does_not_fire(void **state)
{
	struct wheel_timer a = { 0 };
	struct wheel_timer b = { 0 };

	(void)state;
	wheel_open(&g_wheel, 0);
	wheel_stop(&g_wheel, &a);
	wheel_start(&g_wheel, &a, 3 * MS);
	wheel_start(&g_wheel, &b, 3 * MS);
	/* both are due; the owner of the first stops the second */
	assert_ptr_equal(wheel_expire(&g_wheel, 3 * MS), &a);
	assert_true(wheel_is_running(&b));
	wheel_stop(&g_wheel, &b);
	assert_null(wheel_expire(&g_wheel, 3 * MS));
	assert_int_equal(g_wheel.running, 0);
}

static void due_is_said_at_once(void **state)
{
	struct wheel_timer t = { 0 };

	(void)state;
	wheel_open(&g_wheel, 100 * MS);
	wheel_start(&g_wheel, &t, 50 * MS);
	assert_true(wheel_next_ns(&g_wheel) == 0);
}

static void time_that_goes_back_does_no_harm(void **state)
{
	struct wheel_timer t = { 0 };

	(void)state;
	wheel_open(&g_wheel, 100 * MS);
	wheel_start(&g_wheel, &t, 120 * MS);
	assert_null(wheel_expire(&g_wheel, 50 * MS));
	assert_null(wheel_expire(&g_wheel, 119 * MS));
	assert_ptr_equal(wheel_expire(&g_wheel, 120 * MS), &t);
}

static void hands_out_in_order_of_deadlines(void **state)
{
	static struct wheel_timer timers[500];
	struct rand_source r;
	uint64_t last = 0;
	const struct wheel_timer *t;
	unsigned n = 0;

	(void)state;
	rand_open_seed(&r, 9);
	wheel_open(&g_wheel, 0);
	memset(timers, 0, sizeof(timers));
	for (size_t i = 0; i < COUNT_OF(timers); i++)
		wheel_start(&g_wheel, &timers[i], rand_below(&r, 200000) * MS);
	while ((t = wheel_expire(&g_wheel, 200 * NS_PER_S)) != NULL) {
		assert_true(t->deadline_ns >= last);
		last = t->deadline_ns;
		n++;
	}
	assert_int_equal(n, COUNT_OF(timers));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_in_time_wherever_it_lies),
		cmocka_unit_test(never_is_a_deadline_too),
		cmocka_unit_test(jumps_over_years),
		cmocka_unit_test(restart_replaces_the_deadline),
		cmocka_unit_test(aims_at_a_time_or_at_none),
		cmocka_unit_test(stopped_does_not_fire),
		cmocka_unit_test(due_is_said_at_once),
		cmocka_unit_test(time_that_goes_back_does_no_harm),
		cmocka_unit_test(hands_out_in_order_of_deadlines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
