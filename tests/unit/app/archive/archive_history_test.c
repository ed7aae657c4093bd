/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of history: in order, none twice and none left out, whatever the filter; several lists as one; what users take out of theirs, and their notes. */
#include "tests/unit/app/archive/rig.h"

#include "app/archive/archive_request.h"

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
	assert_int_equal(archive_hide(a, his.tenant, BYTES_LIT("u1009"), &(uint64_t){ rig_call(1) },
				      1, T0),
			 0);
	assert_int_equal(archive_hide(a, his.tenant, BYTES_LIT("u1009"), &(uint64_t){ rig_call(1) },
				      1, T0),
			 0);
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

/* Of his list what a filter finds goes, part by part, and nothing else; what ends behind it stays. */
static void cleared_some(struct archive *a)
{
	struct archive_query his = rig_of("u1009"), all = rig_all();
	json_t *args = json_pack("{s:s, s:s, s:[s], s:s, s:b, s:I}", "tenant", "default", "owner",
				 "u1009", "owners", "u1009", "text", "J\xc3\xbcrgen 1", "some", 1,
				 "until_ms", (json_int_t)T0 + 50000),
	       *answer, *cursor;
	int parts = 0;
	size_t n;

	his.limit = all.limit = 1000;
	calls_write(a, 6000);
	do {
		answer = archive_request_answer(a, archive_request_find("history.clear"), args);
		cursor = json_incref(json_object_get(json_object_get(answer, "result"), "cursor"));
		assert_non_null(cursor);
		(void)json_object_set_new(args, "cursor", cursor);
		json_decref(answer);
		assert_true(++parts < 20);
	} while (!json_is_null(cursor));
	assert_in_range(parts, 4, 6); /* 200 of them at a time */
	json_decref(args);
	assert_int_equal(walk(a, his, &n), 3000 - 834);
	his.text = BYTES_LIT("J\xc3\xbcrgen 1");
	assert_int_equal(walk(a, his, &n), 166);
	assert_int_equal(walk(a, all, &n), 6000);
	calls_write(a, 6000); /* they are read again, and stay out */
	assert_int_equal(walk(a, his, &n), 166);
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

/* ---- logs in a CRM ---- */

/* As a page asks; the answer's, of history.unlogged a list. */
static json_t *page_asks(struct archive *a, const char *request, json_int_t now_ms, json_t *more)
{
	json_t *args = json_pack("{s:s, s:s, s:I}", "tenant", "default", "owner", "u1009", "now_ms",
				 now_ms),
	       *answer, *result;

	(void)json_object_update_missing(args, more);
	answer = archive_request_answer(a, archive_request_find(request), args);
	result = json_incref(json_object_get(answer, "result"));
	if (!result)
		fail_msg("%s", json_dumps(answer, 0));
	json_decref(answer);
	json_decref(args);
	json_decref(more);
	return result;
}

static bool may_write(struct archive *a, json_int_t now_ms, int call)
{
	char id[ID_TEXT_LEN];
	json_t *answer;
	bool mine;

	id_call_put(id, rig_call(call));
	answer = page_asks(a, "history.log", now_ms, json_pack("{s:s%}", "call", id, sizeof(id)));
	mine = json_is_true(json_object_get(answer, "mine"));
	json_decref(answer);
	return mine;
}

static void written(struct archive *a, int call, const char *record, json_int_t end_ms)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, rig_call(call));
	json_decref(page_asks(a, "history.log", T0 + 30000,
			      json_pack("{s:s%, s:s, s:I}", "call", id, sizeof(id), "record",
					record, "until_ms", end_ms)));
}

static json_int_t since(struct archive *a, json_int_t until_ms)
{
	json_t *answer =
		page_asks(a, "history.log", T0 + 61000,
			  until_ms ? json_pack("{s:I}", "until_ms", until_ms) : json_object());
	json_int_t ms = rig_int(answer, "since_utc_ms");

	json_decref(answer);
	return ms;
}

/* How many the archive says, to a page and to the console. */
static size_t unlogged(struct archive *a)
{
	struct archive_query his = rig_of("u1009");
	json_t *users = page_asks(a, "history.unlogged", T0 + 90000, json_object());
	size_t pages, n;

	his.unlogged = true;
	his.limit = 2;
	n = walk(a, his, &pages);
	assert_int_equal(json_array_size(users), n ? 1 : 0);
	if (n)
		assert_int_equal(rig_int(json_array_get(users, 0), "missing"), n);
	json_decref(users);
	return n;
}

/* His calls are 1, 3, 5, 7 and 9, of which the last ends in the ms of 8. */
static void logged(struct archive *a)
{
	const struct archive_event deleted = { .kind = ARCHIVE_KIND_AUDIT,
					       .tenant = BYTES_LIT("default"),
					       .type = BYTES_LIT("extension.delete"),
					       .subject = BYTES_LIT("1009"),
					       .utc_ms = T0 + 70000,
					       .json = json_pack("{s:s}", "outcome", "ok") };

	calls_write(a, 10);
	assert_int_equal(unlogged(a), 0); /* no page was there yet */
	assert_int_equal(since(a, 0), T0 + 1000);
	assert_int_equal(since(a, T0 + 20), T0 + 1000); /* it goes forward alone */
	assert_int_equal(sql_script(archive_sql(a), "UPDATE logged SET ended_ms = ended_ms - 980"),
			 0);
	assert_int_equal(since(a, 0), T0 + 20);
	assert_int_equal(unlogged(a), 4);
	assert_true(may_write(a, T0 + 1000, 3));
	assert_false(may_write(a, T0 + 1001, 3)); /* another page is at it */
	assert_int_equal(unlogged(a), 4);         /* and may be closed before it has an answer */
	/* nor while the CRM may still write what that one has asked for */
	assert_false(may_write(a, T0 + 45999, 3));
	assert_true(may_write(a, T0 + 46000, 3));
	assert_false(may_write(a, T0 + 90999, 3));
	written(a, 3, "00T3", T0 + 30);
	assert_false(may_write(a, T0 + 99000, 3));
	assert_int_equal(unlogged(a), 3);
	assert_true(may_write(a, T0 + 1000, 5));
	written(a, 5, "", 0); /* the CRM has refused it */
	assert_true(may_write(a, T0 + 1001, 5));
	written(a, 5, "00T5", T0 + 50);
	written(a, 5, "00T5", T0 + 49); /* what comes late takes nothing back */
	assert_int_equal(unlogged(a), 2);
	assert_int_equal(since(a, T0 + 70), T0 + 70);
	assert_int_equal(unlogged(a), 1);
	assert_int_equal(archive_hide(a, deleted.tenant, BYTES_LIT("u1009"),
				      &(uint64_t){ rig_call(9) }, 1, T0),
			 0);
	assert_int_equal(unlogged(a), 0); /* he took it out of his list */
	assert_int_equal(sql_script(archive_sql(a), "UPDATE logged SET ended_ms = 0"), 0);
	assert_int_equal(unlogged(a), 4);
	assert_int_equal(archive_clear(a, deleted.tenant, BYTES_LIT("u1009"), T0 + 40), 0);
	assert_int_equal(unlogged(a), 2);
	assert_int_equal(archive_forget(a, &deleted), 0);
	json_decref(deleted.json);
	assert_int_equal(rig_number(a, "SELECT count(*) FROM logged"), 0);
}

/* It goes on, so its log does not tell the end. */
static void logged_before(struct archive *a)
{
	struct archive_query his = rig_of("u1009");
	struct rig_stream s = { .entries = 20 };
	json_t *rows;

	calls_write(a, 2);
	(void)since(a, 0);
	assert_int_equal(sql_script(archive_sql(a), "UPDATE logged SET ended_ms = 0"), 0);
	written(a, 1, "00T1", T0 + 10);
	assert_int_equal(unlogged(a), 0);
	rig_cdr(&s, rig_call(1), 2, T0 + 95, 1, "\"from\":\"1001\",\"to\":\"1009\"");
	rig_save(a, &s);
	assert_int_equal(unlogged(a), 1);
	rows = rig_page(a, &his, NULL);
	assert_string_equal(rig_text(json_array_get(rows, 0), "log"), "00T1");
	assert_int_equal(rig_int(json_array_get(rows, 0), "log_end_utc_ms"), T0 + 10);
	json_decref(rows);
}

static void test_logged(void **state)
{
	(void)state;
	rig_both(logged);
	rig_both(logged_before);
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

static void test_cleared_some(void **state)
{
	(void)state;
	rig_both(cleared_some);
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
		cmocka_unit_test(test_cleared_some),   cmocka_unit_test(test_notes),
		cmocka_unit_test(test_detail),         cmocka_unit_test(test_logged),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
