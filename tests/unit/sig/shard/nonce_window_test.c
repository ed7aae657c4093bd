/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/shared_tables.h"

#include <stdlib.h>

#include "tests/unit/test.h"

enum { LIFETIME_MS = 60000 };

static const uint64_t NOW = UINT64_C(1790000000000);

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct nonce_window));
	return *state ? nonce_window_open(*state) : -1;
}

static int teardown(void **state)
{
	nonce_window_close(*state);
	free(*state);
	return 0;
}

static bool take_at(struct nonce_window *w, uint64_t id, uint64_t made_utc_ms, uint32_t nc,
		    uint64_t utc_ms)
{
	const struct nonce_now n = { .id = id,
				     .made_utc_ms = made_utc_ms,
				     .nc = nc,
				     .utc_ms = utc_ms,
				     .lifetime_ms = LIFETIME_MS };

	return nonce_window_accept(w, &n);
}

static void a_count_is_good_once(void **state)
{
	struct nonce_window *w = *state;

	assert_true(take_at(w, 7, NOW, 1, NOW));
	assert_false(take_at(w, 7, NOW, 1, NOW));
	assert_true(take_at(w, 8, NOW, 1, NOW));
	assert_true(take_at(w, 7, NOW, 3, NOW));
	assert_true(take_at(w, 7, NOW, 2, NOW));
	assert_false(take_at(w, 7, NOW, 2, NOW));
	assert_true(take_at(w, 7, NOW, 3 + NONCE_WINDOW - 1, NOW));
	assert_false(take_at(w, 7, NOW, 3, NOW));
	assert_true(take_at(w, 7, NOW, 4, NOW));
	assert_true(take_at(w, 7, NOW, UINT32_MAX, NOW));
	assert_false(take_at(w, 7, NOW, UINT32_MAX, NOW));
	assert_false(take_at(w, 7, NOW, 5, NOW));
}

/* Where a set is full the oldest goes, and cannot be used again. */
static void forgetting_lets_nothing_in(void **state)
{
	struct nonce_window *w = *state;
	uint64_t id = 7;

	for (uint64_t i = 0; i < NONCE_WAYS + 6; i++)
		assert_true(take_at(w, id + i * NONCE_SETS, NOW + i, 1, NOW));
	for (uint64_t i = 0; i < NONCE_WAYS + 6; i++)
		assert_false(take_at(w, id + i * NONCE_SETS, NOW + i, 1, NOW));
	assert_false(
		take_at(w, id + 100 * NONCE_SETS, NOW, 1, NOW)); /* older than all: asked again */
	assert_true(take_at(w, id + 101 * NONCE_SETS, NOW + 50, 1, NOW));
	assert_true(take_at(w, id + 1, NOW, 1, NOW)); /* another set */
}

static void the_dead_make_room(void **state)
{
	struct nonce_window *w = *state;

	for (uint64_t i = 0; i < NONCE_WAYS; i++)
		assert_true(take_at(w, 7 + i * NONCE_SETS, NOW, 1, NOW));
	assert_false(take_at(w, 7 + 50 * NONCE_SETS, NOW, 1, NOW));
	assert_true(
		take_at(w, 7 + 50 * NONCE_SETS, NOW + LIFETIME_MS + 1, 1, NOW + LIFETIME_MS + 1));
}

/* The clock is set back by an hour: nobody is kept out for what was before. */
static void a_clock_that_steps_back(void **state)
{
	const uint64_t back = NOW - 3600 * 1000;
	struct nonce_window *w = *state;

	for (uint64_t i = 0; i < 20; i++)
		assert_true(take_at(w, 7 + i * NONCE_SETS, NOW + i, 1, NOW + i));
	for (uint64_t i = 20; i < 40; i++)
		assert_true(take_at(w, 7 + i * NONCE_SETS, back + i, 1, back + i));
	assert_false(take_at(w, 7 + 39 * NONCE_SETS, back + 39, 1, back + 40));
}

/* Nobody knows the key of the hash, so ids are as good as drawn (splitmix64). */
static uint64_t drawn(uint64_t i)
{
	uint64_t v = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	return v ^ v >> 31;
}

static uint32_t taken(struct nonce_window *w, uint32_t ids, uint32_t nc)
{
	uint32_t n = 0;

	for (uint64_t i = 0; i < ids; i++)
		n += take_at(w, drawn(i), NOW + i, nc, NOW);
	return n;
}

/* As large as what is in use. Growing lets nothing be used again, and hardly anybody is asked once more. */
static void it_grows_with_its_use(void **state)
{
	static const uint32_t phones[] = { 10, 100, 2000, 10000, 60000 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(phones); i++) {
		struct nonce_window w;
		uint32_t n = phones[i], octets;

		assert_int_equal(nonce_window_open(&w), 0);
		assert_int_equal(taken(&w, n, 1), n);
		assert_int_equal(taken(&w, n, 1), 0);
		octets = w.count * (uint32_t)sizeof(struct nonce_set);
		assert_true(octets <= 220 * n || w.count == NONCE_SETS_MIN);
		if (n < NONCE_SETS * NONCE_WAYS / 2) /* nobody was forgotten but a few */
			assert_true(taken(&w, n, 2) >= n - n / 500);
		nonce_window_close(&w);
	}
}

/* What is dead makes room before it grows. */
static void it_does_not_grow_for_the_dead(void **state)
{
	struct nonce_window *w = *state;

	for (uint64_t round = 0; round < 100; round++) {
		uint64_t at = NOW + round * (LIFETIME_MS + 1);

		for (uint64_t i = 0; i < NONCE_SETS_MIN * NONCE_WAYS; i++)
			assert_true(take_at(w, round * 1000 * NONCE_SETS_MIN + i + 1, at, 1, at));
	}
	assert_int_equal(w->count, NONCE_SETS_MIN);
}

/* Where there was no memory to grow a nonce was forgotten: both halves go on refusing what is as old. */
static void a_floor_holds_in_both_halves(void **state)
{
	struct nonce_window *w = *state;

	w->sets[7].floor_utc_ms = NOW;
	w->used = NONCE_SETS_MIN * NONCE_WAYS;
	for (uint64_t i = 0; i <= NONCE_WAYS; i++)
		assert_true(take_at(w, 7 + i * NONCE_SETS_MIN, NOW + 1, 1, NOW + 1));
	assert_true(w->count > NONCE_SETS_MIN);
	assert_false(take_at(w, 7 + 100 * NONCE_SETS_MIN, NOW, 1, NOW + 1));
	assert_false(take_at(w, 7 + 101 * NONCE_SETS_MIN, NOW, 1, NOW + 1));
	assert_true(take_at(w, 8 + 100 * NONCE_SETS_MIN, NOW, 1, NOW + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_count_is_good_once, setup, teardown),
		cmocka_unit_test_setup_teardown(forgetting_lets_nothing_in, setup, teardown),
		cmocka_unit_test_setup_teardown(the_dead_make_room, setup, teardown),
		cmocka_unit_test_setup_teardown(a_clock_that_steps_back, setup, teardown),
		cmocka_unit_test_setup_teardown(it_grows_with_its_use, setup, teardown),
		cmocka_unit_test_setup_teardown(it_does_not_grow_for_the_dead, setup, teardown),
		cmocka_unit_test_setup_teardown(a_floor_holds_in_both_halves, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
