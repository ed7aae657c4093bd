/* SPDX-License-Identifier: Apache-2.0 */
/* Small values of extensions: the last one counts, each has its own time, and no tenant has another's. */
#include "tests/unit/cluster/node.h"

/* What the store said, as text: "o VALUE", "o -" (there is none), "r", "u". */
struct heard {
	struct node *node;
	char text[STORE_KEPT_MAX + 8];
};

static void told(enum store_result result, bool there, struct bytes value, void *arg)
{
	struct heard *h = arg;

	(void)snprintf(h->text, sizeof(h->text), "%c %s" BYTES_FMT, NODE_LETTERS[result],
		       there ? "" : "-", BYTES_ARG(value));
}

static bool has_heard(void *arg)
{
	return ((struct heard *)arg)->text[0] != '\0';
}

enum act { PUT, GET, DROP, CLAIM };

static const char *ask(struct heard *h, enum act act, const char *user, const char *name,
		       const char *value, uint64_t ttl_ms)
{
	struct store_kept of = { .user = bytes_str(user), .name = name };

	(void)bytes_cut(&of.user, '/', &of.tenant);
	h->text[0] = '\0';
	if (act == PUT)
		store_kept_put(h->node->shared, &of, bytes_str(value), ttl_ms, told, h);
	else if (act == CLAIM)
		store_kept_claim(h->node->shared, &of,
				 &(struct store_place){ bytes_str(value), ttl_ms, 2 }, told, h);
	else if (act == GET)
		store_kept_get(h->node->shared, &of, told, h);
	else
		store_kept_drop(h->node->shared, &of, told, h);
	assert_false(has_heard(h)); /* never before the call returned */
	assert_true(drive(h->node->redis, 5000, has_heard, h));
	return h->text;
}

static void test_kept(void **state)
{
	static const struct {
		const char *name;
		enum act act;
		const char *user, *what, *value;
		uint64_t ttl_ms;
		const char *want;
	} rows[] = {
		{ "none", GET, "acme/1001", "last", "", 0, "o -" },
		{ "put", PUT, "acme/1001", "last", "1002", 60000, "o " },
		{ "got", GET, "acme/1001", "last", "", 0, "o 1002" },
		{ "the last one counts", PUT, "acme/1001", "last", "1003", 60000, "o " },
		{ "it does", GET, "acme/1001", "last", "", 0, "o 1003" },
		{ "of another name", GET, "acme/1001", "other", "", 0, "o -" },
		{ "of another tenant", GET, "other/1001", "last", "", 0, "o -" },
		{ "of another extension", GET, "acme/10011", "last", "", 0, "o -" },
		{ "nothing is something", PUT, "acme/1001", "other", "", 60000, "o " },
		{ "it is there", GET, "acme/1001", "other", "", 0, "o " },
		{ "dropped", DROP, "acme/1001", "last", "", 0, "o " },
		{ "it is gone", GET, "acme/1001", "last", "", 0, "o -" },
	}, *row;
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->name,
			   !strcmp(ask(&h, row->act, row->user, row->what, row->value, row->ttl_ms),
				   row->want));
	}
	assert_string_equal(server_ask(&s, "GET td:{kept:acme:1001}:other"), "");
	assert_true(store_is_healthy(n.store));
	node_without_server(&n, &s);
}

/* Redis forgets it by itself; what is too long is not taken; a key of another type is no value, and written over. */
static void test_bounds(void **state)
{
	char longest[STORE_KEPT_MAX + 2], want[STORE_KEPT_MAX + 8];
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	memset(longest, 'x', sizeof(longest));
	longest[STORE_KEPT_MAX + 1] = '\0';
	assert_string_equal(ask(&h, PUT, "acme/1", "last", longest, 60000), "r -");
	longest[STORE_KEPT_MAX] = '\0';
	assert_string_equal(ask(&h, PUT, "acme/1", "last", longest, 60000), "o ");
	(void)snprintf(want, sizeof(want), "o %s", longest);
	assert_string_equal(ask(&h, GET, "acme/1", "last", "", 0), want);
	assert_string_equal(ask(&h, PUT, "acme/1", "last", "brief", 1), "o ");
	nap_ms(20);
	assert_string_equal(ask(&h, GET, "acme/1", "last", "", 0), "o -");
	assert_string_equal(server_ask(&s, "EXISTS td:{kept:acme:1}:last"), "0");
	(void)server_ask(&s, "LPUSH td:{kept:acme:1}:last x");
	assert_string_equal(ask(&h, GET, "acme/1", "last", "", 0), "r -");
	assert_string_equal(ask(&h, PUT, "acme/1", "last", "1002", 60000), "o ");
	assert_string_equal(ask(&h, GET, "acme/1", "last", "", 0), "o 1002");
	node_without_server(&n, &s);
}

/* Two places: who has one keeps it, and leaves it by himself or when his time is over. */
static void test_places(void **state)
{
	static const struct {
		const char *name, *who;
		uint64_t ttl_ms;
		const char *want;
	} rows[] = {
		{ "the first", "1001", 60000, "o " },
		{ "the second", "1002", 60000, "o " },
		{ "no room", "1003", 60000, "o -" },
		{ "who has one keeps it", "1001", 30000, "o " },
		{ "one leaves", "1001", 0, "o -" },
		{ "there is room", "1003", 1, "o " },
		{ "whose time is over", "1004", 60000, "o " },
		{ "full again", "1003", 60000, "o -" },
	}, *row;
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	EACH_ROW(row, rows)
	{
		nap_ms(2);
		ROW_ASSERT(row->name,
			   !strcmp(ask(&h, CLAIM, "acme/<urn:1>", "places", row->who, row->ttl_ms),
				   row->want));
	}
	assert_in_range(atoi(server_ask(&s, "PTTL td:{kept:acme:<urn:1>}:places")), 50000, 60000);
	(void)server_ask(&s, "SET td:{kept:acme:<urn:1>}:places x");
	assert_string_equal(ask(&h, CLAIM, "acme/<urn:1>", "places", "1001", 1000), "r -");
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
