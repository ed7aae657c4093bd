/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done about messages: by one node alone, again when that is gone, and once more where it came meanwhile. */
#include "tests/unit/cluster/node.h"

struct told {
	struct node *node;
	bool done;
	char text[256];
};

static void helper_on_answer(enum store_result result, const struct bytes *held, size_t count,
			     void *arg)
{
	struct told *t = arg;

	t->done = true;
	(void)snprintf(t->text, sizeof(t->text), "%c", NODE_LETTERS[result]);
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(t->text);

		(void)snprintf(t->text + n, sizeof(t->text) - n, " " BYTES_FMT, BYTES_ARG(held[i]));
	}
}

static bool is_told(void *arg)
{
	return ((struct told *)arg)->done;
}

static const char *ask(struct told *t, enum store_task_act act, const char *who, const char *what,
		       int64_t in_ms)
{
	const struct store_task of = {
		.act = act,
		.who = bytes_str(who),
		.what = bytes_str(what),
		.due_utc_ms = in_ms == INT64_MAX ? 0 : (uint64_t)((int64_t)clock_utc_ms() + in_ms)
	};

	t->done = false;
	store_task(t->node->shared, &of, helper_on_answer, t);
	assert_true(drive(t->node->redis, 5000, is_told, t));
	return t->text;
}

#define OVER INT64_MAX

static void test_tasks(void **state)
{
	static const struct {
		const char *name;
		enum store_task_act act;
		const char *who, *what;
		int64_t in_ms;
		const char *want;
	} rows[] = {
		{ "nothing is due", STORE_TASK_CLAIM, "a", "", 0, "o" },
		{ "whoever adds it does it", STORE_TASK_NOW, "a", "x", 0, "o x" },
		{ "nobody else does", STORE_TASK_CLAIM, "b", "", 0, "o" },
		{ "nor goes on", STORE_TASK_HOLD, "b", "x", 0, "o" },
		{ "it goes on", STORE_TASK_HOLD, "a", "x", 0, "o x" },
		{ "it is added meanwhile", STORE_TASK_NOW, "b", "x", 0, "o" },
		{ "nobody else ends it", STORE_TASK_DONE, "b", "x", OVER, "o" },
		{ "it ends", STORE_TASK_DONE, "a", "x", OVER, "o" },
		{ "and is to be done once more", STORE_TASK_CLAIM, "b", "", 0, "o x" },
		{ "that ends", STORE_TASK_DONE, "b", "x", OVER, "o" },
		{ "for good", STORE_TASK_CLAIM, "b", "", 0, "o" },
		{ "later", STORE_TASK_ADD, "a", "y", 600000, "o" },
		{ "not yet", STORE_TASK_CLAIM, "a", "", 0, "o" },
		{ "never later than was said", STORE_TASK_ADD, "a", "y", 900000, "o" },
		{ "sooner", STORE_TASK_ADD, "a", "y", -1, "o" },
		{ "now", STORE_TASK_CLAIM, "a", "", 0, "o y" },
		{ "it is tried again", STORE_TASK_DONE, "a", "y", -1, "o" },
		{ "by anybody", STORE_TASK_CLAIM, "b", "", 0, "o y" },
		{ "later then", STORE_TASK_DONE, "b", "y", 600000, "o" },
		{ "not before", STORE_TASK_CLAIM, "b", "", 0, "o" },
	}, *row;
	struct server s;
	struct node n;
	struct told t = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->name,
			   !strcmp(ask(&t, row->act, row->who, row->what, row->in_ms), row->want));
	}
	node_without_server(&n, &s);
}

/* Who does it is gone: its time is over in the hash, which says until when. */
static void test_gone(void **state)
{
	struct server s;
	struct node n;
	struct told t = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	assert_string_equal(ask(&t, STORE_TASK_NOW, "a", "x", 0), "o x");
	(void)server_ask(&s, "HSET td:{task}:held x %s", "1000 0 a");
	(void)server_ask(&s, "ZADD td:{task}:due 1000 x");
	assert_string_equal(ask(&t, STORE_TASK_HOLD, "a", "x", 0), "o");
	assert_string_equal(ask(&t, STORE_TASK_CLAIM, "b", "", 0), "o x");
	assert_string_equal(ask(&t, STORE_TASK_DONE, "a", "x", OVER), "o");
	assert_string_equal(ask(&t, STORE_TASK_HOLD, "b", "x", 0), "o x");
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
