/* SPDX-License-Identifier: Apache-2.0 */
/* What a shard hears of a slot, or a kept value, that it asked for: each answer once, for the shard that asked, also when the store is gone. */
#include "app/effect/answers.h"

#include <inttypes.h>

#include "tests/unit/cluster/node.h"

enum { SHARD = 17, CALL = 42, SERIAL = 5 };

/* The answers as text: "SHARD CALL SERIAL TOLD OWNER ENTRY". */
struct heard {
	struct answers answers;
	char text[256];
};

static void hear(const struct answer *a, void *arg)
{
	static const char *const told[] = { [PARK_OK] = "ok",
					    [PARK_TAKEN] = "taken",
					    [PARK_EMPTY] = "empty",
					    [PARK_FULL] = "full",
					    [PARK_UNKNOWN] = "unknown" };
	struct heard *h = arg;
	size_t n = strlen(h->text);
	const struct park_reply *outcome = &a->reply.park;

	assert_int_equal(a->kind, ANSWER_REPLY);
	assert_int_equal(a->reply.ask, ASK_PARK);
	(void)snprintf(h->text + n, sizeof(h->text) - n,
		       "%u %" PRIu64 " %" PRIu64 " %s %" PRIu64 " " BYTES_FMT ";", a->shard,
		       a->call, outcome->serial, told[outcome->told], outcome->owner,
		       BYTES_ARG(text_bytes(&a->record)));
}

static bool has_answer(void *arg)
{
	return ((struct heard *)arg)->answers.count > 0;
}

static void ask(struct node *n, struct heard *h, enum park_act act, uint64_t call, const char *slot)
{
	struct effects e = { 0 };
	struct request_park *park = effects_request(&e, EFFECT_PARK, call, SERIAL,
						    EFFECT_TEXTS(BYTES_LIT("acme"), bytes_str(slot),
								 BYTES_LIT("beside")));

	assert_non_null(park);
	park->act = act;
	parks_carry(n->shared, &h->answers, SHARD, &e.list[0]);
	effects_close(&e);
}

static void expect(struct node *n, struct heard *h, const char *want)
{
	if (n->redis)
		assert_true(drive(n->redis, 5000, has_answer, h));
	h->text[0] = '\0';
	(void)answers_feed(&h->answers, hear, h);
	assert_string_equal(h->text, want);
}

static void test_told(void **state)
{
	struct heard h = { 0 };
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	ask(&n, &h, PARK_LOOK, CALL, "7");
	expect(&n, &h, "17 42 5 empty 0 ;");
	ask(&n, &h, PARK_CLAIM, CALL, "7");
	expect(&n, &h, "17 42 5 ok 42 ;");
	ask(&n, &h, PARK_CLAIM, CALL + 1, "7");
	expect(&n, &h, "17 43 5 taken 42 beside;");
	ask(&n, &h, PARK_LOOK, CALL + 1, "7");
	expect(&n, &h, "17 43 5 ok 42 beside;");
	ask(&n, &h, PARK_FREE, CALL + 1, "7");
	expect(&n, &h, "17 43 5 taken 42 beside;");
	ask(&n, &h, PARK_FREE, CALL, "7");
	expect(&n, &h, "17 42 5 ok 0 ;");
	ask(&n, &h, PARK_CLAIM, CALL, "seven");
	expect(&n, &h, "17 42 5 unknown 0 ;");
	ask(&n, &h, PARK_ROOM_CLAIM, CALL, "700");
	expect(&n, &h, "17 42 5 ok 42 ;");
	ask(&n, &h, PARK_ROOM_CLAIM, CALL + 1, "700");
	expect(&n, &h, "17 43 5 taken 42 beside;");
	ask(&n, &h, PARK_ROOM_FREE, CALL, "700");
	expect(&n, &h, "17 42 5 ok 0 ;");
	(void)server_ask(&s, "SET td:{t:acme}:park:default nonsense");
	ask(&n, &h, PARK_CLAIM, CALL, "7");
	expect(&n, &h, "17 42 5 unknown 0 ;");
	answers_close(&h.answers);
	node_without_server(&n, &s);
}

static void hear_kept(const struct answer *a, void *arg)
{
	static const char *const told[] = {
		[KV_OK] = "ok", [KV_NONE] = "none", [KV_UNKNOWN] = "unknown"
	};
	struct heard *h = arg;

	assert_int_equal(a->kind, ANSWER_REPLY);
	assert_int_equal(a->reply.ask, ASK_KV);
	(void)snprintf(h->text, sizeof(h->text), "%u %" PRIu64 " %" PRIu64 " %s " BYTES_FMT,
		       a->shard, a->call, a->reply.kept.serial, told[a->reply.kept.result],
		       BYTES_ARG(text_bytes(&a->record)));
}

static const char *ask_kept(struct node *n, struct heard *h, uint64_t serial, const char *value)
{
	struct effects e = { 0 };
	struct request_kv *kept = effects_request(&e, EFFECT_KV, CALL, serial,
						  EFFECT_TEXTS(BYTES_LIT("acme"), BYTES_LIT("1001"),
							       bytes_str(value)));

	assert_non_null(kept);
	kept->what = KV_LAST_CALLER;
	kept->ttl_ms = value ? 60000 : 0;
	kept_carry(n->shared, &h->answers, SHARD, &e.list[0]);
	effects_close(&e);
	if (!serial)
		return "";
	assert_true(drive(n->redis, 5000, has_answer, h));
	(void)answers_feed(&h->answers, hear_kept, h);
	return h->text;
}

/* Who wants no answer hears none, and what he has kept is there for who asks behind him. */
static void test_kept(void **state)
{
	struct heard h = { 0 };
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	assert_string_equal(ask_kept(&n, &h, SERIAL, NULL), "17 42 5 none ");
	assert_string_equal(ask_kept(&n, &h, 0, "1002"), "");
	assert_string_equal(ask_kept(&n, &h, SERIAL, NULL), "17 42 5 ok 1002");
	assert_string_equal(ask_kept(&n, &h, SERIAL, "1003"), "17 42 5 ok ");
	(void)server_ask(&s, "DEL td:{kept:acme:1001}:last_caller");
	(void)server_ask(&s, "LPUSH td:{kept:acme:1001}:last_caller x");
	assert_string_equal(ask_kept(&n, &h, SERIAL, NULL), "17 42 5 unknown ");
	answers_close(&h.answers);
	node_without_server(&n, &s);
}

/* Whoever asked is told that nobody knows, and what is under way is nobody's trouble. */
static void test_closed_meanwhile(void **state)
{
	struct heard h = { 0 };
	struct server s;
	struct node n;

	(void)state;
	node_with_server(&n, &s);
	ask(&n, &h, PARK_CLAIM, CALL, "7");
	ask(&n, &h, PARK_LOOK, CALL, "8");
	assert_int_equal(h.answers.count, 0);
	node_close(&n);
	expect(&n, &h, "17 42 5 unknown 0 ;17 42 5 unknown 0 ;");
	answers_close(&h.answers);
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_closed_meanwhile),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
