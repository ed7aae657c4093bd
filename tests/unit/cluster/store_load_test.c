/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cluster/node.h"

enum { MANY = 1000 };

static void test_calls(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	store_load_calls(n.store, node_each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.loaded, 0);
	node_save(&n, 1, 1, "one");
	node_save(&n, UINT64_MAX, 1, "last");
	node_save(&n, 2, 1, "");
	NODE_EXPECT(&n, "ooo");
	node_close(&n);

	node_start(&n, &s, "a", 2);
	store_load_calls(n.store, node_each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.loaded, 3);
	assert_int_equal(n.version, 3);
	assert_true(node_has(&n, "0000000000001=one"));
	assert_true(node_has(&n, "fvvvvvvvvvvvv=last"));
	assert_true(node_has(&n, "0000000000002="));
	node_without_server(&n, &s);
}

struct count {
	unsigned char seen[MANY];
	size_t n;
	bool done;
};

static int count_each(struct bytes key, struct bytes record, void *arg)
{
	struct count *c = arg;
	uint64_t call = 0;

	(void)record;
	assert_int_equal(base32_u64_get(key, &call), 0);
	assert_true(call < MANY && !c->seen[call]++);
	c->n++;
	return 0;
}

static void count_done(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct count *c = arg;

	(void)key;
	assert_int_equal(result, STORE_OK);
	assert_int_equal(version, c->n);
	c->done = true;
}

static bool count_is_done(void *arg)
{
	return ((struct count *)arg)->done;
}

/* More than one page; each comes once. */
static void test_many(void **state)
{
	static struct count c;
	struct server s;
	struct node n;

	(void)state;
	c = (struct count){ 0 };
	node_with_server(&n, &s);
	for (uint64_t call = 0; call < MANY; call++)
		store_call_save(n.store, call, 1, BYTES_LIT("record"), NULL, NULL);
	for (int i = 0; i < 500 && strcmp(server_ask(&s, "HLEN td:{s17}:rec"), "1000") != 0; i++)
		assert_false(
			drive(n.redis, 20, never, NULL)); /* saves go by batches of their own */
	store_load_calls(n.store, count_each, count_done, &c);
	assert_true(drive(n.redis, 5000, count_is_done, &c));
	assert_int_equal(c.n, MANY);
	node_without_server(&n, &s);
}

/* Whatever lies there, all others are loaded, and it lies aside afterwards. */
static void test_broken(void **state)
{
	static const char broken_name[] = "tandem_store_broken_records_total";
	struct server s;
	struct node n;
	uint64_t before = node_metric(broken_name, NULL);

	(void)state;
	node_with_server(&n, &s);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	node_save(&n, 1, 1, "one");
	node_save(&n, 2, 1, "damaged");
	node_save(&n, 3, 1, "poison"); /* whole, but not understood */
	node_save(&n, 4, 1, "four");
	node_save(&n, 5, 1, "gone");
	NODE_EXPECT(&n, "ooooo");
	(void)server_ask(&s, "HSET td:{s17}:rec %s nonsense", node_id(2));
	(void)server_ask(&s, "HDEL td:{s17}:rec %s", node_id(5));
	(void)server_ask(&s, "HSET td:{s17}:rec not-an-id nonsense");
	store_load_calls(n.store, node_each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.version, 2);
	assert_true(node_has(&n, "0000000000001=one"));
	assert_true(node_has(&n, "0000000000004=four"));
	assert_false(drive(n.redis, 100, never, NULL));
	assert_int_equal(node_metric(broken_name, NULL), before + 3);
	assert_string_equal(server_ask(&s, "HLEN td:{s17}:rec"), "2");
	assert_string_equal(server_ask(&s, "GET td:broken:td:{s17}:call:%s", node_id(2)),
			    "nonsense");
	assert_string_equal(server_ask(&s, "EXISTS td:broken:td:{s17}:call:%s", node_id(3)), "1");
	assert_string_equal(server_ask(&s, "EXISTS td:broken:td:{s17}:call:not-an-id"), "1");
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:rec %s", node_id(2)), "0");
	assert_string_equal(server_ask(&s, "EXISTS td:{s17}:lease"), "1");
	assert_true(store_is_healthy(n.store));
	/* the second time nothing is broken any more */
	n.loaded = 0;
	store_load_calls(n.store, node_each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.loaded, 2);
	node_without_server(&n, &s);
}

static void subscription_save(struct node *n, uint64_t id, uint64_t version, const char *record)
{
	store_subscription_save(n->store, id, version, bytes_str(record), node_done, n);
}

/* Beside the calls, in the same transactions; one that is broken lies aside, and is no call's. */
static void test_subscriptions(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	node_save(&n, 1, 1, "call");
	subscription_save(&n, 2, 1, "old");
	subscription_save(&n, 3, 1, "lamp");
	subscription_save(&n, 4, 1, "over");
	NODE_EXPECT(&n, "oooo");
	subscription_save(&n, 2, 2, "new");
	subscription_save(&n, 4, 2, "");
	subscription_save(&n, 5, 1, ""); /* there never was one */
	NODE_EXPECT(&n, "ooo");
	assert_string_equal(server_ask(&s, "HLEN td:{s17}:rec"), "1");
	assert_string_equal(server_ask(&s, "HLEN td:{s17}:sub"), "2");
	(void)server_ask(&s, "HSET td:{s17}:sub %s nonsense", node_id(6));
	store_load_subscriptions(n.store, node_each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.loaded, 2);
	assert_true(node_has(&n, "0000000000002=new"));
	assert_true(node_has(&n, "0000000000003=lamp"));
	assert_false(drive(n.redis, 100, never, NULL));
	assert_string_equal(server_ask(&s, "GET td:broken:td:{s17}:sub:%s", node_id(6)),
			    "nonsense");
	assert_int_equal(store_calls_aside(n.store), 0);
	node_without_server(&n, &s);
}

/* One key for each call, and a set of their ids: they are found, and an older program says why it finds none. */
static void test_older_program(void **state)
{
	enum { CALLS = 20 };
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	for (uint64_t call = 1; call <= CALLS; call++)
		node_save(&n, call, 1, "record");
	NODE_EXPECT(&n, "oooooooooooooooooooo");
	(void)server_ask(&s, "EVAL %s 0",
			 "for _, id in ipairs(redis.call('HKEYS', 'td:{s17}:rec')) do "
			 "redis.call('SET', 'td:{s17}:call:' .. id, redis.call('HGET', "
			 "'td:{s17}:rec', id)) redis.call('SADD', 'td:{s17}:calls', id) end "
			 "redis.call('DEL', 'td:{s17}:rec')");
	(void)server_ask(&s, "RPUSH td:{s17}:call:%s no string", node_id(30));
	(void)server_ask(&s, "SADD td:{s17}:calls 000000000000u 0000000000099 not-an-id");
	node_save(&n, 1, 2, "newer"); /* by this program, before it looked */
	NODE_EXPECT(&n, "o");
	store_load_calls(n.store, node_each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.version, CALLS);
	assert_true(node_has(&n, "0000000000001=newer"));
	assert_true(node_has(&n, "0000000000002=record"));
	assert_int_equal(store_calls_aside(n.store), 1);
	assert_string_equal(server_ask(&s, "TYPE td:broken:td:{s17}:call:%s", node_id(30)), "list");
	assert_string_equal(server_ask(&s, "HLEN td:{s17}:rec"), "20");
	assert_string_equal(server_ask(&s, "SCARD td:{s17}:calls"), "1");
	assert_string_equal(server_ask(&s, "GETRANGE td:{s17}:call:moved 0 2"), "TDR");
	assert_string_equal(server_ask(&s, "KEYS td:{s17}:call:*"), "(1 elements)");
	node_without_server(&n, &s);
}

static void put(struct node *n, struct bytes tenant, const char *kind, struct bytes name,
		struct bytes json)
{
	store_document_put(n->shared,
			   &(struct store_document){
				   .tenant = tenant, .kind = kind, .name = name, .json = json },
			   &(struct store_known){ 0 }, node_done, n);
}

static int document_each(struct bytes name, uint64_t version, struct bytes json, void *arg)
{
	assert_true(version > 0);
	return node_each(name, json, arg);
}

/* Too large for us: nobody fetches it whole, and it does not end the start. */
static void test_large(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	node_save(&n, 1, 1, "one");
	put(&n, BYTES_LIT("t"), "extension", BYTES_LIT("1001"), BYTES_LIT("{}"));
	NODE_EXPECT(&n, "oo");
	(void)server_ask(&s, "EVAL %s 0",
			 "redis.call('HSET', 'td:{s17}:rec', '0000000000002', "
			 "string.rep('x', 20000000))");
	(void)server_ask(&s, "EVAL %s 0",
			 "redis.call('HSET', 'td:{t:t}:doc:extension', 'big', "
			 "string.rep('x', 20000000))");
	store_load_calls(n.store, node_each, node_done, &n);
	store_load_documents(n.shared, BYTES_LIT("t"), "extension", document_each, node_done, &n);
	NODE_EXPECT(&n, "oo");
	assert_int_equal(n.loaded, 2);
	assert_int_equal(store_calls_aside(n.store), 1);
	assert_false(drive(n.redis, 200, never, NULL));
	assert_string_equal(server_ask(&s, "STRLEN td:broken:td:{s17}:call:%s", node_id(2)),
			    "20000000");
	assert_string_equal(server_ask(&s, "HSTRLEN td:broken:td:{t:t}:doc:extension big"),
			    "20000000");
	assert_string_equal(server_ask(&s, "HKEYS td:{t:t}:doc:extension"), "(1 elements)");
	assert_string_equal(server_ask(&s, "HLEN td:{s17}:rec"), "1");
	assert_true(store_is_healthy(n.store));
	node_without_server(&n, &s);
}

/* Of a later program: it stays, all that it says of itself is told, and nothing is loaded over it. */
static void test_too_new(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	node_save(&n, 1, 1, "later");
	NODE_EXPECT(&n, "o");
	store_load_calls(n.store, node_each, node_done, &n);
	NODE_EXPECT(&n, "r");
	assert_string_equal(store_shard_too_new(n.store), "td:{s17}:rec 0000000000001");
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:rec %s", node_id(1)), "1");
	assert_string_equal(server_ask(&s, "HLEN td:{s17}:rec"), "1");
	assert_string_equal(server_ask(&s, "KEYS td:broken:*"), "(0 elements)");
	node_without_server(&n, &s);
}

static bool link_is_up(void *arg)
{
	return redis_is_connected(arg);
}

/* Whatever key is of the wrong type: set aside, at a start and under a running node, which then saves all again. */
static void test_wrong_types(void **state)
{
	enum { SHARD_KEYS = 4 }; /* of keys, the first ones */
	static const char *const keys[] = { "td:{s17}:lease",
					    "td:{s17}:rec",
					    "td:{s17}:cdr",
					    "td:{s17}:ended",
					    "td:aors",
					    "td:{t:default}:gen",
					    "td:{t:default}:doc:extension",
					    "td:{ev:default}",
					    "td:{cmd:_operator}:in",
					    "td:{t:_operator}:gen",
					    "td:{t:t2}:ver:extension",
					    "td:{t:t17}:gen",
					    "td:{t:t39}:doc:extension",
					    "td:{t:t39}:park:default",
					    "td:{ev:t39}",
					    "td:{cmd:t39}:in",
					    "td:{cmd:t39}:reader:in",
					    "td:{cmd:t39}:application:in" };
	struct server s;
	struct node n;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		(void)server_ask(&s, "SET %s nonsense", keys[i]);
	node_open(&n, &s, &(struct node_settings){ .name = "a", .incarnation = 1 });
	assert_true(drive(n.redis, 5000, link_is_up, n.redis));
	store_shard_keys_check(n.store, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.version, SHARD_KEYS);
	store_shared_keys_check(n.shared, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.version, COUNT_OF(keys) - SHARD_KEYS);
	assert_int_equal(store_calls_aside(n.store), 1);
	store_acquire(n.store, node_done, &n);
	NODE_EXPECT(&n, "o");
	node_save(&n, 1, 1, "one");
	NODE_EXPECT(&n, "o");
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		assert_string_equal(server_ask(&s, "GET td:broken:%s", keys[i]), "nonsense");
	/* under the running node */
	(void)server_ask(&s, "DEL td:{s17}:rec");
	(void)server_ask(&s, "SET td:{s17}:rec nonsense");
	node_save(&n, 1, 2, "two");
	NODE_EXPECT(&n, "r");
	assert_true(drive(n.redis, 5000, node_is_degraded, &n));
	assert_true(drive(n.redis, 5000, node_is_healthy, &n));
	assert_false(store_was_late(n.store));
	node_save(&n, 1, 3, "three");
	NODE_EXPECT(&n, "o");
	assert_string_equal(server_ask(&s, "HLEN td:{s17}:rec"), "1");
	(void)server_ask(&s, "DEL td:aors");
	(void)server_ask(&s, "SET td:aors nonsense");
	store_binding_save(n.shared, BYTES_LIT("t"), BYTES_LIT("1"), 0, 1, BYTES_LIT("x"), 60000,
			   node_done, &n);
	NODE_EXPECT(&n, "r");
	assert_true(drive(n.redis, 5000, node_is_degraded, &n));
	assert_true(drive(n.redis, 5000, node_is_healthy, &n));
	node_without_server(&n, &s);
}

static void test_bindings(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	store_binding_save(n.shared, BYTES_LIT("t"), BYTES_LIT("1001"), 0, 1, BYTES_LIT("one"),
			   60000, node_done, &n);
	store_binding_save(n.shared, BYTES_LIT("t"), BYTES_LIT("a:b"), 0, 1, BYTES_LIT("two"),
			   60000, node_done, &n);
	store_binding_save(n.shared, BYTES_LIT("t"), BYTES_LIT("brief"), 0, 1, BYTES_LIT("x"), 20,
			   node_done, &n);
	store_binding_save(n.shared, BYTES_LIT("t"), BYTES_LIT("bad"), 0, 1, BYTES_LIT("x"), 60000,
			   node_done, &n);
	NODE_EXPECT(&n, "oooo");
	(void)server_ask(&s, "SET td:{aor:t:bad}:reg garbage");
	nap_ms(50);
	store_load_bindings(n.shared, node_each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.loaded, 2);
	assert_true(node_has(&n, "t:1001=one"));
	assert_true(node_has(&n, "t:a:b=two"));
	assert_false(drive(n.redis, 100, never, NULL));
	assert_string_equal(server_ask(&s, "SCARD td:aors"), "2");
	assert_string_equal(server_ask(&s, "GET td:broken:td:{aor:t:bad}:reg"), "garbage");
	node_without_server(&n, &s);
}

static void test_documents(void **state)
{
	const struct bytes tenant = BYTES_LIT("acme");
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	put(&n, tenant, "extension", BYTES_LIT("1001"), BYTES_LIT("{\"a\":1}"));
	put(&n, tenant, "extension", BYTES_LIT("1002"), BYTES_LIT("poison"));
	put(&n, tenant, "trunk", BYTES_LIT("x"), BYTES_LIT("{}"));
	NODE_EXPECT(&n, "ooo");
	store_load_documents(n.shared, tenant, "extension", document_each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.version, 1);
	assert_true(node_has(&n, "1001={\"a\":1}"));
	assert_false(drive(n.redis, 100, never, NULL));
	assert_string_equal(server_ask(&s, "HKEYS td:{t:acme}:doc:extension"), "(1 elements)");
	assert_string_equal(server_ask(&s, "HGET td:broken:td:{t:acme}:doc:extension 1002"),
			    "poison");
	n.loaded = 0;
	store_load_documents(n.shared, tenant, "queue", document_each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.loaded, 0);
	node_without_server(&n, &s);
}

static unsigned long scripts_run(struct server *s)
{
	const char *calls = server_ask(s, "EVAL %s 0",
				       "return string.match(redis.call('INFO', 'commandstats'), "
				       "'evalsha:calls=(%d+)')");

	return strtoul(calls, NULL, 10);
}

static int count_document(struct bytes name, uint64_t version, struct bytes json, void *arg)
{
	struct count *c = arg;
	uint64_t number = 0;

	assert_int_equal(bytes_u64(name, &number), 0);
	assert_true(number < MANY && !c->seen[number]++);
	assert_int_equal(version, number + 1);
	assert_true(bytes_eq(json, name));
	c->n++;
	return 0;
}

/* Each once, with a version and a text of its own; and Redis is not asked for each. */
static void test_many_documents(void **state)
{
	static struct count c;
	struct server s;
	struct node n;
	unsigned long before;

	(void)state;
	c = (struct count){ 0 };
	node_with_server(&n, &s);
	(void)server_ask(&s, "EVAL %s 0",
			 "for i = 0, 999 do redis.call('HSET', 'td:{t:t}:doc:k', i, i) "
			 "redis.call('HSET', 'td:{t:t}:ver:k', i, i + 1) end");
	before = scripts_run(&s);
	store_load_documents(n.shared, BYTES_LIT("t"), "k", count_document, count_done, &c);
	assert_true(drive(n.redis, 5000, count_is_done, &c));
	assert_int_equal(c.n, MANY);
	assert_in_range(scripts_run(&s) - before, 1, MANY / 50);
	node_without_server(&n, &s);
}

/* Redis goes away in the middle, or was never there. */
static void test_without_redis(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 1, 1, "one");
	NODE_EXPECT(&n, "o");
	server_signal(&s, SIGSTOP);
	store_load_calls(n.store, node_each, node_done, &n);
	store_load_bindings(n.shared, node_each, node_done, &n);
	assert_false(drive(n.redis, 50, never, NULL));
	server_kill(&s);
	NODE_EXPECT(&n, "uu");
	store_load_calls(n.store, node_each, node_done, &n);
	store_load_documents(n.shared, BYTES_LIT("t"), "k", document_each, node_done, &n);
	NODE_EXPECT(&n, "uu");
	/* and the store goes while one is under way */
	server_start(&s, NULL);
	assert_true(drive(n.redis, 5000, node_is_healthy, &n));
	store_load_calls(n.store, node_each, node_done, &n);
	store_load_bindings(n.shared, node_each, node_done, &n);
	node_close(&n);
	assert_string_equal(n.answers, "uu");
	assert_int_equal(n.loaded, 0);
	server_stop(&s);
}

static int close_each(struct bytes key, struct bytes record, void *arg)
{
	struct node *n = arg;
	struct store_shard *store = n->store;

	(void)node_each(key, record, arg);
	n->store = NULL;
	store_shard_close(store);
	return -EBADMSG;
}

static void test_close_in_record(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 1, 1, "one");
	node_save(&n, 2, 1, "two");
	NODE_EXPECT(&n, "oo");
	store_load_calls(n.store, close_each, node_done, &n);
	NODE_EXPECT(&n, "u");
	assert_int_equal(n.loaded, 1);
	assert_string_equal(server_ask(&s, "HLEN td:{s17}:rec"), "2");
	store_shared_close(n.shared);
	redis_close(n.redis);
	server_stop(&s);
}

static void toll_each(struct bytes name, int64_t ms, void *arg)
{
	(void)name;
	(void)ms;
	(void)arg;
}

static void look_done(const struct store_look *look, void *arg)
{
	node_done(look->result, 0, 0, arg);
}

/* A start asks for generations and what calls have cost, and puts back what was lost: a Redis that is late by a save's deadline does not end it. */
static void test_late_at_start(void **state)
{
	const struct bytes t = BYTES_LIT("t");
	struct server s;
	struct node n;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&n, &s,
		  &(struct node_settings){ .name = "a", .incarnation = 1, .deadline_ms = 50 });
	store_acquire(n.store, node_done, &n);
	NODE_EXPECT(&n, "o");
	server_signal(&s, SIGSTOP);
	store_documents_look(n.shared, &t, 1, (struct bytes){ 0 }, look_done, &n);
	store_document_restore(n.shared,
			       &(struct store_document){ .tenant = t,
							 .kind = "extension",
							 .name = BYTES_LIT("1001"),
							 .version = 7,
							 .json = BYTES_LIT("{}") },
			       BYTES_LIT("h"), node_done, &n);
	store_toll_load(n.store, 20779, toll_each, node_done, &n);
	assert_false(drive(n.redis, 200, never, NULL));
	server_signal(&s, SIGCONT);
	NODE_EXPECT(&n, "ooo");
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),         cmocka_unit_test(test_many),
		cmocka_unit_test(test_broken),        cmocka_unit_test(test_subscriptions),
		cmocka_unit_test(test_bindings),      cmocka_unit_test(test_documents),
		cmocka_unit_test(test_without_redis), cmocka_unit_test(test_close_in_record),
		cmocka_unit_test(test_older_program), cmocka_unit_test(test_large),
		cmocka_unit_test(test_too_new),       cmocka_unit_test(test_wrong_types),
		cmocka_unit_test(test_late_at_start), cmocka_unit_test(test_many_documents),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
