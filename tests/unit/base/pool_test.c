/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/pool.h"
#include "base/rand.h"

struct item {
	uint64_t id;
	char rest[33];
};

static void gives_zeroed_objects(void **state)
{
	struct pool p;
	pool_handle h;
	static const struct item zero;

	(void)state;
	assert_int_equal(pool_open(&p, sizeof(struct item), 2), 0);
	for (int i = 0; i < 5; i++) {
		struct item *item = pool_alloc(&p, &h);

		assert_non_null(item);
		assert_memory_equal(item, &zero, sizeof(zero));
		assert_true(h != 0);
		memset(item, 0xff, sizeof(*item));
		assert_true(pool_free(&p, h));
	}
	pool_close(&p);
}

static void is_full_at_its_capacity(void **state)
{
	struct pool p;
	pool_handle h[3];
	pool_handle more = 9;

	(void)state;
	assert_int_equal(pool_open(&p, 1, COUNT_OF(h)), 0);
	for (size_t i = 0; i < COUNT_OF(h); i++)
		assert_non_null(pool_alloc(&p, &h[i]));
	assert_null(pool_alloc(&p, &more));
	assert_int_equal(more, 9);
	assert_int_equal(p.in_use, 3);
	assert_true(pool_free(&p, h[1]));
	assert_non_null(pool_alloc(&p, &more));
	pool_close(&p);
}

static void stale_handles_miss(void **state)
{
	struct pool p;
	pool_handle old, new;

	(void)state;
	assert_int_equal(pool_open(&p, sizeof(struct item), 4), 0);
	assert_non_null(pool_alloc(&p, &old));
	assert_non_null(pool_get(&p, old));
	assert_true(pool_free(&p, old));
	assert_null(pool_get(&p, old));
	assert_false(pool_free(&p, old));
	assert_non_null(pool_alloc(&p, &new));
	assert_int_equal((uint32_t) new, (uint32_t)old); /* the same slot */
	assert_null(pool_get(&p, old));
	assert_non_null(pool_get(&p, new));
	pool_close(&p);
}

static void handles_of_nobody_miss(void **state)
{
	static const pool_handle rows[] = {
		0,
		1,
		UINT64_C(1) << 32,
		(UINT64_C(1) << 32) + 1,
		UINT64_MAX,
		(UINT64_C(2) << 32),
		(UINT64_C(3) << 32),
	};
	struct pool p;
	pool_handle h;

	(void)state;
	assert_int_equal(pool_open(&p, sizeof(struct item), 4), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_null(pool_get(&p, rows[i]));
	assert_non_null(pool_alloc(&p, &h));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_true(!pool_get(&p, rows[i]) == (rows[i] != h));
		assert_true(rows[i] == h || !pool_free(&p, rows[i]));
	}
	pool_close(&p);
}

static void generation_wraps_without_zero(void **state)
{
	struct pool p;
	pool_handle h;

	(void)state;
	assert_int_equal(pool_open(&p, 8, 1), 0);
	assert_non_null(pool_alloc(&p, &h));
	assert_true(pool_free(&p, h));
	p.meta[0] = UINT32_MAX - 1;
	assert_non_null(pool_alloc(&p, &h));
	assert_true(pool_free(&p, h));
	assert_non_null(pool_alloc(&p, &h));
	assert_true(h >> 32 != 0);
	assert_non_null(pool_get(&p, h));
	pool_close(&p);
}

static void walk_may_give_back(void **state)
{
	enum { N = 10 };
	struct pool p;
	pool_handle h[N];
	pool_handle at;
	uint32_t cursor = 0;
	unsigned seen = 0;
	const struct item *item;

	(void)state;
	assert_int_equal(pool_open(&p, sizeof(struct item), N), 0);
	for (uint64_t i = 0; i < N; i++) {
		struct item *new = pool_alloc(&p, &h[i]);

		assert_non_null(new);
		new->id = i;
	}
	assert_true(pool_free(&p, h[3]));
	while ((item = pool_next(&p, &cursor, &at)) != NULL) {
		seen |= 1U << item->id;
		assert_true(pool_free(&p, at));
	}
	assert_int_equal(seen, 0x3ff & ~(1U << 3));
	assert_int_equal(p.in_use, 0);
	pool_close(&p);
}

/* 16 GB of objects: only address space is taken. */
static void untouched_capacity_costs_nothing(void **state)
{
	struct pool p;
	pool_handle h;
	unsigned char resident = 0;

	(void)state;
	assert_int_equal(pool_open(&p, 1 << 20, 1 << 14), 0);
	assert_non_null(pool_alloc(&p, &h));
	assert_int_equal(mincore(p.slots + ((size_t)1 << 33), 1, &resident), 0);
	assert_int_equal(resident & 1, 0);
	pool_close(&p);
}

static void absurd_sizes_are_refused(void **state)
{
	struct pool p;

	(void)state;
	assert_int_not_equal(pool_open(&p, SIZE_MAX / 2, UINT32_MAX), 0);
	assert_null(p.slots);
}

/* Against a plain array as the model. */
static void random_use_agrees_with_a_model(void **state)
{
	enum { N = 64 };
	struct pool p;
	pool_handle model[N] = { 0 };
	struct rand_source r;

	(void)state;
	rand_open_seed(&r, 42);
	assert_int_equal(pool_open(&p, sizeof(struct item), N), 0);
	for (uint64_t step = 1; step < 20000; step++) {
		uint32_t i = rand_below(&r, N);
		struct item *item;

		if (model[i]) {
			item = pool_get(&p, model[i]);
			assert_non_null(item);
			assert_int_equal(item->id, i + 1);
			assert_true(pool_free(&p, model[i]));
			model[i] = 0;
		} else {
			item = pool_alloc(&p, &model[i]);
			assert_non_null(item);
			item->id = i + 1;
		}
	}
	pool_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_zeroed_objects),
		cmocka_unit_test(is_full_at_its_capacity),
		cmocka_unit_test(stale_handles_miss),
		cmocka_unit_test(handles_of_nobody_miss),
		cmocka_unit_test(generation_wraps_without_zero),
		cmocka_unit_test(walk_may_give_back),
		cmocka_unit_test(untouched_capacity_costs_nothing),
		cmocka_unit_test(absurd_sizes_are_refused),
		cmocka_unit_test(random_use_agrees_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
