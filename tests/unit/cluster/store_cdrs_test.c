/* SPDX-License-Identifier: Apache-2.0 */
/* A call with several CDRs: all of them are in the stream once, one behind the other, whatever fails. */
#include "tests/unit/cluster/node.h"

#include "cluster/redis/script.h"

static const struct store_field g_fields[] = {
	{ "cdr", BYTES_LIT("one") },   { "id", BYTES_LIT("CALL.2") }, { "cdr", BYTES_LIT("two") },
	{ "id", BYTES_LIT("CALL.3") }, { "cdr", BYTES_LIT("three") },
};

static void end_three(struct node *n, uint64_t call)
{
	store_call_end(n->store, call,
		       &(struct store_ended){ .cdr = g_fields,
					      .fields = COUNT_OF(g_fields),
					      .ended_ns = clock_now_ns() },
		       node_done, n);
}

/* As "ID=CDR ID=CDR ...", in the order of the stream. */
static const char *stream(const struct server *s)
{
	static char text[1024];
	redisContext *c = redisConnectUnix(s->socket);
	redisReply *reply = redisCommand(c, "XRANGE td:{s17}:cdr - +");
	size_t used = 0;

	assert_non_null(reply);
	text[0] = '\0';
	for (size_t i = 0; i < reply->elements; i++) {
		const redisReply *fields = reply->element[i]->element[1];

		assert_true(fields->elements >= 4);
		assert_string_equal(fields->element[0]->str, "id");
		assert_true(used < sizeof(text) - 64);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s=%s", i ? " " : "",
					 fields->element[1]->str, fields->element[3]->str);
		assert_true(fields->elements == 4 || strcmp(fields->element[2]->str, "from") == 0);
	}
	freeReplyObject(reply);
	redisFree(c);
	return text;
}

#define THREE_OF(id) id "=one CALL.2=two CALL.3=three"
#define ID_42        "000000000001a"
#define ID_43        "000000000001b"
#define ID_44        "000000000001c"

static bool cdrs_are_three(void *arg)
{
	return strcmp(server_ask(arg, "XLEN td:{s17}:cdr"), "3") == 0;
}

/* With saves and other ends, whose answers stand behind theirs. */
static void test_in_a_transaction(void **state)
{
	uint64_t before = node_metric("tandem_store_cdrs_total", NULL);
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	node_save(&n, 42, 1, "first");
	NODE_EXPECT(&n, "o");
	node_end(&n, 43);
	end_three(&n, 42);
	node_save(&n, 45, 1, "other");
	node_end(&n, 44);
	end_three(&n, 42);
	NODE_EXPECT(&n, "ooooo");
	assert_string_equal(stream(&s), ID_43 "=1001 " THREE_OF(ID_42) " " ID_44 "=1001");
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:rec %s", node_id(42)), "0");
	assert_string_equal(server_ask(&s, "ZCARD td:{s17}:ended"), "3");
	assert_int_equal(node_metric("tandem_store_cdrs_total", NULL) - before, 5);
	node_without_server(&n, &s);
}

/* They wait on disk, also through a restart of the node, and come once. */
static void test_redis_away(void **state)
{
	uint64_t before = node_metric("tandem_store_cdrs_spooled_total", NULL);
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	end_three(&n, 42);
	NODE_EXPECT(&n, "o");
	assert_int_equal(node_metric("tandem_store_cdrs_spooled_total", NULL) - before, 3);
	node_close(&n);
	server_start(&s, NULL);
	node_start(&n, &s, "a", 2);
	assert_true(drive(n.redis, 5000, cdrs_are_three, &s));
	assert_string_equal(stream(&s), THREE_OF(ID_42));
	node_without_server(&n, &s);
}

/* Redis has them, and did not say so in time: the spool says them again, and nothing follows. */
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
	end_three(&n, 42);
	NODE_EXPECT(&n, "o");
	server_signal(&s, SIGCONT);
	assert_true(drive(n.redis, 5000, cdrs_are_three, &s));
	assert_false(drive(n.redis, 500, never, NULL));
	assert_string_equal(stream(&s), THREE_OF(ID_42));
	node_without_server(&n, &s);
}

/* Acknowledged, and lost by a Redis that was killed. */
static void test_acknowledged_and_lost(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	assert_string_equal(server_ask(&s, "CONFIG SET appendonly no"), "OK");
	end_three(&n, 42);
	NODE_EXPECT(&n, "o");
	server_kill(&s);
	assert_true(drive(n.redis, 2000, node_is_degraded, &n));
	server_start(&s, NULL);
	assert_true(drive(n.redis, 5000, cdrs_are_three, &s));
	assert_string_equal(stream(&s), THREE_OF(ID_42));
	node_without_server(&n, &s);
}

/* What a killed process noted of a call that Redis never heard of. */
static void test_answered_meanwhile(void **state)
{
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	store_load_calls(n.store, node_each, node_done, &n);
	NODE_EXPECT(&n, "o");
	server_kill(&s);
	assert_true(drive(n.redis, 5000, node_is_degraded, &n));
	store_call_open(n.store, 42, g_fields, COUNT_OF(g_fields));
	node_close(&n);
	server_start(&s, NULL);
	node_start(&n, &s, "a", 2);
	store_load_calls(n.store, node_each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_string_equal(stream(&s), THREE_OF(ID_42));
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_a_transaction),
		cmocka_unit_test(test_redis_away),
		cmocka_unit_test(test_unanswered),
		cmocka_unit_test(test_answered_meanwhile),
		cmocka_unit_test(test_acknowledged_and_lost),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
