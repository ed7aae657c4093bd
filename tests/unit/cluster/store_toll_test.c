/* SPDX-License-Identifier: Apache-2.0 */
/* What calls outside have cost: added once with the CDRs, whatever fails, and read by the next process. */
#include "tests/unit/cluster/node.h"

#include <inttypes.h>

enum { DAY = 20779 };
#define KEY "td:{s17}:toll:20779"

static void ends(struct node *n, uint64_t call, const char *toll)
{
	const struct store_field fields[] = { { "cdr", BYTES_LIT("one") },
					      { "id", BYTES_LIT("CALL.2") },
					      { "cdr", BYTES_LIT("two") },
					      { "toll", bytes_str(toll) } };

	store_call_end(n->store, call,
		       &(struct store_ended){ .cdr = fields,
					      .fields = COUNT_OF(fields),
					      .ended_ns = clock_now_ns() },
		       node_done, n);
}

static const char *cost(const struct server *s, const char *name)
{
	return server_ask(s, "HGET " KEY " %s", name);
}

static void each(struct bytes name, int64_t ms, void *arg)
{
	struct node *n = arg;

	assert_true(n->loaded < NODE_RECORDS);
	(void)snprintf(n->records[n->loaded++], NODE_RECORD_MAX, BYTES_FMT "=%" PRId64,
		       BYTES_ARG(name), ms);
}

static bool cdrs_are_there(void *arg)
{
	return strcmp(server_ask(arg, "XLEN td:{s17}:cdr"), "2") == 0;
}

static void test_added_and_read(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 42, 1, "first");
	NODE_EXPECT(&n, "o");
	ends(&n, 42, "20779 acme:1001 61000 acme:1002 500");
	ends(&n, 43, "20779 acme:1001 1000");
	ends(&n, 42, "20779 acme:1001 61000 acme:1002 500");
	NODE_EXPECT(&n, "ooo");
	assert_string_equal(cost(&s, "acme:1001"), "62000");
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:rec %s", node_id(42)), "0");
	assert_string_equal(server_ask(&s, "XLEN td:{s17}:cdr"), "4");
	assert_true(atoi(server_ask(&s, "TTL " KEY)) > 86400);
	store_toll_add(n.store, DAY, BYTES_LIT("acme:1001"), -63000, node_done, &n);
	store_toll_add(n.store, DAY, BYTES_LIT("acme:"), 7, node_done, &n);
	NODE_EXPECT(&n, "oo");
	store_toll_load(n.store, DAY, each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.loaded, 3);
	assert_true(node_has(&n, "acme:1001=-1000"));
	assert_true(node_has(&n, "acme:1002=500"));
	assert_true(node_has(&n, "acme:=7"));
	store_toll_load(n.store, DAY + 1, each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.loaded, 3);
	node_without_server(&n, &s);
}

/* On disk meanwhile, also through a restart of the node. */
static void test_redis_away(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	ends(&n, 42, "20779 acme:1001 61000");
	NODE_EXPECT(&n, "o");
	node_close(&n);
	server_start(&s, NULL);
	node_start(&n, &s, "a", 2);
	assert_true(drive(n.redis, 5000, cdrs_are_there, &s));
	assert_string_equal(cost(&s, "acme:1001"), "61000");
	node_without_server(&n, &s);
}

/* Redis has it, and did not say so in time: said again, and added once. */
static void test_unanswered(void **state)
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
	server_signal(&s, SIGSTOP);
	ends(&n, 42, "20779 acme:1001 61000");
	NODE_EXPECT(&n, "o");
	server_signal(&s, SIGCONT);
	assert_true(drive(n.redis, 5000, cdrs_are_there, &s));
	assert_false(drive(n.redis, 500, never, NULL));
	assert_string_equal(cost(&s, "acme:1001"), "61000");
	node_without_server(&n, &s);
}

/* A key of another type loses no CDR; what cannot be read costs nothing. */
static void test_not_ours(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	(void)server_ask(&s, "SET " KEY " text");
	ends(&n, 42, "20779 acme:1001 61000");
	NODE_EXPECT(&n, "o");
	assert_true(cdrs_are_there(&s));
	(void)server_ask(&s, "DEL " KEY);
	(void)server_ask(&s, "HSET " KEY " acme:1001 many");
	store_toll_load(n.store, DAY, each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_true(node_has(&n, "acme:1001=0"));
	node_without_server(&n, &s);
}

/* The owner before changes nothing any more. */
static void test_fenced(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	(void)server_ask(&s, "HSET td:{s17}:lease fence 9.9.9 counter 9");
	store_toll_add(n.store, DAY, BYTES_LIT("acme:1001"), 1000, node_done, &n);
	NODE_EXPECT(&n, "f");
	assert_string_equal(server_ask(&s, "EXISTS " KEY), "0");
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_added_and_read), cmocka_unit_test(test_redis_away),
		cmocka_unit_test(test_unanswered),     cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_fenced),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
