/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <pthread.h>

#include "base/metric.h"

enum { THREADS = METRIC_THREADS + 8, BATCH = 8, ADDS = 1000 };

static metric_id g_calls, g_failed, g_active, g_shared;

static int setup(void **state)
{
	(void)state;
	g_calls = metric_register(METRIC_COUNTER, "t_calls_total", "result=\"ok\"", "Calls.");
	g_active = metric_register(METRIC_GAUGE, "t_active", NULL, "Active calls.");
	g_failed = metric_register(METRIC_COUNTER, "t_calls_total", "result=\"failed\"", "Calls.");
	g_shared = metric_register(METRIC_COUNTER, "t_shared_total", NULL, "From all threads.");
	return 0;
}

static void same_name_and_labels_same_id(void **state)
{
	char name[] = "t_calls_total"; /* another pointer */

	(void)state;
	assert_int_equal(metric_register(METRIC_COUNTER, name, "result=\"ok\"", "Calls."), g_calls);
	assert_int_equal(metric_register(METRIC_GAUGE, "t_active", NULL, "Active calls."),
			 g_active);
	assert_int_not_equal(g_calls, g_failed);
}

static void page_is_grouped_by_name(void **state)
{
	char page[1024];
	struct writer w = writer_over(page, sizeof(page));

	(void)state;
	metric_add(g_calls, 41);
	metric_add(g_calls, 1);
	metric_add(g_failed, UINT64_C(5000000000));
	metric_set(g_active, 9);
	metric_set(g_active, 7);
	metric_write(&w);
	assert_false(w.overflow);
	assert_true(bytes_is(writer_done(&w), "# HELP t_calls_total Calls.\n"
					      "# TYPE t_calls_total counter\n"
					      "t_calls_total{result=\"ok\"} 42\n"
					      "t_calls_total{result=\"failed\"} 5000000000\n"
					      "# HELP t_active Active calls.\n"
					      "# TYPE t_active gauge\n"
					      "t_active 7\n"
					      "# HELP t_shared_total From all threads.\n"
					      "# TYPE t_shared_total counter\n"
					      "t_shared_total 0\n"));
}

static void histogram_is_one_family(void **state)
{
	metric_id low = metric_register(METRIC_BUCKET, "t_size", "le=\"10\"", "Sizes.");
	metric_id all = metric_register(METRIC_BUCKET, "t_size", "le=\"+Inf\"", "Sizes.");
	metric_id sum = metric_register(METRIC_SUM, "t_size", NULL, "Sizes.");
	metric_id count = metric_register(METRIC_COUNT, "t_size", NULL, "Sizes.");
	char page[2048], *at;
	struct writer w = writer_over(page, sizeof(page) - 1);

	(void)state;
	assert_int_not_equal(sum, count);
	metric_add(all, 2);
	metric_add(low, 1);
	metric_add(sum, 47);
	metric_add(count, 2);
	metric_write(&w);
	page[w.n] = '\0';
	at = strstr(page, "# HELP t_size");
	assert_non_null(at);
	assert_int_equal(strncmp(at,
				 "# HELP t_size Sizes.\n# TYPE t_size histogram\n"
				 "t_size_bucket{le=\"10\"} 1\nt_size_bucket{le=\"+Inf\"} 2\n"
				 "t_size_sum 47\nt_size_count 2\n",
				 strlen("# HELP t_size Sizes.\n# TYPE t_size histogram\n"
					"t_size_bucket{le=\"10\"} 1\nt_size_bucket{le=\"+Inf\"} 2\n"
					"t_size_sum 47\nt_size_count 2\n")),
			 0);
}

static char g_late[THREADS][16];

static void *adder(void *arg)
{
	metric_register(METRIC_COUNTER, "t_late_total", arg, "From a thread that began late.");
	for (int i = 0; i < ADDS; i++)
		metric_add(g_shared, 1);
	return NULL;
}

/* More threads than blocks, several at a time, while somebody reads. */
static void threads_lose_nothing(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (int done = 0; done < THREADS; done += BATCH) {
		pthread_t threads[BATCH];

		for (int i = 0; i < BATCH; i++) {
			char *late = g_late[done + i];

			(void)snprintf(late, sizeof(g_late[0]), "thread=\"%d\"", done + i);
			assert_int_equal(pthread_create(&threads[i], NULL, adder, late), 0);
		}
		for (int i = 0; i < 100; i++) {
			uint64_t now = metric_value(g_shared);
			char page[16384];
			struct writer w = writer_over(page, sizeof(page) - 1);

			metric_write(&w);
			assert_false(w.overflow);

			assert_true(now >= last);
			last = now;
		}
		for (int i = 0; i < BATCH; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
	assert_int_equal(metric_value(g_shared), THREADS * ADDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_name_and_labels_same_id),
		cmocka_unit_test(page_is_grouped_by_name),
		cmocka_unit_test(histogram_is_one_family),
		cmocka_unit_test(threads_lose_nothing),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
