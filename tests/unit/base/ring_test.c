/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include "base/ring.h"

struct item {
	uint64_t n;
	char fill[21]; /* an odd size on purpose */
};

static struct ring g_ring;

static void capacity_is_a_power_of_two(void **state)
{
	static const struct row {
		uint32_t asked, got;
	} rows[] = { { 1, 1 }, { 2, 2 }, { 3, 4 }, { 5, 8 }, { 64, 64 } };
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint32_t n = 0;
		uint32_t v = 0;

		assert_int_equal(ring_open(&g_ring, sizeof(v), row->asked), 0);
		while (ring_push(&g_ring, &v))
			n++;
		assert_int_equal(n, row->got);
		ring_close(&g_ring);
	}
}

static void keeps_order_around_the_end(void **state)
{
	uint64_t next_in = 0;
	uint64_t next_out = 0;

	(void)state;
	assert_int_equal(ring_open(&g_ring, sizeof(struct item), 8), 0);
	/* as if four billion had gone through */
	atomic_store(&g_ring.head, UINT32_MAX - 20);
	atomic_store(&g_ring.tail, UINT32_MAX - 20);
	for (int round = 0; round < 20; round++) {
		struct item items[5];
		struct item in = { 0 };
		uint32_t n;

		for (int i = 0; i < 3; i++) {
			in.n = next_in++;
			assert_true(ring_push(&g_ring, &in));
		}
		n = ring_pop(&g_ring, items, 2 + round % 4);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(items[i].n, next_out++);
		if (next_in - next_out > 5)
			next_out += ring_pop(&g_ring, items, 5);
	}
	ring_close(&g_ring);
}

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void wakes_a_sleeper_only(void **state)
{
	uint32_t v = 1;

	(void)state;
	assert_int_equal(ring_open(&g_ring, sizeof(v), 8), 0);
	assert_true(ring_push(&g_ring, &v));
	assert_false(is_readable(g_ring.wake_fd));
	assert_false(ring_sleep(&g_ring)); /* something is there */
	assert_int_equal(ring_pop(&g_ring, &v, 1), 1);
	assert_true(ring_is_empty(&g_ring));
	assert_true(ring_sleep(&g_ring));
	assert_false(is_readable(g_ring.wake_fd));
	assert_true(ring_push(&g_ring, &v));
	assert_true(is_readable(g_ring.wake_fd));
	ring_awake(&g_ring);
	assert_false(is_readable(g_ring.wake_fd));
	assert_true(ring_push(&g_ring, &v)); /* it no longer sleeps */
	assert_false(is_readable(g_ring.wake_fd));
	ring_close(&g_ring);
}

/* One that is being worked on is not done. */
static void a_mark_is_passed_when_all_before_it_was_released(void **state)
{
	uint32_t v = 1, mark;

	(void)state;
	assert_int_equal(ring_open(&g_ring, sizeof(v), 8), 0);
	assert_true(ring_is_past(&g_ring, ring_mark(&g_ring)));
	assert_true(ring_push(&g_ring, &v));
	mark = ring_mark(&g_ring);
	assert_true(ring_push(&g_ring, &v));
	assert_non_null(ring_peek(&g_ring));
	assert_false(ring_is_past(&g_ring, mark));
	ring_release(&g_ring);
	assert_true(ring_is_past(&g_ring, mark));
	assert_false(ring_is_past(&g_ring, ring_mark(&g_ring)));
	ring_close(&g_ring);
}

enum { ITEMS = 200000 };

static void *producer(void *arg)
{
	struct ring *r = arg;

	for (uint64_t i = 0; i < ITEMS; i++) {
		struct item item = { .n = i };

		memset(item.fill, (int)(i & 0x7f), sizeof(item.fill));
		while (!ring_push(r, &item))
			(void)sched_yield();
	}
	return NULL;
}

static void item_check(const struct item *item, uint64_t n)
{
	assert_int_equal(item->n, n);
	for (size_t i = 0; i < sizeof(item->fill); i++)
		assert_int_equal(item->fill[i], n & 0x7f);
}

/* Nothing lost, torn or twice, and no sleep without end: then poll would run out of time. */
static void two_threads(void **state)
{
	pthread_t thread;
	uint64_t next = 0;

	(void)state;
	assert_int_equal(ring_open(&g_ring, sizeof(struct item), 64), 0);
	assert_int_equal(pthread_create(&thread, NULL, producer, &g_ring), 0);
	while (next < ITEMS) {
		struct item items[16];
		uint32_t n = ring_pop(&g_ring, items, COUNT_OF(items));

		for (uint32_t i = 0; i < n; i++)
			item_check(&items[i], next++);
		if (n == 0 && ring_sleep(&g_ring)) {
			struct pollfd p = { .fd = g_ring.wake_fd, .events = POLLIN };

			assert_int_equal(poll(&p, 1, 10000), 1);
			ring_awake(&g_ring);
		}
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(ring_is_empty(&g_ring));
	ring_close(&g_ring);
}

/* Filled and read where it lies. */
static void items_in_place(void **state)
{
	const uint64_t *got;
	uint64_t *slot;

	(void)state;
	assert_int_equal(ring_open(&g_ring, sizeof(*slot), 2), 0);
	assert_null(ring_peek(&g_ring));
	for (uint64_t n = 0; n < 2; n++) {
		slot = ring_reserve(&g_ring);
		assert_non_null(slot);
		*slot = n;
		ring_publish(&g_ring);
	}
	assert_null(ring_reserve(&g_ring));
	g_ring.wipes = true;
	for (uint64_t n = 0; n < 2; n++) {
		got = ring_peek(&g_ring);
		assert_non_null(got);
		assert_int_equal(*got, n);
		ring_release(&g_ring);
		assert_int_equal(*got, 0);
	}
	assert_null(ring_peek(&g_ring));
	assert_non_null(ring_reserve(&g_ring));
	ring_close(&g_ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capacity_is_a_power_of_two),
		cmocka_unit_test(keeps_order_around_the_end),
		cmocka_unit_test(wakes_a_sleeper_only),
		cmocka_unit_test(a_mark_is_passed_when_all_before_it_was_released),
		cmocka_unit_test(items_in_place),
		cmocka_unit_test(two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
