/* SPDX-License-Identifier: Apache-2.0 */
/* Which Redis this is: each has the ids of the directories that were the first there. */
#include "tests/unit/cluster/node.h"

#define KEY "td:{cluster}:ids"

struct heard {
	struct node *node;
	char text[80]; /* "o known aa", "o -", ... */
};

static void told(const struct store_know *said, void *arg)
{
	struct heard *h = arg;

	(void)snprintf(h->text, sizeof(h->text), "%c%s " BYTES_FMT, NODE_LETTERS[said->result],
		       said->known ? " known" : "", BYTES_ARG(said->id));
}

static bool has_heard(void *arg)
{
	return ((struct heard *)arg)->text[0] != '\0';
}

static const char *ask(struct heard *h, const char *id, enum store_know_when when)
{
	h->text[0] = '\0';
	store_cluster_know(h->node->shared, bytes_str(id), when, told, h);
	assert_true(drive(h->node->redis, 5000, has_heard, h));
	return h->text;
}

static void test_ids(void **state)
{
	static const struct {
		const char *name, *id;
		enum store_know_when when;
		const char *want;
	} rows[] = {
		{ "an empty one", "bb", STORE_KNOW_NEVER, "o " },
		{ "the first there", "bb", STORE_KNOW_FIRST, "o known bb" },
		{ "again", "bb", STORE_KNOW_FIRST, "o known bb" },
		{ "it has one already", "cc", STORE_KNOW_FIRST, "o bb" },
		{ "asked alone", "cc", STORE_KNOW_NEVER, "o bb" },
		{ "it was emptied, and another one came first", "aa", STORE_KNOW_ALWAYS, "o known aa" },
		{ "both are its own", "bb", STORE_KNOW_NEVER, "o known aa" },
	}, *row;
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	EACH_ROW(row, rows)
	ROW_ASSERT(row->name, !strcmp(ask(&h, row->id, row->when), row->want));
	assert_string_equal(server_ask(&s, "SCARD " KEY), "2");
	(void)server_ask(&s, "FLUSHALL");
	assert_string_equal(ask(&h, "bb", STORE_KNOW_FIRST), "o known bb");
	node_without_server(&n, &s);
}

static bool is_aside(void *arg)
{
	return strcmp(server_ask(arg, "EXISTS td:broken:" KEY), "1") == 0;
}

/* Nobody can say which one it is, so nobody is refused; a start sets it aside. */
static void test_wrong_type(void **state)
{
	struct server s;
	struct node n;
	struct heard h = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	(void)server_ask(&s, "SET " KEY " nonsense");
	assert_string_equal(ask(&h, "bb", STORE_KNOW_NEVER), "o known bb");
	store_shared_keys_check(n.shared, NULL, NULL);
	assert_true(drive(n.redis, 5000, is_aside, &s));
	assert_string_equal(ask(&h, "bb", STORE_KNOW_FIRST), "o known bb");
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_wrong_type),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
