/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cluster/node.h"

#include "cluster/record.h"
#include "cluster/store/state.h"

/* A record as it lies in Redis: its version and payload. */
static void expect_record(const struct server *s, uint64_t call, uint64_t version,
			  const char *payload)
{
	redisContext *c = redisConnectUnix(s->socket);
	redisReply *reply = redisCommand(c, "HGET td:{s17}:rec %s", node_id(call));
	struct record record;
	const char *reason;

	assert_non_null(reply);
	assert_int_equal(reply->type, REDIS_REPLY_STRING);
	assert_int_equal(record_open(&record, bytes_mem(reply->str, reply->len), &reason), 0);
	assert_true(record.version == version);
	assert_true(bytes_is(record.payload, payload));
	freeReplyObject(reply);
	redisFree(c);
}

static void test_save(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	assert_int_equal(store_epoch(n.store), 1);
	assert_int_equal(n.healthy, 1);
	node_save(&n, 42, 7, "first");
	assert_int_equal(n.n, 0); /* never answered before it returned */
	NODE_EXPECT(&n, "o");
	assert_true(n.key == 42 && n.version == 7);
	expect_record(&s, 42, 7, "first");
	node_without_server(&n, &s);
}

/* What was asked for last stays, in one batch or in two, whatever its version. */
static void test_last_wins(void **state)
{
	static const struct {
		const char *name;
		uint64_t first, second;
	} rows[] = {
		{ "newer", 1, 2 },
		{ "the same again", 2, 2 },
		{ "newer, large", UINT64_C(1) << 60, (UINT64_C(1) << 60) + 1 },
		{ "most", UINT64_MAX - 1, UINT64_MAX },
	}, *row;
	struct server s;
	struct node n;
	uint64_t call = 100;

	(void)state;
	node_with_server(&n, &s);
	EACH_ROW(row, rows)
	{
		call++;
		node_save(&n, call, row->first, "first");
		node_save(&n, call, row->second, "second");
		NODE_EXPECT(&n, "oo");
		ROW_ASSERT(row->name, n.version == row->second);
		expect_record(&s, call, row->second, "second");
		node_save(&n, call, row->second + 1, "third");
		NODE_EXPECT(&n, "o");
		expect_record(&s, call, row->second + 1, "third");
	}
	node_without_server(&n, &s);
}

static uint64_t batches(void)
{
	return node_metric("tandem_store_batches_total", NULL);
}

/* What is asked for in one round goes together, saves and ends; a call that is saved and ends there is gone. */
static void test_together(void **state)
{
	enum { CALLS = 300 };
	char oks[2 * CALLS + 2] = { 0 };
	struct server s;
	struct node n;
	uint64_t before;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 1, 1, "warm");
	NODE_EXPECT(&n, "o");
	before = batches();
	for (uint64_t call = 1000; call < 1000 + CALLS; call++)
		node_save(&n, call, 1, "record");
	for (uint64_t call = 1000; call < 1000 + CALLS; call += 2)
		node_end(&n, call);
	memset(oks, 'o', CALLS + CALLS / 2);
	NODE_EXPECT(&n, oks);
	assert_int_equal(batches() - before, 1);
	assert_string_equal(server_ask(&s, "HLEN td:{s17}:rec"), "151");
	assert_string_equal(server_ask(&s, "XLEN td:{s17}:cdr"), "150");
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:rec %s", node_id(1000)), "0");
	expect_record(&s, 1001, 1, "record");
	node_without_server(&n, &s);
}

/* Somebody takes the key of the fence away, or writes it: the owner writes it again, and nothing is lost. */
static void test_fence_is_touched(void **state)
{
	static const char *const how[] = {
		"return redis.call('DEL', 'td:{s17}:fence')",
		"return redis.call('SET', 'td:{s17}:fence', 'x')",
		"return redis.call('SET', 'td:{s17}:fence', redis.call('GET', 'td:{s17}:fence'))",
		"return redis.call('PEXPIRE', 'td:{s17}:fence', 1)",
	};
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	for (uint64_t i = 0; i < COUNT_OF(how); i++) {
		node_save(&n, 42, 2 * i + 1, "before");
		NODE_EXPECT(&n, "o");
		(void)server_ask(&s, "EVAL %s 0", how[i]);
		nap_ms(5);
		node_save(&n, 42, 2 * i + 2, "after");
		node_end(&n, 100 + i);
		NODE_EXPECT(&n, "oo");
		expect_record(&s, 42, 2 * i + 2, "after");
		assert_int_equal(n.degraded, 0);
	}
	(void)server_ask(&s, "DEL td:{s17}:fence");
	(void)server_ask(&s, "LPUSH td:{s17}:fence x");
	node_save(&n, 42, 99, "a list");
	NODE_EXPECT(&n, "o");
	assert_string_equal(server_ask(&s, "XLEN td:{s17}:cdr"), "4");
	node_without_server(&n, &s);
}

static void test_end_removes(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 42, 7, "first");
	node_end(&n, 42);
	NODE_EXPECT(&n, "oo");
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:rec %s", node_id(42)), "0");
	assert_string_equal(server_ask(&s, "HLEN td:{s17}:rec"), "0");
	assert_string_equal(server_ask(&s, "XLEN td:{s17}:cdr"), "1");
	node_without_server(&n, &s);
}

/* ---- ownership ---- */

static void test_held_elsewhere(void **state)
{
	struct server s;
	struct node a, b;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&a, &s,
		  &(struct node_settings){ .name = "a", .incarnation = 1, .lease_ms = 300 });
	store_acquire(a.store, node_done, &a);
	NODE_EXPECT(&a, "o");
	node_open(&b, &s,
		  &(struct node_settings){ .name = "b", .incarnation = 2, .spool = "spool-b" });
	store_acquire(b.store, node_done, &b);
	NODE_EXPECT(&b, "c");
	assert_false(store_is_healthy(b.store));
	assert_string_equal(store_holder(b.store)->node, "a");
	assert_string_equal(store_holder(b.store)->where, "host:/a");
	assert_false(store_holder(b.store)->copy);
	assert_false(store_holder(b.store)->alive);
	/* a has renewed it meanwhile: the watch begins anew */
	nap_ms(350);
	(void)server_ask(&s, "HINCRBY td:{s17}:lease renewal 1");
	store_acquire(b.store, node_done, &b);
	NODE_EXPECT(&b, "c");
	assert_true(store_holder(b.store)->alive);
	/* and does so no more */
	nap_ms(350);
	store_acquire(b.store, node_done, &b);
	NODE_EXPECT(&b, "o");
	assert_int_equal(store_epoch(b.store), 2);
	/* back again, a notices by its next save and falls silent */
	node_save(&a, 42, 1, "late");
	NODE_EXPECT(&a, "f");
	assert_true(store_is_fenced(a.store));
	assert_int_equal(a.degraded, 1);
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:rec %s", node_id(42)), "0");
	/* and is not even asked any more */
	node_save(&a, 42, 2, "later");
	node_end(&a, 42);
	NODE_EXPECT(&a, "ff");
	assert_string_equal(server_ask(&s, "XLEN td:{s17}:cdr"), "0");
	node_close(&a);
	node_close(&b);
	server_stop(&s);
}

/* Copies of a node, of its settings or of its whole directory: its name opens nothing, its place does. */
static void test_copies(void **state)
{
	static const struct {
		const char *name;
		struct node_settings copy;
		const char *answer;
		bool same_id;
	} rows[] = {
		{ "settings", { "a", 2, .id = "other", .place = "there" }, "c", false },
		{ "directory", { "a", 3, .id = "a", .place = "there" }, "c", true },
		{ "itself, under another name", { "b", 4, .id = "a", .place = "a" }, "o", true },
	};
	struct server s;
	struct node a, b;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_start(&a, &s, "a", 1);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct node_settings copy = rows[i].copy;

		copy.spool = "spool-b";
		node_open(&b, &s, &copy);
		store_acquire(b.store, node_done, &b);
		NODE_EXPECT(&b, rows[i].answer);
		if (rows[i].answer[0] == 'c')
			ROW_ASSERT(rows[i].name, store_holder(b.store)->copy == rows[i].same_id);
		node_save(&a, 42, i + 1, "record");
		NODE_EXPECT(&a, rows[i].answer[0] == 'c' ? "o" : "f");
		node_close(&b);
	}
	node_close(&a);
	server_stop(&s);
}

/* A lease of an older program has no place: there the name counts. */
static void test_lease_of_an_older_program(void **state)
{
	struct server s;
	struct node a;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	(void)server_ask(&s, "HSET td:{s17}:lease node a incarnation 000000000000000f counter 7 "
			     "link 1 until 99999999999999 fence 7.000000000000000f.1");
	node_start(&a, &s, "a", 1);
	assert_int_equal(store_epoch(a.store), 8);
	assert_string_equal(server_ask(&s, "HGET td:{s17}:lease place"), "a");
	node_close(&a);
	server_stop(&s);
}

/* It need not wait for a probe, however often it was late: what is acknowledged shows that Redis is back. */
static void test_late_again_and_again(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&n, &s,
		  &(struct node_settings){ .name = "a", .incarnation = 1, .deadline_ms = 200 });
	store_acquire(n.store, node_done, &n);
	NODE_EXPECT(&n, "o");
	for (uint64_t i = 0; i < 6; i++) {
		server_signal(&s, SIGSTOP);
		node_save(&n, 42, 2 * i + 1, "late");
		NODE_EXPECT(&n, "u");
		assert_int_equal(n.degraded, i + 1);
		server_signal(&s, SIGCONT);
		node_save(&n, 42, 2 * i + 2, "in time");
		NODE_EXPECT(&n, "o");
		assert_int_equal(n.healthy, i + 2);
		assert_true(store_is_healthy(n.store));
	}
	node_without_server(&n, &s);
}

/* It has no renewals. While it lives its end moves, whatever the clocks say; then it is gone. */
static void test_older_program_elsewhere(void **state)
{
	static const char *const ends[] = { "1", "2", "never" };
	struct server s;
	struct node b;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	(void)server_ask(&s, "HSET td:{s17}:lease node a incarnation 000000000000000f counter 7 "
			     "link 1 fence 7.000000000000000f.1 identity aa place p where w "
			     "owner 000000000000000a.000000000000000e renewal 5 length 10");
	(void)server_ask(&s, "SET td:{s17}:fence 7.000000000000000f.1");
	node_open(&b, &s,
		  &(struct node_settings){ .name = "b", .incarnation = 2, .lease_ms = 400 });
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		(void)server_ask(&s, "HSET td:{s17}:lease until %s", ends[i]);
		nap_ms(250);
		store_acquire(b.store, node_done, &b);
		NODE_EXPECT(&b, "c");
		assert_int_equal(store_holder(b.store)->alive, i > 0);
	}
	b.store->watch.since_ns -= 10 * NS_PER_S; /* its leases are that long */
	nap_ms(500);
	store_acquire(b.store, node_done, &b);
	NODE_EXPECT(&b, "c");
	nap_ms(600);
	store_acquire(b.store, node_done, &b);
	NODE_EXPECT(&b, "o");
	assert_int_equal(store_epoch(b.store), 8);
	/* what that program reads makes it wait: an end that is no number */
	assert_string_equal(server_ask(&s, "HGET td:{s17}:lease until"), "-");
	node_close(&b);
	server_stop(&s);
}

/* Its counter is told by the fence; a renewal that cannot be read is watched all the same. */
static void test_unreadable_lease(void **state)
{
	struct server s;
	struct node a, b;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_start(&a, &s, "a", 1);
	node_close(&a);
	(void)server_ask(&s, "HSET td:{s17}:lease counter many until never");
	node_start(&a, &s, "a", 2);
	assert_int_equal(store_epoch(a.store), 2);
	(void)server_ask(&s, "HSET td:{s17}:lease counter many renewal never link x length 1");
	node_open(&b, &s, &(struct node_settings){ .name = "b", .incarnation = 3, .spool = "b" });
	store_acquire(b.store, node_done, &b);
	NODE_EXPECT(&b, "c");
	node_save(&a, 42, 1, "record");
	NODE_EXPECT(&a, "o");
	nap_ms(350);
	store_acquire(b.store, node_done, &b);
	NODE_EXPECT(&b, "o");
	assert_int_equal(store_epoch(b.store), 3);
	node_close(&a);
	node_close(&b);
	server_stop(&s);
}

static void on_missing(uint64_t call, bool ended, void *arg)
{
	struct node *n = arg;

	if (ended)
		n->version = call;
	else
		n->key = call;
	n->loaded++;
}

static bool two_are_missing(void *arg)
{
	return ((struct node *)arg)->loaded == 2;
}

/* Somebody deleted the record, or the entry in the index. */
static void test_deleted(void **state)
{
	const uint64_t calls[] = { 1, 2, 3 };
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	for (size_t i = 0; i < COUNT_OF(calls); i++)
		node_save(&n, calls[i], 1, "record");
	NODE_EXPECT(&n, "ooo");
	store_calls_check(n.store, calls, COUNT_OF(calls), on_missing, &n);
	assert_false(drive(n.redis, 100, two_are_missing, &n));
	assert_int_equal(n.loaded, 0);
	(void)server_ask(&s, "HDEL td:{s17}:rec %s 0000000000003", node_id(1));
	store_calls_check(n.store, calls, COUNT_OF(calls), on_missing, &n);
	assert_true(drive(n.redis, 5000, two_are_missing, &n));
	assert_int_equal(n.key, 3);
	/* another node had the shard, and has ended one since */
	(void)server_ask(&s, "ZADD td:{s17}:ended 1 %s", node_id(2));
	n.loaded = 0;
	n.key = n.version = 0;
	store_calls_check(n.store, calls, 2, on_missing, &n);
	assert_true(drive(n.redis, 5000, two_are_missing, &n));
	assert_int_equal(n.key, 1);
	assert_int_equal(n.version, 2);
	node_without_server(&n, &s);
}

/* The same node, started again after a crash: it holds the state directory, so the old process is gone. */
static void test_same_node_again(void **state)
{
	struct server s;
	struct node a, again;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_start(&a, &s, "a", 1);
	node_open(&again, &s,
		  &(struct node_settings){ .name = "a", .incarnation = 2, .spool = "other" });
	store_acquire(again.store, node_done, &again);
	NODE_EXPECT(&again, "o");
	assert_int_equal(store_epoch(again.store), 2);
	node_save(&a, 42, 1, "ghost");
	NODE_EXPECT(&a, "f");
	node_close(&a);
	node_close(&again);
	server_stop(&s);
}

/* Fenced while its link was away: it must not assert itself again. */
static void test_fenced_meanwhile(void **state)
{
	struct server s;
	struct node a;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_start(&a, &s, "a", 1);
	server_kill(&s);
	assert_true(drive(a.redis, 2000, node_is_degraded, &a));
	assert_false(store_is_fenced(a.store));
	server_start(&s, NULL);
	(void)server_ask(&s, "HSET td:{s17}:lease node b incarnation 0000000000000002 counter 2 "
			     "until 0 fence x");
	assert_false(drive(a.redis, 1000, node_is_healthy, &a));
	assert_true(store_is_fenced(a.store));
	assert_string_equal(server_ask(&s, "HGET td:{s17}:lease node"), "b");
	node_close(&a);
	server_stop(&s);
}

/* ---- trouble ---- */

/* A Redis that stops answers nothing in time; nothing waits for it; going on, all is well again. */
static void test_slow(void **state)
{
	struct server s;
	struct node n;
	uint64_t start_ns;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&n, &s,
		  &(struct node_settings){ .name = "a", .incarnation = 1, .deadline_ms = 200 });
	store_acquire(n.store, node_done, &n);
	NODE_EXPECT(&n, "o");
	node_save(&n, 40, 1, "in time");
	NODE_EXPECT(&n, "o");
	server_signal(&s, SIGSTOP);
	start_ns = clock_now_ns();
	node_save(&n, 42, 1, "first");
	NODE_EXPECT(&n, "u");
	assert_in_range((clock_now_ns() - start_ns) / NS_PER_MS, 199, 2000);
	assert_false(store_is_healthy(n.store));
	assert_int_equal(n.degraded, 1);
	server_signal(&s, SIGCONT);
	assert_true(drive(n.redis, 5000, node_is_healthy, &n));
	assert_int_equal(n.healthy, 2);
	/* what had no answer was carried out meanwhile, and the owner says it again */
	expect_record(&s, 42, 1, "first");
	node_save(&n, 42, 2, "second");
	NODE_EXPECT(&n, "o");
	expect_record(&s, 42, 2, "second");
	node_without_server(&n, &s);
}

static void test_killed(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 42, 1, "first");
	NODE_EXPECT(&n, "o");
	server_kill(&s);
	node_save(&n, 42, 2, "second");
	NODE_EXPECT(&n, "u");
	assert_false(store_is_healthy(n.store));
	node_save(&n, 42, 3, "third");
	NODE_EXPECT(&n, "u");
	server_start(&s, NULL);
	assert_true(drive(n.redis, 5000, node_is_healthy, &n));
	assert_int_equal(store_epoch(n.store), 1);
	expect_record(&s, 42, 1, "first");
	node_save(&n, 42, 3, "third");
	NODE_EXPECT(&n, "o");
	expect_record(&s, 42, 3, "third");
	node_without_server(&n, &s);
}

/* Redis lost everything: the living owner is the truth, it tells it all again under the same epoch. */
static void test_emptied(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	(void)server_ask(&s, "FLUSHALL");
	node_save(&n, 42, 1, "first");
	NODE_EXPECT(&n, "o"); /* when the lease is there again */
	assert_int_equal(n.healthy, 2);
	assert_int_equal(n.degraded, 1);
	assert_string_equal(server_ask(&s, "HGET td:{s17}:lease counter"), "1");
	expect_record(&s, 42, 1, "first");
	node_without_server(&n, &s);
}

/* Redis forgot the scripts: sent whole, nobody notices. */
static void test_scripts_forgotten(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	(void)server_ask(&s, "SCRIPT FLUSH");
	node_save(&n, 42, 1, "first");
	node_end(&n, 42);
	NODE_EXPECT(&n, "oo");
	assert_string_equal(server_ask(&s, "XLEN td:{s17}:cdr"), "1");
	assert_true(store_is_healthy(n.store));
	node_without_server(&n, &s);
}

/* Redis takes no writes. */
static void test_refused(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	(void)server_ask(&s, "CONFIG SET maxmemory 1");
	node_save(&n, 43, 1, "first");
	NODE_EXPECT(&n, "r");
	assert_false(store_is_healthy(n.store));
	(void)server_ask(&s, "CONFIG SET maxmemory 0");
	assert_true(drive(n.redis, 5000, node_is_healthy, &n));
	node_save(&n, 43, 1, "first");
	NODE_EXPECT(&n, "o");
	node_without_server(&n, &s);
}

static void test_renewed(void **state)
{
	struct server s;
	struct node n;
	char before[32];

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&n, &s,
		  &(struct node_settings){ .name = "a", .incarnation = 1, .lease_ms = 600 });
	store_acquire(n.store, node_done, &n);
	NODE_EXPECT(&n, "o");
	(void)snprintf(before, sizeof(before), "%s", server_ask(&s, "HGET td:{s17}:lease renewal"));
	assert_false(drive(n.redis, 700, never, NULL));
	assert_true(strcmp(server_ask(&s, "HGET td:{s17}:lease renewal"), before) > 0);
	assert_string_equal(server_ask(&s, "HGET td:{s17}:lease until"), "-");
	assert_int_equal(n.healthy, 1);
	assert_int_equal(n.degraded, 0);
	node_without_server(&n, &s);
}

/* ---- acquiring and closing ---- */

static void test_acquire_without_redis(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	server_dir(&s);
	node_open(&n, &s, &(struct node_settings){ .name = "a", .incarnation = 1 });
	store_acquire(n.store, node_done, &n);
	NODE_EXPECT(&n, "u");
	/* Redis comes while it waits */
	store_acquire(n.store, node_done, &n);
	server_start(&s, NULL);
	NODE_EXPECT(&n, "o");
	/* held: told so at once */
	store_acquire(n.store, node_done, &n);
	NODE_EXPECT(&n, "o");
	node_without_server(&n, &s);
}

/* Whatever is under way gets its answer, in either order of closing. */
static void test_close(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 42, 1, "first");
	node_save(&n, 43, 1, "first");
	store_shard_close(n.store);
	assert_string_equal(n.answers, "uu");
	/* Redis' answers come to nobody */
	assert_false(drive(n.redis, 100, never, NULL));
	store_shared_close(n.shared);
	redis_close(n.redis);
	assert_string_equal(n.answers, "uu");

	node_start(&n, &s, "a", 2);
	node_save(&n, 44, 1, "first");
	redis_close(n.redis);
	assert_string_equal(n.answers, "u");
	node_save(&n, 44, 1, "first");
	store_shard_close(n.store);
	store_shared_close(n.shared);
	assert_string_equal(n.answers, "uu");
	server_stop(&s);
}

static void close_done(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node *n = arg;
	struct store_shard *store = n->store;

	node_done(result, key, version, arg);
	n->store = NULL;
	store_shard_close(store);
}

static void test_close_in_answer(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	store_call_save(n.store, 42, 1, BYTES_LIT("x"), close_done, &n);
	node_save(&n, 43, 1, "first");
	node_end(&n, 44);
	NODE_EXPECT(&n, "ouo"); /* the CDR went to the spool */
	store_shared_close(n.shared);
	redis_close(n.redis);
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_save),
		cmocka_unit_test(test_last_wins),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_fence_is_touched),
		cmocka_unit_test(test_end_removes),
		cmocka_unit_test(test_held_elsewhere),
		cmocka_unit_test(test_same_node_again),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_lease_of_an_older_program),
		cmocka_unit_test(test_fenced_meanwhile),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_deleted),
		cmocka_unit_test(test_unreadable_lease),
		cmocka_unit_test(test_older_program_elsewhere),
		cmocka_unit_test(test_late_again_and_again),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_emptied),
		cmocka_unit_test(test_scripts_forgotten),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_renewed),
		cmocka_unit_test(test_acquire_without_redis),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_close_in_answer),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
