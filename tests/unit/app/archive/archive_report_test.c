/* SPDX-License-Identifier: Apache-2.0 */
/* Reports: each number of each key is what the rows of history add up to, over transfers, windows and lists; and a clipped range is said. */
#include "tests/unit/app/archive/rig.h"

#include <string.h>

#include "app/archive/archive_report.h"

enum { CALLS = 5600, EACH = 2000, HOUR_MS = 3600000 };

/* Of trunks in and out, with account codes, groups, and a transfer that makes a second pair. */
static void calls_write(struct archive *a)
{
	for (int i = 0; i < CALLS;) {
		struct rig_stream s = { .entries = (unsigned)i };

		for (int k = 0; k < EACH && i < CALLS; k++, i++) {
			uint64_t call = rig_call(i);
			char more[320];

			(void)snprintf(
				more, sizeof(more),
				i % 3 ? "\"from\":\"+4989%d\",\"from_trunk\":\"in%d\",\"to\":"
					"\"100%d\",\"answered_by\":\"100%d\",\"group\":"
					"\"sales\",\"account_code\":\"%d\""
				      : "\"from\":\"100%d\",\"to\":\"+4930%d\",\"to_trunk\":"
					"\"out\",\"missed\":\"100%d\",\"sip_status\":487,"
					"\"answered_by\":\"\",\"account_code\":\"\",\"x\":%d,"
					"\"y\":%d",
				i % 4, i % 2, i % 5, i % 5, i % 7);
			rig_cdr(&s, call, 1, T0 + 1000 * i, i % 3 ? 20000 : 0, more);
			if (i % 6 == 1)
				rig_cdr(&s, call, 2, T0 + 1000 * i + 7000, 5000,
					"\"from\":\"+4989\",\"from_trunk\":\"in0\",\"to\":\"+"
					"4940\","
					"\"to_trunk\":\"out\",\"answered_by\":\"+4940\"");
		}
		rig_save(a, &s);
	}
}

/* key -> its numbers, of all windows. The caller's. */
static json_t *report_of(struct archive *a, const char *by, int64_t since_ms, int64_t until_ms,
			 size_t *windows)
{
	json_t *sums = json_object(), *cursor = NULL, *result, *row;
	char why[SQL_WHY_MAX] = "";
	size_t i;

	for (*windows = 0; *windows < 1000; ++*windows) {
		json_t *args = json_pack("{s:s, s:s, s:I, s:I, s:O?}", "tenant", "default", "by",
					 by, "since_ms", (json_int_t)since_ms, "until_ms",
					 (json_int_t)until_ms, "cursor", cursor);

		if (archive_history_report(a, args, &result, why))
			fail_msg("%s: %s %s", by, why, sql_why(archive_sql(a)));
		json_decref(args);
		json_decref(cursor);
		json_array_foreach(json_object_get(result, "rows"), i, row)
		{
			const char *key = json_string_value(json_array_get(row, 0));
			json_t *sum = json_object_get(sums, key);

			assert_int_equal(json_array_size(row), 1 + ARCHIVE_REPORT_SUMS);
			if (!sum) {
				(void)json_object_set_new(sums, key, json_array());
				sum = json_object_get(sums, key);
			}
			for (size_t k = 0; k < ARCHIVE_REPORT_SUMS; k++) {
				json_int_t number = json_integer_value(json_array_get(row, k + 1)) +
						    json_integer_value(json_array_get(sum, k));

				if (json_array_size(sum) > k)
					(void)json_array_set_new(sum, k, json_integer(number));
				else
					(void)json_array_append_new(sum, json_integer(number));
			}
		}
		assert_false(json_is_true(json_object_get(result, "clipped")));
		cursor = json_incref(json_object_get(result, "cursor"));
		json_decref(result);
		if (json_is_null(cursor))
			break;
	}
	json_decref(cursor);
	return sums;
}

static void sum_add(json_t *sums, const char *key, const json_int_t numbers[ARCHIVE_REPORT_SUMS])
{
	json_t *sum = json_object_get(sums, key);

	if (!sum) {
		(void)json_object_set_new(sums, key, json_array());
		sum = json_object_get(sums, key);
		for (size_t k = 0; k < ARCHIVE_REPORT_SUMS; k++)
			(void)json_array_append_new(sum, json_integer(0));
	}
	for (size_t k = 0; k < ARCHIVE_REPORT_SUMS; k++)
		(void)json_array_set_new(
			sum, k,
			json_integer(json_integer_value(json_array_get(sum, k)) + numbers[k]));
}

/* What a row of history says. */
static void row_add(json_t *sums, const char *key, const json_t *row)
{
	const char *direction = rig_text(row, "direction");
	const json_int_t numbers[ARCHIVE_REPORT_SUMS] = {
		1,
		!strcmp(rig_text(row, "result"), "answered"),
		json_is_true(json_object_get(row, "missed")),
		!strcmp(direction, "incoming"),
		!strcmp(direction, "outgoing"),
		!strcmp(direction, "internal"),
		rig_int(row, "end_utc_ms") - rig_int(row, "setup_utc_ms"),
		rig_int(row, "talk_ms"),
	};

	sum_add(sums, key, numbers);
}

/* All rows of a list. The caller's. */
static json_t *rows_of(struct archive *a, struct archive_query q)
{
	json_t *all = json_array(), *cursor = NULL, *next, *rows;

	q.limit = 1000;
	do {
		q.cursor = bytes_str(json_string_value(cursor));
		rows = rig_page(a, &q, &next);
		(void)json_array_extend(all, rows);
		json_decref(rows);
		json_decref(cursor);
		cursor = next;
	} while (!json_is_null(cursor));
	json_decref(cursor);
	return all;
}

static void are_equal(const char *by, const json_t *said, const json_t *wanted)
{
	char *a = json_dumps(said, JSON_SORT_KEYS), *b = json_dumps(wanted, JSON_SORT_KEYS);

	if (strcmp(a, b) != 0)
		fail_msg("%s: %s\nnot %s", by, a, b);
	free(a);
	free(b);
}

static void of_tenant(struct archive *a, int64_t since_ms, int64_t until_ms)
{
	struct archive_query q = rig_all();
	json_t *hours = json_object(), *codes = json_object(), *rows, *row;
	size_t i, windows;

	q.since_ms = since_ms;
	q.until_ms = until_ms;
	rows = rows_of(a, q);
	json_array_foreach(rows, i, row)
	{
		char hour[32];

		(void)snprintf(hour, sizeof(hour), "%lld",
			       (long long)(rig_int(row, "setup_utc_ms") / HOUR_MS * HOUR_MS));
		row_add(hours, hour, row);
		if (rig_text(row, "account_code")[0])
			row_add(codes, rig_text(row, "account_code"), row);
	}
	json_t *said = report_of(a, "hour", since_ms, until_ms, &windows);

	are_equal("hour", said, hours);
	assert_int_equal(windows, json_array_size(rows) > 5000 ? 1 : 0);
	json_decref(said);
	said = report_of(a, "account_code", since_ms, until_ms, &windows);
	are_equal("account_code", said, codes);
	json_decref(said);
	json_decref(rows);
	json_decref(hours);
	json_decref(codes);
}

static void of_lists(struct archive *a, const char *by, const char *const *owners)
{
	json_t *wanted = json_object(), *rows, *row, *said;
	size_t i, windows;

	for (; *owners; owners++) {
		rows = rows_of(a, rig_of(*owners));
		json_array_foreach(rows, i, row) row_add(wanted, *owners + 1, row);
		json_decref(rows);
	}
	said = report_of(a, by, 0, T0 + 100000000, &windows);
	are_equal(by, said, wanted);
	json_decref(said);
	json_decref(wanted);
}

/* Of pairs: those of a conversation that a trunk carried count once. */
static void of_trunks(struct archive *a)
{
	json_t *wanted = json_object(), *rows = rows_of(a, rig_all()), *row, *leg, *said;
	size_t i, k, windows;

	json_array_foreach(rows, i, row)
	{
		json_t *legs = NULL, *of = json_object(), *sum;
		const char *trunk;
		uint64_t call = 0;

		assert_int_equal(id_call_get(bytes_str(rig_text(row, "call")), &call), 0);
		assert_int_equal(archive_legs(a, BYTES_LIT("default"), call, &legs), 0);
		json_array_foreach(legs, k, leg)
		{
			const char *from = rig_text(leg, "from_trunk"),
				   *to = rig_text(leg, "to_trunk");
			json_int_t lasted =
				rig_int(leg, "end_utc_ms") - rig_int(leg, "setup_utc_ms");
			json_int_t up = rig_int(leg, "answer_utc_ms") != 0;
			json_int_t talk = rig_int(leg, "talk_ms");

			if (from[0])
				sum_add(of, from,
					(json_int_t[]){ 1, up, 0, 1, 0, 0, lasted, talk });
			if (to[0] && strcmp(from, to) != 0)
				sum_add(of, to, (json_int_t[]){ 1, up, 0, 0, 1, 0, lasted, talk });
		}
		json_object_foreach(of, trunk, sum)
		{
			json_int_t n[ARCHIVE_REPORT_SUMS];

			for (k = 0; k < ARCHIVE_REPORT_SUMS; k++)
				n[k] = json_integer_value(json_array_get(sum, k));
			n[0] = 1;
			n[1] = n[1] > 0;
			n[2] = json_is_true(json_object_get(row, "missed"));
			n[3] = n[3] > 0;
			n[4] = n[4] > 0;
			sum_add(wanted, trunk, n);
		}
		json_decref(of);
		json_decref(legs);
	}
	said = report_of(a, "trunk", 0, T0 + 100000000, &windows);
	assert_int_equal(json_object_size(said), 3);
	are_equal("trunk", said, wanted);
	json_decref(said);
	json_decref(rows);
	json_decref(wanted);
}

static void adds_up(struct archive *a)
{
	static const char *const users[] = { "u1000", "u1001", "u1002", "u1003", "u1004", NULL };
	static const char *const groups[] = { "gsales", NULL };

	calls_write(a);
	of_tenant(a, 0, T0 + 100000000);
	of_tenant(a, T0 + 500000, T0 + 1500000);
	of_lists(a, "extension", users);
	of_lists(a, "group", groups);
	of_trunks(a);
}

/* Words that are none, cursors of strangers, and a tenant without calls. */
static void refused(struct archive *a)
{
	static const char *const cursors[] = { "x", "1:2", "1:2", ":::", "9:" };
	char why[SQL_WHY_MAX];
	json_t *result = NULL, *args;
	size_t windows;

	for (size_t i = 0; i < COUNT_OF(cursors); i++) {
		args = json_pack("{s:s, s:s, s:s}", "tenant", "default", "by", "hour", "cursor",
				 cursors[i]);
		assert_int_equal(archive_history_report(a, args, &result, why), -EINVAL);
		json_decref(args);
	}
	args = json_pack("{s:s, s:s}", "tenant", "default", "by", "hour; DROP TABLE leg");
	assert_int_equal(archive_history_report(a, args, &result, why), -EINVAL);
	json_decref(args);
	for (size_t i = 0; i < 5; i++) {
#define X(word) word,
		static const char *const words[] = { ARCHIVE_REPORTS(X) };
#undef X
		json_t *said = report_of(a, words[i], 0, T0, &windows);

		assert_int_equal(json_object_size(said), 0);
		json_decref(said);
	}
}

#define BOTH(fn)                            \
	static void fn##_both(void **state) \
	{                                   \
		(void)state;                \
		rig_both(fn);               \
	}
BOTH(adds_up)
BOTH(refused)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_up_both),
		cmocka_unit_test(refused_both),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
