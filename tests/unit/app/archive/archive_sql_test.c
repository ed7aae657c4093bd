/* SPDX-License-Identifier: Apache-2.0 */
/* One interface to both engines: values, many rows at once, transactions, and a schema that goes forward only. */
#include "tests/unit/app/archive/rig.h"

static void copy(struct archive *a, const char *text)
{
	struct sql *s = archive_sql(a);
	const struct sql_value row[] = {
		sql_text(bytes_str(text)), sql_number(3),           sql_number(-5),
		sql_text(BYTES_LIT("t")),  sql_text(BYTES_LIT("")), sql_text(BYTES_LIT("")),
		sql_text(BYTES_LIT("")),   sql_text(BYTES_LIT("")), sql_number(0)
	};

	assert_int_equal(sql_copy_begin(s, "event", 9), 0);
	assert_int_equal(sql_copy_row(s, row), 0);
	assert_int_equal(sql_copy_end(s), 0);
}

static bool own_row(const struct sql_value *row, void *arg)
{
	assert_int_equal(sql_int(&row[1]), -5);
	(void)bytes_cstr(row[0].text, arg, 64);
	return true;
}

/* What COPY escapes comes back, and empty texts are no NULL. */
static void texts(struct archive *a)
{
	static const char text[] = "a\tb\\n\nc\r\\.\xc3\xbc'\"$1";
	const struct sql_value params[] = { sql_text(BYTES_LIT("")), sql_text(bytes_str(text)) };
	char out[64] = "";

	assert_int_equal(sql_begin(archive_sql(a)), 0);
	copy(a, text);
	assert_int_equal(sql_commit(archive_sql(a)), 0);
	assert_int_equal(sql_run(archive_sql(a),
				 "SELECT own, utc_ms FROM event WHERE own = $2 AND who = $1",
				 params, 2, own_row, out),
			 0);
	assert_string_equal(out, text);
}

static void rolled_back(struct archive *a)
{
	struct sql *s = archive_sql(a);

	assert_int_equal(sql_begin(s), 0);
	copy(a, "gone");
	sql_rollback(s);
	assert_int_equal(rig_number(a, "SELECT count(*) FROM event"), 0);
	assert_int_equal(sql_run(s, "SELECT nothing FROM nowhere", NULL, 0, NULL, NULL), -EIO);
	assert_true(strlen(sql_why(s)) > 0 && !strchr(sql_why(s), '\n'));
	assert_int_equal(sql_begin(s), 0);
	copy(a, "stays");
	assert_int_equal(sql_commit(s), 0);
	assert_int_equal(rig_number(a, "SELECT count(*) FROM event"), 1);
}

static void test_texts(void **state)
{
	(void)state;
	rig_both(texts);
}

static void test_rolled_back(void **state)
{
	(void)state;
	rig_both(rolled_back);
}

/* Opened twice it is migrated once; what a later program has made is left as it is. */
static void test_versions(void **state)
{
	int64_t last = -1; /* migration 0 is for each session */

	(void)state;
	for (const char *p = sql_schema; (p = strstr(p, "-- migration ")) != NULL; p++)
		last++;
	for (int postgres = 0; postgres < 2; postgres++) {
		char where[WHERE_MAX], why[SQL_WHY_MAX] = "", newer[64];
		struct archive *a, *b;

		rig_where(postgres, where);
		a = rig_open(where);
		assert_int_equal(rig_number(a, "SELECT version FROM schema_version"), last);
		b = rig_open(where);
		archive_close(b);
		assert_int_equal(sql_script(archive_sql(a),
					    "UPDATE schema_version SET version = version + 1"),
				 0);
		assert_int_equal(archive_open(&b, where, why), -EPROTONOSUPPORT);
		(void)snprintf(newer, sizeof(newer), "schema %lld", (long long)last + 1);
		assert_non_null(strstr(why, newer));
		assert_int_equal(rig_number(a, "SELECT version FROM schema_version"), last + 1);
		archive_close(a);
	}
}

static void test_nowhere(void **state)
{
	char why[SQL_WHY_MAX] = "";
	struct archive *a;
	struct stat st;

	(void)state;
	assert_int_equal(archive_open(&a, "/nonexistent/archive.sqlite", why), -EIO);
	assert_true(strlen(why) > 0);
	assert_int_equal(archive_open(&a, "postgresql:///d?host=/nonexistent", why), -EAGAIN);
	assert_null(a);
	a = rig_open("mode.sqlite");
	assert_int_equal(stat("mode.sqlite", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	archive_close(a);
}

/* A server that goes away is told apart from what no later try changes. */
static void test_server_away(void **state)
{
	char where[WHERE_MAX];
	struct archive *a, *b;

	(void)state;
	rig_where(true, where);
	a = rig_open(where);
	b = rig_open(where);
	(void)rig_number(b, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
			    "WHERE pid <> pg_backend_pid() AND datname = current_database()");
	assert_int_equal(sql_script(archive_sql(a), "SELECT 1"), -EAGAIN);
	assert_false(sql_is_connected(archive_sql(a)));
	archive_close(a);
	archive_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),       cmocka_unit_test(test_rolled_back),
		cmocka_unit_test(test_versions),    cmocka_unit_test(test_nowhere),
		cmocka_unit_test(test_server_away),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
