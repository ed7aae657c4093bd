/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <time.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_goes_back),
		cmocka_unit_test(utc_is_in_ms),
		cmocka_unit_test(instant_holds_both),
		cmocka_unit_test(cpu_time_grows_with_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
