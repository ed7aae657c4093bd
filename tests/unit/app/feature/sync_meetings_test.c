/* SPDX-License-Identifier: Apache-2.0 */
/* Which meetings of a calendar count as one, and when the next one begins. */
#include <time.h>

#include "app/feature/sync/sync.h"
#include "tests/unit/test.h"

enum { MANY = 2000, PROCESSOR_MS_MAX = 100 };

static void meeting_add(json_t *all, uint64_t from_ms, uint64_t until_ms)
{
	assert_int_equal(json_array_append_new(all, json_pack("{s:I, s:I}", "from_ms",
							      (json_int_t)from_ms, "until_ms",
							      (json_int_t)until_ms)),
			 0);
}

static void test_end(void **state)
{
	json_t *all = json_array();
	uint64_t next;

	(void)state;
	assert_int_equal(sync_meetings_end(all, 100, &next), 100);
	assert_true(next == UINT64_MAX);
	meeting_add(all, 500, 600);
	meeting_add(all, 200, 300);
	meeting_add(all, 50, 200);
	meeting_add(all, 60, 90); /* in another one, or over */
	assert_int_equal(sync_meetings_end(all, 100, &next), 300);
	assert_int_equal(next, 500);
	assert_int_equal(sync_meetings_end(all, 300, &next), 300);
	assert_int_equal(next, 500);
	assert_int_equal(sync_meetings_end(all, 500, &next), 600);
	assert_true(next == UINT64_MAX);
	json_decref(all);
}

/* A calendar whose meetings follow each other, the latest first, does not stall the node. */
static void test_many(void **state)
{
	json_t *all = json_array();
	uint64_t next;
	clock_t begin;

	(void)state;
	for (uint64_t i = MANY; i > 0; i--)
		meeting_add(all, (i - 1) * 1000, i * 1000);
	begin = clock();
	assert_int_equal(sync_meetings_end(all, 0, &next), MANY * 1000);
	assert_true(clock() - begin < PROCESSOR_MS_MAX * CLOCKS_PER_SEC / 1000);
	json_decref(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
