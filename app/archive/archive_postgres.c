/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine PostgreSQL (archive_sql.h), by libpq, synchronously. Statements are prepared by the
 * server the first time that they run. Many rows at once go by COPY in its text format. An error
 * that another try may change – the connection, a deadlock, a server that starts or ends – is
 * -EAGAIN; its SQLSTATE says so.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "app/archive/archive_sql.h"

enum { PREPARED_MAX = 64, COPY_CHUNK = 1 << 16, NUMBER_MAX = 24 };

struct postgres {
	PGconn *conn;
	char *prepared[PREPARED_MAX]; /* texts; the name is 's' and the index */
	size_t count;
	size_t columns; /* of COPY */
	char *chunk;    /* COPY_CHUNK octets */
	size_t used;
};

static void postgres_why_set(char why[SQL_WHY_MAX], const char *text)
{
	size_t n = strcspn(text, "\n");

	(void)snprintf(why, SQL_WHY_MAX, "%.*s", (int)n, text);
}

/* Classes of SQLSTATE: 08 connection, 40 rolled back, 53 resources, 55P03 lock, 57P server ends. */
static int postgres_error(const struct postgres *p, const PGresult *r, char why[SQL_WHY_MAX])
{
	const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *primary = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;

	postgres_why_set(why, primary ? primary : PQerrorMessage(p->conn));
	if (!state || PQstatus(p->conn) != CONNECTION_OK)
		return -EAGAIN;
	if (!strcmp(state, "53100"))
		return -ENOSPC;
	return !strncmp(state, "08", 2) || !strncmp(state, "40", 2) || !strncmp(state, "53", 2) ||
			       !strncmp(state, "57P", 3) || !strcmp(state, "55P03")
		       ? -EAGAIN
		       : -EIO;
}

/* Frees r. */
static int postgres_done(const struct postgres *p, PGresult *r, char why[SQL_WHY_MAX])
{
	ExecStatusType status = PQresultStatus(r);
	int err = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN
			  ? 0
			  : postgres_error(p, r, why);

	PQclear(r);
	return err;
}

static void postgres_close(void *of)
{
	struct postgres *p = of;

	for (size_t i = 0; i < p->count; i++)
		free(p->prepared[i]);
	PQfinish(p->conn);
	free(p->chunk);
	free(p);
}

static void postgres_quiet(void *arg, const PGresult *notice)
{
	(void)arg;
	(void)notice;
}

/* A plan for each page knows its bounds; joins go row by row along an index, as no statement of the
 * archive looks at a whole table. A server without statistics would gather a book before it looks
 * for one contact of it. */
static const char g_postgres_session[] =
	"SET jit = off; SET plan_cache_mode = force_custom_plan; SET enable_hashjoin = off; "
	"SET enable_mergejoin = off; SET enable_bitmapscan = off; SET enable_material = off; "
	"SET client_min_messages = warning; SET lock_timeout = '10s'";

static bool postgres_url_is(const char *where)
{
	char *why = NULL;
	PQconninfoOption *options = PQconninfoParse(where, &why);

	PQfreemem(why);
	PQconninfoFree(options);
	return options != NULL;
}

static int postgres_open(void **out, const char *where, char why[SQL_WHY_MAX])
{
	/* a server that is gone without a word is found by keep-alives within 20 s */
	const char *const names[] = { "dbname",           "application_name", "client_encoding",
				      "connect_timeout",  "keepalives_idle",  "keepalives_interval",
				      "keepalives_count", "tcp_user_timeout", NULL };
	const char *const values[] = { where, "tandem-archive", "UTF8", "5", "10", "5",
				       "2",   "20000",          NULL };
	struct postgres *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	if (!postgres_url_is(where)) { /* what libpq says of it might have the password */
		(void)snprintf(why, SQL_WHY_MAX, "the URL of the database cannot be read");
		free(p);
		return -EIO;
	}
	p->chunk = malloc(COPY_CHUNK);
	p->conn = p->chunk ? PQconnectdbParams(names, values, 1) : NULL;
	if (!p->conn || PQstatus(p->conn) != CONNECTION_OK) {
		postgres_why_set(why, p->conn ? PQerrorMessage(p->conn) : "out of memory");
		err = -EAGAIN;
	} else {
		(void)PQsetNoticeReceiver(p->conn, postgres_quiet, NULL);
		err = postgres_done(p, PQexec(p->conn, g_postgres_session), why);
	}
	if (err)
		postgres_close(p);
	else
		*out = p;
	return err;
}

static bool postgres_connected(const void *of)
{
	return PQstatus(((const struct postgres *)of)->conn) == CONNECTION_OK;
}

static int postgres_script(void *of, const char *text, char why[SQL_WHY_MAX])
{
	const struct postgres *p = of;

	return postgres_done(p, PQexec(p->conn, text), why);
}

/* ---- statements ---- */

static int postgres_prepare(struct postgres *p, const char *text, char name[NUMBER_MAX],
			    char why[SQL_WHY_MAX])
{
	size_t i;
	int err;

	for (i = 0; i < p->count && strcmp(p->prepared[i], text) != 0; i++)
		;
	(void)snprintf(name, NUMBER_MAX, "s%zu", i);
	if (i < p->count)
		return 0;
	if (i == PREPARED_MAX) { /* there are fewer texts than that */
		name[0] = '\0';
		return 0;
	}
	err = postgres_done(p, PQprepare(p->conn, name, text, 0, NULL), why);
	if (!err && (p->prepared[i] = malloc(strlen(text) + 1)) != NULL) {
		memcpy(p->prepared[i], text, strlen(text) + 1);
		p->count++;
	} else if (!err) {
		err = -ENOMEM;
	}
	return err;
}

struct postgres_params {
	const char *values[SQL_PARAMS_MAX];
	char numbers[SQL_PARAMS_MAX][NUMBER_MAX];
	char *texts[SQL_PARAMS_MAX];
};

static int postgres_params_set(struct postgres_params *to, const struct sql_value *params, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct sql_value *v = &params[i];

		to->values[i] = to->texts[i] = NULL;
		if (v->type == SQL_NUMBER) {
			(void)snprintf(to->numbers[i], NUMBER_MAX, "%" PRId64, v->number);
			to->values[i] = to->numbers[i];
		} else if (v->type == SQL_TEXT) {
			to->texts[i] = malloc(v->text.n + 1);
			if (!to->texts[i])
				return -ENOMEM;
			(void)bytes_cstr(v->text, to->texts[i], v->text.n + 1);
			to->values[i] = to->texts[i];
		}
	}
	return 0;
}

static void postgres_rows(const PGresult *r, sql_row_fn *fn, void *arg)
{
	struct sql_value row[SQL_COLUMNS_MAX];
	int columns = PQnfields(r);
	bool more = fn != NULL && columns <= SQL_COLUMNS_MAX;

	for (int i = 0; more && i < PQntuples(r); i++) {
		for (int k = 0; k < columns; k++) {
			row[k] = PQgetisnull(r, i, k)
					 ? (struct sql_value){ .type = SQL_NULL }
					 : sql_text(bytes_mem(PQgetvalue(r, i, k),
							      (size_t)PQgetlength(r, i, k)));
		}
		more = fn(row, arg);
	}
}

static int postgres_run(void *of, const char *text, const struct sql_value *params, size_t n,
			sql_row_fn *fn, void *arg, uint64_t *changed, char why[SQL_WHY_MAX])
{
	struct postgres_params to = { 0 };
	struct postgres *p = of;
	PGresult *r = NULL;
	char name[NUMBER_MAX];
	int err = postgres_prepare(p, text, name, why);

	if (!err)
		err = postgres_params_set(&to, params, n);
	if (!err) {
		r = name[0] ? PQexecPrepared(p->conn, name, (int)n, to.values, NULL, NULL, 0)
			    : PQexecParams(p->conn, text, (int)n, NULL, to.values, NULL, NULL, 0);
		if (PQresultStatus(r) == PGRES_TUPLES_OK)
			postgres_rows(r, fn, arg);
		(void)bytes_u64(bytes_str(PQcmdTuples(r)), changed);
		err = postgres_done(p, r, why);
	}
	for (size_t i = 0; i < n; i++)
		free(to.texts[i]);
	return err;
}

/* ---- COPY ---- */

static int postgres_copy_begin(void *of, const char *table, size_t columns, char why[SQL_WHY_MAX])
{
	struct postgres *p = of;
	char text[64];

	(void)snprintf(text, sizeof(text), "COPY %s FROM STDIN", table);
	p->columns = columns;
	p->used = 0;
	return postgres_done(p, PQexec(p->conn, text), why);
}

static int postgres_flush(struct postgres *p, char why[SQL_WHY_MAX])
{
	int ok = p->used ? PQputCopyData(p->conn, p->chunk, (int)p->used) : 1;

	p->used = 0;
	return ok == 1 ? 0 : postgres_error(p, NULL, why);
}

static int copy_octet(struct postgres *p, char c, char why[SQL_WHY_MAX])
{
	int err = p->used == COPY_CHUNK ? postgres_flush(p, why) : 0;

	if (!err)
		p->chunk[p->used++] = c;
	return err;
}

/* The text format of COPY: tabs, line ends and backslashes are escaped. */
static int copy_text(struct postgres *p, struct bytes text, char why[SQL_WHY_MAX])
{
	static const char plain[] = "\\\t\n\r", after[] = "\\tnr";
	int err = 0;

	for (size_t i = 0; i < text.n && !err; i++) {
		const char *at = memchr(plain, text.p[i], sizeof(plain) - 1);

		if (at)
			err = copy_octet(p, '\\', why);
		if (!err)
			err = copy_octet(p, at ? after[at - plain] : (char)text.p[i], why);
	}
	return err;
}

static int copy_value(struct postgres *p, const struct sql_value *v, char why[SQL_WHY_MAX])
{
	char number[NUMBER_MAX];
	int err = 0;

	switch (v->type) {
	case SQL_NULL:
		err = copy_octet(p, '\\', why);
		return err ? err : copy_octet(p, 'N', why);
	case SQL_NUMBER:
		(void)snprintf(number, sizeof(number), "%" PRId64, v->number);
		return copy_text(p, bytes_str(number), why);
	case SQL_TEXT:
		return copy_text(p, v->text, why);
	}
	return err;
}

static int postgres_copy_row(void *of, const struct sql_value *row, char why[SQL_WHY_MAX])
{
	struct postgres *p = of;
	int err = 0;

	for (size_t i = 0; i < p->columns && !err; i++) {
		err = copy_value(p, &row[i], why);
		if (!err)
			err = copy_octet(p, i + 1 < p->columns ? '\t' : '\n', why);
	}
	return err;
}

static int postgres_copy_end(void *of, char why[SQL_WHY_MAX])
{
	struct postgres *p = of;
	int err = postgres_flush(p, why);
	PGresult *r;

	if (PQputCopyEnd(p->conn, err ? "given up" : NULL) != 1 && !err)
		err = postgres_error(p, NULL, why);
	while ((r = PQgetResult(p->conn)) != NULL) {
		int said = postgres_done(p, r, why);

		err = err ? err : said;
	}
	return err;
}

const struct sql_engine sql_engine_postgres = {
	.open = postgres_open,
	.close = postgres_close,
	.connected = postgres_connected,
	.script = postgres_script,
	.run = postgres_run,
	.copy_begin = postgres_copy_begin,
	.copy_row = postgres_copy_row,
	.copy_end = postgres_copy_end,
	.begin = "BEGIN",
	.mark = 'p',
};
