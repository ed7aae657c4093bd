/* SPDX-License-Identifier: Apache-2.0 */
/* Slots where calls are parked: each is one call's, whoever asks and however often. */
#include "tests/unit/cluster/node.h"

#include <inttypes.h>

#define KEY   "td:{t:acme}:park:default"
#define ROOMS "td:{t:acme}:room:open"

/* What the store said, as text: "o 42 beside", "c 42 beside", "c full", "o", ... */
struct heard {
	struct node *node;
	char text[STORE_PARKED_MAX + 32];
};

static void told(const struct store_parked *parked, void *arg)
{
	struct heard *h = arg;
	int n = snprintf(h->text, sizeof(h->text), "%c", NODE_LETTERS[parked->result]);

	if (parked->full)
		(void)snprintf(h->text + n, sizeof(h->text) - (size_t)n, " full");
	else if (parked->call)
		(void)snprintf(h->text + n, sizeof(h->text) - (size_t)n, " %" PRIu64 " " BYTES_FMT,
			       parked->call, BYTES_ARG(parked->beside));
}

static bool has_heard(void *arg)
{
	return ((struct heard *)arg)->text[0] != '\0';
}

enum act { CLAIM, FREE, LOOK, CLAIM_ROOM, FREE_ROOM };

static const char *ask(struct heard *h, enum act act, const char *slot, uint64_t call,
		       const char *beside)
{
	const struct store_slot of = { BYTES_LIT("acme"), bytes_str(slot), act >= CLAIM_ROOM };

	h->text[0] = '\0';
	if (act == CLAIM || act == CLAIM_ROOM)
		store_park_claim(h->node->shared, &of, call, bytes_str(beside), told, h);
	else if (act == FREE || act == FREE_ROOM)
		store_park_free(h->node->shared, &of, call, told, h);
	else
		store_park_look(h->node->shared, &of, told, h);
	assert_false(has_heard(h)); /* never before the call returned */
	assert_true(drive(h->node->redis, 5000, has_heard, h));
	return h->text;
}

static void test_one_has_it(void **state)
{
	static const struct {
		const char *name;
		enum act act;
		const char *slot;
		uint64_t call;
		const char *beside, *want;
	} rows[] = {
		{ "nobody is there", LOOK, "7", 0, "", "o" },
		{ "free what nobody has", FREE, "7", 42, "", "o" },
		{ "first", CLAIM, "7", 42, "one two", "o 42 " },
		{ "it is there", LOOK, "7", 0, "", "o 42 one two" },
		{ "another one comes late", CLAIM, "7", 43, "x", "c 42 one two" },
		{ "again: its answer was lost", CLAIM, "7", 42, "one two", "o 42 " },
		{ "with other words", CLAIM, "7", 42, "", "o 42 " },
		{ "nothing lies beside it", LOOK, "7", 0, "", "o 42 " },
		{ "what another one has stays", FREE, "7", 43, "", "c 42 " },
		{ "another slot", CLAIM, "12345678", 43, "x", "o 43 " },
		{ "with a nought before", CLAIM, "07", 44, "x", "o 44 " },
		{ "freed", FREE, "7", 42, "", "o" },
		{ "freed again", FREE, "7", 42, "", "o" },
		{ "it is free", LOOK, "7", 0, "", "o" },
		{ "the next one", CLAIM, "7", 43, "y", "o 43 " },
		{ "no slot", CLAIM, "", 42, "x", "r" },
		{ "too long", CLAIM, "123456789", 42, "x", "r" },
		{ "no digits", LOOK, "7a", 42, "", "r" },
		{ "no digits either", FREE, "*", 42, "", "r" },
	}, *row;
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->name, !strcmp(ask(&h, row->act, row->slot, row->call, row->beside),
					      row->want));
	}
	assert_string_equal(server_ask(&s, "HLEN " KEY), "3");
	assert_string_equal(server_ask(&s, "KEYS td:{t:*}:park:*"), "(1 elements)");
	assert_true(store_is_healthy(n.store));
	node_without_server(&n, &s);
}

/* The numbers of rooms are no slots, and have a limit of their own. */
static void test_rooms(void **state)
{
	static const struct {
		const char *name;
		enum act act;
		const char *slot;
		uint64_t call;
		const char *want;
	} rows[] = {
		{ "first", CLAIM_ROOM, "700", 42, "o 42 " },
		{ "another one comes late", CLAIM_ROOM, "700", 43, "c 42 x" },
		{ "again: its answer was lost", CLAIM_ROOM, "700", 42, "o 42 " },
		{ "the slot of that number is free", LOOK, "700", 0, "o" },
		{ "what another one has stays", FREE_ROOM, "700", 43, "c 42 x" },
		{ "freed", FREE_ROOM, "700", 42, "o" },
		{ "the next one", CLAIM_ROOM, "700", 43, "o 43 " },
		{ "a name", CLAIM_ROOM, "board-room.of*the+third_floor-1", 44, "o 44 " },
		{ "none", CLAIM_ROOM, "", 42, "r" },
		{ "too long", CLAIM_ROOM, "board-room.of*the+third_floor-12", 42, "r" },
		{ "not printable", CLAIM_ROOM, "7 00", 42, "r" },
	}, *row;
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->name,
			   !strcmp(ask(&h, row->act, row->slot, row->call, "x"), row->want));
	}
	assert_string_equal(server_ask(&s, "EXISTS " KEY), "0");
	for (int i = 2; i < STORE_ROOMS_MAX; i++)
		(void)server_ask(&s, "HSET " ROOMS " %d 000000000001a", 10000 + i);
	assert_string_equal(ask(&h, CLAIM_ROOM, "1", 45, "x"), "c full");
	store_park_clear(n.shared, BYTES_LIT("acme"), node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_string_equal(server_ask(&s, "EXISTS " ROOMS), "0");
	node_without_server(&n, &s);
}

static void each(struct bytes slot, uint64_t call, struct bytes beside, void *arg)
{
	struct node *n = arg;

	assert_true(n->loaded < NODE_RECORDS);
	(void)snprintf(n->records[n->loaded++], NODE_RECORD_MAX,
		       BYTES_FMT "=%" PRIu64 " " BYTES_FMT, BYTES_ARG(slot), call,
		       BYTES_ARG(beside));
}

/* Of each tenant those that are its own; what cannot be read is named, and is nobody's. */
static void test_listed_and_cleared(void **state)
{
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	(void)ask(&h, CLAIM, "7", 42, "one two");
	(void)ask(&h, CLAIM, "8", 43, "");
	(void)server_ask(&s, "HSET " KEY " 9 short");
	(void)server_ask(&s, "HSET " KEY " far_too_long_a_slot short");
	store_park_list(n.shared, BYTES_LIT("acme"), each, node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_int_equal(n.loaded, 4);
	assert_true(node_has(&n, "7=42 one two"));
	assert_true(node_has(&n, "8=43 "));
	assert_true(node_has(&n, "9=0 "));
	assert_true(node_has(&n, "far_too_=0 "));
	n.loaded = 0;
	store_park_list(n.shared, BYTES_LIT("other"), each, node_done, &n);
	store_park_clear(n.shared, BYTES_LIT("other"), node_done, &n);
	NODE_EXPECT(&n, "oo");
	assert_int_equal(n.loaded, 0);
	assert_string_equal(ask(&h, LOOK, "8", 0, ""), "o 43 ");
	store_park_clear(n.shared, BYTES_LIT("acme"), node_done, &n);
	NODE_EXPECT(&n, "o");
	assert_string_equal(server_ask(&s, "EXISTS " KEY), "0");
	node_without_server(&n, &s);
}

/* What no program of ours wrote, or a later one did: it stays, and nobody gets the slot. */
static void test_not_ours(void **state)
{
	static const char *const values[] = { "",
					      "short",
					      "000000000001a",
					      "000000000001a-x",
					      "zzzzzzzzzzzzz x",
					      "0000000000000 x",
					      "00000000000000000000" };
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		(void)server_ask(&s, "HSET " KEY " 7 %s", values[i]);
		assert_string_equal(ask(&h, LOOK, "7", 0, ""), "r");
		assert_string_equal(ask(&h, CLAIM, "7", 42, "x"), "r");
		assert_string_equal(ask(&h, FREE, "7", 42, ""), "r");
		assert_string_equal(server_ask(&s, "HGET " KEY " 7"), values[i]);
	}
	assert_string_equal(ask(&h, CLAIM, "8", 42, "x"), "o 42 ");
	assert_true(store_is_healthy(n.store));
	node_without_server(&n, &s);
}

static bool is_aside(void *arg)
{
	return strcmp(server_ask(arg, "EXISTS td:broken:td:{t:default}:park:default"), "1") == 0;
}

static bool node_is_anew(void *arg)
{
	return ((struct node *)arg)->healthy == 2;
}

/* Set aside, and all that is parked is claimed again by who hears that Redis has lost something. */
static void test_wrong_type(void **state)
{
	const struct store_slot slot = { BYTES_LIT("default"), BYTES_LIT("7") };
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	(void)server_ask(&s, "SET td:{t:default}:park:default nonsense");
	store_park_claim(n.shared, &slot, 42, BYTES_LIT("x"), told, &h);
	assert_true(drive(n.redis, 5000, has_heard, &h));
	assert_string_equal(h.text, "r");
	assert_true(drive(n.redis, 5000, is_aside, &s));
	assert_true(drive(n.redis, 5000, node_is_anew, &n));
	assert_false(store_was_late(n.store));
	h.text[0] = '\0';
	store_park_claim(n.shared, &slot, 42, BYTES_LIT("x"), told, &h);
	assert_true(drive(n.redis, 5000, has_heard, &h));
	assert_string_equal(h.text, "o 42 ");
	node_without_server(&n, &s);
}

static void test_limits(void **state)
{
	static char most[STORE_PARKED_MAX + 2];
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	memset(most, 'x', STORE_PARKED_MAX + 1);
	assert_string_equal(ask(&h, CLAIM, "0", 1, most), "r");
	most[STORE_PARKED_MAX] = '\0';
	assert_string_equal(ask(&h, CLAIM, "0", 1, most), "o 1 ");
	for (int i = 1; i < STORE_SLOTS_MAX; i++)
		(void)server_ask(&s, "HSET " KEY " %d 000000000001a", i);
	assert_string_equal(ask(&h, CLAIM, "1000", 2, ""), "c full");
	assert_string_equal(ask(&h, CLAIM, "0", 1, "again"), "o 1 ");
	assert_string_equal(ask(&h, FREE, "0", 1, ""), "o");
	assert_string_equal(ask(&h, CLAIM, "1000", 2, ""), "o 2 ");
	node_without_server(&n, &s);
}

/* Whether it was done nobody knows: whoever asks again hears what is so. */
static void test_redis_away(void **state)
{
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&n, &s,
		  &(struct node_settings){ .name = "a", .incarnation = 1, .deadline_ms = 500 });
	store_acquire(n.store, node_done, &n);
	NODE_EXPECT(&n, "o");
	server_signal(&s, SIGSTOP);
	assert_string_equal(ask(&h, CLAIM, "7", 42, "x"), "u");
	server_signal(&s, SIGCONT);
	assert_true(drive(n.redis, 5000, node_is_healthy, &n));
	assert_string_equal(ask(&h, CLAIM, "7", 42, "x"), "o 42 ");
	server_kill(&s);
	assert_true(drive(n.redis, 5000, node_is_degraded, &n));
	assert_string_equal(ask(&h, CLAIM, "8", 42, "x"), "u");
	assert_string_equal(ask(&h, LOOK, "7", 0, ""), "u");
	assert_string_equal(ask(&h, FREE, "7", 42, ""), "u");
	store_park_list(n.shared, BYTES_LIT("acme"), each, node_done, &n);
	store_park_clear(n.shared, BYTES_LIT("acme"), node_done, &n);
	NODE_EXPECT(&n, "uu");
	node_without_server(&n, &s);
}

/* A store that is closed tells all who wait that it knows nothing. */
static void test_closed_meanwhile(void **state)
{
	const struct store_slot slot = { BYTES_LIT("acme"), BYTES_LIT("7") };
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	store_park_claim(n.shared, &slot, 42, BYTES_LIT("x"), told, &h);
	node_close(&n);
	assert_string_equal(h.text, "u");
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_has_it),         cmocka_unit_test(test_rooms),
		cmocka_unit_test(test_listed_and_cleared), cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_wrong_type),         cmocka_unit_test(test_limits),
		cmocka_unit_test(test_redis_away),         cmocka_unit_test(test_closed_meanwhile),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
