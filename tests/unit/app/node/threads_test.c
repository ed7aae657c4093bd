/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shards share nothing that they are not given: two of them, each with shared_tables, locations and tenants of its own, take calls on two
 * threads at once. What a node gives to all of its shards is of one thread, and says so where it is declared (quota, tenants, locations,
 * shared_tables). Run by ThreadSanitizer as well.
 */
#include <pthread.h>

#include "tests/unit/sig/line.h"

enum { CALLS = 40, THREADS = 2 };

struct worker {
	pthread_t thread;
	uint16_t number;
	uint32_t cdrs;
	uint64_t last; /* call id */
};

static void one_call(struct rig *r, struct phone *a, struct phone *b)
{
	phones_talk(a, b);
	phone_request(a, "BYE", "", "");
	phone_answer(b, rig_take(r, &b->addr, "BYE "), "200 OK", "");
	rig_wait_ms(r, 70000);
}

static void *work(void *arg)
{
	struct shard_settings s = rig_settings();
	struct worker *w = arg;
	struct phone a, b;
	struct rig *r;

	for (uint32_t i = 0; i < CALLS; i++) {
		s.number = w->number;
		r = rig_open_with(&s);
		phones_open(r, &a, &b);
		one_call(r, &a, &b);
		w->cdrs += r->cdr_count;
		w->last = r->cdrs[0].call;
		shard_configure(r->shard, &s);
		rig_close(r);
	}
	return NULL;
}

static void each_on_a_thread(void **state)
{
	struct worker workers[THREADS] = { { .number = 7 }, { .number = 8 } };

	(void)state;
	rig_close(rig_open()); /* metrics are registered by one thread */
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		assert_int_equal(workers[i].cdrs, CALLS);
		assert_int_equal(id_shard(workers[i].last), workers[i].number);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_on_a_thread) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
