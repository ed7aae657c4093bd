/* SPDX-License-Identifier: Apache-2.0 */
/* Several shards of one node: the first one on the shared link, the others on links of their own. */
#include "tests/unit/cluster/node.h"

enum { SHARDS = 3 };

struct shards {
	struct server server;
	struct redis *links[SHARDS];
	struct store_shared *shared;
	struct node each[SHARDS]; /* what each was answered; of the rest only the store */
};

static void link_open(struct shards *t, size_t i)
{
	struct redis_settings rs = { .reconnect_max_ns = 100 * NS_PER_MS };

	(void)snprintf(rs.url, sizeof(rs.url), "%s", t->server.url);
	assert_int_equal(redis_open(&t->links[i], &rs, NULL, NULL), 0);
	if (i)
		g_drive.beside[i - 1] = t->links[i];
}

static void shard_open(struct shards *t, size_t i)
{
	struct store_shard_settings ss = {
		.shard = (uint16_t)(NODE_SHARD + i),
		.incarnation = 1,
		.lease_ns = 30000 * NS_PER_MS,
		.identity = { .id = "id", .place = "place", .where = "host:/a" },
	};
	struct node *n = &t->each[i];

	(void)snprintf(ss.spool_dir, sizeof(ss.spool_dir), "%s/spool-%zu", t->server.dir, i);
	n->redis = t->links[0];
	assert_int_equal(store_shard_open(&n->store, t->shared, t->links[i], &ss, node_health, n),
			 0);
	store_acquire(n->store, node_done, n);
	NODE_EXPECT(n, "o");
}

static void shards_open(struct shards *t)
{
	struct store_shared_settings shared = { .node = "a", .deadline_ns = 2 * NS_PER_S };

	*t = (struct shards){ 0 };
	server_dir(&t->server);
	server_start(&t->server, NULL);
	for (size_t i = 0; i < SHARDS; i++)
		link_open(t, i);
	assert_int_equal(store_shared_open(&t->shared, t->links[0], &shared), 0);
	for (size_t i = 0; i < SHARDS; i++)
		shard_open(t, i);
}

static void shards_close(struct shards *t)
{
	for (size_t i = 0; i < SHARDS; i++)
		store_shard_close(t->each[i].store);
	store_shared_close(t->shared);
	for (size_t i = 0; i < SHARDS; i++)
		redis_close(t->links[i]);
	memset(g_drive.beside, 0, sizeof(g_drive.beside));
	server_stop(&t->server);
}

/* Each one's records are under its own keys. */
static void test_each_saves(void **state)
{
	struct shards t;

	(void)state;
	shards_open(&t);
	for (int turn = 1; turn <= 3; turn++) {
		for (size_t i = 0; i < SHARDS; i++)
			node_save(&t.each[i], 40 + i, (uint64_t)turn, "record");
		for (size_t i = 0; i < SHARDS; i++)
			NODE_EXPECT(&t.each[i], "o");
	}
	for (size_t i = 0; i < SHARDS; i++)
		assert_string_equal(server_ask(&t.server, "HEXISTS td:{s%d}:rec %s",
					       NODE_SHARD + (int)i, node_id(40 + i)),
				    "1");
	node_end(&t.each[1], 41);
	NODE_EXPECT(&t.each[1], "o");
	assert_string_equal(server_ask(&t.server, "XLEN td:{s18}:cdr"), "1");
	assert_string_equal(server_ask(&t.server, "EXISTS td:{s17}:cdr"), "0");
	shards_close(&t);
}

/* Writes of one shard's fence spoil no other one's transaction: a link has the watch of one shard alone. */
static void test_one_is_fenced(void **state)
{
	struct shards t;

	(void)state;
	for (size_t fenced = 0; fenced < SHARDS; fenced++) {
		shards_open(&t);
		(void)server_ask(&t.server,
				 "HSET td:{s%d}:lease node other incarnation 000000000000000f "
				 "counter 7 link 1 until 99999999999999 fence 7.000000000000000f.1",
				 NODE_SHARD + (int)fenced);
		(void)server_ask(&t.server, "SET td:{s%d}:fence 7.000000000000000f.1",
				 NODE_SHARD + (int)fenced);
		for (size_t i = 0; i < SHARDS; i++)
			node_save(&t.each[i], 40 + i, 1, "record");
		for (size_t i = 0; i < SHARDS; i++)
			NODE_EXPECT(&t.each[i], i == fenced ? "f" : "o");
		for (size_t i = 0; i < SHARDS; i++) {
			assert_int_equal(store_is_fenced(t.each[i].store), i == fenced);
			assert_int_equal(store_is_healthy(t.each[i].store), i != fenced);
			assert_int_equal(t.each[i].degraded, i == fenced);
		}
		assert_true(store_shared_is_healthy(t.shared));
		shards_close(&t);
	}
}

/* A late Redis is late for all, whoever noticed. */
static void test_late_for_all(void **state)
{
	struct shards t;

	(void)state;
	shards_open(&t);
	server_signal(&t.server, SIGSTOP);
	store_binding_save(t.shared, BYTES_LIT("t"), BYTES_LIT("1001"), 0, 1, BYTES_LIT("x"), 60000,
			   node_done, &t.each[0]);
	assert_true(drive(t.links[0], 8000, node_is_degraded, &t.each[0]));
	assert_false(store_shared_is_healthy(t.shared));
	for (size_t i = 0; i < SHARDS; i++)
		assert_false(store_is_healthy(t.each[i].store));
	server_signal(&t.server, SIGCONT);
	for (size_t i = 0; i < SHARDS; i++)
		assert_true(drive(t.links[0], 8000, node_is_healthy, &t.each[i]));
	shards_close(&t);
}

/* One of them goes: the others stay. */
static void test_one_closes(void **state)
{
	struct shards t;

	(void)state;
	shards_open(&t);
	store_shard_close(t.each[0].store);
	t.each[0].store = NULL;
	for (size_t i = 1; i < SHARDS; i++)
		node_save(&t.each[i], 40 + i, 1, "record");
	for (size_t i = 1; i < SHARDS; i++)
		NODE_EXPECT(&t.each[i], "o");
	store_binding_save(t.shared, BYTES_LIT("t"), BYTES_LIT("1001"), 0, 1, BYTES_LIT("x"), 60000,
			   node_done, &t.each[1]);
	NODE_EXPECT(&t.each[1], "o");
	shards_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_saves),
		cmocka_unit_test(test_one_is_fenced),
		cmocka_unit_test(test_late_for_all),
		cmocka_unit_test(test_one_closes),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
