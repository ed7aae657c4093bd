/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "cluster/peer/peers.h"

static struct standings g_standings;

static bool say(enum peer_kind kind, uint16_t shard, uint64_t from, uint64_t process,
		uint64_t now_ns)
{
	const struct peer_item item = { .kind = kind, .shard = shard };

	return standings_on_item(&g_standings, &item, from, process, now_ns);
}

static void test_said_and_over(void **state)
{
	const struct standing *s;

	(void)state;
	g_standings = (struct standings){ 0 };
	assert_false(say(PEER_OWNED, 1, 7, 70, 5));
	assert_null(standings_of(&g_standings, 7, 70));
	assert_true(say(PEER_RUNS, 2, 7, 70, 5));
	assert_null(standings_of(&g_standings, 7, 70)); /* which are its own is not known */
	assert_true(say(PEER_HOME, 1, 7, 70, 5));
	s = standings_of(&g_standings, 7, 70);
	assert_non_null(s);
	assert_true(standing_is_home(s, 1) && !standing_is_home(s, 2) && !standing_is_home(s, 3));
	assert_true(!standing_runs(s, 1, 5) && standing_runs(s, 2, 5) && !standing_runs(s, 3, 5));
	assert_true(standing_runs(s, 2, 5 + STANDING_LAST_NS));
	assert_false(standing_runs(s, 2, 6 + STANDING_LAST_NS));
	assert_true(standing_is_home(s, 1)); /* of its file */
	assert_false(standing_drains(s, 5));
	assert_true(say(PEER_DRAINS, 0, 7, 70, 9));
	assert_true(standing_drains(s, 9 + STANDING_LAST_NS));
	assert_false(standing_drains(s, 10 + STANDING_LAST_NS));
}

/* Its file may be another one. */
static void test_next_process(void **state)
{
	const struct standing *s;

	(void)state;
	g_standings = (struct standings){ 0 };
	assert_true(say(PEER_HOME, 1, 7, 70, 5));
	assert_true(say(PEER_DRAINS, 0, 7, 70, 5));
	assert_true(say(PEER_HOME, 2, 7, 71, 6));
	assert_null(standings_of(&g_standings, 7, 70));
	s = standings_of(&g_standings, 7, 71);
	assert_true(!standing_is_home(s, 1) && standing_is_home(s, 2) && !standing_drains(s, 6));
}

static void test_many(void **state)
{
	(void)state;
	g_standings = (struct standings){ 0 };
	for (uint64_t id = 1; id <= STANDINGS_MAX + 1; id++)
		assert_true(say(PEER_HOME, 1, id, id, id));
	assert_null(standings_of(&g_standings, 1, 1)); /* silent for longest */
	assert_non_null(standings_of(&g_standings, 2, 2));
	assert_non_null(standings_of(&g_standings, STANDINGS_MAX + 1, STANDINGS_MAX + 1));
	for (uint16_t shard = 1; shard <= STANDING_SHARDS_MAX + 8; shard++)
		assert_true(say(PEER_HOME, shard, 2, 2, 100));
	assert_true(standing_is_home(standings_of(&g_standings, 2, 2), STANDING_SHARDS_MAX));
	assert_false(standing_is_home(standings_of(&g_standings, 2, 2), STANDING_SHARDS_MAX + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_said_and_over),
		cmocka_unit_test(test_next_process),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
