/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/document/mirror.h"

#include "tests/unit/test.h"

static void test_in_order(void **state)
{
	struct seen s = { 0 };

	(void)state;
	seen_start(&s, 10);
	assert_int_equal(seen_add(&s, 9), SEEN_OLD);
	assert_int_equal(seen_add(&s, 10), SEEN_OLD);
	assert_int_equal(seen_add(&s, 11), SEEN_NEXT);
	assert_int_equal(seen_add(&s, 11), SEEN_OLD);
	assert_int_equal(seen_add(&s, 13), SEEN_GAP);
	assert_int_equal(s.all, 11);
}

/* Our own change is acknowledged before the log tells of another node's that came first. */
static void test_own_first(void **state)
{
	struct seen s = { 0 };

	(void)state;
	seen_start(&s, 10);
	assert_int_equal(seen_add(&s, 12), SEEN_GAP);
	assert_int_equal(seen_add(&s, 11), SEEN_NEXT);
	assert_int_equal(seen_add(&s, 12), SEEN_NEXT);
	assert_int_equal(s.all, 12);
}

/* What comes while all is read: from 14 on nothing is missing when it ends. */
static void test_while_reading(void **state)
{
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(seen_add(&s, 1), SEEN_NEXT);
	assert_int_equal(seen_add(&s, 14), SEEN_GAP);
	assert_int_equal(seen_add(&s, 15), SEEN_GAP);
	assert_int_equal(seen_add(&s, 14), SEEN_GAP); /* known already */
	seen_start(&s, 14);
	assert_int_equal(s.all, 15);
	assert_int_equal(seen_add(&s, 16), SEEN_NEXT);
	seen_start(&s, 20);
	assert_int_equal(s.all, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_own_first),
		cmocka_unit_test(test_while_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
