/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One interface to the two engines of the archive, transactions, and the schema with its
 * migrations. A migration is a part of archive_schema.sql; the table schema_version says which ones
 * have been applied. Two processes may open one database at once: who takes the row of that table
 * first migrates, and the other one finds it done.
 */

#include "app/archive/archive_sql.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sql {
	const struct sql_engine *engine;
	void *of;
	bool within; /* a transaction */
	uint64_t changed;
	char why[SQL_WHY_MAX];
};

int64_t sql_int(const struct sql_value *value)
{
	char text[24];

	if (value->type == SQL_NUMBER)
		return value->number;
	if (value->type != SQL_TEXT || bytes_cstr(value->text, text, sizeof(text)))
		return 0;
	return strtoll(text, NULL, 10);
}

static bool sql_names_postgres(const char *where)
{
	return !strncmp(where, "postgresql://", 13) || !strncmp(where, "postgres://", 11);
}

int sql_open(struct sql **out, const char *where, char why[SQL_WHY_MAX])
{
	struct sql *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	*out = NULL;
	(void)snprintf(why, SQL_WHY_MAX, "out of memory");
	if (!s)
		return err;
	s->engine = sql_names_postgres(where) ? &sql_engine_postgres : &sql_engine_sqlite;
	err = s->engine->open(&s->of, where, why);
	if (err) {
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

void sql_close(struct sql *s)
{
	if (!s)
		return;
	sql_rollback(s);
	s->engine->close(s->of);
	free(s);
}

const char *sql_why(const struct sql *s)
{
	return s->why;
}

bool sql_is_postgres(const struct sql *s)
{
	return s->engine == &sql_engine_postgres;
}

bool sql_is_connected(const struct sql *s)
{
	return s->engine->connected(s->of);
}

int sql_script(struct sql *s, const char *text)
{
	return s->engine->script(s->of, text, s->why);
}

int sql_begin(struct sql *s)
{
	int err;

	assert(!s->within);
	err = sql_script(s, s->engine->begin);
	s->within = !err;
	return err;
}

int sql_commit(struct sql *s)
{
	int err;

	assert(s->within);
	err = sql_script(s, "COMMIT");
	s->within = err != 0;
	return err;
}

void sql_rollback(struct sql *s)
{
	char why[SQL_WHY_MAX];

	if (s->within)
		(void)s->engine->script(s->of, "ROLLBACK", why); /* sql_why stays the cause */
	s->within = false;
}

int sql_run(struct sql *s, const char *text, const struct sql_value *params, size_t n,
	    sql_row_fn *fn, void *arg)
{
	assert(n <= SQL_PARAMS_MAX);
	s->changed = 0;
	return s->engine->run(s->of, text, params, n, fn, arg, &s->changed, s->why);
}

uint64_t sql_changed(const struct sql *s)
{
	return s->changed;
}

int sql_copy_begin(struct sql *s, const char *table, size_t columns)
{
	assert(s->within && columns <= SQL_COLUMNS_MAX);
	return s->engine->copy_begin(s->of, table, columns, s->why);
}

int sql_copy_row(struct sql *s, const struct sql_value *row)
{
	return s->engine->copy_row(s->of, row, s->why);
}

int sql_copy_end(struct sql *s)
{
	return s->engine->copy_end(s->of, s->why);
}

/* ---- the schema ---- */

/* The part behind "-- migration N"; *next: the one behind it. */
static bool migration_next(struct bytes *rest, uint32_t *number, struct bytes *part)
{
	static const char head[] = "-- migration ";
	struct bytes line;
	const uint8_t *from, *to;

	while (bytes_cut(rest, '\n', &line) && !bytes_starts(line, head))
		;
	if (!bytes_starts(line, head) || bytes_u32(bytes_from(line, sizeof(head) - 1), number))
		return false;
	from = rest->p;
	to = rest->n ? memmem(rest->p, rest->n, head, sizeof(head) - 1) : NULL;
	*part = bytes_mem(from, to ? (size_t)(to - from) : rest->n);
	*rest = bytes_from(*rest, part->n);
	return true;
}

/* A line that begins with '@' and a letter is for one engine alone. */
static void engine_lines(struct writer *w, struct bytes part, char mark)
{
	struct bytes line;

	while (bytes_cut(&part, '\n', &line)) {
		bool marked = line.n > 2 && line.p[0] == '@';

		if (marked && line.p[1] != (uint8_t)mark)
			continue;
		writer_bytes(w, marked ? bytes_from(line, 2) : line);
		writer_u8(w, '\n');
	}
	writer_u8(w, '\0');
}

static char *engine_part(const struct sql *s, struct bytes part)
{
	size_t size = part.n + 2;
	char *text = malloc(size);
	struct writer w = writer_over(text, size);

	if (!text)
		return NULL;
	engine_lines(&w, part, s->engine->mark);
	assert(!w.overflow);
	return text;
}

static bool version_row(const struct sql_value *row, void *arg)
{
	*(int64_t *)arg = sql_int(&row[0]);
	return true;
}

static int migration_apply(struct sql *s, uint32_t number, struct bytes part)
{
	const struct sql_value version = sql_number(number);
	char *text = engine_part(s, part);
	int64_t has = 0;
	int err = text ? sql_begin(s) : -ENOMEM;

	/* the row is ours until the end: another process that migrates waits */
	if (!err)
		err = sql_script(s, "UPDATE schema_version SET version = version");
	if (!err)
		err = sql_run(s, "SELECT version FROM schema_version", NULL, 0, version_row, &has);
	if (!err && has < number)
		err = sql_script(s, text);
	if (!err && has < number)
		err = sql_run(s, "UPDATE schema_version SET version = $1", &version, 1, NULL, NULL);
	if (!err)
		err = sql_commit(s);
	sql_rollback(s);
	free(text);
	return err;
}

int sql_migrate(struct sql *s)
{
	struct bytes rest = bytes_str(sql_schema), part;
	int64_t has = 0;
	uint32_t number, last = 0;
	int err = sql_script(s, "CREATE TABLE IF NOT EXISTS schema_version (one INTEGER PRIMARY "
				"KEY CHECK (one = 1), version INTEGER NOT NULL);"
				"INSERT INTO schema_version VALUES (1, 0) ON CONFLICT DO NOTHING");

	if (!err)
		err = sql_run(s, "SELECT version FROM schema_version", NULL, 0, version_row, &has);
	while (!err && migration_next(&rest, &number, &part) && number) {
		last = number;
		if (number > has)
			err = migration_apply(s, number, part);
	}
	if (err || has <= last)
		return err;
	(void)snprintf(s->why, sizeof(s->why),
		       "the archive has schema %" PRId64 ", and this program knows %" PRIu32, has,
		       last);
	return -EPROTONOSUPPORT;
}

/* Migration 0 is for each session. */
int sql_session(struct sql *s)
{
	struct bytes rest = bytes_str(sql_schema), part;
	uint32_t number;
	char *text;
	int err;

	while (migration_next(&rest, &number, &part) && number)
		;
	text = engine_part(s, part);
	err = text ? sql_script(s, text) : -ENOMEM;
	free(text);
	return err;
}

int sql_plan_anew(struct sql *s)
{
	return sql_is_postgres(s) ? sql_script(s, "SET plan_cache_mode = force_generic_plan; "
						  "DISCARD PLANS")
				  : 0;
}
