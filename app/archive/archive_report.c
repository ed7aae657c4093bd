/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports: what lists have, added up by hour, trunk, account code, extension or group. A request
 * reads a window of a list, and says where the next one begins, so what calls ask meanwhile waits
 * for one window alone; the node adds them up. A window is a page's range without filters, and
 * counts the columns that history has: a report is what its rows add up to. Those that somebody
 * took out of his list count, too.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/archive/archive_report.h"

enum {
	WINDOW_MAX = 5000,
	LIST_COSTS = 100, /* entries of a window that a list costs, however short it is */
	REPORT_TEXT_MAX = 2048,
	REPORT_CURSOR_MAX = ARCHIVE_OWNER_MAX + 48,
};

/* The next window: of that list, behind that place. */
struct report_at {
	char owner[ARCHIVE_OWNER_MAX];
	int64_t ended_ms, call;
};

/* ---- cursors: ENDED:CALL:OWNER ---- */

static json_t *report_cursor(const struct report_at *at)
{
	char text[REPORT_CURSOR_MAX];

	(void)snprintf(text, sizeof(text), "%" PRId64 ":%" PRId64 ":%s", at->ended_ms, at->call,
		       at->owner);
	return json_string(text);
}

static bool report_cursor_read(struct report_at *at, struct bytes text)
{
	char space[REPORT_CURSOR_MAX];
	int used = 0;

	return !bytes_cstr(text, space, sizeof(space)) &&
	       sscanf(space, "%" SCNd64 ":%" SCNd64 ":%n", &at->ended_ms, &at->call, &used) == 2 &&
	       used && !bytes_cstr(bytes_str(space + used), at->owner, sizeof(at->owner));
}

/* ---- a window ---- */

#define REPORT_RANGE                                         \
	"FROM listing WHERE tenant = $1 AND owner = $2 AND " \
	"(ended_ms, call) < ($3, $4) AND ended_ms >= $5 ORDER BY ended_ms DESC, call DESC LIMIT "
#define REPORT_WINDOW " FROM (SELECT ended_ms, call, month, direction, result, flags " REPORT_RANGE
/* Behind the key of a row, in the order of report_sums. */
#define REPORT_SUMS                                                   \
	", COUNT(*), SUM(CASE WHEN l.result = 0 THEN 1 ELSE 0 END), " \
	"SUM(CASE WHEN l.flags & 1 = 1 THEN 1 ELSE 0 END), "          \
	"SUM(CASE WHEN l.direction = 1 THEN 1 ELSE 0 END), "          \
	"SUM(CASE WHEN l.direction = 2 THEN 1 ELSE 0 END), "          \
	"SUM(CASE WHEN l.direction = 0 THEN 1 ELSE 0 END), "          \
	"SUM(c.ended_ms - c.began_ms), SUM(c.talk_ms)"
#define REPORT_JOIN \
	") l CROSS JOIN conversation c WHERE c.month = l.month AND c.call = l.call GROUP BY 1"
/* A conversation counts once for each trunk that one of its pairs came from or went to, with what
 * those pairs talked. */
#define REPORT_TRUNKS                                                                             \
	"SELECT k.trunk, COUNT(*), SUM(k.answered), SUM(k.missed), SUM(k.came), SUM(k.went), 0, " \
	"SUM(k.lasted), SUM(k.talk_ms) FROM (SELECT CASE s.side WHEN 0 THEN g.from_trunk ELSE "   \
	"g.to_trunk END AS trunk, l.call, MAX(CASE WHEN g.answered_ms > 0 THEN 1 ELSE 0 END) "    \
	"AS answered, MAX(CASE WHEN l.flags & 1 = 1 THEN 1 ELSE 0 END) AS missed, "               \
	"MAX(1 - s.side) AS came, MAX(s.side) AS went, SUM(g.ended_ms - g.began_ms) AS lasted, "  \
	"SUM(g.talk_ms) AS talk_ms"
#define REPORT_TRUNKS_JOIN                                                                        \
	") l CROSS JOIN leg g CROSS JOIN (SELECT 0 AS side UNION ALL SELECT 1) s WHERE "          \
	"g.month = l.month AND g.call = l.call AND CASE s.side WHEN 0 THEN g.from_trunk ELSE "    \
	"g.to_trunk END <> '' AND NOT (s.side = 1 AND g.from_trunk = g.to_trunk) GROUP BY 1, 2) " \
	"k "                                                                                      \
	"GROUP BY 1"

/* What a row is of; lists: of one kind of list each, by its letter; else of the tenant's list. */
static const struct {
	const char *word, *head, *tail;
	char lists;
} g_reports[] = {
	{ "hour", "SELECT c.began_ms / 3600000 * 3600000" REPORT_SUMS, REPORT_JOIN, 0 },
	{ "trunk", REPORT_TRUNKS, REPORT_TRUNKS_JOIN, 0 },
	{ "account_code", "SELECT c.account" REPORT_SUMS, REPORT_JOIN " HAVING c.account <> ''",
	  0 },
	{ "extension", "SELECT CAST($2 AS TEXT)" REPORT_SUMS, REPORT_JOIN, 'u' },
	{ "group", "SELECT CAST($2 AS TEXT)" REPORT_SUMS, REPORT_JOIN, 'g' },
};

struct report {
	json_t *rows;
	size_t key_from; /* octets of a key that are not told */
};

static bool report_row(const struct sql_value *row, void *arg)
{
	struct report *r = arg;
	json_t *one = json_array();
	char number[24];

	if (row[0].type == SQL_TEXT) {
		struct bytes key = bytes_from(row[0].text, r->key_from);

		(void)json_array_append_new(one, json_stringn((const char *)key.p, key.n));
	} else {
		(void)snprintf(number, sizeof(number), "%" PRId64, row[0].number);
		(void)json_array_append_new(one, json_string(number));
	}
	for (size_t i = 1; i <= ARCHIVE_REPORT_SUMS; i++)
		(void)json_array_append_new(one, json_integer(sql_int(&row[i])));
	(void)json_array_append_new(r->rows, one);
	return true;
}

static bool report_place(const struct sql_value *row, void *arg)
{
	struct report_at *at = arg;

	at->ended_ms = sql_int(&row[0]);
	at->call = sql_int(&row[1]);
	return false;
}

/* The last entry of a window, or *more false: the list has none behind it. */
static int window_edge(struct archive *a, const struct sql_value *params, int64_t window,
		       struct report_at *at, bool *more)
{
	struct report_at last = { .ended_ms = -1 };
	char text[REPORT_TEXT_MAX];
	int err;

	(void)snprintf(text, sizeof(text),
		       "SELECT ended_ms, call " REPORT_RANGE "1 OFFSET %" PRId64, window - 1);
	err = sql_run(a->sql, text, params, 5, report_place, &last);
	*more = last.ended_ms >= 0;
	if (*more) {
		at->ended_ms = last.ended_ms;
		at->call = last.call;
	}
	return err;
}

static int report_window(struct archive *a, struct bytes tenant, size_t by, int64_t since_ms,
			 struct report_at *at, json_t *rows, bool *more)
{
	const struct sql_value params[] = { sql_text(tenant), sql_text(bytes_str(at->owner)),
					    sql_number(at->ended_ms), sql_number(at->call),
					    sql_number(since_ms) };
	struct report r = { rows, g_reports[by].lists ? 1 : 0 };
	char text[REPORT_TEXT_MAX];
	int err;

	(void)snprintf(text, sizeof(text), "%s" REPORT_WINDOW "%d%s", g_reports[by].head,
		       WINDOW_MAX, g_reports[by].tail);
	err = sql_run(a->sql, text, params, COUNT_OF(params), report_row, &r);
	return err ? err : window_edge(a, params, WINDOW_MAX, at, more);
}

/* ---- which lists ---- */

static bool owner_row(const struct sql_value *row, void *arg)
{
	(void)bytes_cstr(row[0].text, arg, ARCHIVE_OWNER_MAX);
	return false;
}

/* The list behind that one, of the same letter; "": none. One step along the index. */
static int owner_next(struct archive *a, struct bytes tenant, char letter,
		      char owner[ARCHIVE_OWNER_MAX])
{
	const char end[2] = { (char)(letter + 1), '\0' };
	char next[ARCHIVE_OWNER_MAX] = "";
	const struct sql_value params[] = { sql_text(tenant), sql_text(bytes_str(owner)),
					    sql_text(bytes_str(end)) };
	int err = sql_run(a->sql,
			  "SELECT owner FROM listing WHERE tenant = $1 AND owner > $2 AND "
			  "owner < $3 ORDER BY owner LIMIT 1",
			  params, COUNT_OF(params), owner_row, next);

	memcpy(owner, next, sizeof(next));
	return err;
}

/* ---- the request ---- */

static size_t report_by(struct bytes word)
{
	size_t by = 0;

	while (by < COUNT_OF(g_reports) && !bytes_is(word, g_reports[by].word))
		by++;
	return by;
}

/* From where on a list of the tenant has so many entries in the range: that is as far as it is
 * looked at. */
static int report_clip(struct archive *a, struct bytes tenant, int64_t until_ms, int64_t *since_ms,
		       bool *clipped)
{
	const struct sql_value params[] = { sql_text(tenant), sql_text((struct bytes){ 0 }),
					    sql_number(until_ms + 1), sql_number(INT64_MIN),
					    sql_number(*since_ms) };
	struct report_at last = { { 0 } };
	int err = window_edge(a, params, ARCHIVE_REPORT_MOST, &last, clipped);

	if (!err && *clipped)
		*since_ms = last.ended_ms;
	return err;
}

/* Windows of lists of one kind, one list behind the other: in all about one window of entries. */
static int report_lists(struct archive *a, struct bytes tenant, size_t by, int64_t since_ms,
			int64_t until_ms, struct report_at *at, json_t *rows)
{
	int err = 0;

	if (!at->owner[0]) {
		at->owner[0] = g_reports[by].lists;
		err = owner_next(a, tenant, g_reports[by].lists, at->owner);
	}
	for (int looked = 0; !err && at->owner[0] && looked < WINDOW_MAX;) {
		bool more = false;

		err = report_window(a, tenant, by, since_ms, at, rows, &more);
		looked += more ? WINDOW_MAX : LIST_COSTS;
		if (err || more)
			continue;
		err = owner_next(a, tenant, g_reports[by].lists, at->owner);
		at->ended_ms = until_ms + 1;
		at->call = INT64_MIN;
	}
	return err;
}

int archive_history_report(struct archive *a, const json_t *args, json_t **result,
			   char why[SQL_WHY_MAX])
{
	struct bytes tenant = archive_arg(args, "tenant"), cursor = archive_arg(args, "cursor");
	int64_t since_ms = json_integer_value(json_object_get(args, "since_ms"));
	int64_t until_ms = json_integer_value(json_object_get(args, "until_ms"));
	struct report_at at = { .ended_ms = until_ms + 1, .call = INT64_MIN };
	size_t by = report_by(archive_arg(args, "by"));
	bool clipped = false, more = false;
	json_t *rows = json_array();
	int err = by < COUNT_OF(g_reports) && (!cursor.n || report_cursor_read(&at, cursor))
			  ? 0
			  : -EINVAL;

	(void)why;
	if (!err && !cursor.n)
		err = report_clip(a, tenant, until_ms, &since_ms, &clipped);
	if (!err)
		err = g_reports[by].lists
			      ? report_lists(a, tenant, by, since_ms, until_ms, &at, rows)
			      : report_window(a, tenant, by, since_ms, &at, rows, &more);
	if (!err)
		*result = json_pack("{s:O, s:o, s:I, s:b}", "rows", rows, "cursor",
				    more || at.owner[0] ? report_cursor(&at) : json_null(),
				    "since_ms", (json_int_t)since_ms, "clipped", (int)clipped);
	json_decref(rows);
	return err;
}
