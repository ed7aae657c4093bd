/* SPDX-License-Identifier: Apache-2.0 */
/* history.report: the archive adds up a window at a time, and here windows become one report. */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/archive/archive_report.h"
#include "app/command/command_walk.h"
#include "app/feature/archive/archive_client.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "base/csv.h"
#include "base/json_member.h"

enum { REPORT_ROWS_MAX = 5000, REPORT_ROW_MOST = 512, HOUR_TEXT_MAX = 24 };

#define X(word) word,
static const char *const g_numbers[ARCHIVE_REPORT_SUMS] = { ARCHIVE_REPORT_NUMBERS(X) };
#undef X

/* ---- sums ---- */

/* 2026-11-29T20:00Z; in order as texts. */
static void hour_text(char out[HOUR_TEXT_MAX], const char *ms)
{
	time_t s = (time_t)(strtoll(ms, NULL, 10) / 1000);
	struct tm tm;

	if (!gmtime_r(&s, &tm) || !strftime(out, HOUR_TEXT_MAX, "%Y-%m-%dT%H:%MZ", &tm))
		out[0] = '\0';
}

static void report_add(json_t *report, const char *by, const json_t *row)
{
	json_t *sums = json_object_get(report, "sums"), *sum;
	const char *key = json_string_value(json_array_get(row, 0));
	char hour[HOUR_TEXT_MAX];

	if (!key)
		return;
	if (!strcmp(by, "hour")) {
		hour_text(hour, key);
		key = hour;
	}
	sum = json_object_get(sums, key);
	if (!sum && json_object_size(sums) == REPORT_ROWS_MAX) {
		(void)json_object_set_new(
			report, "left_out",
			json_integer((json_int_t)json_count(report, "left_out") + 1));
		return;
	}
	if (!sum) {
		(void)json_object_set_new(sums, key, json_array());
		sum = json_object_get(sums, key);
	}
	for (size_t i = 0; i < ARCHIVE_REPORT_SUMS; i++) {
		json_int_t number = json_integer_value(json_array_get(row, i + 1)) +
				    json_integer_value(json_array_get(sum, i));

		if (i < json_array_size(sum))
			(void)json_array_set_new(sum, i, json_integer(number));
		else
			(void)json_array_append_new(sum, json_integer(number));
	}
}

/* ---- the answer ---- */

static int key_order(const void *one, const void *other)
{
	return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* In order; the caller's. NULL: no memory. */
static const char **report_keys(json_t *sums)
{
	const char **keys = calloc(json_object_size(sums) + 1, sizeof(*keys)), *key;
	size_t n = 0;
	json_t *sum;

	json_object_foreach(sums, key, sum)
	{
		if (keys)
			keys[n++] = key;
	}
	if (keys)
		qsort(keys, n, sizeof(*keys), key_order);
	return keys;
}

static json_t *report_rows(const char *by, const json_t *sums, const char *const *keys)
{
	json_t *rows = json_array();

	for (; *keys; keys++) {
		const json_t *sum = json_object_get(sums, *keys);
		json_t *row = json_pack("{s:s}", by, *keys);

		for (size_t i = 0; row && i < ARCHIVE_REPORT_SUMS; i++)
			(void)json_object_set(row, g_numbers[i], json_array_get(sum, i));
		(void)json_array_append_new(rows, row);
	}
	return rows;
}

/* Times as call records of others have them. */
static void csv_row_write(struct writer *w, const char *key, const json_t *sum)
{
	csv_cell_write(w, bytes_str(key), true);
	for (size_t i = 0; i < ARCHIVE_REPORT_SUMS; i++) {
		json_int_t number = json_integer_value(json_array_get(sum, i));

		writer_number(w, ",",
			      (uint64_t)(i < ARCHIVE_REPORT_SUMS - 2 ? number : number / 1000), "");
	}
	writer_str(w, "\r\n");
}

/* NULL: no memory. */
static json_t *report_csv(const char *by, const json_t *sums, const char *const *keys)
{
	size_t most = REPORT_ROW_MOST * (json_object_size(sums) + 1);
	char *space = malloc(most);
	struct writer w = writer_over(space, space ? most : 0);
	json_t *text;

	WRITER_TEXTS(&w, by,
		     ",calls,answered,missed,incoming,outgoing,internal,duration,billsec\r\n");
	for (; *keys; keys++)
		csv_row_write(&w, *keys, json_object_get(sums, *keys));
	text = w.overflow ? NULL : json_stringn(space, w.n);
	free(space);
	return text;
}

static void report_answer(struct command_run *run)
{
	json_t *report = json_object_get(run->args, "report");
	json_t *sums = json_object_get(report, "sums");
	const char *by = json_text(run->args, "by");
	const char **keys = report_keys(sums);
	bool csv = command_value(run, "format")->number == 1;
	json_t *answer = json_pack("{s:s, s:O, s:O, s:O, s:O}", "by", by, "since_utc_ms",
				   json_object_get(report, "since_ms"), "until_utc_ms",
				   json_object_get(report, "until_ms"), "clipped",
				   json_object_get(report, "clipped"), "left_out",
				   json_object_get(report, "left_out"));
	json_t *told = !keys ? NULL
		       : csv ? report_csv(by, sums, keys)
			     : report_rows(by, sums, keys);

	free(keys);
	if (told && answer && !json_object_set_new(answer, csv ? "text" : "rows", told)) {
		command_answer(run, answer);
		return;
	}
	json_decref(answer);
	command_fail(run, COMMAND_INTERNAL, NULL, "out of memory");
}

/* ---- windows ---- */

static void report_go_on(struct command_run *run, json_t *cursor);

static void report_on_window(struct command_run *run, const json_t *result)
{
	json_t *report = json_object_get(run->args, "report");
	json_t *cursor = json_object_get(result, "cursor"), *row;
	size_t i;

	json_array_foreach(json_object_get(result, "rows"), i, row)
		report_add(report, json_text(run->args, "by"), row);
	if (!json_object_get(report, "clipped"))
		(void)json_object_set(report, "clipped", json_object_get(result, "clipped"));
	(void)json_object_set(report, "since_ms", json_object_get(result, "since_ms"));
	if (json_is_string(cursor))
		report_go_on(run, cursor);
	else
		report_answer(run);
}

static void report_go_on(struct command_run *run, json_t *cursor)
{
	const json_t *report = json_object_get(run->args, "report");

	archive_run(run, "history.report",
		    json_pack("{s:s, s:O, s:O, s:O, s:O?}", "tenant", run->tenant, "by",
			      json_object_get(run->args, "by"), "since_ms",
			      json_object_get(report, "since_ms"), "until_ms",
			      json_object_get(report, "until_ms"), "cursor", cursor),
		    report_on_window);
}

void command_history_report(struct command_run *run)
{
	struct command_span span;

	if (!command_span_read_past(run, &span))
		return;
	(void)json_object_set_new(run->args, "report",
				  json_pack("{s:{}, s:I, s:I, s:i}", "sums", "since_ms",
					    (json_int_t)span.since_utc_ms, "until_ms",
					    (json_int_t)span.until_utc_ms, "left_out", 0));
	report_go_on(run, NULL);
}
