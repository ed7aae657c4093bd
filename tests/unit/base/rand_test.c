/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/rand.h"

/* The first outputs of the authors' C code for the state 1, 2, 3, 4. */
static void is_xoshiro256_star_star(void **state)
{
	static const uint64_t want[] = {
		UINT64_C(11520),
		UINT64_C(0),
		UINT64_C(1509978240),
		UINT64_C(1215971899390074240),
	};
	struct rand_source r;

	(void)state;
	rand_open_seed(&r, 0);
	for (uint64_t i = 0; i < 4; i++)
		r.state[i] = i + 1;
	for (size_t i = 0; i < COUNT_OF(want); i++)
		assert_true(rand_u64_from(&r) == want[i]);
}

static void same_seed_same_values(void **state)
{
	struct rand_source a, b, c;
	unsigned same = 0;

	(void)state;
	rand_open_seed(&a, 7);
	rand_open_seed(&b, 7);
	rand_open_seed(&c, 8);
	for (int i = 0; i < 1000; i++) {
		uint64_t v = rand_u64_from(&a);

		assert_true(v == rand_u64_from(&b));
		same += v == rand_u64_from(&c);
	}
	assert_int_equal(same, 0);
}

static void system_fills_every_size(void **state)
{
	struct rand_source r;
	uint8_t zero[600] = { 0 };

	(void)state;
	rand_open_system(&r);
	for (size_t n = 16; n <= sizeof(zero); n += 37) {
		uint8_t out[600] = { 0 };

		rand_fill(&r, out, n);
		/* 16 zero bytes by chance: once in 2^128 */
		assert_memory_not_equal(out, zero, 16);
		assert_memory_not_equal(out + n - 16, zero, 16);
		assert_memory_equal(out + n, zero, sizeof(zero) - n);
	}
	rand_fill(&r, NULL, 0);
}

static void system_forgets_what_it_gave(void **state)
{
	struct rand_source r;
	uint8_t out[16];

	(void)state;
	rand_open_system(&r);
	rand_fill(&r, out, sizeof(out));
	for (size_t i = 0; i + sizeof(out) <= sizeof(r.pool); i++)
		assert_memory_not_equal(r.pool + i, out, sizeof(out));
}

static void system_values_differ(void **state)
{
	struct rand_source a, b;

	(void)state;
	rand_open_system(&a);
	rand_open_system(&b);
	for (int i = 0; i < 1000; i++)
		assert_true(rand_u64_from(&a) != rand_u64_from(&b));
}

static void below_is_even(void **state)
{
	static const uint32_t limits[] = { 1, 2, 3, 10, 1000 };
	enum { DRAWS = 100000 };
	struct rand_source r;

	(void)state;
	rand_open_seed(&r, 1);
	for (size_t i = 0; i < COUNT_OF(limits); i++) {
		uint32_t counts[1000] = { 0 };
		uint32_t limit = limits[i];

		for (int n = 0; n < DRAWS; n++) {
			uint32_t v = rand_below(&r, limit);

			assert_true(v < limit);
			counts[v]++;
		}
		for (uint32_t v = 0; v < limit; v++)
			assert_in_range(counts[v], DRAWS / limit / 2, DRAWS / limit * 2);
	}
}

static void below_draws_again_near_the_end(void **state)
{
	/* two thirds of all draws fall into the uneven rest */
	const uint32_t limit = UINT32_C(3) << 30;
	struct rand_source r;
	uint32_t lower_third = 0;

	(void)state;
	rand_open_seed(&r, 2);
	for (int i = 0; i < 30000; i++) {
		uint32_t v = rand_below(&r, limit);

		assert_true(v < limit);
		lower_third += v < limit / 3;
	}
	assert_in_range(lower_third, 9500, 10500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_xoshiro256_star_star),
		cmocka_unit_test(same_seed_same_values),
		cmocka_unit_test(system_fills_every_size),
		cmocka_unit_test(system_forgets_what_it_gave),
		cmocka_unit_test(system_values_differ),
		cmocka_unit_test(below_is_even),
		cmocka_unit_test(below_draws_again_near_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
