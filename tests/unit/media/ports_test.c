/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "media/ports.h"

#define SECOND UINT64_C(1000000000)

static int open_range(struct ports *p, uint16_t first, uint16_t last)
{
	struct rand_source rand;

	rand_open_seed(&rand, 7);
	return ports_open(p, first, last, 100, 60 * SECOND, 5 * SECOND, &rand);
}

static void test_range(void **state)
{
	static const struct {
		const char *name;
		uint16_t first, last;
		int want;
		uint32_t pairs;
		uint16_t first_port;
	} rows[] = {
		{ "even to odd", 10000, 10003, 0, 2, 10000 },
		{ "odd first is cut", 10001, 10005, 0, 2, 10002 },
		{ "even last is cut", 10000, 10004, 0, 2, 10000 },
		{ "one pair", 10000, 10001, 0, 1, 10000 },
		{ "no whole pair", 10001, 10002, -EINVAL, 0, 0 },
		{ "backwards", 10010, 10000, -EINVAL, 0, 0 },
		{ "port 0", 0, 1, -EINVAL, 0, 0 },
		{ "to the end", 65530, 65535, 0, 3, 65530 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct ports p;

		ROW_ASSERT(row->name, open_range(&p, row->first, row->last) == row->want);
		ROW_ASSERT(row->name, row->want || p.pair_count == row->pairs);
		ROW_ASSERT(row->name, row->want || p.first_port == row->first_port);
		ROW_ASSERT(row->name, p.free_count == (row->want ? 0 : row->pairs));
		ports_close(&p);
	}
}

static void test_each_pair_once_and_shuffled(void **state)
{
	struct ports p;
	uint8_t seen[50] = { 0 };
	uint32_t in_order = 0;

	(void)state;
	assert_int_equal(open_range(&p, 20000, 20099), 0);
	for (uint32_t i = 0; i < 50; i++) {
		struct flow_id id;
		uint32_t at;

		assert_int_equal(ports_alloc(&p, SECOND, &id), 0);
		assert_int_not_equal(id.generation, 0);
		assert_int_equal(id.slot, 100 + i); /* used together, they lie together */
		assert_in_range(ports_rtp_port(&p, id), 20000, 20098);
		at = (ports_rtp_port(&p, id) - 20000U) / 2;
		assert_int_equal(seen[at]++, 0);
		in_order += at == i;
	}
	assert_true(in_order < 10);
	assert_int_equal(p.free_count, 0);
	assert_int_equal(ports_alloc(&p, SECOND, &(struct flow_id){ 0 }), -EAGAIN);
	ports_close(&p);
}

static void test_have(void **state)
{
	struct flow_id a, b;
	struct ports p;

	(void)state;
	assert_int_equal(open_range(&p, 20000, 20003), 0);
	assert_true(ports_have(&p, 2, SECOND));
	assert_false(ports_have(&p, 3, SECOND));
	assert_int_equal(ports_alloc(&p, SECOND, &a), 0);
	assert_false(ports_have(&p, 2, SECOND));
	assert_int_equal(ports_alloc(&p, SECOND, &b), 0);
	assert_true(ports_release(&p, a, 2 * SECOND));
	assert_false(ports_have(&p, 1, 2 * SECOND));
	assert_false(ports_have(&p, 1, 6 * SECOND));
	assert_true(ports_have(&p, 1, 7 * SECOND));
	ports_close(&p);
}

static void test_a_freed_pair_rests(void **state)
{
	struct ports p;
	struct flow_id a, b;

	(void)state;
	assert_int_equal(open_range(&p, 20000, 20001), 0);
	assert_int_equal(ports_alloc(&p, SECOND, &a), 0);
	assert_true(ports_release(&p, a, 10 * SECOND));
	assert_int_equal(ports_alloc(&p, 15 * SECOND - 1, &b), -EAGAIN);
	assert_int_equal(p.reused_early, 0);
	assert_int_equal(ports_alloc(&p, 15 * SECOND, &b), 0);
	assert_int_equal(p.reused_early, 1);
	assert_int_equal(b.slot, a.slot);
	assert_int_not_equal(b.generation, a.generation);
	assert_false(ports_release(&p, a, 16 * SECOND)); /* stale */
	assert_true(ports_release(&p, b, 16 * SECOND));
	assert_false(ports_release(&p, b, 16 * SECOND)); /* twice */
	assert_int_equal(ports_alloc(&p, 76 * SECOND, &b), 0);
	assert_int_equal(p.reused_early, 1);
	ports_close(&p);
}

/* A worker may still close what was there: another slot goes first for a while, then the low ones are used again. */
static void test_a_freed_slot_rests(void **state)
{
	struct ports p;
	struct flow_id a, b;

	(void)state;
	assert_int_equal(open_range(&p, 20000, 20099), 0);
	assert_int_equal(ports_alloc(&p, SECOND, &a), 0);
	assert_true(ports_release(&p, a, 10 * SECOND));
	assert_int_equal(ports_alloc(&p, 10 * SECOND, &b), 0);
	assert_int_equal(b.slot, a.slot + 1);
	assert_int_equal(ports_alloc(&p, 13 * SECOND, &b), 0);
	assert_int_equal(b.slot, a.slot);
	assert_int_not_equal(b.generation, a.generation);
	assert_false(ports_release(&p, a, 14 * SECOND)); /* stale */
	assert_false(ports_release(&p, (struct flow_id){ .slot = 149, .generation = 1 }, SECOND));
	ports_close(&p);
}

static void test_freed_first_is_reused_first(void **state)
{
	struct ports p;
	struct flow_id id[3], again;

	(void)state;
	assert_int_equal(open_range(&p, 20000, 20005), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ports_alloc(&p, SECOND, &id[i]), 0);
	assert_true(ports_release(&p, id[1], 2 * SECOND));
	assert_true(ports_release(&p, id[2], 3 * SECOND));
	assert_true(ports_release(&p, id[0], 4 * SECOND));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ports_alloc(&p, 100 * SECOND, &again), 0);
		assert_int_equal(again.slot, id[(i + 1) % 3].slot);
	}
	ports_close(&p);
}

static void test_claim(void **state)
{
	struct ports p;
	struct flow_id id;

	(void)state;
	assert_int_equal(open_range(&p, 20000, 20009), 0);
	assert_int_equal(ports_claim(&p, 19998, &id), -ERANGE);
	assert_int_equal(ports_claim(&p, 20010, &id), -ERANGE);
	assert_int_equal(ports_claim(&p, 20003, &id), -ERANGE);
	for (uint16_t port = 20000; port < 20010; port += 2) {
		assert_int_equal(ports_claim(&p, port, &id), 0);
		assert_int_equal(ports_rtp_port(&p, id), port);
		assert_int_equal(ports_claim(&p, port, &id), -EBUSY);
	}
	assert_int_equal(ports_alloc(&p, SECOND, &id), -EAGAIN);
	assert_true(ports_release(&p, (struct flow_id){ .slot = 102, .generation = 1 }, SECOND));
	assert_int_equal(ports_alloc(&p, 70 * SECOND, &id), 0);
	assert_int_equal(id.slot, 102);
	ports_close(&p);
}

static void test_the_free_queue_stays_whole(void **state)
{
	struct ports p;
	struct rand_source rand;
	struct flow_id held[64];
	uint32_t count = 0;

	(void)state;
	rand_open_seed(&rand, 42);
	assert_int_equal(open_range(&p, 30000, 30127), 0);
	for (uint64_t step = 1; step < 20000; step++) {
		uint32_t what = rand_below(&rand, 3);

		if (what == 0 && ports_alloc(&p, step * SECOND, &held[count]) == 0) {
			count++;
		} else if (what == 1 && count) {
			uint32_t at = rand_below(&rand, count);

			assert_true(ports_release(&p, held[at], step * SECOND));
			held[at] = held[--count];
		} else if (what == 2) {
			uint16_t port = (uint16_t)(30000 + 2 * rand_below(&rand, 64));

			count += ports_claim(&p, port, &held[count % 64]) == 0;
		}
		assert_int_equal(p.free_count + count, 64);
	}
	ports_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_each_pair_once_and_shuffled),
		cmocka_unit_test(test_have),
		cmocka_unit_test(test_a_freed_pair_rests),
		cmocka_unit_test(test_a_freed_slot_rests),
		cmocka_unit_test(test_freed_first_is_reused_first),
		cmocka_unit_test(test_claim),
		cmocka_unit_test(test_the_free_queue_stays_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
