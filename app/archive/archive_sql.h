/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL for the archive, over PostgreSQL (libpq) or SQLite with the same texts: statements with
 * parameters $1, $2, ..., many rows at once, and a schema that is brought forward when it is
 * opened. Calls block until the server or the disk has answered, so this is for a process of its
 * own. One thread for each connection.
 */
#ifndef APP_ARCHIVE_ARCHIVE_SQL_H
#define APP_ARCHIVE_ARCHIVE_SQL_H

#include "base/bytes.h"

enum { SQL_COLUMNS_MAX = 40, SQL_WHY_MAX = 256, SQL_PARAMS_MAX = 24 };

enum sql_type { SQL_NULL, SQL_NUMBER, SQL_TEXT };

struct sql_value {
	enum sql_type type;
	int64_t number;
	struct bytes text; /* valid UTF-8 without NUL; of a row: valid during its call */
};

static inline struct sql_value sql_number(int64_t number)
{
	return (struct sql_value){ .type = SQL_NUMBER, .number = number };
}

static inline struct sql_value sql_text(struct bytes text)
{
	return (struct sql_value){ .type = SQL_TEXT, .text = text };
}

/* Numbers of a column come as SQL_NUMBER or SQL_TEXT: read them by sql_int. NULL is 0. */
int64_t sql_int(const struct sql_value *value);

/* False: no more rows are wanted. */
typedef bool sql_row_fn(const struct sql_value *row, void *arg);

struct sql;

/*
 * where: a URL of PostgreSQL (postgresql://...), else the file of SQLite, which is made where it is
 * not there (0600). 0, or as below with a sentence in why; *out is then NULL.
 *
 * All that follow return 0; -EAGAIN: the connection is gone, or somebody else was in between: roll
 * back or open again, and try once more; -ENOSPC; or -EIO, what no later try changes. sql_why says
 * what the server said of the last one; it has texts of statements, and no values of CDRs.
 */
int sql_open(struct sql **out, const char *where, char why[SQL_WHY_MAX]) NODISCARD;
void sql_close(struct sql *s); /* rolls back */
const char *sql_why(const struct sql *s);
bool sql_is_postgres(const struct sql *s);
/* A connection that is lost stays lost: the caller closes it and opens another one. */
bool sql_is_connected(const struct sql *s);

int sql_begin(struct sql *s) NODISCARD;
int sql_commit(struct sql *s) NODISCARD;
void sql_rollback(struct sql *s);

/* Statements without parameters and rows, joined by ';'. */
int sql_script(struct sql *s, const char *text) NODISCARD;
/* One statement, which is prepared once. fn may be NULL, and runs no statement itself. */
int sql_run(struct sql *s, const char *text, const struct sql_value *params, size_t n,
	    sql_row_fn *fn, void *arg) NODISCARD;
/* Rows that the last sql_run has changed. */
uint64_t sql_changed(const struct sql *s);

/* Many rows of all columns of a table, by COPY or by a prepared statement, within a transaction. No
 * other call in between. After an error roll back. */
int sql_copy_begin(struct sql *s, const char *table, size_t columns) NODISCARD;
int sql_copy_row(struct sql *s, const struct sql_value *row) NODISCARD;
int sql_copy_end(struct sql *s) NODISCARD;

/* ---- what an engine is ---- */

struct sql_engine {
	int (*open)(void **out, const char *where, char why[SQL_WHY_MAX]);
	void (*close)(void *of);
	bool (*connected)(const void *of);
	int (*script)(void *of, const char *text, char why[SQL_WHY_MAX]);
	int (*run)(void *of, const char *text, const struct sql_value *params, size_t n,
		   sql_row_fn *fn, void *arg, uint64_t *changed, char why[SQL_WHY_MAX]);
	int (*copy_begin)(void *of, const char *table, size_t columns, char why[SQL_WHY_MAX]);
	int (*copy_row)(void *of, const struct sql_value *row, char why[SQL_WHY_MAX]);
	int (*copy_end)(void *of, char why[SQL_WHY_MAX]);
	const char *begin;
	char mark; /* lines of the schema that begin with '@' and this are for this engine alone */
};

extern const struct sql_engine sql_engine_postgres, sql_engine_sqlite;

/* ---- the schema ---- */

/* The text of archive_schema.sql: migrations, each behind a line "-- migration N". */
extern const char sql_schema[];
/* Brings the schema forward, each migration in a transaction of its own. -EPROTONOSUPPORT: it is of
 * a later program; it is left as it is. */
int sql_migrate(struct sql *s) NODISCARD;
/* What each session has of its own: tables for many rows at once. */
int sql_session(struct sql *s) NODISCARD;
/* From now on a statement is planned when it runs next, for whatever parameters, and then no more
 * until this is called again: for a session that asks the same all the time. Call it each second,
 * or so: a plan of empty tables serves no full ones. */
int sql_plan_anew(struct sql *s) NODISCARD;

#endif
