/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saves legs, and what follows from them: conversations and the lists that they are in. Rows go
 * many at once. Those of calls that nothing is known of go straight into their tables; others into
 * tables of the session, and from there by one statement each. A call that is known already has its
 * conversation made anew of all its legs, and its lists are those of now.
 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/archive/archive.h"

/* ---- legs ---- */

#define NUMBER_COLUMN(member, name)     ", l." #member
#define TEXT_COLUMN(member, name, most) ", l." #member
const char archive_leg_columns[] = "l.month, l.call, l.leg, l.revision" ARCHIVE_LEG_NUMBERS(
	NUMBER_COLUMN) ", l.mos" ARCHIVE_LEG_TEXTS(TEXT_COLUMN) ", l.detail";

static size_t leg_row(const struct archive_leg *l, struct sql_value row[SQL_COLUMNS_MAX])
{
	size_t n = 0;

	row[n++] = sql_number(l->month);
	row[n++] = sql_number((int64_t)l->call);
	row[n++] = sql_number(l->leg);
	row[n++] = sql_number(l->revision);
#define X(member, name) row[n++] = sql_number(l->member);
	ARCHIVE_LEG_NUMBERS(X)
#undef X
	row[n++] = sql_number(l->mos);
#define X(member, name, most) row[n++] = sql_text(l->member);
	ARCHIVE_LEG_TEXTS(X)
#undef X
	row[n++] = sql_text(l->detail);
	return n;
}

/* Copies a text to *at, which has room for all of the row. */
static struct bytes text_keep(char **at, struct bytes text)
{
	struct bytes kept = bytes_mem(*at, text.n);

	if (text.n)
		memcpy(*at, text.p, text.n);
	*at += text.n;
	return kept;
}

int archive_leg_read(struct archive_leg *out, const struct sql_value *row)
{
	struct archive_leg l = { 0 };
	size_t n = 0, octets = 1;
	char *at;

	for (size_t i = 0; i < 30; i++)
		octets += row[i].text.n;
	l.text = at = malloc(octets);
	if (!at)
		return -ENOMEM;
	l.month = sql_int(&row[n++]);
	l.call = (uint64_t)sql_int(&row[n++]);
	l.leg = sql_int(&row[n++]);
	l.revision = sql_int(&row[n++]);
#define X(member, name) l.member = sql_int(&row[n++]);
	ARCHIVE_LEG_NUMBERS(X)
#undef X
	l.mos = sql_int(&row[n++]);
#define X(member, name, most) l.member = text_keep(&at, row[n++].text);
	ARCHIVE_LEG_TEXTS(X)
#undef X
	l.detail = text_keep(&at, row[n].text);
	*out = l;
	return 0;
}

static int legs_copy(struct archive *a, const struct archive_leg *legs, size_t count,
		     const char *table)
{
	struct sql_value row[SQL_COLUMNS_MAX];
	int err = sql_copy_begin(a->sql, table, leg_row(&legs[0], row)), ended;

	if (err)
		return err;
	for (size_t i = 0; i < count && !err; i++) {
		(void)leg_row(&legs[i], row);
		err = sql_copy_row(a->sql, row);
	}
	ended = sql_copy_end(a->sql);
	return err ? err : ended;
}

#define EXCLUDED_NUMBER(member, name)     ", " #member " = excluded." #member
#define EXCLUDED_TEXT(member, name, most) ", " #member " = excluded." #member
#define LEGS_UPSERT                                                                                \
	"INSERT INTO leg SELECT * FROM new_leg WHERE true ON CONFLICT (month, call, leg) DO "      \
	"UPDATE "                                                                                  \
	"SET revision = excluded.revision" ARCHIVE_LEG_NUMBERS(                                    \
		EXCLUDED_NUMBER) ", mos = excluded.mos" ARCHIVE_LEG_TEXTS(EXCLUDED_TEXT) ", "      \
											 "detail " \
											 "= "      \
											 "exclude" \
											 "d."      \
											 "detail " \
											 "WHERE "  \
											 "exclude" \
											 "d."      \
											 "revisio" \
											 "n "

/* ---- conversations ---- */

/* Legs by call and number: those that are given, and others of the same calls. */
struct leg_set {
	struct archive_leg *list;
	size_t count, cap;
	int err;
};

static int leg_place(const void *one, const void *other)
{
	const struct archive_leg *a = one, *b = other;

	if (a->of_known != b->of_known)
		return a->of_known - b->of_known;
	if (a->call != b->call)
		return a->call < b->call ? -1 : 1;
	return (a->leg > b->leg) - (a->leg < b->leg);
}

static bool leg_set_row(const struct sql_value *row, void *arg)
{
	struct leg_set *set = arg;

	if (set->count == set->cap) {
		size_t cap = set->cap ? 2 * set->cap : 64;
		struct archive_leg *list = calloc(cap, sizeof(*list));

		if (!list) {
			set->err = -ENOMEM;
			return false;
		}
		if (set->count)
			memcpy(list, set->list, set->count * sizeof(*list));
		free(set->list);
		set->list = list;
		set->cap = cap;
	}
	set->err = archive_leg_read(&set->list[set->count], row);
	set->count += !set->err;
	return !set->err;
}

static void leg_set_free(struct leg_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		archive_leg_drop(&set->list[i]);
	free(set->list);
}

/* Legs of these calls that are not new, or newer than those: mostly none. */
static int legs_context(struct archive *a, struct leg_set *set)
{
	char text[1024];
	struct writer w = writer_over(text, sizeof(text));
	int err;

	WRITER_TEXTS(&w, "SELECT ", archive_leg_columns,
		     " FROM new_leg n JOIN leg l ON l.month = n.month AND l.call = n.call "
		     "WHERE l.leg <> n.leg OR l.revision <> n.revision");
	writer_u8(&w, '\0');
	assert(!w.overflow);
	err = sql_run(a->sql, text, NULL, 0, leg_set_row, set);
	if (set->count)
		qsort(set->list, set->count, sizeof(*set->list), leg_place);
	return err ? err : set->err;
}

/* Calls one after the other, each with its legs of both, those of the database first. */
struct leg_walk {
	const struct archive_leg *new, *had;
	size_t new_count, had_count;
};

static size_t walk_call(struct leg_walk *w, struct archive_leg out[ARCHIVE_LEGS_MAX])
{
	uint64_t call;
	size_t n = 0;

	if (!w->new_count)
		return 0;
	call = w->new->call;
	while (n < ARCHIVE_LEGS_MAX) {
		const struct archive_leg *one =
			w->new_count && w->new->call == call ? w->new : NULL;
		const struct archive_leg *two =
			w->had_count && w->had->call == call ? w->had : NULL;
		const struct archive_leg *l = two && (!one || two->leg <= one->leg) ? two : one;

		if (!l)
			break;
		if (!n || out[n - 1].leg != l->leg)
			out[n++] = *l;
		if (l == two) {
			w->had++;
			w->had_count--;
		} else {
			w->new ++;
			w->new_count--;
		}
	}
	while (w->new_count && w->new->call == call) { /* no call has as many */
		w->new ++;
		w->new_count--;
	}
	while (w->had_count && w->had->call == call) {
		w->had++;
		w->had_count--;
	}
	return n;
}

enum { CONVERSATION_COLUMNS = 26, LISTING_COLUMNS = 8 };

static int conversation_copy(struct archive *a, const struct archive_conversation *c)
{
	const struct sql_value row[CONVERSATION_COLUMNS] = {
		sql_number(c->month),       sql_number((int64_t)c->call),
		sql_number(c->legs),        sql_number(c->direction),
		sql_number(c->result),      sql_number(c->flags),
		sql_number(c->mos),         sql_number(c->began_ms),
		sql_number(c->answered_ms), sql_number(c->ended_ms),
		sql_number(c->talk_ms),     sql_text(c->tenant),
		sql_text(c->from_number),   sql_text(c->from_name),
		sql_text(c->to_number),     sql_text(c->answered_by),
		sql_text(c->grp),           sql_text(c->dnis),
		sql_text(c->account),       sql_text(c->flow),
		sql_text(c->path),          sql_text(c->recordings),
		sql_text(c->message),       sql_text(c->cause),
		sql_text(c->owners),        sql_text(c->words),
	};

	return sql_copy_row(a->sql, row);
}

static int listings_copy(struct archive *a, const struct archive_conversation *c)
{
	int err = 0;

	for (size_t i = 0; i < c->list_count && !err; i++) {
		const struct archive_listed *l = &c->lists[i];
		const struct sql_value row[LISTING_COLUMNS] = {
			sql_text(c->tenant),     sql_text(l->owner),
			sql_number(c->ended_ms), sql_number((int64_t)c->call),
			sql_number(c->month),    sql_number(l->direction),
			sql_number(c->result),   sql_number(l->flags),
		};

		err = sql_copy_row(a->sql, row);
	}
	return err;
}

/* Made twice, once for each table: a connection has one COPY at a time, and making it is quick. */
static int conversations_copy(struct archive *a, struct leg_walk walk, const char *table,
			      size_t columns,
			      int (*copy)(struct archive *a, const struct archive_conversation *c))
{
	struct archive_leg legs[ARCHIVE_LEGS_MAX];
	int err = sql_copy_begin(a->sql, table, columns), ended;
	size_t n;

	if (err)
		return err;
	while (!err && (n = walk_call(&walk, legs)) != 0) {
		archive_conversation_make(&a->made, legs, n);
		err = copy(a, &a->made);
	}
	ended = sql_copy_end(a->sql);
	return err ? err : ended;
}

/* ---- lists ---- */

int archive_lists_delete(struct archive *a, struct bytes tenant, struct bytes owners,
			 int64_t ended_ms, int64_t call)
{
	struct sql_value params[] = { sql_text(tenant), sql_text((struct bytes){ 0 }),
				      sql_number(ended_ms), sql_number(call) };
	struct bytes owner = { 0 };
	int err = 0;

	do { /* the tenant's own has no name */
		params[1] = sql_text(owner);
		err = sql_run(a->sql,
			      "DELETE FROM listing WHERE tenant = $1 AND owner = $2 AND "
			      "ended_ms = $3 AND call = $4",
			      params, COUNT_OF(params), NULL, NULL);
	} while (!err && bytes_cut(&owners, '\n', &owner));
	return err;
}

/* Conversations that leave lists, as they were before the change. */
struct listed_set {
	struct listed_before {
		struct listed_before *next;
		int64_t ended_ms, call;
		size_t tenant_n, owners_n;
		char text[];
	} * first;
	int err;
};

static bool listed_row(const struct sql_value *row, void *arg)
{
	struct listed_set *set = arg;
	struct bytes tenant = row[2].text, owners = row[3].text;
	struct listed_before *l = malloc(sizeof(*l) + tenant.n + owners.n);

	if (!l) {
		set->err = -ENOMEM;
		return false;
	}
	*l = (struct listed_before){ set->first, sql_int(&row[0]), sql_int(&row[1]), tenant.n,
				     owners.n };
	memcpy(l->text, tenant.p, tenant.n);
	if (owners.n)
		memcpy(l->text + tenant.n, owners.p, owners.n);
	set->first = l;
	return true;
}

static int lists_outdated_delete(struct archive *a)
{
	struct listed_set set = { 0 };
	struct listed_before *l;
	int err =
		sql_run(a->sql,
			"SELECT c.ended_ms, c.call, c.tenant, c.owners FROM new_conversation n "
			"JOIN conversation c ON c.month = n.month AND c.call = n.call WHERE "
			"c.ended_ms <> n.ended_ms OR c.owners <> n.owners OR c.flags <> n.flags OR "
			"c.result <> n.result OR c.direction <> n.direction OR "
			"c.tenant <> n.tenant",
			NULL, 0, listed_row, &set);

	err = err ? err : set.err;
	while ((l = set.first) != NULL) {
		set.first = l->next;
		if (!err)
			err = archive_lists_delete(a, bytes_mem(l->text, l->tenant_n),
						   bytes_mem(l->text + l->tenant_n, l->owners_n),
						   l->ended_ms, l->call);
		free(l);
	}
	return err;
}

/* clang-format off */
#define CONVERSATION_SET(X) \
	X(legs) X(direction) X(result) X(flags) X(mos) X(began_ms) X(answered_ms) X(ended_ms) \
	X(talk_ms) X(from_number) X(from_name) X(to_number) X(answered_by) \
	X(grp) X(dnis) X(account) \
	X(flow) X(path) X(recordings) X(message) X(cause) X(owners) X(words)
/* clang-format on */

#define X(column) ", " #column " = excluded." #column
static const char g_conversations_upsert[] =
	"INSERT INTO conversation SELECT * FROM new_conversation WHERE true "
	"ON CONFLICT (month, call) DO UPDATE SET tenant = excluded.tenant" CONVERSATION_SET(X);
#undef X

static const char g_listings_insert[] =
	"INSERT INTO listing SELECT n.tenant, n.owner, n.ended_ms, n.call, n.month, n.direction, "
	"n.result, CASE WHEN h.call IS NULL THEN n.flags ELSE n.flags | 8 END FROM new_listing n "
	"LEFT JOIN hidden h ON h.tenant = n.tenant AND h.owner = n.owner AND h.call = n.call "
	"WHERE true ON CONFLICT DO NOTHING";

/* Of calls that nothing is known of: no row is there yet. */
static int legs_new_save(struct archive *a, const struct archive_leg *legs, size_t count)
{
	const struct leg_walk walk = { legs, NULL, count, 0 };
	int err = legs_copy(a, legs, count, "leg");

	if (!err)
		err = conversations_copy(a, walk, "conversation", CONVERSATION_COLUMNS,
					 conversation_copy);
	return err ? err : conversations_copy(a, walk, "listing", LISTING_COLUMNS, listings_copy);
}

static int conversations_save(struct archive *a, const struct leg_walk *walk)
{
	int err = conversations_copy(a, *walk, "new_conversation", CONVERSATION_COLUMNS,
				     conversation_copy);

	if (!err)
		err = conversations_copy(a, *walk, "new_listing", LISTING_COLUMNS, listings_copy);
	if (!err)
		err = lists_outdated_delete(a);
	if (!err)
		err = sql_run(a->sql, g_conversations_upsert, NULL, 0, NULL, NULL);
	return err ? err : sql_run(a->sql, g_listings_insert, NULL, 0, NULL, NULL);
}

static int legs_known_save(struct archive *a, const struct archive_leg *legs, size_t count,
			   enum archive_leg_rule rule)
{
	struct leg_set beside = { 0 };
	struct leg_walk walk;
	int err = sql_script(a->sql, "DELETE FROM new_leg; DELETE FROM new_conversation; "
				     "DELETE FROM new_listing");

	if (!err)
		err = legs_copy(a, legs, count, "new_leg");
	if (!err)
		err = sql_run(a->sql,
			      rule == ARCHIVE_REPLACE ? LEGS_UPSERT ">= leg.revision"
						      : LEGS_UPSERT "> leg.revision",
			      NULL, 0, NULL, NULL);
	if (!err)
		err = legs_context(a, &beside);
	walk = (struct leg_walk){ legs, beside.list, count, beside.count };
	if (!err)
		err = conversations_save(a, &walk);
	leg_set_free(&beside);
	return err;
}

/* ---- which calls are known ---- */

static int calls_copy(struct archive *a, const struct archive_leg *legs, size_t count)
{
	int err = sql_script(a->sql, "DELETE FROM new_call"), ended;

	if (!err)
		err = sql_copy_begin(a->sql, "new_call", 2);
	if (err)
		return err;
	for (size_t i = 0; i < count && !err; i++) {
		const struct sql_value row[] = { sql_number(legs[i].month),
						 sql_number((int64_t)legs[i].call) };

		if (!i || legs[i].call != legs[i - 1].call)
			err = sql_copy_row(a->sql, row);
	}
	ended = sql_copy_end(a->sql);
	return err ? err : ended;
}

struct known_calls {
	struct archive_leg *legs; /* by call */
	size_t count;
};

static bool known_row(const struct sql_value *row, void *arg)
{
	const struct known_calls *known = arg;
	uint64_t call = (uint64_t)sql_int(&row[0]);
	size_t from = 0, to = known->count;

	while (from < to) {
		size_t at = (from + to) / 2;

		if (known->legs[at].call < call)
			from = at + 1;
		else
			to = at;
	}
	for (; from < known->count && known->legs[from].call == call; from++)
		known->legs[from].of_known = true;
	return true;
}

/* Legs in order; *known: how many of the last ones are of calls that have a row already, be it that
 * somebody took one out of his list. */
static int legs_divide(struct archive *a, struct archive_leg *legs, size_t count, size_t *known)
{
	struct known_calls calls = { legs, count };
	int err;

	for (size_t i = 0; i < count; i++)
		legs[i].of_known = false;
	qsort(legs, count, sizeof(*legs), leg_place);
	err = calls_copy(a, legs, count);
	if (!err)
		err = sql_run(a->sql,
			      "SELECT n.call FROM new_call n JOIN leg l ON l.month = n.month AND "
			      "l.call = n.call UNION ALL SELECT n.call FROM new_call n JOIN hidden "
			      "h ON h.call = n.call",
			      NULL, 0, known_row, &calls);
	qsort(legs, count, sizeof(*legs), leg_place);
	for (*known = 0; *known < count && legs[count - *known - 1].of_known; ++*known)
		;
	return err;
}

int archive_legs_save(struct archive *a, struct archive_leg *legs, size_t count,
		      enum archive_leg_rule rule)
{
	size_t known = count;
	int err = 0;

	if (rule == ARCHIVE_NEWER)
		err = count ? legs_divide(a, legs, count, &known) : 0;
	else if (count)
		qsort(legs, count, sizeof(*legs), leg_place);
	if (!err && known < count)
		err = legs_new_save(a, legs, count - known);
	return err || !known ? err : legs_known_save(a, legs + (count - known), known, rule);
}
