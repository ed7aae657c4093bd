/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations and events. */
#include "tests/unit/cluster/node.h"

static void save(struct node *n, uint64_t expected, uint64_t version, const char *record,
		 uint64_t ttl_ms)
{
	store_binding_save(n->shared, BYTES_LIT("acme"), BYTES_LIT("1001"), expected, version,
			   bytes_str(record), ttl_ms, node_done, n);
}

static void test_binding_versions(void **state)
{
	static const struct {
		const char *name;
		uint64_t expected, version;
		const char *record;
		uint64_t ttl_ms;
		const char *want;
		uint64_t want_version;
	} rows[] = {
		{ "none is there", 1, 2, "x", 60000, "c", 0 },
		{ "first", 0, UINT64_C(1) << 60, "one", 60000, "o", UINT64_C(1) << 60 },
		{ "first again by another", 0, 1, "two", 60000, "c", UINT64_C(1) << 60 },
		{ "close, but not it", (UINT64_C(1) << 60) + 1, 1, "two", 60000, "c", UINT64_C(1) << 60 },
		{ "next", UINT64_C(1) << 60, 9, "three", 60000, "o", 9 },
		{ "the same again: its answer was lost", UINT64_C(1) << 60, 9, "three", 60000, "o", 9 },
		{ "delete an old one", UINT64_C(1) << 60, 10, "", 0, "c", 9 },
		{ "delete", 9, 10, "", 0, "o", 10 },
		{ "delete again", 9, 10, "", 0, "c", 0 },
		{ "delete nothing", 0, 1, "", 0, "o", 1 },
	}, *row;
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	EACH_ROW(row, rows)
	{
		save(&n, row->expected, row->version, row->record, row->ttl_ms);
		assert_true(drive(n.redis, 2000, node_has_answered, &(struct node_goal){ &n, 1 }));
		ROW_ASSERT(row->name, !strcmp(n.answers, row->want));
		ROW_ASSERT(row->name, n.version == row->want_version);
		n.n = 0;
	}
	assert_string_equal(server_ask(&s, "SCARD td:aors"), "0");
	assert_true(store_is_healthy(n.store));
	node_without_server(&n, &s);
}

static void test_binding_life(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	save(&n, 0, 1, "x", 30);
	NODE_EXPECT(&n, "o");
	assert_string_equal(server_ask(&s, "SISMEMBER td:aors acme:1001"), "1");
	nap_ms(40);
	assert_string_equal(server_ask(&s, "EXISTS td:{aor:acme:1001}:reg"), "0");
	save(&n, 0, 1, "x", 60000);
	NODE_EXPECT(&n, "o");
	assert_true(atoi(server_ask(&s, "PTTL td:{aor:acme:1001}:reg")) > 50000);
	node_without_server(&n, &s);
}

/* Needs no lease: any node may take a registration. */
static void test_binding_without_lease(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&n, &s, &(struct node_settings){ .name = "a", .incarnation = 1 });
	assert_true(drive(n.redis, 2000, is_up, n.redis));
	save(&n, 0, 1, "x", 60000);
	store_binding_save(n.shared, BYTES_LIT("a:b"), BYTES_LIT("c"), 0, 1, BYTES_LIT("x"), 60000,
			   node_done, &n);
	store_document_put(n.shared,
			   &(struct store_document){ .tenant = BYTES_LIT("acme"),
						     .kind = "extension",
						     .name = BYTES_LIT("1"),
						     .json = BYTES_LIT("{}") },
			   &(struct store_known){ 0 }, node_done, &n);
	assert_true(drive(n.redis, 2000, node_has_answered, &(struct node_goal){ &n, 3 }));
	assert_int_equal(strspn(n.answers, "or"),
			 3); /* a tenant with a colon is refused, in whatever order */
	assert_non_null(strchr(n.answers, 'r'));
	node_without_server(&n, &s);
}

static void test_events(void **state)
{
	const struct store_field fields[] = { { "type", BYTES_LIT("call.answered") },
					      { "empty", { 0 } } };
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	for (int i = 0; i < 10; i++)
		store_event(n.shared, BYTES_LIT("acme"), (struct bytes){ 0 }, BYTES_LIT("{}"));
	save(&n, 0, 1, "x", 1000);
	NODE_EXPECT(&n, "o"); /* after them */
	assert_string_equal(server_ask(&s, "XLEN td:{ev:acme}"), "10");
	store_security(n.shared, fields, COUNT_OF(fields));
	save(&n, 1, 2, "x", 1000);
	NODE_EXPECT(&n, "o");
	assert_string_equal(server_ask(&s, "XLEN td:security"), "1");
	node_without_server(&n, &s);
}

/* Its reader has not saved them yet: the stream is longer than it would be by itself. */
static void test_events_are_held(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	(void)server_ask(&s, "EVAL %s 1 td:{ev:acme}",
			 "for i = 1, 105000 do redis.call('XADD', KEYS[1], '*', 'a', 'b') end");
	store_streams_hold(n.shared, 200000);
	store_event(n.shared, BYTES_LIT("acme"), (struct bytes){ 0 }, BYTES_LIT("{}"));
	save(&n, 0, 1, "x", 1000);
	NODE_EXPECT(&n, "o");
	assert_string_equal(server_ask(&s, "XLEN td:{ev:acme}"), "105001");
	store_streams_hold(n.shared, 0);
	store_event(n.shared, BYTES_LIT("acme"), (struct bytes){ 0 }, BYTES_LIT("{}"));
	save(&n, 1, 2, "x", 1000);
	NODE_EXPECT(&n, "o");
	assert_in_range(atoi(server_ask(&s, "XLEN td:{ev:acme}")), 100000, 100200);
	node_without_server(&n, &s);
}

struct events_goal {
	const struct server *s;
	int n;
};

static bool events_came(void *arg)
{
	const struct events_goal *goal = arg;

	return atoi(server_ask(goal->s, "XLEN td:{ev:acme}:ivr")) == goal->n;
}

/* The newest one is 1. */
static const char *event_of(const struct server *s, const char *key, int n)
{
	return server_ask(s,
			  "EVAL return(redis.call('XREVRANGE',KEYS[1],'+','-')[tonumber(ARGV[1])]"
			  "[2][2]) 1 %s %d",
			  key, n);
}

/* While Redis is away they wait, and come in order before what came later; of what had no room the stream says how many. */
static void test_events_wait(void **state)
{
	static char text[1 << 16];
	uint64_t dropped = node_metric("tandem_store_events_dropped_total", NULL);
	struct server s;
	struct node n;

	(void)state;
	memset(text, 'x', sizeof(text));
	node_with_server(&n, &s);
	server_kill(&s);
	store_event(n.shared, BYTES_LIT("acme"), (struct bytes){ 0 }, BYTES_LIT("1"));
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	store_event(n.shared, BYTES_LIT("acme"), (struct bytes){ 0 }, BYTES_LIT("2"));
	server_start(&s, NULL);
	assert_true(drive(n.redis, 5000, is_up, n.redis));
	store_event(n.shared, BYTES_LIT("acme"), (struct bytes){ 0 }, BYTES_LIT("3"));
	store_event(n.shared, BYTES_LIT("acme"), BYTES_LIT("ivr"), BYTES_LIT("4"));
	assert_true(drive(n.redis, 2000, events_came, &(struct events_goal){ &s, 1 }));
	assert_string_equal(event_of(&s, "td:{ev:acme}", 3), "1");
	assert_string_equal(event_of(&s, "td:{ev:acme}", 2), "2");
	assert_string_equal(event_of(&s, "td:{ev:acme}", 1), "3");
	assert_int_equal(node_metric("tandem_store_events_dropped_total", NULL), dropped);
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	for (int i = 0; i < 300; i++)
		store_event(n.shared, BYTES_LIT("big"), (struct bytes){ 0 },
			    bytes_mem(text, sizeof(text)));
	store_event(n.shared, BYTES_LIT("acme"), BYTES_LIT("ivr"), BYTES_LIT("5"));
	dropped = node_metric("tandem_store_events_dropped_total", NULL) - dropped;
	assert_true(dropped > 40 && dropped < 60);
	server_start(&s, NULL);
	assert_true(drive(n.redis, 5000, events_came, &(struct events_goal){ &s, 2 }));
	(void)snprintf(text, sizeof(text), "{\"type\":\"events.lost\",\"count\":%d}",
		       (int)dropped - 1);
	assert_string_equal(event_of(&s, "td:{ev:big}", 1), text);
	assert_string_equal(event_of(&s, "td:{ev:acme}:ivr", 1),
			    "{\"type\":\"events.lost\",\"count\":1}");
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binding_versions),
		cmocka_unit_test(test_binding_life),
		cmocka_unit_test(test_binding_without_lease),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_events_wait),
		cmocka_unit_test(test_events_are_held),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
