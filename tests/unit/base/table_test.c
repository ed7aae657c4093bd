/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "base/rand.h"
#include "base/table.h"

static unsigned count_of(const struct table *t, uint64_t hash, uint64_t value)
{
	uint32_t cursor = 0;
	unsigned n = 0;
	uint64_t v;

	while ((v = table_next(t, hash, &cursor)) != 0)
		n += v == value;
	return n;
}

static void finds_what_was_put(void **state)
{
	struct table t;
	uint32_t cursor = 0;

	(void)state;
	assert_int_equal(table_open(&t, 100), 0);
	assert_int_equal(table_next(&t, 5, &cursor), 0);
	assert_int_equal(table_put(&t, 5, 50), 0);
	assert_int_equal(table_put(&t, 6, 60), 0);
	cursor = 0;
	assert_int_equal(table_next(&t, 5, &cursor), 50);
	assert_int_equal(table_next(&t, 5, &cursor), 0);
	table_close(&t);
}

static void one_hash_holds_several_values(void **state)
{
	struct table t;

	(void)state;
	assert_int_equal(table_open(&t, 100), 0);
	for (uint64_t v = 1; v <= 40; v++)
		assert_int_equal(table_put(&t, 7, v), 0);
	for (uint64_t v = 1; v <= 40; v++)
		assert_int_equal(count_of(&t, 7, v), 1);
	assert_true(table_del(&t, 7, 20));
	assert_false(table_del(&t, 7, 20));
	assert_false(table_del(&t, 8, 21));
	for (uint64_t v = 1; v <= 40; v++)
		assert_int_equal(count_of(&t, 7, v), v != 20);
	table_close(&t);
}

static void capacity_is_the_end(void **state)
{
	static const uint32_t capacities[] = { 1, 12, 13, 16, 100 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(capacities); i++) {
		uint32_t capacity = capacities[i];
		struct table t;

		assert_int_equal(table_open(&t, capacity), 0);
		for (uint64_t v = 1; v <= capacity; v++)
			assert_int_equal(table_put(&t, v * 0x10000, v), 0);
		assert_int_equal(table_put(&t, 1, 1), -ENOSPC);
		assert_true(table_del(&t, 0x10000, 1));
		assert_int_equal(table_put(&t, 1, 1), 0);
		assert_int_equal(t.count, capacity);
		table_close(&t);
	}
}

/* Hashes that differ in their upper bits only, as of a bad hash, must not make one long run. */
static void plain_numbers_as_hashes_spread(void **state)
{
	struct table t;
	uint32_t run = 0;

	(void)state;
	assert_int_equal(table_open(&t, 100000), 0);
	for (uint64_t v = 1; v <= 50000; v++)
		assert_int_equal(table_put(&t, v << 24, v), 0);
	for (uint32_t i = 0; i <= t.mask; i++) {
		run = t.slots[i].value ? run + 1 : 0;
		assert_true(run < 1000);
	}
	table_close(&t);
}

/* Few different hashes, so that runs touch, wrap around the end and are closed by deletions. */
static void random_use_agrees_with_a_model(void **state)
{
	enum { HASHES = 24, VALUES = 40 };
	static unsigned char model[HASHES][VALUES];
	struct rand_source r;
	struct table t;
	unsigned live = 0;

	(void)state;
	memset(model, 0, sizeof(model));
	rand_open_seed(&r, 3);
	assert_int_equal(table_open(&t, HASHES * VALUES), 0);
	for (int step = 0; step < 30000; step++) {
		uint32_t hash = rand_below(&r, HASHES);
		uint32_t value = rand_below(&r, VALUES);
		unsigned char *in = &model[hash][value];

		assert_int_equal(count_of(&t, hash, value + 1), *in);
		if (*in)
			assert_true(table_del(&t, hash, value + 1));
		else
			assert_int_equal(table_put(&t, hash, value + 1), 0);
		live += *in ? -1U : 1U;
		*in = !*in;
		assert_int_equal(t.count, live);
	}
	table_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_put),
		cmocka_unit_test(one_hash_holds_several_values),
		cmocka_unit_test(capacity_is_the_end),
		cmocka_unit_test(plain_numbers_as_hashes_spread),
		cmocka_unit_test(random_use_agrees_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
