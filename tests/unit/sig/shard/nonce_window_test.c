/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/nonce_window.h"

#include <stdlib.h>

#include "tests/unit/test.h"

enum { LIFETIME_MS = 60000 };

static const uint64_t NOW = UINT64_C(1790000000000);

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct nonce_window));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
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

	return nonce_window_take(w, &n);
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

	for (uint64_t i = 0; i < 10; i++)
		assert_true(take_at(w, id + i * NONCE_SETS, NOW + i, 1, NOW));
	for (uint64_t i = 0; i < 10; i++)
		assert_false(take_at(w, id + i * NONCE_SETS, NOW + i, 1, NOW));
	assert_false(
		take_at(w, id + 100 * NONCE_SETS, NOW, 1, NOW)); /* older than all: asked again */
	assert_true(take_at(w, id + 101 * NONCE_SETS, NOW + 11, 1, NOW));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_count_is_good_once, setup, teardown),
		cmocka_unit_test_setup_teardown(forgetting_lets_nothing_in, setup, teardown),
		cmocka_unit_test_setup_teardown(the_dead_make_room, setup, teardown),
		cmocka_unit_test_setup_teardown(a_clock_that_steps_back, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
