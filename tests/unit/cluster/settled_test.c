/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/clock.h"
#include "cluster/store/state.h"

static void test_nothing_yet(void **state)
{
	struct settled s = { 0 };

	(void)state;
	assert_int_equal(settled_below(&s, 1000 * NS_PER_S), 0);
	settled_note(&s, 7, NS_PER_S);
	assert_int_equal(settled_below(&s, 60 * NS_PER_S), 0);
	assert_int_equal(settled_below(&s, 61 * NS_PER_S), 7);
}

/* A thousand numbers a second, for an hour: the limit follows a minute behind. */
static void test_steady(void **state)
{
	struct settled s = { 0 };
	uint64_t ms;

	(void)state;
	for (ms = 0; ms < 3600 * 1000; ms++) {
		uint64_t now_ns = NS_PER_S + ms * NS_PER_MS;
		uint64_t below = settled_below(&s, now_ns);

		settled_note(&s, ms, now_ns);
		if (ms > 61 * 1000)
			assert_in_range(ms - below, 60 * 1000, 61 * 1000);
		else
			assert_true(below == 0 || ms - below >= 60 * 1000);
	}
}

/* After a pause, what was before it is old. */
static void test_pause(void **state)
{
	struct settled s = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 200; i++)
		settled_note(&s, i, (i + 1) * NS_PER_S);
	settled_note(&s, 500, 5000 * NS_PER_S);
	assert_int_equal(settled_below(&s, 5000 * NS_PER_S), 199);
	assert_int_equal(settled_below(&s, 5060 * NS_PER_S), 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_yet),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
