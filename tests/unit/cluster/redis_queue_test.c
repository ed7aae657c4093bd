/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "cluster/redis/link.h"

enum { CAPACITY = 4 };

static struct redis_wait wait_until(uint64_t deadline_ns, void *arg)
{
	return (struct redis_wait){ .deadline_ns = deadline_ns, .arg = arg };
}

static void push(struct redis_queue *q, uint64_t deadline_ns, void *arg)
{
	struct redis_wait wait = wait_until(deadline_ns, arg);

	assert_true(redis_queue_push(q, &wait));
}

static void test_order_and_bound(void **state)
{
	struct redis_wait wait = wait_until(1, NULL), got;
	struct redis_queue q;
	char marks[3 * CAPACITY];

	(void)state;
	assert_int_equal(redis_queue_open(&q, CAPACITY), 0);
	assert_null(redis_queue_oldest(&q));
	assert_false(redis_queue_pop(&q, &got));
	for (int i = 0; i < CAPACITY; i++)
		push(&q, 1, &marks[i]);
	assert_false(redis_queue_push(&q, &wait));
	/* twice around the ring */
	for (int i = 0; i < 2 * CAPACITY; i++) {
		assert_ptr_equal(redis_queue_oldest(&q)->arg, &marks[i]);
		assert_true(redis_queue_pop(&q, &got));
		assert_ptr_equal(got.arg, &marks[i]);
		push(&q, 1, &marks[i + CAPACITY]);
	}
	assert_int_equal(q.count, CAPACITY);
	redis_queue_close(&q);
}

/* Few waits at a time use little memory, however many there were. */
static void test_few_use_little(void **state)
{
	struct redis_queue q;
	struct redis_wait got;
	char a, b;

	(void)state;
	assert_int_equal(redis_queue_open(&q, CAPACITY), 0);
	for (int i = 0; i < 3 * CAPACITY; i++) {
		push(&q, 1, &a);
		push(&q, 1, &b);
		assert_true(redis_queue_pop(&q, &got));
		assert_ptr_equal(got.arg, &a);
		assert_true(redis_queue_pop(&q, &got));
		assert_ptr_equal(got.arg, &b);
	}
	assert_null(q.slots[2].arg);
	redis_queue_close(&q);
}

/* An expired wait keeps its place, so that its late answer does not go to the next one. */
static void test_expire(void **state)
{
	struct redis_queue q;
	struct redis_wait got;
	uint32_t cursor = 0;
	char a, b, c, d;

	(void)state;
	assert_int_equal(redis_queue_open(&q, CAPACITY), 0);
	push(&q, 50, &a);
	push(&q, UINT64_MAX, &b);
	push(&q, 30, &c);
	push(&q, 70, &d);
	assert_true(q.next_ns == 30);
	assert_false(redis_queue_expire(&q, 29, &cursor, &got));
	cursor = 0;
	assert_true(redis_queue_expire(&q, 50, &cursor, &got));
	assert_ptr_equal(got.arg, &a);
	assert_true(redis_queue_expire(&q, 50, &cursor, &got));
	assert_ptr_equal(got.arg, &c);
	assert_false(redis_queue_expire(&q, 50, &cursor, &got));
	assert_true(q.next_ns == 70);
	assert_int_equal(q.count, 4);
	assert_true(redis_queue_pop(&q, &got));
	assert_true(got.expired);
	assert_true(redis_queue_pop(&q, &got));
	assert_ptr_equal(got.arg, &b);
	assert_false(got.expired);
	cursor = 0;
	assert_true(redis_queue_expire(&q, 70, &cursor, &got));
	assert_ptr_equal(got.arg, &d);
	assert_false(redis_queue_expire(&q, 70, &cursor, &got));
	assert_true(q.next_ns == UINT64_MAX);
	redis_queue_close(&q);
}

/* A callback may queue the next command. */
static void test_push_while_expiring(void **state)
{
	struct redis_queue q;
	struct redis_wait got;
	uint32_t cursor = 0;
	char a, b;

	(void)state;
	assert_int_equal(redis_queue_open(&q, CAPACITY), 0);
	push(&q, 10, &a);
	assert_true(redis_queue_expire(&q, 10, &cursor, &got));
	push(&q, 60, &b);
	assert_false(redis_queue_expire(&q, 10, &cursor, &got));
	assert_true(q.next_ns == 60);
	redis_queue_close(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_bound),
		cmocka_unit_test(test_few_use_little),
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_push_while_expiring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
