/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "engine/worker/spread.h"

enum { WORKERS = 4, SLOTS = 64 };

static const uint32_t IDLE[WORKERS];

static int setup(void **state)
{
	static struct spread s;

	assert_int_equal(spread_open(&s, WORKERS, SLOTS), 0);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct spread *s = *state;

	for (uint32_t slot = 0; slot < SLOTS; slot++)
		spread_drop(s, slot);
	for (uint64_t call = 0; call < 4 * SLOTS; call++)
		spread_unpin(s, call);
	for (uint32_t w = 0; w < WORKERS; w++)
		assert_int_equal(s->load[w], 0);
	assert_int_equal(s->pins, 0);
	spread_close(s);
	return 0;
}

static uint8_t put(struct spread *s, uint32_t slot, uint64_t call, const uint32_t busy[])
{
	uint8_t worker = spread_choose(s, call, busy);

	spread_put(s, slot, call, worker);
	assert_int_equal(spread_of(s, slot), worker);
	return worker;
}

static void equal_calls_are_dealt_out_evenly(void **state)
{
	struct spread *s = *state;

	for (uint32_t slot = 0; slot < SLOTS; slot += 2) {
		uint8_t worker = put(s, slot, slot, IDLE);

		assert_int_equal(put(s, slot + 1, slot, IDLE), worker);
	}
	for (uint32_t w = 0; w < WORKERS; w++)
		assert_int_equal(s->load[w], SLOTS / WORKERS);
}

/* Whatever the others do meanwhile, and however large it gets. */
static void a_call_stays_together(void **state)
{
	struct spread *s = *state;
	const uint32_t busy[WORKERS] = { 900, 900, 900, 900 };
	uint8_t worker = put(s, 0, 7, IDLE);

	for (uint32_t slot = 1; slot < 20; slot++)
		assert_int_equal(put(s, slot, 7, busy), worker);
	for (uint32_t slot = 0; slot < 19; slot++)
		spread_drop(s, slot);
	assert_int_equal(put(s, 0, 7, IDLE), worker);
}

static void a_gone_one_is_forgotten(void **state)
{
	struct spread *s = *state;
	uint8_t worker = put(s, 0, 7, IDLE);

	for (uint32_t i = 0; i < 3; i++)
		(void)put(s, 1 + i, 100 + i, IDLE);
	(void)put(s, 4, 200, IDLE); /* equal again, and one more on the first */
	spread_drop(s, 0);
	assert_int_equal(spread_of(s, 0), worker); /* for what comes late */
	(void)put(s, 10, 201, IDLE);
	(void)put(s, 11, 202, IDLE);
	assert_int_equal(s->load[0] + s->load[1] + s->load[2] + s->load[3], 6);
	for (uint32_t w = 0; w < WORKERS; w++)
		assert_in_range(s->load[w], 1, 2);
}

/* A slot that is opened anew counts once, for its new call. */
static void a_slot_has_one_call(void **state)
{
	struct spread *s = *state;

	for (uint32_t round = 0; round < 10 * SLOTS; round++)
		(void)put(s, 5, round, IDLE);
	assert_int_equal(s->load[0] + s->load[1] + s->load[2] + s->load[3], 1);
}

static void work_counts_beside_flows(void **state)
{
	struct spread *s = *state;
	const uint32_t busy[WORKERS] = { 400, 200, 200, 200 };
	uint32_t dear;

	for (uint32_t slot = 0; slot < 8; slot++)
		(void)put(s, slot, slot, IDLE);
	for (uint32_t slot = 8; slot < 14; slot++)
		assert_int_not_equal(put(s, slot, slot, busy), 0);
	dear = s->load[0];
	assert_int_equal(dear, 2);
	/* not for ever: its share of flows has shrunk */
	for (uint32_t slot = 14; slot < SLOTS; slot++)
		(void)put(s, slot, slot, busy);
	assert_in_range(s->load[0], dear + 1, SLOTS / WORKERS - 1);
}

/* A percent says nothing, and neither does one who has no calls any more and so measures no more. */
static void little_work_is_no_work(void **state)
{
	struct spread *s = *state;
	const uint32_t noise[WORKERS] = { 20, 0, 0, 0 }, stale[WORKERS] = { 0, 0, 0, 1000 };

	assert_int_equal(put(s, 0, 0, noise), 0);
	assert_int_equal(put(s, 1, 1, noise), 1);
	assert_int_equal(put(s, 2, 2, noise), 2);
	assert_int_equal(put(s, 3, 3, stale), 3);
	assert_int_equal(put(s, 4, 4, noise), 0);
}

/* As where an SDP names the worker's own port before there is a flow. */
static void a_pinned_call_keeps_its_worker(void **state)
{
	struct spread *s = *state;
	uint8_t worker[WORKERS];

	for (uint64_t call = 0; call < WORKERS; call++) {
		worker[call] = spread_choose(s, call, IDLE);
		assert_true(spread_pin(s, call, worker[call]));
		assert_int_equal(worker[call], call); /* a pinned one counts */
	}
	for (uint32_t slot = 0; slot < 20; slot++)
		assert_int_equal(put(s, slot, 3, IDLE), 3);
	for (uint32_t slot = 0; slot < 20; slot++)
		spread_drop(s, slot);
	assert_int_equal(spread_choose(s, 3, IDLE), 3);
	spread_unpin(s, 3);
	spread_unpin(s, 3);
	spread_unpin(s, 12345);
	for (uint64_t call = 0; call < 3; call++)
		assert_int_equal(s->load[call], 1);
	assert_int_equal(s->load[3], 0);
	/* the flow keeps it when the pin goes first */
	assert_int_equal(put(s, 0, 0, IDLE), 0);
	spread_unpin(s, 0);
	assert_int_equal(put(s, 1, 0, IDLE), 0);
}

static void pins_are_bounded_and_leave_room_for_flows(void **state)
{
	struct spread *s = *state;

	for (uint64_t call = 0; call < SLOTS; call++)
		assert_true(spread_pin(s, call, spread_choose(s, call, IDLE)));
	assert_true(spread_pin(s, 0, spread_choose(s, 0, IDLE)));
	assert_false(spread_pin(s, SLOTS, spread_choose(s, SLOTS, IDLE)));
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		(void)put(s, slot, 2 * SLOTS + slot, IDLE);
	assert_false(spread_pin(s, 2 * SLOTS, spread_choose(s, 2 * SLOTS, IDLE)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(equal_calls_are_dealt_out_evenly),
		TEST(a_call_stays_together),
		TEST(a_gone_one_is_forgotten),
		TEST(a_slot_has_one_call),
		TEST(work_counts_beside_flows),
		TEST(little_work_is_no_work),
		TEST(a_pinned_call_keeps_its_worker),
		TEST(pins_are_bounded_and_leave_room_for_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
