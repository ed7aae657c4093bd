/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of history (archive.h). A list is a range of one index, in the order of the last
 * disconnect; what a filter refuses costs its entry, and a page looks at a bounded number of them.
 * Several lists are read one by one and merged: nothing older than what the shortest look has seen
 * is told, so the next page begins there. Notes, and what users take out of their lists, are here.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/archive/archive.h"
#include "sig/sip/id.h"

enum { FIRST_LOOK = 256, PATTERN_MAX = 256, CURSOR_MAX = 40, TEXT_MAX = 64 };

struct place {
	int64_t ended_ms, call;
};

static int place_order(struct place a, struct place b)
{
	if (a.ended_ms != b.ended_ms)
		return a.ended_ms < b.ended_ms ? -1 : 1;
	return (a.call > b.call) - (a.call < b.call);
}

/* ---- cursors ---- */

static json_t *cursor_json(struct place p)
{
	char text[CURSOR_MAX], call[ID_TEXT_LEN];

	id_call_put(call, (uint64_t)p.call);
	(void)snprintf(text, sizeof(text), "%" PRId64 "-%.*s", p.ended_ms, ID_TEXT_LEN, call);
	return json_string(text);
}

static int cursor_get(struct bytes text, struct place *out)
{
	struct bytes ms;
	uint64_t number, call;

	if (!bytes_cut(&text, '-', &ms) || bytes_u64(ms, &number) || number > INT64_MAX ||
	    id_call_get(text, &call))
		return -EINVAL;
	*out = (struct place){ (int64_t)number, (int64_t)call };
	return 0;
}

/* ---- rows ---- */

static const char *direction_word(int64_t direction)
{
	return direction == ARCHIVE_INCOMING   ? "incoming"
	       : direction == ARCHIVE_OUTGOING ? "outgoing"
					       : "internal";
}

static json_t *column_text(const struct sql_value *v)
{
	return json_stringn((const char *)v->text.p, v->text.n);
}

struct page_row {
	struct place at;
	json_t *json;
};

/* Rows of one list. */
struct look {
	const struct archive_query *query;
	struct page_row *rows;
	size_t count, cap;
	int err;
};

/* X(column, name): texts of a row behind its numbers, in order */
/* clang-format off */
#define ROW_TEXTS(X) \
	X(from_number, "from") X(from_name, "from_name") X(to_number, "to") \
	X(answered_by, "answered_by") \
	X(grp, "group") X(dnis, "dnis") X(account, "account_code") X(flow, "flow") \
	X(path, "path") X(recordings, "recordings") X(message, "message") X(cause, "cause")
/* clang-format on */

#define X(column, name) ", c." #column
static const char g_row_columns[] =
	"SELECT l.ended_ms, l.call, l.direction, l.result, l.flags, c.began_ms, c.answered_ms, "
	"c.talk_ms, c.mos, c.legs, COALESCE(n.text, ''), COALESCE(g.record, ''), "
	"COALESCE(g.ended_ms, 0), COALESCE(g.asked_ms, 0)" ROW_TEXTS(X);
#undef X
#define PAGE_HEAD " FROM (SELECT ended_ms, call, month, direction, result, flags "
#define PAGE_RANGE                                           \
	"FROM listing WHERE tenant = $1 AND owner = $2 AND " \
	"(ended_ms, call) < ($3, $4) AND ended_ms >= $5 ORDER BY ended_ms DESC, call DESC LIMIT "
static const char g_page_tail[] =
	") l CROSS JOIN conversation c LEFT JOIN note n ON n.tenant = $1 AND n.owner = $2 AND "
	"n.call = l.call LEFT JOIN logged g ON g.tenant = $1 AND g.owner = $2 AND "
	"g.call = l.call WHERE c.month = l.month AND c.call = l.call AND "
	"l.flags & CAST($7 AS INTEGER) = CAST($6 AS INTEGER) AND "
	"(CAST($8 AS INTEGER) < 0 OR l.direction = CAST($8 AS INTEGER)) AND "
	"(CAST($9 AS INTEGER) < 0 OR l.result = CAST($9 AS INTEGER)) AND "
	"($10 = '' OR c.grp = $10) AND ($11 = '' OR c.answered_by = $11) AND "
	"($12 = '' OR c.account = $12) AND ($13 = '' OR c.flow = $13) AND "
	"($14 = '' OR c.dnis = $14) AND ($15 = '' OR c.words LIKE $15 ESCAPE '\\') AND "
	"(CAST($16 AS INTEGER) = 0 OR COALESCE(g.ended_ms, 0) < l.ended_ms) "
	"ORDER BY l.ended_ms DESC, l.call DESC LIMIT ";

static void row_text_set(json_t *row, const char *name, const struct sql_value *v)
{
	(void)json_object_set_new(row, name, column_text(v));
}

static void row_number_set(json_t *row, const char *name, int64_t number)
{
	(void)json_object_set_new(row, name, json_integer(number));
}

/* Who was at the other end, as the owner of the list sees it. */
static void row_other_set(json_t *row, bool outgoing)
{
	(void)json_object_set(row, "number", json_object_get(row, outgoing ? "to" : "from"));
	if (outgoing)
		(void)json_object_set_new(row, "name", json_string(""));
	else
		(void)json_object_set(row, "name", json_object_get(row, "from_name"));
}

static json_t *row_json(const struct sql_value *row)
{
	int64_t flags = sql_int(&row[4]), direction = sql_int(&row[2]);
	json_t *json = json_object();
	char call[ID_TEXT_LEN];
	size_t n = 14;

	id_call_put(call, (uint64_t)sql_int(&row[1]));
	(void)json_object_set_new(json, "call", json_stringn(call, sizeof(call)));
	(void)json_object_set_new(json, "direction", json_string(direction_word(direction)));
	(void)json_object_set_new(
		json, "result",
		json_string(archive_result_word((enum archive_result)sql_int(&row[3]))));
	(void)json_object_set_new(json, "missed", json_boolean(flags & ARCHIVE_MISSED));
	row_number_set(json, "setup_utc_ms", sql_int(&row[5]));
	row_number_set(json, "answer_utc_ms", sql_int(&row[6]));
	row_number_set(json, "end_utc_ms", sql_int(&row[0]));
	row_number_set(json, "talk_ms", sql_int(&row[7]));
	row_number_set(json, "mos_hundredths", sql_int(&row[8]));
	row_number_set(json, "legs", sql_int(&row[9]));
	row_text_set(json, "note", &row[10]);
	row_text_set(json, "log", &row[11]);
	row_number_set(json, "log_end_utc_ms", sql_int(&row[12]));
	row_number_set(json, "log_asked_utc_ms", sql_int(&row[13]));
#define X(column, name) row_text_set(json, name, &row[n++]);
	ROW_TEXTS(X)
#undef X
	row_other_set(json, direction == ARCHIVE_OUTGOING);
	return json;
}

static bool look_row(const struct sql_value *row, void *arg)
{
	struct look *l = arg;

	if (l->count == l->cap)
		return false;
	l->rows[l->count++] = (struct page_row){
		.at = { sql_int(&row[0]), sql_int(&row[1]) },
		.json = row_json(row),
	};
	return true;
}

/* ---- one list ---- */

static bool place_row(const struct sql_value *row, void *arg)
{
	*(struct place *)arg = (struct place){ sql_int(&row[0]), sql_int(&row[1]) };
	return false;
}

/* The text, with wildcards of LIKE taken as they are. */
static void pattern_make(char out[PATTERN_MAX], struct bytes text)
{
	char folded[TEXT_MAX];
	struct writer f = writer_over(folded, sizeof(folded));
	struct writer w = writer_over(out, PATTERN_MAX);

	if (text.n) {
		archive_fold(&f, text);
		writer_u8(&w, '%');
		for (size_t i = 0; i < f.n; i++) {
			if (strchr("%_\\", folded[i]))
				writer_u8(&w, '\\');
			writer_u8(&w, (uint8_t)folded[i]);
		}
		writer_u8(&w, '%');
	}
	writer_u8(&w, '\0');
}

enum { PAGE_PARAMS = 16 };

/* from: behind that place. A window of entries of the list, what fits of them; *edge is the last
 * entry of the window, and *over: the list has no more. */
static int window_look(struct archive *a, struct look *l, struct sql_value *params, uint32_t window,
		       struct place *edge, bool *over)
{
	struct place none = { -1, 0 }, last = none;
	char text[2048];
	struct writer w = writer_over(text, sizeof(text));
	int err;

	WRITER_TEXTS(&w, g_row_columns, PAGE_HEAD, PAGE_RANGE);
	writer_number(&w, "", window, g_page_tail);
	writer_number(&w, "", ARCHIVE_PAGE_MAX, "");
	writer_u8(&w, '\0');
	err = w.overflow ? -EIO : sql_run(a->sql, text, params, PAGE_PARAMS, look_row, l);
	if (err || l->count == l->cap)
		return err;
	w = writer_over(text, sizeof(text));
	WRITER_TEXTS(&w, "SELECT ended_ms, call ", PAGE_RANGE, "1 OFFSET ");
	writer_number(&w, "", window - 1, "");
	writer_u8(&w, '\0');
	err = sql_run(a->sql, text, params, 5, place_row, &last);
	*over = last.ended_ms < 0;
	if (!*over)
		*edge = last;
	return err;
}

static bool until_row(const struct sql_value *row, void *arg)
{
	*(int64_t *)arg = sql_int(&row[0]);
	return false;
}

/* What its owner took out of the list all at once. */
static int list_since(struct archive *a, struct bytes tenant, struct bytes owner, int64_t *since_ms)
{
	const struct sql_value params[] = { sql_text(tenant), sql_text(owner) };
	int64_t cleared = -1;
	int err = sql_run(a->sql, "SELECT until_ms FROM cleared WHERE tenant = $1 AND owner = $2",
			  params, 2, until_row, &cleared);

	if (cleared >= *since_ms && cleared < INT64_MAX)
		*since_ms = cleared + 1;
	return err;
}

/* At first the few that a page without filters needs, then as many as a page may look at. *edge:
 * how far it saw; *over: to the end of the list. */
static int list_look(struct archive *a, struct look *l, struct bytes owner, struct place from,
		     uint32_t most, struct place *edge, bool *over)
{
	const struct archive_query *q = l->query;
	uint32_t window = most < FIRST_LOOK ? most : FIRST_LOOK, looked = 0;
	int64_t since_ms = q->since_ms;
	char pattern[PATTERN_MAX];
	int err = list_since(a, q->tenant, owner, &since_ms);

	if (!err && q->unlogged)
		err = archive_logged_since(a, q->tenant, owner, &since_ms);
	pattern_make(pattern, q->text);
	*over = false;
	*edge = from;
	while (!err && !*over && l->count < l->cap && looked < most) {
		struct sql_value params[PAGE_PARAMS] = {
			sql_text(q->tenant),
			sql_text(owner),
			sql_number(edge->ended_ms),
			sql_number(edge->call),
			sql_number(since_ms),
			sql_number(q->flags),
			sql_number(q->flags | ARCHIVE_HIDDEN),
			sql_number(q->direction),
			sql_number(q->result),
			sql_text(q->group),
			sql_text(q->answered_by),
			sql_text(q->account),
			sql_text(q->flow),
			sql_text(q->dnis),
			sql_text(bytes_str(pattern)),
			sql_number(q->unlogged),
		};

		err = window_look(a, l, params, window, edge, over);
		looked += window;
		window = most - looked;
	}
	if (l->count == l->cap) {
		*edge = l->rows[l->count - 1].at;
		*over = false;
	}
	return err ? err : l->err;
}

/* ---- a page ---- */

struct page {
	struct page_row rows[ARCHIVE_SET_MAX * ARCHIVE_PAGE_MAX];
	size_t count;
	struct place edge; /* the page has no entry before it */
	bool over;
};

static int page_row_order(const void *one, const void *other)
{
	const struct page_row *a = one, *b = other;

	return place_order(b->at, a->at);
}

static int page_look(struct archive *a, const struct archive_query *q, struct page *p,
		     struct place from)
{
	static const struct bytes whole = { 0 };
	size_t lists = q->owner_count ? q->owner_count : 1;
	int err = 0;

	p->over = true;
	p->edge = (struct place){ -1, 0 };
	for (size_t i = 0; i < lists && !err; i++) {
		struct look l = { .query = q, .rows = p->rows + p->count, .cap = q->limit };
		struct place edge;
		bool over;

		err = list_look(a, &l, q->owner_count ? q->owners[i] : whole, from,
				ARCHIVE_LOOKED_MAX / (uint32_t)lists, &edge, &over);
		p->count += l.count;
		if (!err && !over && (p->over || place_order(edge, p->edge) > 0)) {
			p->edge = edge;
			p->over = false;
		}
	}
	return err;
}

/* Steals what it tells. */
static void page_rows(struct page *p, uint32_t limit, json_t *rows, json_t **cursor)
{
	struct place last = { 0 };

	qsort(p->rows, p->count, sizeof(*p->rows), page_row_order);
	for (size_t i = 0; i < p->count; i++) {
		struct page_row *r = &p->rows[i];

		if (!p->over && place_order(r->at, p->edge) < 0)
			break;
		if (json_array_size(rows) && !place_order(r->at, last))
			continue; /* it is in two of the lists */
		if (json_array_size(rows) == limit) {
			p->edge = last;
			p->over = false;
			break;
		}
		(void)json_array_append(rows, r->json);
		last = r->at;
	}
	*cursor = p->over ? json_null() : cursor_json(p->edge);
}

int archive_history(struct archive *a, const struct archive_query *q, json_t **rows,
		    json_t **cursor)
{
	struct place from = { q->until_ms < INT64_MAX ? q->until_ms + 1 : INT64_MAX, INT64_MIN };
	struct page *p;
	int err = q->cursor.n ? cursor_get(q->cursor, &from) : 0;

	if (err || q->limit < 1 || q->limit > ARCHIVE_PAGE_MAX ||
	    q->owner_count > ARCHIVE_SET_MAX || q->text.n >= TEXT_MAX)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	err = page_look(a, q, p, from);
	if (!err) {
		*rows = json_array();
		page_rows(p, q->limit, *rows, cursor);
	}
	for (size_t i = 0; i < p->count; i++)
		json_decref(p->rows[i].json);
	free(p);
	return err;
}

/* ---- one conversation ---- */

int archive_one(struct archive *a, struct bytes tenant, struct bytes owner, uint64_t call,
		json_t **row)
{
	struct page_row one = { .json = NULL };
	struct look l = { .rows = &one, .cap = 1 };
	int64_t since_ms = 0;
	char text[2048];
	struct writer w = writer_over(text, sizeof(text));
	int err = list_since(a, tenant, owner, &since_ms);
	const struct sql_value params[] = {
		sql_text(tenant),          sql_text(owner),
		sql_number((int64_t)call), sql_number(archive_month(call)),
		sql_number(since_ms),      sql_number(ARCHIVE_HIDDEN),
	};

	WRITER_TEXTS(&w, g_row_columns,
		     " FROM conversation c JOIN listing l ON l.tenant = $1 AND l.owner = $2 AND "
		     "l.ended_ms = c.ended_ms AND l.call = c.call AND l.month = c.month "
		     "LEFT JOIN note n ON n.tenant = $1 AND n.owner = $2 AND n.call = c.call "
		     "LEFT JOIN logged g ON g.tenant = $1 AND g.owner = $2 AND g.call = c.call "
		     "WHERE c.month = $4 AND c.call = $3 AND c.tenant = $1 AND c.ended_ms >= $5 "
		     "AND l.flags & CAST($6 AS INTEGER) = 0");
	writer_u8(&w, '\0');
	if (!err)
		err = w.overflow ? -EIO
				 : sql_run(a->sql, text, params, COUNT_OF(params), look_row, &l);
	*row = one.json;
	return err ? err : l.count ? 0 : -ENOENT;
}

/* ---- legs ---- */

static json_t *archived_leg_json(const struct archive_leg *l)
{
	json_t *json = json_loadb((const char *)l->detail.p, l->detail.n, 0, NULL);

	if (!json)
		json = json_object();
	row_number_set(json, "leg", l->leg);
#define X(member, name) row_number_set(json, name, l->member);
	ARCHIVE_LEG_NUMBERS(X)
#undef X
#define X(member, name, most) \
	(void)json_object_set_new(json, name, json_stringn((const char *)l->member.p, l->member.n));
	ARCHIVE_LEG_TEXTS(X)
#undef X
	return json;
}

static bool leg_json_row(const struct sql_value *row, void *arg)
{
	struct archive_leg l;

	if (archive_leg_read(&l, row))
		return false;
	(void)json_array_append_new(arg, archived_leg_json(&l));
	archive_leg_drop(&l);
	return true;
}

int archive_legs(struct archive *a, struct bytes tenant, uint64_t call, json_t **legs)
{
	char text[1024];
	struct writer w = writer_over(text, sizeof(text));
	const struct sql_value params[] = { sql_number((int64_t)call), sql_text(tenant),
					    sql_number(archive_month(call)) };

	WRITER_TEXTS(&w, "SELECT ", archive_leg_columns,
		     " FROM leg l WHERE l.month = $3 AND l.call = $1 AND l.tenant = $2 "
		     "ORDER BY l.leg");
	writer_u8(&w, '\0');
	*legs = json_array();
	return sql_run(a->sql, text, params, COUNT_OF(params), leg_json_row, *legs);
}

/* ---- what owners of lists do ---- */

static int hide_one(struct archive *a, struct bytes tenant, struct bytes owner, uint64_t call,
		    int64_t now_ms)
{
	const struct sql_value params[] = { sql_text(tenant), sql_text(owner),
					    sql_number((int64_t)call), sql_number(now_ms) };
	const struct sql_value place[] = { sql_text(tenant), sql_text(owner),
					   sql_number((int64_t)call),
					   sql_number(archive_month(call)) };
	int err = sql_run(a->sql,
			  "INSERT INTO hidden (tenant, owner, call, at_ms) "
			  "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
			  params, 4, NULL, NULL);

	return err ? err
		   : sql_run(a->sql,
			     "UPDATE listing SET flags = flags | 8 WHERE tenant = $1 AND "
			     "owner = $2 AND call = $3 AND month = $4 AND ended_ms = "
			     "(SELECT ended_ms FROM conversation WHERE month = $4 AND call = $3)",
			     place, COUNT_OF(place), NULL, NULL);
}

int archive_hide(struct archive *a, struct bytes tenant, struct bytes owner, const uint64_t *calls,
		 size_t count, int64_t now_ms)
{
	int err = sql_begin(a->sql);

	for (size_t i = 0; i < count && !err; i++)
		err = hide_one(a, tenant, owner, calls[i], now_ms);
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	return err;
}

int archive_clear(struct archive *a, struct bytes tenant, struct bytes owner, int64_t until_ms)
{
	const struct sql_value params[] = { sql_text(tenant), sql_text(owner),
					    sql_number(until_ms) };

	return sql_run(a->sql,
		       "INSERT INTO cleared (tenant, owner, until_ms) VALUES ($1, $2, $3) "
		       "ON CONFLICT (tenant, owner) DO UPDATE SET until_ms = excluded.until_ms "
		       "WHERE excluded.until_ms > cleared.until_ms",
		       params, COUNT_OF(params), NULL, NULL);
}

int archive_note(struct archive *a, struct bytes tenant, struct bytes owner, uint64_t call,
		 struct bytes text, int64_t now_ms)
{
	const struct sql_value params[] = { sql_text(tenant), sql_text(owner),
					    sql_number((int64_t)call), sql_number(now_ms),
					    sql_text(text) };

	if (text.n > ARCHIVE_NOTE_MAX)
		return -EINVAL;
	if (!text.n)
		return sql_run(a->sql,
			       "DELETE FROM note WHERE tenant = $1 AND owner = $2 AND call = $3",
			       params, 3, NULL, NULL);
	return sql_run(a->sql,
		       "INSERT INTO note (tenant, owner, call, at_ms, text) "
		       "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, owner, call) "
		       "DO UPDATE SET at_ms = excluded.at_ms, text = excluded.text",
		       params, COUNT_OF(params), NULL, NULL);
}
