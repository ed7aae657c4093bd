/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams are saved exactly once: rows and the mark in one transaction; what comes again, out of order, in two parts, or after a failover changes
 * nothing that it should not. Persons and tenants that were erased stay away.
 */
#include "tests/unit/app/archive/rig.h"

#include "app/archive/archive_request.h"

#define ANSWERED                                                                                  \
	"\"from\":\"1001\",\"from_name\":\"Ann\",\"to\":\"1002\",\"answered_by\":\"1002\",\"sip_" \
	"status\":200"
#define OUTSIDE                                                                              \
	"\"from\":\"+4989\",\"from_trunk\":\"t\",\"to\":\"1002\",\"missed\":\"1002\",\"sip_" \
	"status\":487"

static int64_t legs(struct archive *a)
{
	return rig_number(a, "SELECT count(*) FROM leg");
}

static int64_t listings(struct archive *a)
{
	return rig_number(a, "SELECT count(*) FROM listing");
}

static void again(struct archive *a)
{
	struct rig_stream s = { 0 };
	struct archive_mark mark;

	for (int round = 0; round < 3; round++) {
		s.entries = 0;
		for (int i = 0; i < 50; i++)
			rig_cdr(&s, rig_call(1000 * i), 1, T0 + 1000 * i, 100,
				i % 2 ? ANSWERED : OUTSIDE);
		rig_save(a, &s);
		assert_int_equal(legs(a), 50);
		assert_int_equal(rig_number(a, "SELECT count(*) FROM conversation"), 50);
		assert_int_equal(listings(a), 150);
	}
	assert_int_equal(archive_mark_get(a, BYTES_LIT(STREAM), &mark), 0);
	assert_string_equal(mark.entry, "1795819000000-50");
}

/* A later leg joins its conversation, in this batch or the next; a newer revision of one replaces it, an older one does not. */
static void revisions(struct archive *a)
{
	struct archive_query q = rig_all();
	struct rig_stream s = { 0 };
	json_t *rows;

	rig_cdr(&s, rig_call(0), 1, T0 + 1000, 100, ANSWERED);
	rig_cdr(&s, rig_call(0), 1, T0 + 2000, 200, ANSWERED);
	rig_cdr(&s, rig_call(0), 1, T0 + 1500, 150, ANSWERED);
	rig_save(a, &s);
	rig_cdr(&s, rig_call(0), 2, T0 + 9000, 400,
		"\"from\":\"1001\",\"to\":\"1003\",\"answered_by\":\"1003\"");
	rig_save(a, &s);
	rig_cdr(&s, rig_call(0), 1, T0 + 1200, 120, ANSWERED);
	rig_save(a, &s);
	rows = rig_page(a, &q, NULL);
	assert_int_equal(json_array_size(rows), 1);
	assert_int_equal(rig_int(json_array_get(rows, 0), "talk_ms"), 600);
	assert_int_equal(rig_int(json_array_get(rows, 0), "legs"), 2);
	assert_int_equal(rig_int(json_array_get(rows, 0), "end_utc_ms"), T0 + 9000);
	assert_string_equal(rig_text(json_array_get(rows, 0), "answered_by"), "1003");
	json_decref(rows);
	assert_int_equal(listings(a), 4); /* the tenant, 1001, 1002, 1003: none twice */
	rig_cdr(&s, rig_call(0), 2, T0 + 9500, 500,
		"\"from\":\"1001\",\"to\":\"1004\",\"answered_by\":\"1004\"");
	rig_save(a, &s);
	assert_int_equal(listings(a), 4);
	q = rig_of("u1003");
	assert_int_equal(rig_count(a, &q), 0);
	q = rig_of("u1004");
	assert_int_equal(rig_count(a, &q), 1);
}

/* A batch has calls that are new, others with a leg in the database, and one that a user took out of his list before it came. */
static void mixed(struct archive *a)
{
	struct archive_query of_him = rig_of("u1001"), all = rig_all();
	struct rig_stream s = { 0 };
	json_t *rows;

	for (int i = 0; i < 20; i += 2)
		rig_cdr(&s, rig_call(1000 * i), 1, T0 + 1000 * i, 100, ANSWERED);
	rig_save(a, &s);
	assert_int_equal(archive_hide(a, BYTES_LIT("default"), BYTES_LIT("u1001"),
				      &(uint64_t){ rig_call(19000) }, 1, T0),
			 0);
	for (int i = 0; i < 20; i++)
		rig_cdr(&s, rig_call(1000 * i), i % 2 ? 1 : 2, T0 + 1000 * i + 500, 300, ANSWERED);
	rig_save(a, &s);
	all.limit = 1000;
	rows = rig_page(a, &all, NULL);
	assert_int_equal(json_array_size(rows), 20);
	for (size_t i = 0; i < 20; i++) {
		assert_int_equal(rig_int(json_array_get(rows, i), "talk_ms"), i % 2 ? 400 : 300);
		assert_int_equal(rig_int(json_array_get(rows, i), "legs"), i % 2 ? 2 : 1);
	}
	json_decref(rows);
	assert_int_equal(legs(a), 30);
	assert_int_equal(listings(a), 60);
	of_him.limit = 1000;
	assert_int_equal(rig_count(a, &of_him), 19);
	assert_int_equal(rig_number(a, "SELECT count(*) FROM listing WHERE flags >= 8"), 1);
}

/* Who reads on from a mark that has moved saves nothing; what is not committed is not there. */
static void marks(struct archive *a)
{
	struct archive_mark old = { 0 }, now;
	struct rig_stream s = { 0 };

	rig_cdr(&s, rig_call(0), 1, T0, 100, ANSWERED);
	rig_save(a, &s);
	rig_cdr(&s, rig_call(1), 1, T0, 100, ANSWERED);
	assert_int_equal(archive_save(a, s.batch, BYTES_LIT(STREAM), &old, T0), -ESTALE);
	assert_int_equal(legs(a), 1);
	assert_int_equal(archive_mark_get(a, BYTES_LIT(STREAM), &now), 0);
	old = now;
	now.own[0] ^= 1; /* the entry there is another one by now */
	assert_int_equal(archive_save(a, s.batch, BYTES_LIT(STREAM), &now, T0), -ESTALE);
	assert_int_equal(archive_save(a, s.batch, BYTES_LIT(STREAM), &old, T0), 0);
	assert_int_equal(legs(a), 2);
	archive_batch_free(s.batch);
}

static void events(struct archive *a)
{
	struct archive_field fields[] = {
		{ BYTES_LIT("event"), BYTES_LIT("{\"command\":\"x\",\"object\":\"1001\"}") }
	};
	struct archive_field broken[] = { { BYTES_LIT("\xff"), BYTES_LIT("a\tb") } };
	struct rig_stream s = { 0 };

	rig_entry(&s, ARCHIVE_AUDIT, "td:{t:default}:audit", fields, 1);
	rig_entry(&s, ARCHIVE_AUDIT, "td:{t:default}:audit", broken, 1);
	rig_save(a, &s);
	s.entries = 0;
	rig_entry(&s, ARCHIVE_AUDIT, "td:{t:default}:audit", fields, 1);
	rig_entry(&s, ARCHIVE_AUDIT, "td:{t:default}:audit", broken, 1);
	rig_save(a, &s);
	assert_int_equal(rig_number(a, "SELECT count(*) FROM event WHERE kind = 1"), 1);
	assert_int_equal(rig_number(a, "SELECT count(*) FROM event WHERE kind = 0"), 1);
}

/* The page of those behind that place of the audit, which has entries of one millisecond: their numbers, the last first. */
static void event_page(struct archive *a, int64_t until_ms, int seq, const char *after,
		       const char *wanted)
{
	json_t *args = json_pack("{s:s, s:i, s:I, s:i, s:s, s:i, s:b}", "tenant", "default", "kind",
				 ARCHIVE_KIND_AUDIT, "until_ms", (json_int_t)until_ms, "seq", seq,
				 "after", after, "limit", 1000, "plain", 1);
	json_t *answer = archive_request_answer(a, archive_request_find("event.list"), args), *row;
	char text[64] = "", id[48];
	size_t i;

	json_array_foreach(json_object_get(answer, "result"), i, row)
	{
		json_int_t at = json_integer_value(json_object_get(row, ".seq"));

		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d,", (int)at);
		(void)snprintf(id, sizeof(id), "%lld-%d", (long long)T0, (int)at);
		assert_string_equal(json_string_value(json_object_get(row, at < 0 ? ".own" : "id")),
				    at < 0 ? "old" : id);
		assert_null(json_object_get(row, "type"));
	}
	assert_string_equal(text, wanted);
	json_decref(answer);
	json_decref(args);
}

/* Entries of one millisecond are in the order of their stream; one of before that was known is behind them, and in no page that begins within them. */
static void pages(struct archive *a)
{
	struct archive_field field = { BYTES_LIT("event"), BYTES_LIT("{\"command\":\"x\"}") };
	struct rig_stream s = { 0 };

	for (int i = 0; i < 4; i++)
		rig_entry(&s, ARCHIVE_AUDIT, "td:{t:default}:audit", &field, 1);
	rig_save(a, &s);
	assert_int_equal(sql_script(archive_sql(a),
				    "INSERT INTO event (own, kind, utc_ms, tenant, type, subject, "
				    "who, body) SELECT 'old', kind, utc_ms, tenant, type, subject, "
				    "who, body FROM event LIMIT 1"),
			 0);
	event_page(a, T0 + 1, -2, "", "4,3,2,1,-1,");
	event_page(a, T0, 3, "g", "2,1,");
	event_page(a, T0, 1, "g", "");
	event_page(a, T0, -1, "a", "-1,");
	event_page(a, T0, -1, "old", "");
	event_page(a, T0 - 1, -2, "", "");
}

static void test_pages(void **state)
{
	(void)state;
	rig_both(pages);
}

static void erase_all(struct archive *a, const char *number, int64_t until_ms)
{
	bool more = true;

	for (int i = 0; more; i++) {
		assert_true(i < 100);
		if (archive_erase(a, BYTES_LIT("default"), bytes_str(number), until_ms, &more))
			fail_msg("%s", sql_why(archive_sql(a)));
	}
}

static void calls_write(struct archive *a, int64_t from_ms)
{
	struct rig_stream s = { 0 };

	for (int i = 0; i < 300; i++)
		rig_cdr(&s, rig_call(from_ms + i), 1, T0 + from_ms + i, 100,
			i % 3 ? ANSWERED ",\"data\":\"menu.pin=1234\""
			      : "\"from\":\"1003\",\"to\":\"100\",\"missed\":\"1001,1004\",\"sip_"
				"status\":487");
	rig_save(a, &s);
}

/* A person is nowhere any more, and not again when the stream is read again; the others keep their conversations; later ones are new. */
static void person(struct archive *a)
{
	struct archive_query of_him = rig_of("u1001"), of_other = rig_of("u1002"), all = rig_all();

	calls_write(a, 0);
	assert_int_equal(rig_count(a, &of_him), 100);
	for (int round = 0; round < 2; round++) {
		erase_all(a, "1001", T0 + 10000);
		of_him.limit = of_other.limit = all.limit = 1000;
		assert_int_equal(rig_count(a, &of_him), 0);
		assert_int_equal(rig_count(a, &of_other), 200);
		assert_int_equal(rig_count(a, &all), 300);
		assert_int_equal(rig_number(a,
					    "SELECT count(*) FROM leg WHERE from_number = '1001' "
					    "OR missed LIKE '%1001%' OR detail LIKE '%1234%'"),
				 0);
		assert_int_equal(rig_number(a, "SELECT count(*) FROM leg WHERE missed = '1004'"),
				 100);
		assert_int_equal(
			rig_number(a, "SELECT count(*) FROM conversation WHERE words LIKE '%1001%' "
				      "OR owners LIKE '%1001%' OR words LIKE '%ann%'"),
			0);
		assert_int_equal(
			rig_number(a, "SELECT count(*) FROM erasure WHERE who LIKE '%1001%'"), 0);
		calls_write(a, 0);
	}
	calls_write(a, 20000);
	assert_int_equal(rig_count(a, &of_him), 300);
}

static void tenant(struct archive *a)
{
	calls_write(a, 0);
	erase_all(a, "", T0 + 10000);
	assert_int_equal(legs(a) + listings(a) + rig_number(a, "SELECT count(*) FROM conversation"),
			 0);
	calls_write(a, 0);
	assert_int_equal(legs(a), 0);
	calls_write(a, 20000);
	assert_int_equal(legs(a), 300);
}

static void retention(struct archive *a)
{
	struct archive_query q = rig_all();
	bool more = true;

	q.limit = 1000;
	calls_write(a, 0);
	calls_write(a, 20000);
	while (more)
		assert_int_equal(archive_retain(a, BYTES_LIT("default"), T0 + 10000, &more), 0);
	assert_int_equal(rig_count(a, &q), 300);
	assert_int_equal(legs(a), 300);
	assert_int_equal(
		rig_number(a, "SELECT count(*) FROM listing WHERE ended_ms < 1795819010000"), 0);
}

static void test_again(void **state)
{
	(void)state;
	rig_both(again);
}

static void test_revisions(void **state)
{
	(void)state;
	rig_both(revisions);
}

static void test_mixed(void **state)
{
	(void)state;
	rig_both(mixed);
}

static void test_marks(void **state)
{
	(void)state;
	rig_both(marks);
}

static void test_events(void **state)
{
	(void)state;
	rig_both(events);
}

static void test_person(void **state)
{
	(void)state;
	rig_both(person);
}

static void test_tenant(void **state)
{
	(void)state;
	rig_both(tenant);
}

static void test_retention(void **state)
{
	(void)state;
	rig_both(retention);
}

/* Two processes at one database: of each entry one of them saves it, and months are made once. */
static void test_two(void **state)
{
	char where[WHERE_MAX];
	pid_t pids[2];
	struct archive *a;
	int status;

	(void)state;
	rig_where(true, where);
	archive_close(rig_open(where));
	for (int k = 0; k < 2; k++) {
		pids[k] = fork();
		if (pids[k])
			continue;
		a = rig_open(where);
		for (int i = 0; i < 40;) {
			struct archive_mark from;
			struct rig_stream s = { 0 };
			int err;

			assert_int_equal(archive_mark_get(a, BYTES_LIT(STREAM), &from), 0);
			i = from.entry[0] ? atoi(strchr(from.entry, '-') + 1) : 0;
			s.entries = (unsigned)i;
			rig_cdr(&s, rig_call(i * INT64_C(2678400000)), 1, T0 + i, 100, ANSWERED);
			err = i < 40 ? archive_save(a, s.batch, BYTES_LIT(STREAM), &from, T0) : 0;
			archive_batch_free(s.batch);
			if (err && err != -ESTALE && err != -EAGAIN)
				_exit(1);
		}
		archive_close(a);
		_exit(0);
	}
	for (int k = 0; k < 2; k++) {
		assert_int_equal(waitpid(pids[k], &status, 0), pids[k]);
		assert_int_equal(status, 0);
	}
	a = rig_open(where);
	assert_int_equal(legs(a), 40);
	archive_close(a);
}

static void contact_write(struct archive *a, const char *id, int64_t at_ms)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "INSERT INTO contact (tenant, owner, id, revision, changed_ms, flags, sort, "
		       "name, number, company, words, card) VALUES ('default', 'd', '%s', 1, %lld, "
		       "0, 'z', 'Z', "
		       "'1', '', 'z', '{}')",
		       id, (long long)at_ms);
	assert_int_equal(sql_script(archive_sql(a), text), 0);
	(void)snprintf(text, sizeof(text),
		       "INSERT INTO contact_number VALUES ('default', '1', 'd', '%s')", id);
	assert_int_equal(sql_script(archive_sql(a), text), 0);
}

static void deletes_tenant(struct archive *a, const char *tenant, const char *entry)
{
	struct archive_field fields[] = { { BYTES_LIT("event"), bytes_str(entry) } };
	struct rig_stream s = { 0 };
	struct archive_mark from = { 0 };
	struct archive_entry of = { ARCHIVE_AUDIT,
				    BYTES_LIT("td:{t:x}:audit"),
				    bytes_str(tenant),
				    BYTES_LIT("1795820000000-1"),
				    fields,
				    1 };
	bool more = true;

	s.batch = archive_batch_new();
	assert_int_equal(archive_batch_add(s.batch, &of), 0);
	assert_int_equal(archive_mark_get(a, of.stream, &from), 0);
	assert_int_equal(archive_save(a, s.batch, of.stream, &from, T0), 0);
	archive_batch_free(s.batch);
	for (int i = 0; more; i++) {
		assert_true(i < 100);
		assert_int_equal(archive_erase_tenants(a, &more), 0);
	}
	assert_false(a->erases);
}

/* By an entry of the audit of operators alone, with erase: what it had by then is gone, also where it is there again; what it has since is not touched. */
static void deleted_tenant(struct archive *a)
{
	static const char gone[] = "{\"command\":\"tenant.delete\",\"object\":\"default\","
				   "\"outcome\":\"ok\",\"arguments\":{\"name\":\"default\"%s}}";
	char entry[256];

	calls_write(a, 0);
	contact_write(a, "old", T0);
	assert_int_equal(sql_script(archive_sql(a),
				    "INSERT INTO contact_book (tenant, owner, revision, entries) "
				    "VALUES ('default', 'd', 1, 2), "
				    "('default', 't', 1, 2)"),
			 0);
	contact_write(a, "new", T0 + 2000000);
	(void)snprintf(entry, sizeof(entry), gone, "");
	deletes_tenant(a, "_operator", entry);
	assert_int_equal(legs(a), 300);
	(void)snprintf(entry, sizeof(entry), gone, ",\"erase\":true");
	deletes_tenant(a, "default", entry);
	assert_int_equal(legs(a), 300);
	deletes_tenant(a, "_operator", entry);
	assert_int_equal(legs(a), 0);
	assert_int_equal(rig_number(a, "SELECT count(*) FROM contact"), 1);
	assert_int_equal(rig_number(a, "SELECT count(*) FROM contact_number WHERE id = 'new'"), 1);
	assert_int_equal(rig_number(a, "SELECT SUM(entries) FROM contact_book"), 2);
	contact_write(a, "old", T0);
	deletes_tenant(a, "_operator", entry);
	assert_int_equal(rig_number(a, "SELECT count(*) FROM contact"), 1);
}

static void test_deleted_tenant(void **state)
{
	(void)state;
	rig_both(deleted_tenant);
}

/* Security events go after 90 days, and of many the older ones; nothing else of the operators does. */
static void security(struct archive *a)
{
	assert_int_equal(
		sql_script(
			archive_sql(a),
			"INSERT INTO event (own, kind, utc_ms, tenant, type, subject, who, body) "
			"VALUES ('old', 5, 1000, '_operator', 'scan', '', '', '{}'), "
			"('new', 5, 1001, '_operator', 'scan', '', '', '{}'), "
			"('audit', 1, 1000, '_operator', 'x', '', '', '{}'), "
			"('other', 5, 1000, 'acme', 'x', '', '', '{}')"),
		0);
	assert_int_equal(archive_retain_security(a, ARCHIVE_SECURITY_MS + 1001, 2), 0);
	assert_int_equal(rig_number(a, "SELECT count(*) FROM event"), 3);
	assert_int_equal(rig_number(a, "SELECT count(*) FROM event WHERE own = 'old'"), 0);
	assert_int_equal(
		sql_script(
			archive_sql(a),
			"INSERT INTO event (own, kind, utc_ms, tenant, type, subject, who, body) "
			"VALUES ('newer', 5, 1002, '_operator', 'scan', '', '', '{}'), "
			"('newest', 5, 1003, '_operator', 'scan', '', '', '{}')"),
		0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(archive_retain_security(a, 2000, 2), 0);
		assert_int_equal(rig_number(a, "SELECT count(*) FROM event"), 4);
		assert_int_equal(rig_number(a, "SELECT count(*) FROM event WHERE own = 'new'"), 0);
	}
}

static void test_security(void **state)
{
	(void)state;
	rig_both(security);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again),          cmocka_unit_test(test_revisions),
		cmocka_unit_test(test_mixed),          cmocka_unit_test(test_marks),
		cmocka_unit_test(test_events),         cmocka_unit_test(test_pages),
		cmocka_unit_test(test_person),         cmocka_unit_test(test_tenant),
		cmocka_unit_test(test_retention),      cmocka_unit_test(test_two),
		cmocka_unit_test(test_deleted_tenant), cmocka_unit_test(test_security),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
