/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "app/deliver/job.h"

static void the_earliest_is_first(void **state)
{
	struct queue q;
	struct queue_job *job;

	(void)state;
	assert_int_equal(queue_open(&q, 3), 0);
	assert_null(queue_due(&q, 100, 0));
	assert_int_equal(queue_put(&q, bytes_str("b"), 20), 0);
	assert_int_equal(queue_put(&q, bytes_str("a"), 10), 0);
	assert_int_equal(queue_put(&q, bytes_str("c"), 15), 0);
	assert_int_equal(queue_put(&q, bytes_str("a"), 5), -EEXIST);
	assert_null(queue_due(&q, 9, 0));
	job = queue_due(&q, 30, 0);
	assert_string_equal(job->path, "a");
	job->busy = true;
	assert_string_equal(queue_due(&q, 30, 0)->path, "c");
	queue_find(&q, bytes_str("c"))->waits = 2;
	assert_string_equal(queue_due(&q, 30, 2)->path, "b");
	assert_string_equal(queue_due(&q, 30, 1)->path, "c");
	queue_drop(&q, job);
	assert_null(queue_find(&q, bytes_str("a")));
	assert_non_null(queue_find(&q, bytes_str("b")));
	queue_close(&q);
}

static void what_is_due_later_makes_room(void **state)
{
	struct queue q;

	(void)state;
	assert_int_equal(queue_open(&q, 2), 0);
	assert_int_equal(queue_put(&q, bytes_str("a"), 10), 0);
	assert_int_equal(queue_put(&q, bytes_str("b"), 20), 0);
	assert_int_equal(queue_put(&q, bytes_str("c"), 20), -ENOSPC);
	assert_int_equal(queue_put(&q, bytes_str("c"), 0), 0);
	assert_null(queue_find(&q, bytes_str("b")));
	queue_find(&q, bytes_str("a"))->busy = true;
	assert_int_equal(queue_put(&q, bytes_str("d"), 5), -ENOSPC); /* one is busy, one earlier */
	assert_int_equal(q.count, 2);
	queue_close(&q);
}

static void long_paths_are_refused(void **state)
{
	char path[QUEUE_PATH_MAX];
	struct queue q;

	(void)state;
	memset(path, 'x', sizeof(path));
	assert_int_equal(queue_open(&q, 1), 0);
	assert_int_equal(queue_put(&q, bytes_mem(path, sizeof(path)), 0), -ENAMETOOLONG);
	assert_int_equal(queue_put(&q, bytes_mem(path, sizeof(path) - 1), 0), 0);
	assert_int_equal(q.count, 1);
	queue_close(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_earliest_is_first),
		cmocka_unit_test(what_is_due_later_makes_room),
		cmocka_unit_test(long_paths_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
