/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/compact.h"
#include "base/rand.h"

enum { VALUE_MAX = 1000 };

/* How many octets it takes; it comes back as it was. */
static size_t octets_of(const uint8_t *value, size_t n)
{
	uint8_t kept[COMPACT_MAX(VALUE_MAX)], again[VALUE_MAX];
	struct writer w = writer_over(kept, COMPACT_MAX(n));

	compact_write(&w, bytes_mem(value, n));
	assert_false(w.overflow);
	memset(again, 0xee, sizeof(again));
	compact_read(again, n, writer_done(&w));
	assert_memory_equal(again, value, n);
	return w.n;
}

static void zeros_take_nothing(void **state)
{
	static const uint8_t zeros[VALUE_MAX];

	(void)state;
	assert_int_equal(octets_of(zeros, 0), 0);
	assert_int_equal(octets_of(zeros, 1), 0);
	assert_int_equal(octets_of(zeros, VALUE_MAX), 0);
}

static void texts_take_their_length(void **state)
{
	struct {
		char number[64], name[64];
		uint64_t when;
	} value;

	(void)state;
	memset(&value, 0, sizeof(value));
	memcpy(value.number, "1001", 4);
	memcpy(value.name, "Front desk", 10);
	value.when = 1;
	assert_int_equal(octets_of((const uint8_t *)&value, sizeof(value)), 2 + 4 + 2 + 10 + 2 + 1);
}

static void short_gaps_are_written(void **state)
{
	static const uint8_t two[] = { 1, 0, 0, 1 }, three[] = { 1, 0, 0, 0, 1 };

	(void)state;
	assert_int_equal(octets_of(two, sizeof(two)), 2 + 4);
	assert_int_equal(octets_of(three, sizeof(three)), 2 + 1 + 2 + 1);
}

/* Runs that a length cannot tell of. */
static void long_runs_are_split(void **state)
{
	uint8_t value[VALUE_MAX];

	(void)state;
	for (size_t n = 250; n < 260; n++) {
		memset(value, 7, sizeof(value));
		(void)octets_of(value, n);
		memset(value, 0, n);
		(void)octets_of(value, VALUE_MAX);
		(void)octets_of(value, n + 1);
	}
}

static void any_value_comes_back(void **state)
{
	struct rand_source rand;
	uint8_t value[VALUE_MAX];

	(void)state;
	rand_open_seed(&rand, 1);
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t n = rand_below(&rand, VALUE_MAX + 1), dense = 1 + i % 8;

		for (uint32_t j = 0; j < n; j++)
			value[j] = rand_below(&rand, dense) ? 0 : (uint8_t)rand_u32_from(&rand);
		(void)octets_of(value, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeros_take_nothing),     cmocka_unit_test(texts_take_their_length),
		cmocka_unit_test(short_gaps_are_written), cmocka_unit_test(long_runs_are_split),
		cmocka_unit_test(any_value_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
