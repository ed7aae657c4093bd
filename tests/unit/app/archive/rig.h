/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each test of the archive runs on both engines: on a file of SQLite, and on a PostgreSQL of the test's own in a temporary
 * folder, as another user where this one is root. It also has call records as nodes write them.
 */
#ifndef TESTS_UNIT_APP_ARCHIVE_RIG_H
#define TESTS_UNIT_APP_ARCHIVE_RIG_H

#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/archive/archive.h"
#include "sig/sip/id.h"

#define PROGRAMS "/usr/lib/postgresql/15/bin/"
enum { NOBODY = 65534, WHERE_MAX = 128 };

static struct {
	char dir[32];
	pid_t postgres;
	int databases;
} g_rig;

/* output: of the program, too. */
UNUSED static pid_t rig_spawn(const char *const *words)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0666);

	(void)dup2(log, 1);
	(void)dup2(log, 2);
	if (!geteuid() && (setgid(NOBODY) || setuid(NOBODY)))
		_exit(126);
	(void)prctl(PR_SET_PDEATHSIG, SIGQUIT);
	(void)setenv("LC_ALL", "C.UTF-8", 1);
	(void)execv(words[0], (char **)(uintptr_t)words);
	_exit(127);
}

UNUSED static void rig_nap(void)
{
	struct timespec ts = { .tv_nsec = 20000000 };

	(void)nanosleep(&ts, NULL);
}

/* A database of its own for each that asks. */
UNUSED static void rig_where(bool postgres, char out[WHERE_MAX])
{
	char url[WHERE_MAX], why[SQL_WHY_MAX] = "", text[64];
	struct sql *sql = NULL;

	if (!postgres) {
		(void)snprintf(out, WHERE_MAX, "%s/%d.sqlite", g_rig.dir, ++g_rig.databases);
		return;
	}
	(void)snprintf(url, sizeof(url), "postgresql://tandem@/postgres?host=%s", g_rig.dir);
	for (int i = 0; i < 1000 && sql_open(&sql, url, why); i++)
		rig_nap();
	if (!sql)
		fail_msg("%s", why);
	(void)snprintf(text, sizeof(text), "CREATE DATABASE d%d", ++g_rig.databases);
	assert_int_equal(sql_script(sql, text), 0);
	sql_close(sql);
	(void)snprintf(out, WHERE_MAX, "postgresql://tandem@/d%d?host=%s", g_rig.databases,
		       g_rig.dir);
}

UNUSED static int rig_setup(void **state)
{
	static const char *const make[] = { PROGRAMS "initdb",
					    "-D",
					    "data",
					    "-U",
					    "tandem",
					    "-A",
					    "trust",
					    "-N",
					    "-E",
					    "UTF8",
					    "--locale",
					    "C.UTF-8",
					    NULL };
	static const char *const run[] = {
		PROGRAMS "postgres", "-D", "data",      "-c", "unix_socket_directories=..", "-c",
		"listen_addresses=", "-c", "fsync=off", NULL
	};
	int status = 0;

	(void)state;
	(void)snprintf(g_rig.dir, sizeof(g_rig.dir), "/tmp/tandem-sql-XXXXXX");
	assert_non_null(mkdtemp(g_rig.dir));
	assert_int_equal(chdir(g_rig.dir), 0);
	assert_int_equal(chmod(g_rig.dir, 0777), 0);
	assert_int_equal(waitpid(rig_spawn(make), &status, 0) > 0, 1);
	if (status) {
		print_error("# initdb failed: %d; is postgresql-15 there (deploy/peers.sh)?\n",
			    status);
		return -1;
	}
	g_rig.postgres = rig_spawn(run);
	return 0;
}

UNUSED static int rig_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

UNUSED static int rig_teardown(void **state)
{
	(void)state;
	if (g_rig.postgres) {
		(void)kill(g_rig.postgres, SIGQUIT);
		(void)waitpid(g_rig.postgres, NULL, 0);
	}
	return nftw(g_rig.dir, rig_remove, 16, FTW_DEPTH | FTW_PHYS);
}

UNUSED static struct archive *rig_open(const char *where)
{
	char why[SQL_WHY_MAX] = "";
	struct archive *a;

	if (archive_open(&a, where, why))
		fail_msg("%s: %s", where, why);
	return a;
}

/* Runs a test on both. */
typedef void rig_test(struct archive *a);
UNUSED static void rig_both(rig_test *test)
{
	for (int postgres = 0; postgres < 2; postgres++) {
		char where[WHERE_MAX];
		struct archive *a;

		rig_where(postgres, where);
		a = rig_open(where);
		assert_int_equal(sql_is_postgres(archive_sql(a)), postgres);
		test(a);
		archive_close(a);
	}
}

/* ---- call records ---- */

#define STREAM    "td:{s1}:cdr"
#define T0        INT64_C(1795819000000) /* 2026-11-28 */
#define CALL_TEXT (ID_TEXT_LEN + 1)

/* The id of a call that began so many ms after T0. */
UNUSED static uint64_t rig_call(int64_t ms)
{
	struct id_source source = { .shard = 1 };

	return id_call_next(&source, (uint64_t)(T0 + ms));
}

/* A stream, as far as it was written. */
struct rig_stream {
	struct archive_batch *batch;
	struct archive_mark mark;
	unsigned entries;
};

UNUSED static void rig_entry(struct rig_stream *s, enum archive_stream kind, const char *stream,
			     struct archive_field *fields, size_t count)
{
	char id[48];
	struct archive_entry entry = { kind, bytes_str(stream), BYTES_LIT("default"), { 0 }, fields,
				       count };

	if (!s->batch)
		s->batch = archive_batch_new();
	assert_non_null(s->batch);
	(void)snprintf(id, sizeof(id), "%lld-%u", (long long)T0, ++s->entries);
	entry.id = bytes_str(id);
	assert_int_equal(archive_batch_add(s->batch, &entry), 0);
}

/* leg 1 is the first one; more: members behind a comma. */
UNUSED static void rig_cdr(struct rig_stream *s, uint64_t call, int leg, int64_t ended_ms,
			   int64_t talk_ms, const char *more)
{
	char id[24], json[1024];
	struct archive_field fields[] = { { BYTES_LIT("id"), { 0 } }, { BYTES_LIT("cdr"), { 0 } } };

	id_call_put(id, call);
	id[ID_TEXT_LEN] = '\0';
	if (leg > 1)
		(void)snprintf(id + ID_TEXT_LEN, sizeof(id) - ID_TEXT_LEN, ".%d", leg);
	(void)snprintf(json, sizeof(json),
		       "{\"tenant\":\"default\",\"setup_utc_ms\":%lld,\"ringing_utc_ms\":0,"
		       "\"answer_utc_ms\":%lld,\"end_utc_ms\":%lld,\"talk_ms\":%lld%s%s}",
		       (long long)(ended_ms - talk_ms - 5000),
		       (long long)(talk_ms ? ended_ms - talk_ms : 0), (long long)ended_ms,
		       (long long)talk_ms, more[0] ? "," : "", more);
	fields[0].value = bytes_str(id);
	fields[1].value = bytes_str(json);
	rig_entry(s, ARCHIVE_CDRS, STREAM, fields, 2);
}

/* Saves what was written. */
UNUSED static void rig_save(struct archive *a, struct rig_stream *s)
{
	struct archive_mark from = { 0 };

	assert_int_equal(archive_mark_get(a, BYTES_LIT(STREAM), &from), 0);
	if (archive_save(a, s->batch, BYTES_LIT(STREAM), &from, T0))
		fail_msg("%s", sql_why(archive_sql(a)));
	archive_batch_free(s->batch);
	s->batch = NULL;
}

/* ---- questions ---- */

UNUSED static bool rig_number_row(const struct sql_value *row, void *arg)
{
	*(int64_t *)arg = sql_int(&row[0]);
	return false;
}

UNUSED static int64_t rig_number(struct archive *a, const char *text)
{
	int64_t number = -1;

	if (sql_run(archive_sql(a), text, NULL, 0, rig_number_row, &number))
		fail_msg("%s: %s", text, sql_why(archive_sql(a)));
	return number;
}

/* All of the tenant's, the newest first. */
UNUSED static struct archive_query rig_all(void)
{
	return (struct archive_query){ .tenant = BYTES_LIT("default"),
				       .until_ms = INT64_MAX,
				       .direction = -1,
				       .result = -1,
				       .limit = 100 };
}

UNUSED static struct archive_query rig_of(const char *owner)
{
	struct archive_query q = rig_all();

	q.owners[0] = bytes_str(owner);
	q.owner_count = 1;
	return q;
}

/* The caller's. next: NULL: there is no further page. */
UNUSED static json_t *rig_page(struct archive *a, const struct archive_query *q, json_t **next)
{
	json_t *rows = NULL, *cursor = NULL;

	int err = archive_history(a, q, &rows, &cursor);

	if (err)
		fail_msg("%d: %s: limit %u cursor " BYTES_FMT, err, sql_why(archive_sql(a)),
			 q->limit, BYTES_ARG(q->cursor));
	if (next)
		*next = cursor;
	else
		json_decref(cursor);
	return rows;
}

UNUSED static const char *rig_text(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "(none)";
}

UNUSED static json_int_t rig_int(const json_t *row, const char *name)
{
	return json_integer_value(json_object_get(row, name));
}

UNUSED static size_t rig_count(struct archive *a, const struct archive_query *q)
{
	json_t *rows = rig_page(a, q, NULL);
	size_t count = json_array_size(rows);

	json_decref(rows);
	return count;
}

#endif
