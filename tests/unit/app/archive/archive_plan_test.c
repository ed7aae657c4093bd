/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each look-up reads a range of an index, on both engines: no statement reads a table, or a book, from end to end. The plans are those that the
 * engines used: PostgreSQL logs them (auto_explain), and SQLite tells of each statement that it runs.
 */
#include "tests/unit/app/archive/rig.h"

#include <sqlite3.h>

#include "app/archive/archive_request.h"

enum { CALLS = 4000, CONTACTS = 20000, STATEMENTS = 64, PLAN_MAX = 1 << 16 };

/* ---- what an engine did ---- */

static struct {
	bool on;
	char *texts[STATEMENTS];
	size_t count;
} g_traced;

static int traced(unsigned kind, void *arg, void *statement, void *text)
{
	const char *sql = sqlite3_sql(statement);

	(void)kind;
	(void)arg;
	(void)text;
	if (!g_traced.on || !strncmp(sql, "EXPLAIN", 7))
		return 0;
	assert_true(g_traced.count < STATEMENTS);
	g_traced.texts[g_traced.count++] = strdup(sql);
	return 0;
}

static int trace_open(sqlite3 *db, char **why, const void *api)
{
	(void)why;
	(void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, traced, NULL);
}

static bool plan_line(const struct sql_value *row, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	(void)snprintf(out + n, PLAN_MAX - n, BYTES_FMT "\n", BYTES_ARG(row[3].text));
	return true;
}

static long log_size(void)
{
	struct stat st;

	return stat("log", &st) ? 0 : (long)st.st_size;
}

static long g_log_from;

static void watch(struct archive *a)
{
	if (sql_is_postgres(archive_sql(a)))
		assert_int_equal(
			sql_script(archive_sql(a),
				   "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0"),
			0);
	g_log_from = log_size();
	g_traced.on = true;
}

/* Of the statements since watch. */
static const char *plans(struct archive *a)
{
	static char out[PLAN_MAX];
	FILE *log = fopen("log", "r");

	out[0] = '\0';
	g_traced.on = false;
	assert_non_null(log);
	if (sql_is_postgres(archive_sql(a))) {
		assert_int_equal(fseek(log, g_log_from, SEEK_SET), 0);
		out[fread(out, 1, PLAN_MAX - 1, log)] = '\0';
	}
	(void)fclose(log);
	for (size_t i = 0; i < g_traced.count; i++) {
		char text[4096];

		(void)snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", g_traced.texts[i]);
		assert_int_equal(sql_run(archive_sql(a), text, NULL, 0, plan_line, out), 0);
		free(g_traced.texts[i]);
	}
	g_traced.count = 0;
	assert_true(out[0] != '\0');
	return out;
}

/* SQLite scans rows that another part of the plan made, or that are constant. */
static bool scan_is_made(const char *plan, const char *name, size_t n)
{
	char made[128];

	if (!strncmp(name, "(subquery", 9) || !strncmp(name, "CONSTANT ROW", 12))
		return true;
	(void)snprintf(made, sizeof(made), "CO-ROUTINE %.*s\n", (int)n, name);
	if (strstr(plan, made))
		return true;
	(void)snprintf(made, sizeof(made), "MATERIALIZE %.*s\n", (int)n, name);
	return strstr(plan, made) != NULL;
}

static void index_alone(const char *what, const char *plan)
{
	if (strstr(plan, "Seq Scan"))
		fail_msg("%s: %s", what, plan);
	for (const char *at = plan; (at = strstr(at, "SCAN ")) != NULL; at++) {
		if (!scan_is_made(plan, at + 5, strcspn(at + 5, " \n")))
			fail_msg("%s: %s", what, plan);
	}
}

/* ---- what is there ---- */

static void calls_write(struct archive *a)
{
	struct rig_stream s = { 0 };

	for (int i = 0; i < CALLS; i++) {
		char more[256];

		(void)snprintf(more, sizeof(more),
			       "\"from\":\"+4989%d\",\"from_trunk\":\"t\",\"to\":\"100%d\","
			       "\"group\":\"sales\",\"missed\":\"1005\",\"sip_status\":487",
			       i % 300, i % 10);
		rig_cdr(&s, rig_call(i), 1, T0 + 10 * i, 0, more);
	}
	rig_save(a, &s);
	assert_int_equal(
		sql_script(archive_sql(a),
			   "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE "
			   "n < 2000) INSERT INTO cleared (tenant, owner, until_ms) "
			   "SELECT 'default', 'u' || n, 0 FROM i"),
		0);
	assert_int_equal(sql_script(archive_sql(a),
				    "INSERT INTO note (tenant, owner, call, at_ms, text) SELECT "
				    "'default', 'u1', call, 1, 'x' FROM conversation"),
			 0);
	assert_int_equal(
		sql_script(archive_sql(a),
			   "INSERT INTO logged (tenant, owner, call, asked_ms, ended_ms, record) "
			   "SELECT tenant, owner, call, 1, ended_ms, 'x' FROM listing WHERE "
			   "owner <> '' AND ended_ms % 20 = 0; INSERT INTO logged (tenant, owner, "
			   "call, "
			   "asked_ms, ended_ms, record) VALUES ('default', 'u1005', 0, 1, 1, '')"),
		0);
}

static void contacts_write(struct archive *a)
{
	struct sql *sql = archive_sql(a);
	char text[512];

	(void)snprintf(
		text, sizeof(text),
		"WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < %d) "
		"INSERT INTO contact (tenant, owner, id, revision, changed_ms, flags, sort, name, "
		"number, company, words, card) SELECT 'acme', CASE n %% 100 WHEN 0 THEN 'd' ELSE "
		"'u' || (1000 + n %% 100) END, 'c' || n, 1, 1, 0, 'p' || n, 'P' || n, '', '', 'p' "
		"|| n, '{}' FROM i",
		CONTACTS);
	assert_int_equal(sql_script(sql, text), 0);
	assert_int_equal(sql_script(sql,
				    "INSERT INTO contact_number (tenant, normal, owner, id) "
				    "SELECT tenant, '+4989' || substr(id, 2), owner, id "
				    "FROM contact; "
				    "INSERT INTO contact_note (tenant, owner, about, note, at_ms, "
				    "archived, text) SELECT tenant, owner, 'contact/' || id, 1, 1, "
				    "0, 'x' FROM contact"),
			 0);
}

static void asked(struct archive *a, const char *request, const char *args)
{
	const struct archive_request *r = archive_request_find(request);
	json_t *json = json_loads(args, 0, NULL), *answer;

	assert_non_null(json);
	answer = archive_request_answer(a, r, json);
	if (!json_array_size(json_object_get(answer, "result")))
		fail_msg("%s %s: %s", request, args, json_dumps(answer, 0));
	json_decref(answer);
	json_decref(json);
}

static void pages(struct archive *a)
{
	struct archive_query q[7] = { rig_all(),       rig_of("u1005"), rig_of("gsales"),
				      rig_of("u1005"), rig_of("u1005"), rig_all(),
				      rig_of("u1005") };

	q[1].flags = ARCHIVE_MISSED;
	q[2].text = BYTES_LIT("498912");
	q[3].since_ms = T0 + 100;
	q[3].direction = ARCHIVE_INCOMING;
	q[4].answered_by = BYTES_LIT("nobody");
	q[5].account = BYTES_LIT("none");
	q[6].unlogged = true;
	for (size_t i = 0; i < COUNT_OF(q); i++) {
		watch(a);
		json_decref(rig_page(a, &q[i], NULL));
		index_alone("a page of history", plans(a));
	}
	watch(a);
	asked(a, "history.unlogged", "{\"tenant\":\"default\"}");
	index_alone("who has calls without a log", plans(a));
}

#define PLAN \
	"\"plan\":{\"country\":\"49\",\"area\":\"89\",\"national_prefix\":\"0\",\"access\":\"0\"}"

/* A look-up in a large book costs what it costs in a small one. */
static void lookup(struct archive *a, bool known)
{
	const char *plan,
		*where = sql_is_postgres(archive_sql(a)) ? "(normal = " : "normal=? AND owner=?";

	watch(a);
	asked(a, "contact.find",
	      "{\"tenant\":\"acme\",\"owner\":\"u1001\",\"number\":\"+4989101\"," PLAN "}");
	plan = plans(a);
	index_alone("a look-up", plan);
	if (!strstr(plan, where) || strstr(plan, "contact_number_of") ||
	    (known && strstr(plan, "Filter:")))
		fail_msg("%s", plan);
}

static void lists(struct archive *a)
{
	watch(a);
	asked(a, "contact.list",
	      "{\"tenant\":\"acme\",\"owner\":\"u1001\",\"order\":\"\",\"limit\":50}");
	asked(a, "contact.list",
	      "{\"tenant\":\"acme\",\"owner\":\"u1001\",\"order\":\"\",\"limit\":50,"
	      "\"search\":\"p1\"}");
	index_alone("a list of contacts", plans(a));
}

static void events_write(struct archive *a)
{
	assert_int_equal(
		sql_script(
			archive_sql(a),
			"WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE "
			"n < 20000) INSERT INTO event (own, kind, utc_ms, tenant, type, "
			"subject, who, body, seq) SELECT 'e' || n, 1, n / 3, 'acme', 'x', 's' || ("
			"n % 50), '', '{}', n % 3 FROM i"),
		0);
	assert_int_equal(
		sql_script(archive_sql(a),
			   "INSERT INTO contact_book (tenant, owner, revision, entries) VALUES "
			   "('acme', 'e', 1, 1); INSERT INTO contact (tenant, owner, id, revision, "
			   "changed_ms, flags, sort, name, number, company, words, card) VALUES "
			   "('acme', 'e', '1001', 1, 1, 0, 'p', 'P', '1001', '', 'p', '{}')"),
		0);
}

/* A page of many events is sorted by what has one time alone, so it is as long as a page. */
static void events(struct archive *a)
{
	static const char *const objects[] = { "", ",\"object\":\"s7\"" };
	json_t *args;

	for (size_t i = 0; i < COUNT_OF(objects); i++) {
		const char *plan;
		char text[256];

		(void)snprintf(text, sizeof(text),
			       "{\"tenant\":\"acme\",\"kind\":1,\"until_ms\":5000,\"seq\":1,"
			       "\"after\":\"g\",\"limit\":1000%s}",
			       objects[i]);
		watch(a);
		asked(a, "event.list", text);
		plan = plans(a);
		index_alone("a page of events", plan);
		if (!i &&
		    !strstr(plan, sql_is_postgres(archive_sql(a)) ? "Incremental Sort"
								  : "FOR RIGHT PART OF ORDER BY"))
			fail_msg("%s", plan);
	}
	watch(a);
	args = json_pack("{s:s, s:s}", "tenant", "acme", "after", "");
	json_decref(archive_request_answer(a, archive_request_find("contact.mirrored"), args));
	json_decref(args);
	index_alone("extensions of a tenant", plans(a));
}

static void indexed(struct archive *a)
{
	calls_write(a);
	contacts_write(a);
	events_write(a);
	if (sql_is_postgres(archive_sql(a)))
		assert_int_equal(sql_script(archive_sql(a), "ANALYZE"), 0);
	pages(a);
	lookup(a, true);
	lists(a);
	events(a);
	assert_int_equal(sql_plan_anew(archive_sql(a)), 0);
	lookup(a, true);
}

static void test_indexed(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_auto_extension((void (*)(void))(uintptr_t)trace_open), SQLITE_OK);
	rig_both(indexed);
	sqlite3_reset_auto_extension();
}

/* With statistics of 30 million rows in each table, as a carrier has them after a year. */
static void carriers(struct archive *a)
{
	calls_write(a);
	contacts_write(a);
	events_write(a);
	assert_int_equal(sql_script(archive_sql(a), "ANALYZE"), 0);
	assert_int_equal(
		sql_script(archive_sql(a),
			   sql_is_postgres(archive_sql(a))
				   ? "UPDATE pg_class SET reltuples = 30000000 WHERE reltuples > 0 "
				     "AND relkind IN ('r', 'i') AND relnamespace = "
				     "'public'::regnamespace"
				   : "UPDATE sqlite_stat1 SET stat = '30000000' || substr(stat, "
				     "instr(stat, ' ')); ANALYZE sqlite_schema"),
		0);
	pages(a);
	lookup(a, true);
	lists(a);
	events(a);
}

static void test_carriers(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_auto_extension((void (*)(void))(uintptr_t)trace_open), SQLITE_OK);
	rig_both(carriers);
	sqlite3_reset_auto_extension();
}

/* Behind an import, before the server has statistics. */
static void unknown(struct archive *a)
{
	contacts_write(a);
	lookup(a, false);
}

/* A plan that is kept was made while nothing was there: it is another one a second later. */
static void once(struct archive *a)
{
	static const char args[] = "{\"tenant\":\"acme\",\"owner\":\"u1001\",\"number\":"
				   "\"+4989101\"," PLAN "}";
	json_t *json = json_loads(args, 0, NULL);

	assert_int_equal(sql_plan_anew(archive_sql(a)), 0);
	json_decref(archive_request_answer(a, archive_request_find("contact.find"), json));
	json_decref(json);
	contacts_write(a);
	assert_int_equal(sql_plan_anew(archive_sql(a)), 0);
	lookup(a, false);
	lookup(a, false);
}

/* A batch is compared with what is there along an index: a later leg of one call, and a new call. */
static void saved(struct archive *a)
{
	struct rig_stream s = { 0 };
	const char *plan;

	calls_write(a);
	assert_int_equal(sql_script(archive_sql(a),
				    "INSERT INTO hidden (tenant, owner, call, at_ms) SELECT "
				    "'default', 'u1', call, 1 FROM conversation"),
			 0);
	if (sql_is_postgres(archive_sql(a)))
		assert_int_equal(sql_script(archive_sql(a), "ANALYZE"), 0);
	rig_cdr(&s, rig_call(1), 2, T0 + 90000, 0, "\"from\":\"1001\",\"to\":\"1002\"");
	rig_cdr(&s, rig_call(CALLS), 1, T0 + 90000, 0, "\"from\":\"1001\",\"to\":\"1002\"");
	watch(a);
	rig_save(a, &s);
	plan = plans(a);
	if (strstr(plan, "Seq Scan on leg") || strstr(plan, "Seq Scan on conversation") ||
	    strstr(plan, "Seq Scan on hidden") || strstr(plan, "SCAN l\n") ||
	    strstr(plan, "SCAN c\n") || strstr(plan, "SCAN h\n"))
		fail_msg("%s", plan);
}

static void test_saved(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_auto_extension((void (*)(void))(uintptr_t)trace_open), SQLITE_OK);
	rig_both(saved);
	sqlite3_reset_auto_extension();
}

static void test_without_statistics(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_auto_extension((void (*)(void))(uintptr_t)trace_open), SQLITE_OK);
	rig_both(unknown);
	rig_both(once);
	sqlite3_reset_auto_extension();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_indexed),
		cmocka_unit_test(test_carriers),
		cmocka_unit_test(test_without_statistics),
		cmocka_unit_test(test_saved),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
