/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/rand.h"
#include "engine/job/video_choice.h"

#define AGAIN_NS (30 * NS_PER_MS)
#define MS(n)    (UINT64_C(1000000000) + (n)*NS_PER_MS)

static struct losses_asked asked_at(struct losses *l, uint64_t now_ns)
{
	struct losses_asked a = { 0 };

	if (losses_are_due(l, now_ns))
		losses_request(l, now_ns, AGAIN_NS, &a);
	return a;
}

static void a_gap_is_asked_for_once(void **state)
{
	struct losses l = { 0 };
	struct losses_asked a;

	(void)state;
	assert_true(losses_note(&l, 65533, 65534, MS(0)));
	assert_false(losses_are_due(&l, MS(0)));
	assert_true(losses_note(&l, 65534, 2, MS(0)));
	a = asked_at(&l, MS(0));
	assert_int_equal(a.count, 3);
	assert_int_equal(a.numbers[0], 65535);
	assert_int_equal(a.numbers[2], 1);
	assert_int_equal(a.given_up, 0);
	assert_int_equal(asked_at(&l, MS(29)).count, 0);
	assert_true(losses_note(&l, 2, 0, MS(29))); /* it came again */
	a = asked_at(&l, MS(30));
	assert_int_equal(a.count, 2);
	assert_int_equal(a.numbers[1], 1);
}

/* However often it is looked at: a number is asked for four times, and once something is given up that is said once. */
static void what_does_not_come_is_given_up(void **state)
{
	struct losses l = { 0 };
	uint32_t asked = 0, given_up = 0;

	(void)state;
	assert_true(losses_note(&l, 7, 9, MS(0)));
	for (uint32_t ms = 0; ms < 1000; ms++) {
		struct losses_asked a = asked_at(&l, MS(ms));

		asked += a.count;
		given_up += a.given_up;
		if (a.given_up)
			assert_int_equal(a.since_ns, MS(0));
	}
	assert_int_equal(asked, LOSS_TRIES);
	assert_int_equal(given_up, 1);
	assert_int_equal(l.count, 0);
}

/* Far away each try lasts long: behind 400 ms there is none. */
static void what_is_old_is_given_up(void **state)
{
	struct losses l = { 0 };
	struct losses_asked a;

	(void)state;
	assert_true(losses_note(&l, 7, 9, MS(0)));
	losses_request(&l, MS(0), 1000 * NS_PER_MS, &a);
	assert_int_equal(a.count, 1);
	assert_false(losses_are_due(&l, MS(399)));
	losses_request(&l, MS(400), 1000 * NS_PER_MS, &a);
	assert_int_equal(a.given_up, 1);
	assert_int_equal(a.count, 0);
}

static void a_gap_too_wide(void **state)
{
	struct losses l = { 0 };

	(void)state;
	assert_true(losses_note(&l, 0, LOSSES_MAX + 1, MS(0)));
	assert_int_equal(l.count, LOSSES_MAX);
	assert_true(losses_note(&l, LOSSES_MAX + 1, LOSSES_MAX + 2, MS(0)));
	assert_false(losses_note(&l, LOSSES_MAX + 2, LOSSES_MAX + 4, MS(0)));
	assert_int_equal(l.count, 0);
	assert_false(losses_note(&l, 0, LOSSES_MAX + 2, MS(0)));
}

/* A model that remembers everything: what is asked for is missing, and nothing is asked for above its tries. */
static void at_random(void **state)
{
	struct rand_source rand;
	struct losses l = { 0 };
	static uint8_t came[1 << 16], tries[1 << 16];
	uint16_t highest = 0;

	(void)state;
	rand_open_seed(&rand, 9);
	came[0] = 1;
	for (uint32_t ms = 0; ms < 20000; ms += 1 + rand_below(&rand, 9)) {
		uint16_t sequence = (uint16_t)(highest + 1 + rand_below(&rand, 4));
		struct losses_asked a;

		if (rand_below(&rand, 3) == 0 && highest > 50)
			sequence = (uint16_t)(highest - rand_below(&rand, 50));
		came[sequence] = 1;
		(void)losses_note(&l, highest, sequence, MS(ms));
		highest = sequence > highest ? sequence : highest;
		a = asked_at(&l, MS(ms));
		for (uint8_t i = 0; i < a.count; i++) {
			assert_false(came[a.numbers[i]]);
			assert_true(a.numbers[i] < highest);
			assert_true(++tries[a.numbers[i]] <= LOSS_TRIES);
			assert_true(i == 0 || a.numbers[i] > a.numbers[i - 1]);
		}
	}
	assert_in_range(highest, 1000, 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gap_is_asked_for_once),
		cmocka_unit_test(what_does_not_come_is_given_up),
		cmocka_unit_test(what_is_old_is_given_up),
		cmocka_unit_test(a_gap_too_wide),
		cmocka_unit_test(at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
