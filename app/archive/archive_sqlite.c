/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine SQLite (archive_sql.h): a file in the state folder of a node, in WAL mode. Each commit
 * is synced, as a stream is trimmed behind it. Statements stay prepared. Parameters are bound by
 * their names, so $2 may stand before $1 as in PostgreSQL.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "app/archive/archive_sql.h"

enum { STATEMENTS_MAX = 64, BUSY_MS = 10000 };

struct sqlite {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS_MAX];
	size_t count;
	sqlite3_stmt *copy;
	size_t columns; /* of copy */
	dev_t device;   /* of its file */
	ino_t inode;
};

static int sqlite_error(const struct sqlite *s, int code, char why[SQL_WHY_MAX])
{
	(void)snprintf(why, SQL_WHY_MAX, "%s", s->db ? sqlite3_errmsg(s->db) : "out of memory");
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EAGAIN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static void sqlite_close(void *of)
{
	struct sqlite *s = of;

	for (size_t i = 0; i < s->count; i++)
		(void)sqlite3_finalize(s->statements[i]);
	(void)sqlite3_finalize(s->copy);
	(void)sqlite3_close(s->db);
	free(s);
}

/* Pages of 8 KiB: an index of texts is less deep. The size counts for a new file alone. */
static const char g_sqlite_session[] =
	"PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
	"PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824; "
	"PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 134217728; "
	"PRAGMA secure_delete = ON";

/* It has calls of persons: nobody else reads it. SQLite gives its WAL the same mode. */
static int sqlite_file(const char *where)
{
	int fd = open(where, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	(void)close(fd);
	return 0;
}

static int sqlite_open(void **out, const char *where, char why[SQL_WHY_MAX])
{
	struct sqlite *s = calloc(1, sizeof(*s));
	struct stat st;
	int code, err;

	if (!s)
		return -ENOMEM;
	err = sqlite_file(where);
	if (err) {
		(void)snprintf(why, SQL_WHY_MAX, "%s: %s", where, strerror(-err));
		free(s);
		return err == -ENOSPC ? err : -EIO;
	}
	code = sqlite3_open_v2(where, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(s->db, BUSY_MS);
	if (code == SQLITE_OK)
		code = sqlite3_exec(s->db, g_sqlite_session, NULL, NULL, NULL);
	if (code != SQLITE_OK) {
		err = sqlite_error(s, code, why);
		sqlite_close(s);
		return err;
	}
	if (!stat(where, &st)) {
		s->device = st.st_dev;
		s->inode = st.st_ino;
	}
	*out = s;
	return 0;
}

/* What is written to a file that was deleted, or replaced, is lost with the process. */
static bool sqlite_connected(const void *of)
{
	const struct sqlite *s = of;
	struct stat st;

	return !stat(sqlite3_db_filename(s->db, "main"), &st) && st.st_dev == s->device &&
	       st.st_ino == s->inode;
}

static int sqlite_script(void *of, const char *text, char why[SQL_WHY_MAX])
{
	struct sqlite *s = of;
	int code = sqlite3_exec(s->db, text, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : sqlite_error(s, code, why);
}

/* ---- statements ---- */

/* *kept: it stays prepared, else the caller finalizes it. */
static int sqlite_prepare(struct sqlite *s, const char *text, sqlite3_stmt **out, bool *kept)
{
	size_t i;
	int code;

	for (i = 0; i < s->count && strcmp(sqlite3_sql(s->statements[i]), text) != 0; i++)
		;
	*kept = i < STATEMENTS_MAX;
	if (i < s->count) {
		*out = s->statements[i];
		return SQLITE_OK;
	}
	code = sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
	if (code == SQLITE_OK && *kept)
		s->statements[s->count++] = *out;
	return code;
}

static int sqlite_bind(sqlite3_stmt *statement, int at, const struct sql_value *v)
{
	switch (v->type) {
	case SQL_NULL:
		return sqlite3_bind_null(statement, at);
	case SQL_NUMBER:
		return sqlite3_bind_int64(statement, at, v->number);
	case SQL_TEXT: /* an empty text is no NULL */
		return sqlite3_bind_text64(statement, at, v->text.n ? (const char *)v->text.p : "",
					   v->text.n, SQLITE_STATIC, SQLITE_UTF8);
	}
	return SQLITE_MISUSE;
}

static int sqlite_bind_all(sqlite3_stmt *statement, const struct sql_value *params, size_t n)
{
	int code = SQLITE_OK;
	char name[8];

	for (size_t i = 0; i < n && code == SQLITE_OK; i++) {
		int at;

		(void)snprintf(name, sizeof(name), "$%zu", i + 1);
		at = sqlite3_bind_parameter_index(statement, name);
		if (at)
			code = sqlite_bind(statement, at, &params[i]);
	}
	return code;
}

static void sqlite_row(sqlite3_stmt *statement, struct sql_value *row, int columns)
{
	for (int i = 0; i < columns; i++) {
		switch (sqlite3_column_type(statement, i)) {
		case SQLITE_NULL:
			row[i] = (struct sql_value){ .type = SQL_NULL };
			break;
		case SQLITE_INTEGER:
			row[i] = sql_number(sqlite3_column_int64(statement, i));
			break;
		default:
			row[i] = sql_text(bytes_mem(sqlite3_column_text(statement, i),
						    (size_t)sqlite3_column_bytes(statement, i)));
		}
	}
}

static int sqlite_rows(sqlite3_stmt *statement, sql_row_fn *fn, void *arg)
{
	struct sql_value row[SQL_COLUMNS_MAX];
	int columns = sqlite3_column_count(statement), code;
	bool more = columns <= SQL_COLUMNS_MAX;

	while ((code = sqlite3_step(statement)) == SQLITE_ROW && more) {
		if (!fn)
			continue;
		sqlite_row(statement, row, columns);
		more = fn(row, arg);
	}
	return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int sqlite_run(void *of, const char *text, const struct sql_value *params, size_t n,
		      sql_row_fn *fn, void *arg, uint64_t *changed, char why[SQL_WHY_MAX])
{
	sqlite3_stmt *statement = NULL;
	struct sqlite *s = of;
	bool kept = true;
	int code = sqlite_prepare(s, text, &statement, &kept), err = 0;

	if (code == SQLITE_OK)
		code = sqlite_bind_all(statement, params, n);
	if (code == SQLITE_OK)
		code = sqlite_rows(statement, fn, arg);
	if (code != SQLITE_OK)
		err = sqlite_error(s, code, why);
	*changed = (uint64_t)sqlite3_changes64(s->db);
	if (kept && statement) {
		(void)sqlite3_reset(statement);
		(void)sqlite3_clear_bindings(statement);
	} else {
		(void)sqlite3_finalize(statement);
	}
	return err;
}

/* ---- many rows ---- */

static int sqlite_copy_begin(void *of, const char *table, size_t columns, char why[SQL_WHY_MAX])
{
	struct sqlite *s = of;
	char text[64 + 2 * SQL_COLUMNS_MAX];
	struct writer w = writer_over(text, sizeof(text));
	int code;

	WRITER_TEXTS(&w, "INSERT INTO ", table, " VALUES (?");
	for (size_t i = 1; i < columns; i++)
		writer_str(&w, ",?");
	writer_mem(&w, ")", 2);
	(void)sqlite3_finalize(s->copy);
	s->copy = NULL;
	s->columns = columns;
	code = sqlite3_prepare_v2(s->db, text, -1, &s->copy, NULL);
	return code == SQLITE_OK ? 0 : sqlite_error(s, code, why);
}

static int sqlite_copy_row(void *of, const struct sql_value *row, char why[SQL_WHY_MAX])
{
	struct sqlite *s = of;
	int code = SQLITE_OK;

	for (size_t i = 0; i < s->columns && code == SQLITE_OK; i++)
		code = sqlite_bind(s->copy, (int)i + 1, &row[i]);
	if (code == SQLITE_OK)
		code = sqlite3_step(s->copy);
	if (code == SQLITE_DONE)
		code = sqlite3_reset(s->copy);
	return code == SQLITE_OK ? 0 : sqlite_error(s, code, why);
}

static int sqlite_copy_end(void *of, char why[SQL_WHY_MAX])
{
	struct sqlite *s = of;

	(void)why;
	(void)sqlite3_finalize(s->copy);
	s->copy = NULL;
	return 0;
}

const struct sql_engine sql_engine_sqlite = {
	.open = sqlite_open,
	.close = sqlite_close,
	.connected = sqlite_connected,
	.script = sqlite_script,
	.run = sqlite_run,
	.copy_begin = sqlite_copy_begin,
	.copy_row = sqlite_copy_row,
	.copy_end = sqlite_copy_end,
	.begin = "BEGIN IMMEDIATE",
	.mark = 's',
};
