/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/host/probe.h"
#include "tests/unit/test.h"

#define S NS_PER_S

static const struct probe_limits g_limits = { .interval_ms = 10000, .bad = 3, .good = 2 };
static struct rand_source g_rand;
static uint64_t g_now;

static struct probe opened(void)
{
	struct probe p;

	rand_open_seed(&g_rand, 1);
	g_now = 1000 * S;
	probe_open(&p, &g_limits, &g_rand, g_now);
	return p;
}

/* How often its request is said before it is given up. */
static unsigned said_in_vain(struct probe *p, enum probe_do *outcome)
{
	unsigned said = 0;

	do {
		g_now = probe_next_ns(p);
		*outcome = probe_expire(p, &g_limits, false, &g_rand, g_now);
		said += *outcome == PROBE_SAY;
	} while (p->branch);
	return said;
}

static enum probe_do exchange(struct probe *p, uint16_t status)
{
	g_now = probe_next_ns(p);
	assert_int_equal(probe_expire(p, &g_limits, false, &g_rand, g_now), PROBE_SAY);
	return probe_answered(p, &g_limits, p->branch, status);
}

static void test_up_and_down(void **state)
{
	struct probe p = opened();

	(void)state;
	assert_int_equal(exchange(&p, 503), PROBE_NOTHING);
	assert_int_equal(exchange(&p, 503), PROBE_NOTHING);
	assert_int_equal(exchange(&p, 200), PROBE_NOTHING); /* it begins anew */
	assert_int_equal(exchange(&p, 503), PROBE_NOTHING);
	assert_int_equal(exchange(&p, 408), PROBE_NOTHING);
	assert_false(p.down);
	assert_int_equal(exchange(&p, 503), PROBE_CHANGED);
	assert_true(p.down);
	assert_int_equal(exchange(&p, 200), PROBE_NOTHING);
	assert_int_equal(exchange(&p, 503), PROBE_NOTHING);
	assert_int_equal(exchange(&p, 404), PROBE_NOTHING); /* any answer will do */
	assert_true(p.down);
	assert_int_equal(exchange(&p, 401), PROBE_CHANGED);
	assert_false(p.down);
}

/* It is said again at 0.5, 1.5 and 3.5 s, and given up at 4. */
static void test_silence(void **state)
{
	struct probe p = opened();
	enum probe_do outcome;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_false(p.down);
		assert_int_equal(said_in_vain(&p, &outcome), 4);
		assert_int_equal(outcome, i < 2 ? PROBE_NOTHING : PROBE_CHANGED);
	}
	assert_true(p.down);
}

static void test_over_a_connection(void **state)
{
	struct probe p = opened();

	(void)state;
	g_now = probe_next_ns(&p);
	assert_int_equal(probe_expire(&p, &g_limits, true, &g_rand, g_now), PROBE_SAY);
	assert_int_equal(probe_next_ns(&p), p.until_ns);
	assert_int_equal(probe_failed(&p, &g_limits), PROBE_NOTHING);
	assert_int_equal(probe_failed(&p, &g_limits), PROBE_NOTHING); /* nothing is under way */
	assert_int_equal(p.row, 1);
}

static void test_what_is_no_answer(void **state)
{
	struct probe p = opened();

	(void)state;
	g_now = probe_next_ns(&p);
	assert_int_equal(probe_expire(&p, &g_limits, false, &g_rand, g_now), PROBE_SAY);
	assert_int_equal(probe_answered(&p, &g_limits, p.branch, 100), PROBE_NOTHING);
	assert_int_equal(probe_answered(&p, &g_limits, p.branch + 1, 503), PROBE_NOTHING);
	assert_true(p.branch != 0);
	assert_int_equal(p.row, 0);
	assert_int_equal(probe_answered(&p, &g_limits, p.branch, 503), PROBE_NOTHING);
	assert_int_equal(p.row, 1);
	assert_int_equal(probe_answered(&p, &g_limits, 0, 503), PROBE_NOTHING); /* a late copy */
	assert_int_equal(p.row, 1);
}

/* Ten seconds, give or take one; the first one anywhere within them. */
static void test_spread(void **state)
{
	uint64_t first[2] = { UINT64_MAX, 0 };
	struct probe p = opened();

	(void)state;
	for (int i = 0; i < 200; i++) {
		uint64_t begun;

		probe_open(&p, &g_limits, &g_rand, g_now);
		first[0] = p.next_ns < first[0] ? p.next_ns : first[0];
		first[1] = p.next_ns > first[1] ? p.next_ns : first[1];
		begun = p.next_ns;
		assert_int_equal(probe_expire(&p, &g_limits, false, &g_rand, begun), PROBE_SAY);
		assert_in_range(p.next_ns - begun, 9 * S, 11 * S);
	}
	assert_true(first[0] < g_now + S && first[1] > g_now + 9 * S && first[1] <= g_now + 10 * S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up_and_down),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_over_a_connection),
		cmocka_unit_test(test_what_is_no_answer),
		cmocka_unit_test(test_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
