/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts on both engines: books apart, search, numbers, bounds, notes, files in and out. */
#include "tests/unit/app/archive/rig.h"

#include "app/archive/contact/contact.h"
#include "base/json_member.h"

#define PLAN                                                                                  \
	"\"plan\":{\"country\":\"1\",\"area\":\"212\",\"area_digits\":7,\"national_prefix\":" \
	"\"1\",\"international_prefix\":\"011\",\"access\":\"9\"}"
#define BOOK "\"tenant\":\"acme\",\"owner\":\"u1001\"," PLAN

static struct archive *g_a;

/* What a request answers, or its error; the caller's. */
static json_t *ask(const char *request, const char *args)
{
	const struct archive_request *r = archive_request_find(request);
	json_t *json = json_loads(args, 0, NULL), *answer, *result;

	assert_non_null(r);
	if (!json)
		fail_msg("%s", args);
	answer = archive_request_answer(g_a, r, json);
	result = json_object_get(answer, "result");
	result = json_incref(result ? result : answer);
	json_decref(answer);
	json_decref(json);
	return result;
}

static void said(const char *request, const char *args, const char *member, const char *wanted)
{
	json_t *answer = ask(request, args);
	char *text = json_dumps(json_object_get(answer, member), JSON_ENCODE_ANY | JSON_SORT_KEYS);

	if (!text || strcmp(text, wanted) != 0)
		fail_msg("%s %s: %s", request, args, text ? text : json_dumps(answer, 0));
	free(text);
	json_decref(answer);
}

/* The contacts that a list has, joined by blanks. */
static void listed(const char *request, const char *args, const char *wanted)
{
	json_t *answer = ask(request, args), *one;
	char text[512] = "";
	size_t i;

	if (!json_is_array(answer))
		fail_msg("%s", json_dumps(answer, 0));
	json_array_foreach(answer, i, one)
	{
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			       i ? " " : "", json_text(one, "contact"));
	}
	assert_string_equal(text, wanted);
	json_decref(answer);
}

static void books(struct archive *a)
{
	g_a = a;
	said("contact.put",
	     "{" BOOK ",\"contact\":\"r\",\"given\":{\"name\":\"Robin "
	     "B\u00fcndle\",\"phones\":[{\"number\":\"(212) 555-0100\",\"kind\":"
	     "\"mobile\"}],\"favourite\":true}}",
	     "revision", "3");
	said("contact.put", "{" BOOK ",\"contact\":\"r\",\"add\":true,\"given\":{\"name\":\"x\"}}",
	     "error", "\"conflict\"");
	said("contact.put",
	     "{" BOOK ",\"contact\":\"r\",\"revision\":2,\"given\":{\"title\":\"Head\"}}", "error",
	     "\"conflict\"");
	said("contact.put",
	     "{" BOOK
	     ",\"contact\":\"r\",\"revision\":3,\"given\":{\"title\":\"Head\",\"pinned\":true}}",
	     "favourite", "true");
	said("contact.put", "{" BOOK ",\"contact\":\"n\",\"given\":{\"phones\":[\"5\"]}}", "why",
	     "\"a contact has a name: name, first_name, last_name or company\"");
	said("contact.put",
	     "{" BOOK ",\"contact\":\"n\",\"given\":{\"name\":\"x\",\"phones\":[{\"number\":\"5\","
	     "\"kind\":\"car\"}]}}",
	     "why", "\"kind of phones is mobile, landline, work, home, fax, pager or other\"");
	said("contact.put",
	     "{" BOOK ",\"contact\":\"z\",\"given\":{\"first_name\":\"Zoe\",\"company\":\"ACME\","
	     "\"phones\":[\"+49 30 1\"]}}",
	     "name", "\"Zoe\"");
	said("contact.put",
	     "{\"tenant\":\"acme\",\"owner\":\"d\"," PLAN
	     ",\"contact\":\"d1\",\"given\":{\"name\":\"Desk\",\"phones\":[\"+1 212 555 0100\"]}}",
	     "name", "\"Desk\"");
	said("contact.put",
	     "{\"tenant\":\"other\",\"owner\":\"u1001\"," PLAN
	     ",\"contact\":\"r\",\"given\":{\"name\":\"Theirs\",\"phones\":[\"2125550100\"]}}",
	     "name", "\"Theirs\"");
	listed("contact.list", "{" BOOK "}", "r z");
	listed("contact.list", "{" BOOK ",\"order\":\"company\",\"down\":true}", "z r");
	listed("contact.list", "{" BOOK ",\"after\":\"robin bundle\",\"after_contact\":\"r\"}",
	       "z");
	listed("contact.list", "{" BOOK ",\"favourite\":true}", "r");
	listed("contact.list", "{" BOOK ",\"search\":\"BIN\"}", "r");
	listed("contact.list", "{" BOOK ",\"search\":\"undl\"}", "r");
	listed("contact.list", "{" BOOK ",\"search\":\"b\u00fcn\"}", "r");
	listed("contact.list", "{" BOOK ",\"search\":\"12125550100\"}", "r");
	listed("contact.list", "{" BOOK ",\"search\":\"%\"}", "");
	listed("contact.list", "{\"tenant\":\"acme\",\"owner\":\"u1002\"}", "");
	listed("contact.find", "{" BOOK ",\"number\":\"912125550100\"}", "r d1");
	listed("contact.find",
	       "{\"tenant\":\"acme\",\"owner\":\"u1002\"," PLAN ",\"number\":\"+12125550100\"}",
	       "d1");
	said("contact.put", "{" BOOK ",\"contact\":\"r\",\"given\":{\"phones\":[\"7\"]}}", "title",
	     "\"Head\"");
	listed("contact.find", "{" BOOK ",\"number\":\"2125550100\"}", "d1");
}

static void test_books(void **state)
{
	(void)state;
	rig_both(books);
}

static void gone(struct archive *a)
{
	g_a = a;
	said("contact.put",
	     "{" BOOK
	     ",\"contact\":\"r\",\"given\":{\"name\":\"Robin\",\"phones\":[\"2125550100\"]}}",
	     "name", "\"Robin\"");
	said("contact.note.put", "{" BOOK ",\"about\":\"contact/r\",\"text\":\"one\",\"now_ms\":5}",
	     "about", "\"contact/r\"");
	said("contact.note.put", "{" BOOK ",\"about\":\"contact/r\",\"text\":\"two\"}", "note",
	     "5");
	said("contact.get", "{" BOOK ",\"contact\":\"r\"}", "notes", "2");
	said("contact.note.put", "{" BOOK ",\"about\":\"contact/r\",\"note\":5,\"archived\":true}",
	     "note", "5");
	said("contact.get", "{" BOOK ",\"contact\":\"r\"}", "notes", "1");
	said("contact.note.put",
	     "{" BOOK ",\"about\":\"contact/r\",\"note\":5,\"archived\":false,\"text\":\"2\"}",
	     "note", "5");
	said("contact.get", "{" BOOK ",\"contact\":\"r\"}", "notes", "2");
	said("contact.note.put",
	     "{\"tenant\":\"acme\",\"owner\":\"u1002\",\"about\":\"contact/"
	     "r\",\"note\":5,\"text\":\"mine\"}",
	     "error", "\"not_found\"");
	said("contact.note.delete",
	     "{\"tenant\":\"acme\",\"owner\":\"u1002\",\"about\":\"contact/r\",\"note\":5}",
	     "error", "\"not_found\"");
	said("contact.note.delete", "{" BOOK ",\"about\":\"contact/r\",\"note\":4}", "note", "4");
	said("contact.delete", "{\"tenant\":\"acme\",\"owner\":\"u1002\",\"contact\":\"r\"}",
	     "error", "\"not_found\"");
	said("contact.delete", "{" BOOK ",\"contact\":\"r\"}", "contact", "\"r\"");
	said("contact.delete", "{" BOOK ",\"contact\":\"r\"}", "error", "\"not_found\"");
	listed("contact.find", "{" BOOK ",\"number\":\"2125550100\"}", "");
	listed("contact.note.list", "{" BOOK ",\"about\":\"contact/r\"}", "");
}

static void test_gone(void **state)
{
	(void)state;
	rig_both(gone);
}

/* Twice the same file is the same contacts; each form is read again as it was. */
static void files(struct archive *a)
{
	static const char *const forms[][2] = { { "vcard", "vcard" },
						{ "vcard3", "vcard" },
						{ "csv", "csv" } };
	char *before = NULL;

	g_a = a;
	for (int i = 0; i < 2; i++)
		said("contact.import",
		     "{" BOOK ",\"format\":\"vcard\",\"line\":10,\"text\":\"BEGIN:VCARD\\nVERSION:"
		     "3.0\\nFN:Anna\\nTEL;CELL:2125550100\\n"
		     "UID:a1\\nEND:VCARD\\nBEGIN:VCARD\\nEND:VCARD\\nBEGIN:VCARD\\nVERSION:4."
		     "0\\nFN:Bo\\nTEL:1\\nEND:VCARD\\n\"}",
		     i ? "changed" : "added", "2");
	said("contact.import",
	     "{" BOOK ",\"format\":\"vcard\",\"line\":10,\"text\":\"BEGIN:VCARD\\nEND:VCARD\\n\"}",
	     "errors", "[\"line 12: the card has no VERSION\"]");
	said("contact.import", "{" BOOK ",\"format\":\"csv\",\"text\":\"Colour\\nred\"}", "error",
	     "\"bad_argument\"");
	said("contact.get", "{" BOOK ",\"contact\":\"a1\"}", "name", "\"Anna\"");
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		char args[512];
		json_t *out, *in, *answer;
		char *text;

		(void)snprintf(args, sizeof(args), "{" BOOK ",\"format\":\"%s\"}", forms[i][0]);
		out = ask("contact.export", args);
		assert_int_equal(json_count(out, "contacts"), 2);
		assert_null(json_object_get(out, "next"));
		in = json_pack("{s:s, s:s, s:s, s:O, s:{s:s}}", "tenant", "acme", "owner",
			       forms[i][0], "format", forms[i][1], "text",
			       json_object_get(out, "text"), "plan", "country", "1");
		text = json_dumps(in, 0);
		answer = ask("contact.import", text);
		assert_int_equal(json_count(answer, "added"), 2);
		free(text);
		json_decref(answer);
		json_decref(in);
		json_decref(out);
		(void)snprintf(args, sizeof(args),
			       "{\"tenant\":\"acme\",\"owner\":\"%s\",\"format\":\"csv\"}",
			       forms[i][0]);
		out = ask("contact.export", args);
		assert_true(!before || !strcmp(before, json_text(out, "text")));
		free(before);
		before = strdup(json_text(out, "text"));
		json_decref(out);
	}
	free(before);
}

static void test_files(void **state)
{
	(void)state;
	rig_both(files);
}

/* A book that is full takes no more, and those in it change; the count comes down with each that goes. */
static void full(struct archive *a)
{
	const struct sql_value n[] = { sql_number(CONTACT_OWN_MAX - 1),
				       sql_text(BYTES_LIT("u1001")) };

	g_a = a;
	said("contact.put", "{" BOOK ",\"contact\":\"a\",\"given\":{\"name\":\"a\"}}", "name",
	     "\"a\"");
	assert_int_equal(sql_run(a->sql, "UPDATE contact_book SET entries = $1 WHERE owner = $2", n,
				 2, NULL, NULL),
			 0);
	said("contact.put", "{" BOOK ",\"contact\":\"b\",\"given\":{\"name\":\"b\"}}", "name",
	     "\"b\"");
	said("contact.put", "{" BOOK ",\"contact\":\"c\",\"given\":{\"name\":\"c\"}}", "error",
	     "\"full\"");
	said("contact.put", "{" BOOK ",\"contact\":\"b\",\"given\":{\"name\":\"b2\"}}", "name",
	     "\"b2\"");
	said("contact.import",
	     "{" BOOK ",\"format\":\"csv\",\"text\":\"Contact,Name\\nc,c\\nb,b3\\n\"}", "failed",
	     "1");
	said("contact.get", "{" BOOK ",\"contact\":\"b\"}", "name", "\"b3\"");
	said("contact.delete", "{" BOOK ",\"contact\":\"a\"}", "contact", "\"a\"");
	said("contact.put", "{" BOOK ",\"contact\":\"c\",\"given\":{\"name\":\"c\"}}", "name",
	     "\"c\"");
}

static void test_full(void **state)
{
	(void)state;
	rig_both(full);
}

/* The book of a user, or all of a tenant; the others stay. */
static void erased(struct archive *a)
{
	static const char *const owners[] = { "u1001", "u1002", "d" };
	bool more;

	g_a = a;
	for (size_t i = 0; i < COUNT_OF(owners); i++) {
		char args[256];

		(void)snprintf(args, sizeof(args),
			       "{\"tenant\":\"acme\",\"owner\":\"%s\",\"contact\":\"a\",\"given\":{"
			       "\"name\":\"a\",\"phones\":[\"7\"]}}",
			       owners[i]);
		said("contact.put", args, "name", "\"a\"");
		(void)snprintf(
			args, sizeof(args),
			"{\"tenant\":\"acme\",\"owner\":\"%s\",\"about\":\"me\",\"text\":\"x\"}",
			owners[i]);
		said("contact.note.put", args, "about", "\"me\"");
	}
	assert_int_equal(archive_erase(a, BYTES_LIT("acme"), BYTES_LIT("1001"), T0, &more), 0);
	listed("contact.list", "{\"tenant\":\"acme\",\"owner\":\"u1001\"}", "");
	listed("contact.note.list", "{\"tenant\":\"acme\",\"owner\":\"u1001\",\"about\":\"me\"}",
	       "");
	listed("contact.find", "{\"tenant\":\"acme\",\"owner\":\"u1001\",\"number\":\"7\"}", "a");
	listed("contact.list", "{\"tenant\":\"acme\",\"owner\":\"u1002\"}", "a");
	said("contact.put",
	     "{\"tenant\":\"other\",\"owner\":\"d\",\"contact\":\"a\",\"given\":{\"name\":\"a\"}}",
	     "name", "\"a\"");
	assert_int_equal(archive_erase(a, BYTES_LIT("acme"), (struct bytes){ 0 }, T0, &more), 0);
	listed("contact.list", "{\"tenant\":\"acme\",\"owner\":\"u1002\"}", "");
	listed("contact.list", "{\"tenant\":\"acme\",\"owner\":\"d\"}", "");
	listed("contact.list", "{\"tenant\":\"other\",\"owner\":\"d\"}", "a");
}

static void test_erased(void **state)
{
	(void)state;
	rig_both(erased);
}

/* A number that more contacts have than are listed: one that is blocked counts all the same. */
static void many_of_number(struct archive *a)
{
	json_t *found;

	g_a = a;
	for (int i = 0; i < 12; i++) {
		char args[512];

		(void)snprintf(args, sizeof(args),
			       "{" BOOK ",\"contact\":\"m%02d\",\"given\":{\"name\":\"m%02d\","
			       "\"phones\":[\"2125550177\"],\"blocked\":%s}}",
			       i, i, i == 11 ? "true" : "false");
		said("contact.put", args, "blocked", i == 11 ? "true" : "false");
	}
	found = ask("contact.find", "{" BOOK ",\"number\":\"+12125550177\"}");
	assert_int_equal(json_array_size(found), 8);
	assert_false(json_flag(json_array_get(found, 0), "blocked"));
	assert_true(json_flag(json_array_get(found, 0), "number_blocked"));
	json_decref(found);
	said("contact.delete", "{" BOOK ",\"contact\":\"m11\"}", "contact", "\"m11\"");
	found = ask("contact.find", "{" BOOK ",\"number\":\"+12125550177\"}");
	assert_false(json_flag(json_array_get(found, 0), "number_blocked"));
	json_decref(found);
}

static void test_many_of_number(void **state)
{
	(void)state;
	rig_both(many_of_number);
}

/* Rows of all pages; the caller's. */
static json_t *backup_rows(void)
{
	json_t *rows = json_array(), *page = NULL;
	char args[600] = "{}";

	do {
		json_decref(page);
		page = ask("contact.backup", args);
		assert_int_equal(json_array_extend(rows, json_object_get(page, "rows")), 0);
		(void)snprintf(args, sizeof(args), "{\"after\":\"%s\"}", json_text(page, "next"));
	} while (json_text(page, "next")[0]);
	json_decref(page);
	return rows;
}

static void rows_put(const json_t *rows)
{
	json_t *plan = json_loads("{" PLAN "}", 0, NULL), *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		json_t *args = json_copy(row);
		char *text;

		(void)json_object_update(args, plan);
		text = json_dumps(args, 0);
		json_decref(ask("contact.restore", text));
		free(text);
		json_decref(args);
	}
	json_decref(plan);
}

/* In another database of the same kind all is as it was, twice put, and found by its number. */
static void backup(struct archive *a)
{
	char args[640], where[WHERE_MAX];
	json_t *before, *after;

	g_a = a;
	for (unsigned k = 0; k < 250; k++) {
		(void)snprintf(args, sizeof(args),
			       "{\"tenant\":\"%s\",\"owner\":\"%s\"," PLAN
			       ",\"contact\":\"k%u\",\"given\":{\"name\":\"K %u\",\"pinned\":%s,"
			       "\"phones\":[\"2125550%03u\"]}}",
			       k % 2 ? "acme" : "other", k % 3 ? "u1001" : "d", k, k,
			       k % 5 ? "false" : "true", k);
		said("contact.put", args, "pinned", k % 5 ? "false" : "true");
	}
	said("contact.note.put", "{" BOOK ",\"about\":\"contact/k1\",\"text\":\"ring back\"}",
	     "about", "\"contact/k1\"");
	said("contact.note.put",
	     "{" BOOK ",\"about\":\"me\",\"text\":\"old\",\"archived\":true,\"now_ms\":7}", "about",
	     "\"me\"");
	before = backup_rows();
	assert_int_equal(json_array_size(before), 252);
	rig_where(sql_is_postgres(archive_sql(a)), where);
	g_a = rig_open(where);
	rows_put(before);
	rows_put(before);
	after = backup_rows();
	assert_true(json_equal(before, after));
	listed("contact.find", "{" BOOK ",\"number\":\"+12125550001\"}", "k1");
	said("contact.note.put", "{" BOOK ",\"about\":\"contact/k1\",\"text\":\"once more\"}",
	     "about", "\"contact/k1\"");
	said("contact.get", "{" BOOK ",\"contact\":\"k1\"}", "notes", "2");
	said("contact.restore", "{" BOOK ",\"contact\":\"x\"}", "error", "\"bad_argument\"");
	json_decref(before);
	json_decref(after);
	archive_close(g_a);
}

static void test_backup(void **state)
{
	(void)state;
	rig_both(backup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_books),  cmocka_unit_test(test_gone),
		cmocka_unit_test(test_files),  cmocka_unit_test(test_full),
		cmocka_unit_test(test_erased), cmocka_unit_test(test_many_of_number),
		cmocka_unit_test(test_backup),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
