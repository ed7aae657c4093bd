/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <pthread.h>
#include <sched.h>

#include "base/ring.h"

enum { SIZE = 4096, LONGEST = 700, ENTRIES = 100000 };

static struct byte_ring g_ring;

/* The n-th entry: its length and octets follow from n. */
static size_t entry_length(uint32_t n)
{
	return 4 + n * 7919 % (LONGEST - 4);
}

static bool entry_put(uint32_t n)
{
	size_t length = entry_length(n);
	uint8_t *p = byte_ring_reserve(&g_ring, length);

	if (!p)
		return false;
	memset(p, (int)(n & 0xff), length);
	memcpy(p, &n, sizeof(n));
	return true;
}

static bool entry_is(struct bytes e, uint32_t n)
{
	uint32_t got;

	if (e.n != entry_length(n) || (uintptr_t)e.p % 8)
		return false;
	memcpy(&got, e.p, sizeof(got));
	for (size_t i = sizeof(n); i < e.n; i++)
		if (e.p[i] != (n & 0xff))
			return false;
	return got == n;
}

static void entries_keep_order_around_the_end(void **state)
{
	uint32_t in = 0, out = 0;

	(void)state;
	assert_int_equal(byte_ring_open(&g_ring, SIZE), 0);
	for (int round = 0; round < 1000; round++) {
		for (int i = 0; i < 3 && entry_put(in); i++)
			in++;
		byte_ring_publish(&g_ring);
		for (int i = 0; i < 2 + round % 3; i++) {
			struct bytes e = byte_ring_read(&g_ring);

			if (!e.p)
				break;
			assert_true(entry_is(e, out));
			out++;
		}
		byte_ring_release(&g_ring);
	}
	assert_true(out > 1500 && in - out < 20);
	byte_ring_close(&g_ring);
}

static void nothing_is_seen_before_it_is_published(void **state)
{
	(void)state;
	assert_int_equal(byte_ring_open(&g_ring, SIZE), 0);
	assert_true(entry_put(0) && entry_put(1));
	assert_null(byte_ring_read(&g_ring).p);
	byte_ring_publish(&g_ring);
	assert_true(entry_put(2));
	assert_true(entry_is(byte_ring_read(&g_ring), 0));
	assert_true(entry_is(byte_ring_read(&g_ring), 1));
	assert_null(byte_ring_read(&g_ring).p);
	byte_ring_close(&g_ring);
}

/* What was taken is kept until it is released. */
static void a_full_ring_refuses(void **state)
{
	uint32_t n = 0;
	uint8_t *p;

	(void)state;
	assert_int_equal(byte_ring_open(&g_ring, SIZE), 0);
	while (byte_ring_reserve(&g_ring, 504))
		n++;
	assert_int_equal(n, SIZE / 512);
	byte_ring_publish(&g_ring);
	assert_non_null(byte_ring_read(&g_ring).p);
	assert_null(byte_ring_reserve(&g_ring, 504));
	byte_ring_release(&g_ring);
	p = byte_ring_reserve(&g_ring, 504);
	assert_non_null(p);
	assert_null(byte_ring_reserve(&g_ring, 0));
	byte_ring_close(&g_ring);
}

static void *put_all(void *arg)
{
	for (uint32_t n = 0; n < ENTRIES;) {
		if (entry_put(n))
			n++;
		else
			sched_yield();
		if (n % 5 == 0 || n == ENTRIES)
			byte_ring_publish(&g_ring);
	}
	return arg;
}

static void a_thread_at_each_end(void **state)
{
	pthread_t thread;
	uint32_t out = 0;

	(void)state;
	assert_int_equal(byte_ring_open(&g_ring, SIZE), 0);
	assert_int_equal(pthread_create(&thread, NULL, put_all, NULL), 0);
	while (out < ENTRIES) {
		struct bytes e = byte_ring_read(&g_ring);

		if (e.p && !entry_is(e, out++))
			fail();
		if (!e.p || out % 3 == 0)
			byte_ring_release(&g_ring); /* nothing of it is read from here on */
		if (!e.p)
			sched_yield();
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	byte_ring_close(&g_ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_keep_order_around_the_end),
		cmocka_unit_test(nothing_is_seen_before_it_is_published),
		cmocka_unit_test(a_full_ring_refuses),
		cmocka_unit_test(a_thread_at_each_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
