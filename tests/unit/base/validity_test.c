/* SPDX-License-Identifier: Apache-2.0 */
#include "base/validity.h"

#include "tests/unit/test.h"

static void test_each_place_has_its_own_time(void **state)
{
	struct validity v;

	(void)state;
	validity_open(&v, 3);
	validity_set(&v, 1, 100);
	validity_set(&v, 2, 200);
	validity_set(&v, 3, UINT64_MAX);
	assert_int_equal(validity_least(&v), 100);
	assert_false(validity_is_past(&v, 1, 99));
	assert_true(validity_is_past(&v, 1, 100));
	assert_false(validity_is_past(&v, 2, 100));
	assert_true(validity_is_past(&v, 2, 200));
	assert_false(validity_is_past(&v, 3, UINT64_MAX - 1));
	assert_false(validity_is_past(&v, VALID_ALWAYS, UINT64_MAX - 1));
}

static void test_a_renewal_lets_it_speak_again(void **state)
{
	struct validity v;

	(void)state;
	validity_open(&v, 2);
	assert_true(validity_is_past(&v, 1, 1)); /* nobody has said anything */
	validity_set(&v, 1, 100);
	validity_set(&v, 2, 300);
	assert_true(validity_is_past(&v, 1, 150));
	validity_set(&v, 1, 200);
	assert_int_equal(validity_least(&v), 200);
	assert_false(validity_is_past(&v, 1, 150));
	validity_set(&v, 2, 0); /* another owner was seen */
	assert_int_equal(validity_least(&v), 0);
	assert_true(validity_is_past(&v, 2, 150));
	assert_false(validity_is_past(&v, 1, 150));
}

static void test_without_places_nobody_is_silenced(void **state)
{
	struct validity v;

	(void)state;
	validity_open(&v, 0);
	assert_int_equal(validity_least(&v), UINT64_MAX);
	assert_int_equal(validity_least(NULL), UINT64_MAX);
}

static void test_what_is_withheld_is_counted_by_place(void **state)
{
	struct validity v;

	(void)state;
	validity_open(&v, 2);
	validity_withhold(&v, 2);
	validity_withhold(&v, 2);
	assert_int_equal(validity_withheld(&v, 1), 0);
	assert_int_equal(validity_withheld(&v, 2), 2);
}

struct follower {
	const struct validity *v;
	uint32_t count;
	uint64_t told[3], was[3]; /* what it heard, and what senders saw at that moment */
};

static void hear(void *arg, uint8_t place, uint64_t until_ns)
{
	struct follower *f = arg;

	f->told[place] = until_ns;
	f->was[place] = validity_until(f->v, place);
	f->count++;
}

static void test_who_follows_hears_it_first(void **state)
{
	struct validity v;
	struct follower f = { .v = &v };

	(void)state;
	validity_open(&v, 2);
	validity_set(&v, 1, 100);
	validity_follow(&v, hear, &f); /* what was said before, too */
	assert_int_equal(f.count, 2);
	assert_int_equal(f.told[1], 100);
	assert_int_equal(f.told[2], 0);
	validity_set(&v, 2, 300);
	assert_int_equal(f.told[2], 300);
	assert_int_equal(f.was[2], 0);
	validity_set(&v, 2, 300); /* nothing new */
	assert_int_equal(f.count, 3);
	validity_set(&v, 2, 0);
	assert_int_equal(f.told[2], 0);
	assert_int_equal(f.was[2], 300);
}

/* Each hears all, and the one that leaves no more. */
static void test_several_may_follow(void **state)
{
	struct validity v;
	struct follower f = { .v = &v }, g = { .v = &v };

	(void)state;
	validity_open(&v, 2);
	validity_follow(&v, hear, &f);
	validity_follow(&v, hear, &g);
	validity_set(&v, 1, 100);
	assert_int_equal(f.told[1], 100);
	assert_int_equal(g.told[1], 100);
	validity_leave(&v, &f);
	validity_set(&v, 1, 200);
	assert_int_equal(f.told[1], 100);
	assert_int_equal(g.told[1], 200);
	validity_follow(&v, hear, &f);
	assert_int_equal(f.told[1], 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_place_has_its_own_time),
		cmocka_unit_test(test_a_renewal_lets_it_speak_again),
		cmocka_unit_test(test_without_places_nobody_is_silenced),
		cmocka_unit_test(test_what_is_withheld_is_counted_by_place),
		cmocka_unit_test(test_who_follows_hears_it_first),
		cmocka_unit_test(test_several_may_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
