/* SPDX-License-Identifier: Apache-2.0 */
/* What is exported of a person is all that the archive has, each once, in whatever parts; and nothing of it is left behind an erasure. */
#include "tests/unit/app/archive/rig.h"

#include <string.h>

#include "app/archive/archive_request.h"
#include "base/json_member.h"

enum { CALLS = 330, CONTACTS = 130, NOTES = 90, EVENTS = 120, PARTS_MAX = 40 };

static json_t *asked(struct archive *a, const char *request, json_t *args)
{
	json_t *answer = archive_request_answer(a, archive_request_find(request), args), *result;

	if (!json_object_get(answer, "result"))
		fail_msg("%s: %s", request, json_dumps(answer, 0));
	result = json_incref(json_object_get(answer, "result"));
	json_decref(answer);
	json_decref(args);
	return result;
}

static void calls_write(struct archive *a)
{
	struct rig_stream s = { 0 };

	for (int i = 0; i < CALLS; i++) {
		/* some end at the same time */
		rig_cdr(&s, rig_call(i), 1, T0 + i / 7, 1000,
			i % 3 ? "\"from\":\"1001\",\"to\":\"1002\",\"answered_by\":\"1002\","
				"\"data\":\"pin=1\""
			      : "\"from\":\"1003\",\"to\":\"1002\",\"missed\":\"1002\",\"sip_"
				"status\":487");
		if (i % 30 == 1)
			rig_cdr(&s, rig_call(i), 2, T0 + i / 7, 500,
				"\"from\":\"1001\",\"to\":\"1004\",\"answered_by\":\"1004\"");
	}
	rig_save(a, &s);
	assert_int_equal(archive_hide(a, BYTES_LIT("default"), BYTES_LIT("u1001"),
				      &(uint64_t){ rig_call(1) }, 1, T0),
			 0);
	assert_int_equal(archive_note(a, BYTES_LIT("default"), BYTES_LIT("u1001"), rig_call(2),
				      BYTES_LIT("likes tea"), T0),
			 0);
}

static void people_write(struct archive *a)
{
	char id[16];

	for (int i = 0; i < CONTACTS; i++) {
		(void)snprintf(id, sizeof(id), "c%d", i);
		json_decref(asked(a, "contact.put",
				  json_pack("{s:s, s:s, s:s, s:{s:s}, s:{}}", "tenant", "default",
					    "owner", i % 13 ? "u1001" : "u1002", "contact", id,
					    "given", "name", id, "plan")));
	}
	for (int i = 0; i < NOTES; i++)
		json_decref(asked(a, "contact.note.put",
				  json_pack("{s:s, s:s, s:s, s:s}", "tenant", "default", "owner",
					    i % 9 ? "u1001" : "u1002", "about",
					    i % 2 ? "me" : "contact/c1", "text", "x")));
	for (int i = 0; i < EVENTS; i++) {
		char text[512];

		(void)snprintf(
			text, sizeof(text),
			"INSERT INTO event (own, kind, utc_ms, tenant, type, subject, who, body) "
			"VALUES ('e%d', %d, %d, 'default', 'x', '%s', '%s', '{\"n\":%d}')",
			i, 1 + i % 3, 1000 + i / 4, i % 4 ? "1001" : "1002",
			i % 2 ? "1002" : "1001", i);
		assert_int_equal(sql_script(archive_sql(a), text), 0);
	}
}

/* Counts records by kind, each of which comes once. */
struct exported {
	size_t conversations, pairs, notes_of_calls, contacts, notes, events, parts;
};

static void line_count(struct exported *e, const json_t *line, json_t *seen)
{
	const char *record = json_text(line, "record");
	char *whole = json_dumps(line, JSON_SORT_KEYS);

	if (!strcmp(record, "conversation")) {
		e->conversations++;
		e->pairs += json_array_size(json_object_get(line, "pairs"));
		e->notes_of_calls += json_object_get(line, "note") != NULL;
	}
	e->contacts += !strcmp(record, "contact");
	e->notes += !strcmp(record, "note");
	e->events += !strcmp(record, "event");
	if (strcmp(record, "note") != 0) { /* several may say the same at once */
		assert_null(json_object_get(seen, whole));
		(void)json_object_set_new(seen, whole, json_true());
	}
	free(whole);
}

static struct exported exported(struct archive *a, const char *number)
{
	json_t *seen = json_object(), *next = NULL;
	struct exported e = { .parts = 0 };

	do {
		json_t *part = asked(a, "history.export",
				     json_pack("{s:s, s:s, s:O*}", "tenant", "default", "number",
					       number, "after", next));
		struct bytes rest = bytes_str(json_text(part, "text")), line;
		json_int_t records = 0;

		json_decref(next);
		next = json_incref(json_object_get(part, "next"));
		while (bytes_cut(&rest, '\n', &line)) {
			json_t *one = json_loadb((const char *)line.p, line.n, 0, NULL);

			assert_non_null(one);
			line_count(&e, one, seen);
			json_decref(one);
			records++;
		}
		assert_int_equal(records, json_count(part, "records"));
		json_decref(part);
		assert_true(++e.parts < PARTS_MAX);
	} while (next);
	json_decref(seen);
	return e;
}

static void whole(struct archive *a)
{
	struct exported e;
	bool more = true;

	calls_write(a);
	people_write(a);
	e = exported(a, "1001");
	assert_int_equal(e.conversations, CALLS * 2 / 3);
	assert_int_equal(e.pairs, e.conversations + 11);
	assert_int_equal(e.notes_of_calls, 1);
	assert_int_equal(e.contacts, CONTACTS - CONTACTS / 13);
	assert_int_equal(e.notes, NOTES - NOTES / 9);
	assert_int_equal(e.events, EVENTS);
	assert_true(e.parts > 4);
	e = exported(a, "1004");
	assert_int_equal(e.conversations, 11);
	assert_int_equal(e.contacts + e.notes + e.events, 0);
	while (more)
		assert_int_equal(archive_erase(a, BYTES_LIT("default"), BYTES_LIT("1001"),
					       INT64_MAX - 1, &more),
				 0);
	e = exported(a, "1001");
	assert_int_equal(e.conversations + e.contacts + e.notes, 0);
	assert_int_equal(e.events, rig_number(a, "SELECT count(*) FROM event WHERE kind < 3 AND "
						 "(subject = '1001' OR who = '1001')"));
}

static void test_whole(void **state)
{
	(void)state;
	rig_both(whole);
}

/* A place that is none is refused. */
static void refused(struct archive *a)
{
	json_t *args = json_pack("{s:s, s:s, s:s}", "tenant", "default", "number", "1001", "after",
				 "nowhere x");
	json_t *answer = archive_request_answer(a, archive_request_find("history.export"), args);

	assert_string_equal(json_text(answer, "error"), "bad_argument");
	json_decref(answer);
	json_decref(args);
}

static void test_refused(void **state)
{
	(void)state;
	rig_both(refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_whole),
					    cmocka_unit_test(test_refused) };

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
