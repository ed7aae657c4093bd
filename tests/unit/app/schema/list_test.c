/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of lists: each row once and in order, whatever they are sorted and narrowed by; and what is no cursor, column or sort. */
#include <errno.h>
#include <stdlib.h>

#include "tests/unit/test.h"

#include "app/schema/list.h"

enum { ROWS = 60 };

static json_t *call(int i)
{
	static const char *const from[] = { "1001", "1002", "1003" };
	char id[16];

	(void)snprintf(id, sizeof(id), "%013d", i);
	return json_pack("{s:s, s:s, s:s, s:I, s:b, s:[s,i]}", "id", id, "from", from[i % 3], "to",
			 i % 2 ? "a" : "b,d", "setup_utc_ms", (json_int_t)(1000 + i / 4), "saved",
			 i % 5 == 0, "waits", "x", i);
}

static json_t *open_args(struct command_list *l, const char *text, const char *cursor, int want)
{
	struct command_error error = { 0 };
	json_t *args = json_loads(text, 0, NULL);

	assert_non_null(args);
	if (cursor)
		(void)json_object_set_new(args, "cursor", json_string(cursor));
	assert_int_equal(list_open(l, command_find(BYTES_LIT("call.list")), args, &error), want);
	if (want)
		assert_int_equal(error.code, COMMAND_BAD_ARGUMENT);
	return args;
}

/* All pages; each row's number stands in what is returned, and its end is -1. */
static size_t pages(const char *text, int out[ROWS + 1])
{
	char cursor[LIST_CURSOR_MAX] = "";
	size_t n = 0;

	do {
		struct command_list l;
		json_t *args = open_args(&l, text, cursor[0] ? cursor : NULL, 0);
		json_t *rows = json_array(), *page, *row;
		size_t i;

		for (int k = 0; k < ROWS; k++)
			(void)json_array_append_new(rows, call((k * 37) % ROWS));
		page = list_page(&l, rows);
		assert_non_null(page);
		json_array_foreach(page, i, row)
		{
			json_t *one = json_loads(json_string_value(row), 0, NULL);

			assert_true(n < ROWS);
			out[n++] = atoi(json_string_value(json_object_get(one, "id")));
			json_decref(one);
		}
		assert_true(!l.next[0] || json_array_size(page) > 0);
		(void)snprintf(cursor, sizeof(cursor), "%s", l.next);
		json_decref(page);
		json_decref(args);
		list_close(&l);
	} while (cursor[0]);
	return n;
}

static void test_own_order(void **state)
{
	int got[ROWS + 1];

	(void)state;
	assert_int_equal(pages("{\"limit\":7}", got), ROWS);
	for (int i = 0; i < ROWS; i++) /* newest first; of one moment by id */
		assert_int_equal(got[i], (ROWS / 4 - 1 - i / 4) * 4 + i % 4);
	assert_int_equal(pages("{\"limit\":60}", got), ROWS);
	assert_int_equal(pages("{\"limit\":1}", got), ROWS);
}

static void test_sorted_and_narrowed(void **state)
{
	int got[ROWS + 1];

	(void)state;
	assert_int_equal(pages("{\"limit\":7,\"sort\":\"from\"}", got), ROWS);
	for (int i = 0; i < ROWS; i++)
		assert_int_equal(got[i], i % 20 * 3 + i / 20);
	assert_int_equal(pages("{\"limit\":7,\"sort\":\"-from\"}", got), ROWS);
	assert_int_equal(got[0], 2);
	assert_int_equal(pages("{\"limit\":3,\"from\":\"1002\",\"saved\":true}", got), 4);
	assert_int_equal(got[0], 55);
	assert_int_equal(pages("{\"limit\":3,\"from\":\"1002\",\"to\":\"c\"}", got), 0);
	assert_int_equal(pages("{\"limit\":3,\"setup_utc_ms\":\"1001\"}", got), 4);
	assert_int_equal(pages("{\"limit\":3,\"waits\":17}", got), 1); /* one of a list */
	assert_int_equal(got[0], 17);
	assert_int_equal(pages("{\"limit\":3,\"to\":\"d\"}", got), ROWS / 2); /* ... in a text */
	assert_int_equal(pages("{\"limit\":3,\"to\":\"b,d\"}", got), ROWS / 2);
	assert_int_equal(pages("{\"limit\":3,\"to\":\"b,\"}", got), 0);
}

static void test_wrong(void **state)
{
	static const char *const args[] = {
		"{\"sort\":\"nothing\"}", "{\"sort\":\"-\"}",
		"{\"sort\":\"\"}",        "{\"sort\":7}",
		"{\"cursor\":\"00\"}",    "{\"cursor\":\"zz\"}",
		"{\"cursor\":\"\"}",      "{\"limit\":0}",
		"{\"limit\":1001}",       "{\"from\":{}}",
		"{\"from\":[\"1001\"]}",  "{\"state\":null,\"limit\":\"x\"}",
	};
	char cursor[LIST_CURSOR_MAX];
	struct command_list l;
	struct list_rank rank = { .kind = LIST_TEXT, .text = "1001", .key = "0000000000001" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(args); i++) {
		json_decref(open_args(&l, args[i], NULL, -EINVAL));
		list_close(&l);
	}
	json_decref(open_args(&l, "{\"sort\":\"from\"}", NULL, 0));
	list_cursor_write(&l, &rank, cursor);
	list_close(&l);
	json_decref(open_args(&l, "{\"sort\":\"from\"}", cursor, 0));
	assert_true(l.goes_on);
	list_close(&l);
	json_decref(open_args(&l, "{\"sort\":\"-from\"}", cursor, -EINVAL));
	json_decref(open_args(&l, "{\"sort\":\"to\"}", cursor, -EINVAL));
	json_decref(open_args(&l, "{}", cursor, -EINVAL));
	assert_false(list_takes(command_find(BYTES_LIT("call.list")), BYTES_LIT("tenant")));
	assert_false(list_takes(command_find(BYTES_LIT("call.list")), BYTES_LIT("number")));
	assert_false(list_takes(command_find(BYTES_LIT("call.show")), BYTES_LIT("sort")));
	assert_true(list_takes(command_find(BYTES_LIT("trunk.list")), BYTES_LIT("limit")));
	assert_false(list_takes(command_find(BYTES_LIT("trunk.list")), BYTES_LIT("password")));
}

/* Who looked at no more than so many rows goes on there. */
static void test_not_all_looked_at(void **state)
{
	struct list_rank bound = { .kind = LIST_NUMBER, .number = 1010, .key = "9" };
	struct command_list l;
	json_t *page;

	(void)state;
	json_decref(open_args(&l, "{\"limit\":100}", NULL, 0));
	for (int i = 0; i < ROWS; i++)
		assert_true(list_put_row(&l, call(i)));
	list_stop(&l, &bound);
	page = list_finish(&l);
	assert_int_equal(json_array_size(page), 20);
	assert_true(l.next[0]);
	json_decref(page);
	list_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_order),
		cmocka_unit_test(test_sorted_and_narrowed),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_not_all_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
