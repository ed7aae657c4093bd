/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static void never_goes_back(void **state)
{
	uint64_t before = clock_now_ns();

	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint64_t now = clock_now_ns();

		assert_true(now >= before);
		before = now;
	}
}

static void utc_is_in_ms(void **state)
{
	uint64_t s = (uint64_t)time(NULL);
	uint64_t ms = clock_utc_ms();

	(void)state;
	assert_in_range(ms / 1000, s, s + 2);
}

static void instant_holds_both(void **state)
{
	uint64_t ns = clock_now_ns();
	uint64_t ms = clock_utc_ms();
	struct instant i = clock_instant();

	(void)state;
	assert_in_range(i.ns, ns, ns + 10 * NS_PER_S);
	assert_in_range(i.utc_ms, ms, ms + 10000);
}

static void cpu_time_grows_with_work(void **state)
{
	uint64_t thread = clock_thread_cpu_ns();
	uint64_t process = clock_process_cpu_ns();
	uint64_t until = clock_now_ns() + 10 * NS_PER_S;

	(void)state;
	while (clock_thread_cpu_ns() < thread + NS_PER_MS)
		assert_true(clock_now_ns() < until);
	assert_true(clock_process_cpu_ns() >= process + NS_PER_MS / 2);
}

/* Six times as fast from now on; what a timer is told is the kernel's time again. */
static void runs_faster_where_asked(void **state)
{
	uint64_t origin_ns = clock_now_ns();
	uint64_t real_ns;
	uint64_t now_ns;

	(void)state;
	clock_scale(6, origin_ns);
	assert_int_equal(usleep(20000), 0);
	real_ns = origin_ns + 20 * NS_PER_MS;
	now_ns = clock_now_ns();
	assert_true(now_ns >= origin_ns + 6 * 20 * NS_PER_MS);
	assert_true(clock_to_kernel(now_ns) >= real_ns);
	assert_true(clock_to_kernel(now_ns) <= origin_ns + (now_ns - origin_ns) / 6 + 1);
	assert_int_equal(clock_to_kernel(origin_ns + 600), origin_ns + 100);
	assert_int_equal(clock_to_kernel(origin_ns), origin_ns);
	assert_true(clock_to_kernel(UINT64_MAX) == UINT64_MAX);
	clock_scale(1, 0);
	assert_int_equal(clock_to_kernel(12345), 12345);
}

static void reads_what_tests_ask_for(void **state)
{
	static const char *const WRONG[] = { "",     "6",    "6@",
					     "@5",   "0@5",  "101@5",
					     "6@5x", "-1@5", "6@99999999999999999999" };

	(void)state;
	assert_int_equal(clock_scale_by(NULL), 0);
	for (size_t i = 0; i < COUNT_OF(WRONG); i++)
		ROW_ASSERT(WRONG[i], clock_scale_by(WRONG[i]) == -EINVAL);
	assert_int_equal(clock_scale_by("3@1000"), 0);
	assert_int_equal(clock_to_kernel(1300), 1100);
	clock_scale(1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_goes_back),
		cmocka_unit_test(utc_is_in_ms),
		cmocka_unit_test(instant_holds_both),
		cmocka_unit_test(runs_faster_where_asked),
		cmocka_unit_test(reads_what_tests_ask_for),
		cmocka_unit_test(cpu_time_grows_with_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
