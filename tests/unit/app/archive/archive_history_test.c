/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of history: in order, none twice and none left out, whatever the filter; several lists as one; what users take out of theirs, and their notes. */
#include "tests/unit/app/archive/rig.h"

enum { CALLS = 7000, MANY = 4000 };

/* Of three users, one group and numbers outside. Every tenth ends in the same ms as the one before. */
static void calls_write(struct archive *a, int count)
{
	for (int i = 0; i < count;) {
		struct rig_stream s = { .entries = (unsigned)i };

		for (int k = 0; k < MANY && i < count; k++, i++) {
			char more[256];

			(void)snprintf(more, sizeof(more),
				       i % 2 ? "\"from\":\"100%d\",\"from_name\":\"J\xc3\xbcrgen "
					       "%d\",\"to\":\"1009\",\"answered_by\":\"1009\""
					     : "\"from\":\"+4989%d\",\"from_trunk\":\"t\",\"to\":"
					       "\"100%d\",\"group\":\"sales\",\"missed\":\"1005\","
					       "\"sip_status\":487",
				       i % 3, i % 3);
			rig_cdr(&s, rig_call(i), 1, T0 + 10 * (i - (i % 10 == 9)), i % 2 ? 100 : 0,
				more);
		}
		rig_save(a, &s);
	}
}

/* All pages; fails where one is out of order or there twice. */
static size_t walk(struct archive *a, struct archive_query q, size_t *pages)
{
	json_t *cursor = NULL, *next, *seen = json_object(), *row;
	json_int_t last = INT64_MAX;
	size_t count, i;

	*pages = 0;
	do {
		json_t *rows;

		q.cursor = bytes_str(json_string_value(cursor));
		rows = rig_page(a, &q, &next);
		assert_true(json_array_size(rows) <= q.limit);
		json_array_foreach(rows, i, row)
		{
			assert_true(rig_int(row, "end_utc_ms") <= last);
			last = rig_int(row, "end_utc_ms");
			assert_null(json_object_get(seen, rig_text(row, "call")));
			(void)json_object_set_new(seen, rig_text(row, "call"), json_true());
		}
		json_decref(rows);
		json_decref(cursor);
		cursor = next;
		assert_true(++*pages < 1000);
	} while (!json_is_null(cursor));
	json_decref(cursor);
	count = json_object_size(seen);
	json_decref(seen);
	return count;
}

static void pages(struct archive *a)
{
	struct archive_query q = rig_all();
	size_t n;

	calls_write(a, CALLS);
	q.limit = 700;
	assert_int_equal(walk(a, q, &n), CALLS);
	assert_true(n >= 10 && n <= 11);
	q.limit = 1000;
	q.flags = ARCHIVE_MISSED;
	assert_int_equal(walk(a, q, &n), CALLS / 2);
	q.flags = 0;
	q.text = BYTES_LIT("nobody"); /* a page looks at 5,000 and goes on */
	assert_int_equal(walk(a, q, &n), 0);
	assert_int_equal(n, 2);
	q.text = BYTES_LIT("J\xc3\x9cRGEN 2");
	assert_int_equal(walk(a, q, &n), (CALLS + 1) / 6);
	q.text = BYTES_LIT("%");
	assert_int_equal(walk(a, q, &n), 0);
	q.text = (struct bytes){ 0 };
	q.since_ms = T0 + 10 * 100;
	q.until_ms = T0 + 10 * 199;
	assert_int_equal(walk(a, q, &n), 100);
}

static void filters(struct archive *a)
{
	static const struct {
		const char *name;
		const char *owners[3];
		struct archive_query q;
		size_t count;
	} rows[] = {
		{ "a user", { "u1009" }, { .direction = -1, .result = -1 }, 300 },
		{ "his incoming", { "u1009" }, { .direction = ARCHIVE_INCOMING, .result = -1 }, 300 },
		{ "his outgoing", { "u1009" }, { .direction = ARCHIVE_OUTGOING, .result = -1 }, 0 },
		{ "missed of a user", { "u1005" }, { .direction = -1, .result = -1, .flags = ARCHIVE_MISSED }, 300 },
		{ "missed of who answered", { "u1009" }, { .direction = -1, .result = -1, .flags = ARCHIVE_MISSED }, 0 },
		{ "a group", { "gsales" }, { .direction = -1, .result = -1 }, 300 },
		{ "a number", { "n+49890" }, { .direction = -1, .result = -1 }, 100 },
		{ "two numbers", { "n+49890", "n+49891" }, { .direction = -1, .result = -1 }, 200 },
		{ "extensions, one call in both", { "u1001", "u1009" }, { .direction = -1, .result = -1 }, 400 },
		{ "result", { 0 }, { .direction = -1, .result = ARCHIVE_CANCELLED }, 300 },
		{ "group of all", { 0 }, { .direction = -1, .result = -1, .group = BYTES_LIT("sales") }, 300 },
		{ "who answered, and a text", { 0 }, { .direction = -1, .result = -1, .answered_by = BYTES_LIT("1009"), .text = BYTES_LIT("gen 1") }, 100 },
		{ "nobody's", { "u77" }, { .direction = -1, .result = -1 }, 0 },
	}, *row;

	calls_write(a, 600);
	EACH_ROW(row, rows)
	{
		struct archive_query q = row->q;
		size_t n;

		q.tenant = BYTES_LIT("default");
		q.until_ms = INT64_MAX;
		while (q.owner_count < 3 && row->owners[q.owner_count]) {
			q.owners[q.owner_count] = bytes_str(row->owners[q.owner_count]);
			q.owner_count++;
		}
		for (q.limit = 1; q.limit <= 1000; q.limit *= 30)
			ROW_ASSERT(row->name, walk(a, q, &n) == row->count);
		q.limit = 10;
		q.tenant = BYTES_LIT("other");
		ROW_ASSERT(row->name, walk(a, q, &n) == 0);
	}
}

static void outside_cursor(struct archive *a)
{
	static const char *const cursors[] = { "-",
					       "x",
					       "1-",
					       "1-000agvj5jqr4",
					       "9223372036854775808-000agvj5jqr40",
					       "-1-000agvj5jqr40" };
	struct archive_query q = rig_all();
	json_t *rows, *cursor;

	for (size_t i = 0; i < COUNT_OF(cursors); i++) {
		q.cursor = bytes_str(cursors[i]);
		assert_int_equal(archive_history(a, &q, &rows, &cursor), -EINVAL);
	}
}

/* He takes one out, then all: others have them, and they stay out when they are read again. New ones come. */
static void hidden(struct archive *a)
{
	struct archive_query his = rig_of("u1009"), all = rig_all();
	size_t n;

	his.limit = all.limit = 1000;
	calls_write(a, 600);
	assert_int_equal(archive_hide(a, his.tenant, BYTES_LIT("u1009"), rig_call(1), T0), 0);
	assert_int_equal(archive_hide(a, his.tenant, BYTES_LIT("u1009"), rig_call(1), T0), 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(walk(a, his, &n), 299);
		assert_int_equal(walk(a, all, &n), 600);
		assert_int_equal(rig_number(a, "DELETE FROM listing WHERE owner = 'u1009'"), -1);
		calls_write(a, 600);
	}
	assert_int_equal(archive_clear(a, his.tenant, BYTES_LIT("u1009"), T0 + 4000), 0);
	assert_int_equal(archive_clear(a, his.tenant, BYTES_LIT("u1009"), T0 + 3000), 0);
	calls_write(a, 600);
	assert_int_equal(walk(a, his, &n), 100);
	assert_int_equal(walk(a, all, &n), 600);
}

static void notes(struct archive *a)
{
	struct archive_query his = rig_of("u1009"), all = rig_all();
	static const char text[] = "call back\n\xe2\x82\xac 5, \"soon\"";
	json_t *rows;

	his.limit = all.limit = 1;
	calls_write(a, 2);
	assert_int_equal(archive_note(a, his.tenant, BYTES_LIT("u1009"), rig_call(1),
				      BYTES_LIT("x"), T0),
			 0);
	assert_int_equal(archive_note(a, his.tenant, BYTES_LIT("u1009"), rig_call(1),
				      bytes_str(text), T0),
			 0);
	calls_write(a, 2);
	rows = rig_page(a, &his, NULL);
	assert_string_equal(rig_text(json_array_get(rows, 0), "note"), text);
	json_decref(rows);
	rows = rig_page(a, &all, NULL); /* it is his */
	assert_string_equal(rig_text(json_array_get(rows, 0), "note"), "");
	json_decref(rows);
	assert_int_equal(
		archive_note(a, his.tenant, BYTES_LIT("u1009"), rig_call(1), BYTES_LIT(""), T0), 0);
	assert_int_equal(rig_number(a, "SELECT count(*) FROM note"), 0);
}

static void detail(struct archive *a)
{
	struct rig_stream s = { 0 };
	json_t *list;

	rig_cdr(&s, rig_call(0), 2, T0 + 900, 40,
		"\"from\":\"1001\",\"to\":\"1003\",\"b_codec\":\"opus\"");
	rig_cdr(&s, rig_call(0), 1, T0 + 500, 30,
		"\"from\":\"1001\",\"to\":\"1002\",\"cause\":\"transferred\"");
	rig_save(a, &s);
	assert_int_equal(archive_legs(a, BYTES_LIT("default"), rig_call(0), &list), 0);
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(rig_text(json_array_get(list, 0), "cause"), "transferred");
	assert_string_equal(rig_text(json_array_get(list, 1), "b_codec"), "opus");
	assert_int_equal(rig_int(json_array_get(list, 1), "talk_ms"), 40);
	json_decref(list);
	assert_int_equal(archive_legs(a, BYTES_LIT("other"), rig_call(0), &list), 0);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
}

static void test_pages(void **state)
{
	(void)state;
	rig_both(pages);
}

static void test_filters(void **state)
{
	(void)state;
	rig_both(filters);
}

static void test_outside_cursor(void **state)
{
	(void)state;
	rig_both(outside_cursor);
}

static void test_hidden(void **state)
{
	(void)state;
	rig_both(hidden);
}

static void test_notes(void **state)
{
	(void)state;
	rig_both(notes);
}

static void test_detail(void **state)
{
	(void)state;
	rig_both(detail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),          cmocka_unit_test(test_filters),
		cmocka_unit_test(test_outside_cursor), cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_notes),          cmocka_unit_test(test_detail),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
