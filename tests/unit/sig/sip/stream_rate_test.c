/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "sig/sip/stream_rate.h"
#include "tests/unit/test.h"

static unsigned take_all(uint64_t *full_ns, const struct stream_rate *rate, uint64_t now_ns)
{
	unsigned n = 0;

	while (stream_rate_spend(full_ns, rate, now_ns))
		n++;
	return n;
}

/* What may be had at once, after so long once more, and when the next one comes. */
static void test_rates(void **state)
{
	static const struct {
		struct stream_rate rate;
		uint64_t later_ms;
		unsigned first, then;
	} rows[] = {
		{ { 20, 500 }, 1000, 500, 20 }, { { 20, 500 }, 3600 * 1000, 500, 500 },
		{ { 1000, 100 }, 10, 100, 10 }, { { 1000, 1 }, 10, 1, 1 },
		{ { 1, 1 }, 999, 1, 0 },        { { 1, 3 }, 1000, 3, 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct stream_rate *rate = &rows[i].rate;
		uint64_t full_ns = 0, now_ns = 1000 * NS_PER_S, next_ns;

		assert_true(stream_rate_next_ns(full_ns, rate) <= now_ns);
		assert_int_equal(take_all(&full_ns, rate, now_ns), rows[i].first);
		next_ns = stream_rate_next_ns(full_ns, rate);
		assert_true(next_ns == now_ns + NS_PER_S / rate->per_s);
		assert_false(stream_rate_spend(&full_ns, rate, next_ns - 1));
		now_ns += rows[i].later_ms * NS_PER_MS;
		assert_int_equal(take_all(&full_ns, rate, now_ns), rows[i].then);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rates) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
