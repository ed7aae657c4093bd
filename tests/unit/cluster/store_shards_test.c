/* SPDX-License-Identifier: Apache-2.0 */
/* Several shards of one node: on the shared link, or all but the first one on links of their own. */
#include "base/validity.h"
#include "tests/unit/cluster/node.h"

enum { SHARDS = 3, CLAIMED = 1 }; /* others may claim the shard of that index */

/* Where the shards are, in the order of the tests' rows. */
enum where { ON_ONE_LINK, ON_LINKS_OF_THEIR_OWN, WHERES };

struct shards {
	struct server server;
	struct redis *links[SHARDS];
	struct store_shared *shared;
	struct validity validity;
	struct node each[SHARDS]; /* what each was answered; of the rest only the store */
};

static void link_open(struct shards *t, size_t i, enum where where)
{
	struct redis_settings rs = { .reconnect_max_ns = 100 * NS_PER_MS };

	if (i && where == ON_ONE_LINK) {
		t->links[i] = t->links[0];
		return;
	}
	(void)snprintf(rs.place.url, sizeof(rs.place.url), "%s", t->server.url);
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
		.named = { .ids = { 2 }, .count = i == CLAIMED },
		.validity = &t->validity,
		.place = (uint8_t)(1 + i),
	};
	struct node *n = &t->each[i];

	(void)snprintf(ss.spool_dir, sizeof(ss.spool_dir), "%s/spool-%zu", t->server.dir, i);
	n->redis = t->links[0];
	assert_int_equal(store_shard_open(&n->store, t->shared, t->links[i], &ss, node_health, n),
			 0);
	store_acquire(n->store, node_done, n);
	NODE_EXPECT(n, "o");
}

static uint64_t g_deadline_ns = 2 * NS_PER_S;

static void shards_open(struct shards *t, enum where where)
{
	struct store_shared_settings shared = { .node = "a", .deadline_ns = g_deadline_ns };

	*t = (struct shards){ 0 };
	validity_open(&t->validity, SHARDS);
	server_dir(&t->server);
	server_start(&t->server, NULL);
	for (size_t i = 0; i < SHARDS; i++)
		link_open(t, i, where);
	assert_int_equal(store_shared_open(&t->shared, t->links[0], &shared), 0);
	for (size_t i = 0; i < SHARDS; i++)
		shard_open(t, i);
}

static void shards_close(struct shards *t)
{
	for (size_t i = 0; i < SHARDS; i++)
		store_shard_close(t->each[i].store);
	store_shared_close(t->shared);
	for (size_t i = SHARDS; i-- > 0;) {
		if (!i || t->links[i] != t->links[0])
			redis_close(t->links[i]);
	}
	memset(g_drive.beside, 0, sizeof(g_drive.beside));
	server_stop(&t->server);
}

/* One answer each, all of them good. */
static void expect_all(struct shards *t)
{
	for (size_t i = 0; i < SHARDS; i++)
		NODE_EXPECT(&t->each[i], "o");
}

static void save_all(struct shards *t, uint64_t version)
{
	for (size_t i = 0; i < SHARDS; i++)
		node_save(&t->each[i], 40 + i, version, "record");
}

static uint64_t batches(void)
{
	return node_metric("tandem_store_batches_total", NULL);
}

/* Each one's records are under its own keys. What shards of one link ask for in one round is one transaction. */
static void test_each_saves(void **state)
{
	static const uint64_t transactions[WHERES] = {
		[ON_ONE_LINK] = 1, [ON_LINKS_OF_THEIR_OWN] = SHARDS
	};
	struct shards t;

	(void)state;
	for (enum where where = 0; where < WHERES; where++) {
		shards_open(&t, where);
		for (uint64_t turn = 1; turn <= 3; turn++) {
			uint64_t before = batches();

			save_all(&t, turn);
			expect_all(&t);
			if (turn > 1) /* all fences are watched */
				assert_int_equal(batches() - before, transactions[where]);
		}
		for (size_t i = 0; i < SHARDS; i++)
			assert_string_equal(server_ask(&t.server, "HEXISTS td:{s%d}:rec %s",
						       NODE_SHARD + (int)i, node_id(40 + i)),
					    "1");
		node_end(&t.each[1], 41);
		NODE_EXPECT(&t.each[1], "o");
		assert_string_equal(server_ask(&t.server, "XLEN td:{s18}:cdr"), "1");
		assert_string_equal(server_ask(&t.server, "EXISTS td:{s17}:cdr"), "0");
		assert_string_equal(server_ask(&t.server, "HLEN td:{s18}:rec"), "0");
		shards_close(&t);
	}
}

/* Whoever sends for a shard is told with the lease. */
static void test_until_when_it_may_speak(void **state)
{
	uint64_t begun_ns = clock_now_ns();
	struct shards t;

	(void)state;
	shards_open(&t, ON_ONE_LINK);
	for (size_t i = 0; i < SHARDS; i++) {
		uint64_t until_ns = validity_until(&t.validity, (uint8_t)(1 + i));

		if (i == CLAIMED)
			assert_in_range(until_ns, begun_ns + 30000 * NS_PER_MS,
					clock_now_ns() + 30000 * NS_PER_MS);
		else
			assert_int_equal(until_ns, UINT64_MAX);
	}
	shards_close(&t);
}

/* Another node takes one of them. */
static void take(struct shards *t, size_t i)
{
	(void)server_ask(&t->server,
			 "HSET td:{s%d}:lease node other incarnation 000000000000000f "
			 "counter 7 link 1 until 99999999999999 fence 7.000000000000000f.1",
			 NODE_SHARD + (int)i);
	(void)server_ask(&t->server, "SET td:{s%d}:fence 7.000000000000000f.1",
			 NODE_SHARD + (int)i);
}

static void one_is_fenced(struct shards *t, enum where where, size_t fenced)
{
	uint64_t before;

	save_all(t, 1); /* all fences are watched then */
	expect_all(t);
	take(t, fenced);
	before = batches();
	for (size_t i = 0; i < SHARDS; i++)
		node_save(&t->each[i], 50, 1, "record");
	for (size_t i = 0; i < SHARDS; i++)
		NODE_EXPECT(&t->each[i], i == fenced ? "f" : "o");
	if (where == ON_ONE_LINK) /* one that did nothing, and one without who is fenced */
		assert_int_equal(batches() - before, 2);
	for (size_t i = 0; i < SHARDS; i++) {
		assert_int_equal(store_is_fenced(t->each[i].store), i == fenced);
		assert_int_equal(store_is_healthy(t->each[i].store), i != fenced);
		assert_int_equal(t->each[i].degraded, i == fenced);
		assert_int_equal(validity_until(&t->validity, (uint8_t)(1 + i)) == 0, i == fenced);
		assert_string_equal(server_ask(&t->server, "HEXISTS td:{s%d}:rec %s",
					       NODE_SHARD + (int)i, node_id(50)),
				    i == fenced ? "0" : "1");
	}
	assert_true(store_shared_is_healthy(t->shared));
}

/* One that is lost loses its own save alone, and has no part in a transaction any more. */
static void test_one_is_fenced(void **state)
{
	struct shards t;

	(void)state;
	for (enum where where = 0; where < WHERES; where++) {
		for (size_t fenced = 0; fenced < SHARDS; fenced++) {
			uint64_t before;

			shards_open(&t, where);
			one_is_fenced(&t, where, fenced);
			/* what its new owner does is none of the others' business */
			(void)server_ask(&t.server, "SET td:{s%d}:fence 7.000000000000000f.2",
					 NODE_SHARD + (int)fenced);
			before = batches();
			save_all(&t, 2);
			for (size_t i = 0; i < SHARDS; i++)
				NODE_EXPECT(&t.each[i], i == fenced ? "f" : "o");
			if (where == ON_ONE_LINK)
				assert_int_equal(batches() - before, 1);
			shards_close(&t);
		}
	}
}

/* Nothing was saved where all of them are taken between two rounds. */
static void test_all_are_fenced(void **state)
{
	struct shards t;

	(void)state;
	shards_open(&t, ON_ONE_LINK);
	for (size_t i = 0; i < SHARDS; i++)
		take(&t, i);
	save_all(&t, 1);
	for (size_t i = 0; i < SHARDS; i++) {
		NODE_EXPECT(&t.each[i], "f");
		assert_string_equal(
			server_ask(&t.server, "EXISTS td:{s%d}:rec", NODE_SHARD + (int)i), "0");
	}
	assert_false(store_shared_is_healthy(t.shared));
	shards_close(&t);
}

/* The fence of one of them is removed, or something else: all is saved at last, and none is degraded. */
static void test_one_fence_is_touched(void **state)
{
	struct shards t;

	(void)state;
	shards_open(&t, ON_ONE_LINK);
	for (size_t i = 0; i < SHARDS; i++) {
		(void)server_ask(&t.server, "DEL td:{s%d}:fence", NODE_SHARD + (int)i);
		save_all(&t, 2 * i + 1);
		expect_all(&t);
		(void)server_ask(&t.server, "DEL td:{s%d}:fence", NODE_SHARD + (int)i);
		(void)server_ask(&t.server, "LPUSH td:{s%d}:fence x", NODE_SHARD + (int)i);
		save_all(&t, 2 * i + 2);
		expect_all(&t);
	}
	for (size_t i = 0; i < SHARDS; i++)
		assert_true(store_is_healthy(t.each[i].store));
	shards_close(&t);
}

/* What is in the way of one of them is not in the way of the others. */
static void test_one_is_refused(void **state)
{
	struct shards t;

	(void)state;
	shards_open(&t, ON_ONE_LINK);
	(void)server_ask(&t.server, "SET td:{s18}:rec x");
	save_all(&t, 1);
	for (size_t i = 0; i < SHARDS; i++)
		NODE_EXPECT(&t.each[i], i == 1 ? "r" : "o");
	assert_true(store_is_healthy(t.each[0].store) && store_is_healthy(t.each[2].store));
	shards_close(&t);
}

/* More than goes at once: each has its turn, and what is asked for meanwhile, too. */
static void test_much(void **state)
{
	enum { RECORDS = 7, OCTETS = 200000, TURNS = 3 };
	static char record[OCTETS];
	struct shards t;
	uint64_t before = batches();

	(void)state;
	memset(record, 'x', sizeof(record) - 1);
	g_deadline_ns = 20 * NS_PER_S; /* 12 MB under a sanitizer, beside others */
	shards_open(&t, ON_ONE_LINK);
	g_deadline_ns = 2 * NS_PER_S;
	for (uint64_t turn = 1; turn <= TURNS; turn++) {
		for (uint64_t call = 1; call <= RECORDS; call++) {
			for (size_t i = 0; i < SHARDS; i++)
				node_save(&t.each[i], call, turn, record);
		}
	}
	for (size_t i = 0; i < SHARDS; i++)
		NODE_EXPECT(&t.each[i], "ooooooooooooooooooooo");
	assert_true(batches() - before >= SHARDS);
	for (size_t i = 0; i < SHARDS; i++)
		assert_string_equal(server_ask(&t.server, "HLEN td:{s%d}:rec", NODE_SHARD + (int)i),
				    "7");
	shards_close(&t);
}

static bool is_answered(void *arg)
{
	const struct node *n = arg;

	return n->n;
}

/* The transaction is on its way when one of those who are in it is closed: the others hear of theirs. */
static void test_closed_on_its_way(void **state)
{
	struct shards t;

	(void)state;
	for (size_t closed = 0; closed < SHARDS; closed++) {
		shards_open(&t, ON_ONE_LINK);
		save_all(&t, 1);
		expect_all(&t);
		server_signal(&t.server, SIGSTOP);
		save_all(&t, 2);
		assert_false(drive(t.links[0], 50, is_answered, &t.each[0]));
		store_shard_close(t.each[closed].store);
		t.each[closed].store = NULL;
		assert_string_equal(t.each[closed].answers, "u");
		server_signal(&t.server, SIGCONT);
		for (size_t i = 0; i < SHARDS; i++)
			NODE_EXPECT(&t.each[i], i == closed ? "u" : "o");
		shards_close(&t);
	}
}

/* All of them are closed before Redis has answered. */
static void test_all_closed_on_their_way(void **state)
{
	struct shards t;

	(void)state;
	shards_open(&t, ON_ONE_LINK);
	server_signal(&t.server, SIGSTOP);
	save_all(&t, 1);
	assert_false(drive(t.links[0], 50, is_answered, &t.each[0]));
	for (size_t i = 0; i < SHARDS; i++) {
		store_shard_close(t.each[i].store);
		t.each[i].store = NULL;
		NODE_EXPECT(&t.each[i], "u");
	}
	server_signal(&t.server, SIGCONT);
	assert_false(drive(t.links[0], 50, never, NULL));
	shards_close(&t);
}

/* The link breaks under a transaction: each hears of its own, and saves again when Redis is back. */
static void test_link_breaks(void **state)
{
	struct shards t;

	(void)state;
	shards_open(&t, ON_ONE_LINK);
	server_signal(&t.server, SIGSTOP);
	save_all(&t, 1);
	assert_false(drive(t.links[0], 50, is_answered, &t.each[0]));
	server_kill(&t.server);
	for (size_t i = 0; i < SHARDS; i++)
		NODE_EXPECT(&t.each[i], "u");
	server_start(&t.server, NULL);
	for (size_t i = 0; i < SHARDS; i++)
		assert_true(drive(t.links[0], 8000, node_is_healthy, &t.each[i]));
	save_all(&t, 2);
	expect_all(&t);
	shards_close(&t);
}

/* A late Redis is late for all, whoever noticed. */
static void test_late_for_all(void **state)
{
	struct shards t;

	(void)state;
	for (enum where where = 0; where < WHERES; where++) {
		shards_open(&t, where);
		server_signal(&t.server, SIGSTOP);
		store_binding_save(t.shared, BYTES_LIT("t"), BYTES_LIT("1001"), 0, 1,
				   BYTES_LIT("x"), 60000, node_done, &t.each[0]);
		assert_true(drive(t.links[0], 8000, node_is_degraded, &t.each[0]));
		assert_false(store_shared_is_healthy(t.shared));
		for (size_t i = 0; i < SHARDS; i++)
			assert_false(store_is_healthy(t.each[i].store));
		server_signal(&t.server, SIGCONT);
		for (size_t i = 0; i < SHARDS; i++)
			assert_true(drive(t.links[0], 8000, node_is_healthy, &t.each[i]));
		shards_close(&t);
	}
}

/* One of them goes: the others stay. */
static void test_one_closes(void **state)
{
	struct shards t;

	(void)state;
	for (enum where where = 0; where < WHERES; where++) {
		shards_open(&t, where);
		store_shard_close(t.each[0].store);
		t.each[0].store = NULL;
		for (size_t i = 1; i < SHARDS; i++)
			node_save(&t.each[i], 40 + i, 1, "record");
		for (size_t i = 1; i < SHARDS; i++)
			NODE_EXPECT(&t.each[i], "o");
		store_binding_save(t.shared, BYTES_LIT("t"), BYTES_LIT("1001"), 0, 1,
				   BYTES_LIT("x"), 60000, node_done, &t.each[1]);
		NODE_EXPECT(&t.each[1], "o");
		shards_close(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_saves),
		cmocka_unit_test(test_until_when_it_may_speak),
		cmocka_unit_test(test_one_is_fenced),
		cmocka_unit_test(test_all_are_fenced),
		cmocka_unit_test(test_one_fence_is_touched),
		cmocka_unit_test(test_one_is_refused),
		cmocka_unit_test(test_much),
		cmocka_unit_test(test_closed_on_its_way),
		cmocka_unit_test(test_all_closed_on_their_way),
		cmocka_unit_test(test_link_breaks),
		cmocka_unit_test(test_late_for_all),
		cmocka_unit_test(test_one_closes),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
