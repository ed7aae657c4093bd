/* SPDX-License-Identifier: Apache-2.0 */
/* CardDAV on both engines: parts of long answers, what is forgotten of deletions, conditions of cards that are put, paths. */
#include "tests/unit/app/archive/rig.h"

#include "app/archive/contact/dav.h"
#include "base/json_member.h"

#define SYNC(token)                                              \
	"<d:sync-collection xmlns:d='DAV:'><d:sync-token>" token \
	"</d:sync-token><d:prop><d:getetag/></d:prop></d:sync-collection>"

static struct archive *g_a;

/* The caller's. */
static json_t *ask(const char *request, json_t *args)
{
	json_t *answer = archive_request_answer(g_a, archive_request_find(request), args), *result;

	result = json_object_get(answer, "result");
	result = json_incref(result ? result : answer);
	json_decref(answer);
	json_decref(args);
	return result;
}

/* All parts of what the user asks for; the status of the last one. To be freed. */
static char *dav(const char *method, const char *path, const char *depth, const char *body,
		 int wanted, unsigned *parts)
{
	char after[128] = "", *all = calloc(1, 1 << 20);
	int status;

	for (*parts = 0;; ++*parts) {
		json_t *part = ask("contact.dav",
				   json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "tenant",
					     "acme", "user", "1001", "method", method, "path", path,
					     "depth", depth, "body", body, "after", after));

		status = (int)json_integer_value(json_object_get(part, "status"));
		(void)strcat(all, json_text(part, "text"));
		(void)snprintf(after, sizeof(after), "%s", json_text(part, "next"));
		json_decref(part);
		if (!after[0])
			break;
	}
	if (status != wanted)
		fail_msg("%s %s: %d %s", method, path, status, all);
	return all;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* The sync-token in an answer, and how many contacts there are and are gone. */
static void book_synced(const char *book, const char *since, unsigned there, unsigned gone,
			char token[64])
{
	char body[512], *text, *at;
	unsigned parts;

	(void)snprintf(body, sizeof(body), SYNC("%s"), since);
	text = dav("REPORT", book, "1", body, 207, &parts);
	assert_int_equal(count(text, "200 OK"), there);
	assert_int_equal(count(text, "<d:status>HTTP/1.1 404"), gone);
	at = strstr(text, "<d:sync-token>") + strlen("<d:sync-token>");
	(void)snprintf(token, 64, "%.*s", (int)strcspn(at, "<"), at);
	free(text);
}

static void synced(const char *since, unsigned there, unsigned gone, char token[64])
{
	book_synced("books/1001/contacts/", since, there, gone, token);
}

static void refused(const char *since)
{
	char body[512], *text;
	unsigned parts;

	(void)snprintf(body, sizeof(body), SYNC("%s"), since);
	text = dav("REPORT", "books/1001/contacts/", "1", body, 403, &parts);
	assert_non_null(strstr(text, "valid-sync-token"));
	free(text);
}

static void put(const char *id, int64_t now_ms)
{
	json_decref(ask("contact.put", json_pack("{s:s, s:s, s:s, s:{s:s}, s:I}", "tenant", "acme",
						 "owner", "u1001", "contact", id, "given", "name",
						 id, "now_ms", (json_int_t)now_ms)));
}

static void gone(const char *id, int64_t now_ms)
{
	json_t *answer = ask("contact.delete",
			     json_pack("{s:s, s:s, s:s, s:I}", "tenant", "acme", "owner", "u1001",
				       "contact", id, "now_ms", (json_int_t)now_ms));

	assert_string_equal(json_text(answer, "contact"), id);
	json_decref(answer);
}

static void tokens(struct archive *a)
{
	char first[64], second[64], third[64], last[64];

	g_a = a;
	synced("", 0, 0, first);
	assert_string_equal(first, "data:,0-0");
	put("a", T0);
	put("b", T0);
	put("c", T0);
	synced("", 3, 0, second);
	synced(first, 3, 0, last); /* whoever had nothing has all now */
	gone("b", T0);
	synced(second, 0, 1, third);
	put("b", T0);
	synced(second, 1, 0, last);
	synced(third, 1, 0, last);
	gone("b", T0 + 1);
	synced(last, 0, 1, last);
	gone("c", T0 + CONTACT_GONE_MS + 2); /* the deletion of b is forgotten */
	refused(third);
	refused(second);
	synced(last, 0, 1, last);
}

static void test_tokens(void **state)
{
	(void)state;
	rig_both(tokens);
}

/* What a node tells of extensions: name NULL: it is gone. */
static json_t *colleague(const char *tenant, const char *number, const char *name)
{
	json_t *row = json_pack("{s:s, s:s}", "tenant", tenant, "contact", number);

	if (name)
		(void)json_object_set_new(row, "card",
					  json_pack("{s:s, s:s, s:[{s:s, s:s}], s:s}", "name", name,
						    "title", "Head", "phones", "number", number,
						    "kind", "work", "uid", number));
	return row;
}

/* Told again, nothing changes; a name that is longer than one of a contact is cut; the limits of books do not count it. */
static void colleagues(struct archive *a)
{
	static const char book[] = "books/1001/colleagues/";
	char first[64], second[64], third[64], *text, longest[200];
	json_t *answer;
	unsigned parts;

	g_a = a;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (int i = 0; i < 2; i++) {
		json_decref(ask("contact.mirror", json_pack("{s:[o, o, o, o]}", "rows",
							    colleague("acme", "1001", "Anna"),
							    colleague("acme", "1002", longest),
							    colleague("acme", "1009", NULL),
							    colleague("other", "1003", "Else"))));
		book_synced(book, "", 2, 0, i ? second : first);
	}
	assert_string_equal(first, second);
	text = dav("GET", "books/1001/colleagues/1002.vcf", "", "", 200, &parts);
	assert_non_null(strstr(text, "UID:1002\r\n"));
	assert_non_null(strstr(text, "TITLE:Head\r\n"));
	assert_int_equal(strspn(strstr(text, "FN:") + 3, "x"), CONTACT_NAME_MAX);
	free(text);
	answer = ask("contact.mirrored", json_pack("{s:s, s:s}", "tenant", "", "after", ""));
	assert_string_equal(json_text(answer, "tenant"), "acme");
	assert_int_equal(json_array_size(json_object_get(answer, "rows")), 0);
	json_decref(answer);
	answer =
		ask("contact.mirrored", json_pack("{s:s, s:s}", "tenant", "acme", "after", "1001"));
	assert_string_equal(json_string_value(json_array_get(
				    json_array_get(json_object_get(answer, "rows"), 0), 1)),
			    "1002");
	json_decref(answer);
	answer = ask("contact.mirrored",
		     json_pack("{s:s, s:s}", "tenant", "other", "after", "1003"));
	assert_null(json_object_get(answer, "tenant"));
	json_decref(answer);
	json_decref(ask("contact.mirror",
			json_pack("{s:[o, o]}", "rows", colleague("acme", "1001", "Anne"),
				  colleague("acme", "1002", NULL))));
	book_synced(book, first, 1, 1, third);
	put("a", T0); /* the user's own book is another one */
	book_synced(book, third, 0, 0, second);
	assert_string_equal(second, third);
	answer = ask("contact.find", json_pack("{s:s, s:s, s:s}", "tenant", "acme", "owner",
					       "u1001", "number", "1001"));
	assert_int_equal(json_array_size(answer), 0);
	json_decref(answer);
	json_decref(ask("history.erase",
			json_pack("{s:s, s:I}", "tenant", "acme", "until_ms", T0 * 2)));
	book_synced(book, "", 0, 0, second);
	put("a", T0 * 2);
	answer = ask("contact.list",
		     json_pack("{s:s, s:s, s:i}", "tenant", "acme", "owner", "u1001", "limit", 10));
	assert_int_equal(json_array_size(answer), 1);
	json_decref(answer);
}

static void test_colleagues(void **state)
{
	(void)state;
	rig_both(colleagues);
}

static void test_paths(void **state)
{
	static const struct {
		const char *path;
		enum dav_kind kind;
		const char *id, *href;
	} rows[] = {
		{ "", DAV_ROOT, "", "/dav/" },
		{ "principals/1001/", DAV_PRINCIPAL, "", "/dav/principals/1001/" },
		{ "books/1001", DAV_HOME, "", "/dav/books/1001/" },
		{ "books/1001/colleagues/", DAV_BOOK, "", "/dav/books/1001/colleagues/" },
		{ "books/1001/colleagues/+1.vcf", DAV_CARD, "__2B1",
		  "/dav/books/1001/colleagues/%2B1.vcf" },
		{ "books/1001/shared/", DAV_BOOK, "", "/dav/books/1001/shared/" },
		{ "books/1001/contacts/a b.vcf", DAV_CARD, "a__20b",
		  "/dav/books/1001/contacts/a%20b.vcf" },
		{ "books/1001/contacts/x__y.vcf", DAV_CARD, "x__y",
		  "/dav/books/1001/contacts/x__y.vcf" },
		{ "books/1001/contacts/.vcf", DAV_NOTHING, "", NULL },
		{ "books/1001/contacts/a/b.vcf", DAV_NOTHING, "", NULL },
		{ "books/1001/other/", DAV_NOTHING, "", NULL },
		{ "books/1002/contacts/", DAV_NOTHING, "", NULL },
		{ "books//contacts/", DAV_NOTHING, "", NULL },
		{ "/", DAV_NOTHING, "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct dav_path p, same;
		char text[256];
		struct writer w = writer_over(text, sizeof(text) - 1);

		dav_path_parse(&p, bytes_str(rows[i].path), BYTES_LIT("1001"));
		if (p.kind != rows[i].kind || strcmp(p.id, rows[i].id) != 0)
			fail_msg("%s: %d %s", rows[i].path, p.kind, p.id);
		if (!rows[i].href)
			continue;
		dav_path_write(&w, &p, "1001");
		text[w.n] = '\0';
		assert_string_equal(text, rows[i].href);
		dav_href_parse(&same, bytes_str(text), BYTES_LIT("1001"));
		assert_true(same.kind == p.kind && !strcmp(same.id, p.id));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_colleagues),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
