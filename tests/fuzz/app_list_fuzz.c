/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracle: a cursor that is read is written as one that is read the same; rows page by page are all rows, each once, in order, however many a
 * page has.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/schema/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_MAX = 40 };

static void check_cursor(struct bytes text)
{
	struct command_list l = { 0 };
	struct list_rank rank, again;
	char sort[LIST_NAME_MAX], out[LIST_CURSOR_MAX];
	bool down;

	if (list_cursor_read(text, l.sort, &l.down, &rank))
		return;
	list_cursor_write(&l, &rank, out);
	assert(!list_cursor_read(bytes_str(out), sort, &down, &again));
	assert(!strcmp(sort, l.sort) && down == l.down && !strcmp(again.key, rank.key));
	assert(!list_order(&l, &rank, &again));
}

/* One octet is a row: what it is sorted by, and a key that is its own. */
static json_t *row_of(uint8_t octet, size_t i)
{
	char key[16];
	json_t *row;

	(void)snprintf(key, sizeof(key), "%013zu", i);
	row = json_pack("{s:s}", "id", key);
	if (octet % 4 == 1)
		(void)json_object_set_new(row, "from", json_integer(octet / 32));
	if (octet % 4 == 2)
		(void)json_object_set_new(row, "from", json_string_nocheck(octet % 8 ? "a" : "b"));
	if (octet % 4 == 3)
		(void)json_object_set_new(row, "from", json_boolean(octet / 128));
	return row;
}

static size_t page_read(const char *sort, unsigned limit, const char *cursor, struct bytes rows,
			struct list_rank *last, char next[LIST_CURSOR_MAX])
{
	struct command_error error;
	struct command_list l;
	json_t *args = json_pack("{s:s, s:i, s:s*}", "sort", sort, "limit", (int)limit, "cursor",
				 cursor[0] ? cursor : NULL);
	json_t *list = json_array(), *page, *text;
	size_t i, n;

	assert(!list_open(&l, command_find(BYTES_LIT("call.list")), args, &error));
	for (i = 0; i < rows.n; i++)
		(void)json_array_append_new(list, row_of(rows.p[i], i));
	page = list_page(&l, list);
	json_array_foreach(page, i, text)
	{
		json_t *row = json_loads(json_string_value(text), 0, NULL);
		struct list_rank rank;

		list_rank_row(&l, row, &rank);
		assert((!cursor[0] && !i) || list_order(&l, &rank, last) > 0);
		*last = rank;
		json_decref(row);
	}
	n = json_array_size(page);
	memcpy(next, l.next, sizeof(l.next));
	json_decref(page);
	json_decref(args);
	list_close(&l);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char cursor[LIST_CURSOR_MAX] = "", next[LIST_CURSOR_MAX];
	struct list_rank last = { 0 };
	struct bytes rows;
	size_t count = 0;

	check_cursor(bytes_mem(data, size));
	if (!size)
		return 0;
	rows = bytes_mem(data + 1, size - 1 < ROWS_MAX ? size - 1 : ROWS_MAX);
	do {
		count += page_read(data[0] & 1 ? "from" : "-from", 1 + data[0] / 16, cursor, rows,
				   &last, next);
		memcpy(cursor, next, sizeof(cursor));
	} while (cursor[0]);
	assert(count == rows.n);
	return 0;
}
