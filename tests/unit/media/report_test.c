/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "media/rtp/seq.h"

static void jitter_update(struct arrival_jitter *j, uint64_t arrival_ns, uint32_t timestamp,
			  uint32_t clock_hz)
{
	jitter_update_at(j, jitter_arrival(arrival_ns, clock_hz), timestamp, clock_hz);
}

#define MS UINT64_C(1000000)

static void test_even_packets_have_none(void **state)
{
	struct arrival_jitter j = { 0 };
	uint32_t timestamp = UINT32_MAX - 1000; /* wraps on the way */

	(void)state;
	assert_int_equal(jitter_us(&j), 0);
	for (uint64_t i = 0; i < 500; i++, timestamp += 160)
		jitter_update(&j, (123456789 + i * 20) * MS, timestamp, 8000);
	assert_int_equal(jitter_timestamp_units(&j), 0);
}

/* RFC 3550 A.8 in floating point is the oracle. */
static void test_agrees_with_the_floating_point_form(void **state)
{
	static const uint32_t clocks[] = { 8000, 48000, 90000 };

	(void)state;
	for (size_t c = 0; c < COUNT_OF(clocks); c++) {
		struct arrival_jitter j = { 0 };
		double want = 0, last = 0;
		uint32_t noise = 1;

		for (uint64_t i = 0; i < 3000; i++) {
			noise = noise * 1664525 + 1013904223;

			uint64_t arrival_us = 5000000 + i * 20000 + noise % 30000;
			uint64_t arrival = arrival_us * clocks[c] / 1000000;
			double transit = (double)arrival - (double)(i * clocks[c] / 50);
			double d = transit > last ? transit - last : last - transit;

			if (i)
				want += (d - want) / 16;
			last = transit;
			jitter_update(&j, arrival_us * 1000, (uint32_t)(i * clocks[c] / 50),
				      clocks[c]);
		}

		double got = (double)jitter_timestamp_units(&j);

		assert_true(got > want - 2 && got < want + 2);
		assert_in_range(jitter_us(&j), 7000, 13000);
	}
}

static void test_another_clock_begins_anew(void **state)
{
	struct arrival_jitter j = { 0 };

	(void)state;
	jitter_update(&j, 0, 0, 8000);
	jitter_update(&j, 100 * MS, 0, 8000);
	assert_int_equal(jitter_timestamp_units(&j), 50);
	assert_int_equal(jitter_us(&j), 6250);
	jitter_update(&j, 120 * MS, 4000000, 48000);
	assert_int_equal(jitter_us(&j), 0);
}

static void test_a_wild_timestamp_does_not_overflow(void **state)
{
	struct arrival_jitter j = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		jitter_update(&j, i * MS, i % 2 ? 0x7fffffff : 0, 8000);
	assert_true(jitter_timestamp_units(&j) > 0x70000000);
	assert_int_equal(jitter_us(&j), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_even_packets_have_none),
		cmocka_unit_test(test_agrees_with_the_floating_point_form),
		cmocka_unit_test(test_another_clock_begins_anew),
		cmocka_unit_test(test_a_wild_timestamp_does_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
