/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "app/web/web_page.h"

static const uint8_t KEY[WEB_PAGE_KEY_LEN] = { 1, 2, 3 };
#define PAGE UINT64_C(0x8000000000000001)
#define CALL UINT64_C(0x7000000000001)

static struct web_page_of of_whom(const char *tenant, const char *number)
{
	struct web_page_of of = { .page = PAGE };

	(void)bytes_cstr(bytes_str(tenant), of.tenant, sizeof(of.tenant));
	(void)bytes_cstr(bytes_str(number), of.number, sizeof(of.number));
	return of;
}

static struct bytes link_of(char out[WEB_PAGE_PATH_MAX], const struct web_page_of *of)
{
	struct writer w = writer_over(out, WEB_PAGE_PATH_MAX);

	web_page_link(&w, KEY, of);
	assert_false(w.overflow);
	return writer_done(&w);
}

/* ---- links ---- */

static void whose_it_is(void **state)
{
	static const char *const numbers[] = { "1001", "*72#", "+4930", "a.b-c_d~", "1" };
	char text[WEB_PAGE_PATH_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct web_page_of of = of_whom("acme", numbers[i]);
		struct bytes path = link_of(text, &of), link;
		struct record_link_request ask;

		assert_int_equal(web_page_parse(KEY, path, &ask, &link), 0);
		assert_string_equal(ask.of.tenant, "acme");
		assert_string_equal(ask.of.number, numbers[i]);
		assert_int_equal(ask.of.page, PAGE);
		assert_int_equal(ask.act, RECORD_PAGE_LOOK);
		assert_true(bytes_eq(link, path));
		for (size_t n = 0; n < path.n; n++) /* none of them means anything in a path */
			assert_null(strchr("*#+%? ;", text[n]));
	}
}

static void the_longest_one(void **state)
{
	char tenant[WEB_PAGE_TENANT_MAX], number[WEB_PAGE_NUMBER_MAX], text[WEB_PAGE_PATH_MAX];
	struct record_link_request ask;
	struct web_page_of of;
	struct bytes link;

	(void)state;
	memset(tenant, 't', sizeof(tenant));
	memset(number, '*', sizeof(number));
	tenant[sizeof(tenant) - 1] = number[sizeof(number) - 1] = '\0';
	of = of_whom(tenant, number);
	assert_int_equal(web_page_parse(KEY, link_of(text, &of), &ask, &link), 0);
	assert_memory_equal(&ask.of, &of, sizeof(of));
	assert_in_range(link.n, 200, WEB_PAGE_PATH_MAX - sizeof("/resume/0000000000000"));
}

/* Any octet of it that is another one, missing or too much makes it nobody's; and so does another key, tenant or number of its document. */
static void nobody_makes_one(void **state)
{
	static const uint8_t other[WEB_PAGE_KEY_LEN] = { 1, 2, 4 };
	struct web_page_of of = of_whom("acme", "1001");
	char text[WEB_PAGE_PATH_MAX] = "";
	struct bytes path = link_of(text, &of), link;
	struct record_link_request ask;

	(void)state;
	assert_int_equal(web_page_parse(other, path, &ask, &link), -ENOENT);
	for (size_t i = 0; i < path.n; i++) {
		for (uint8_t bit = 1; bit; bit = (uint8_t)(bit << 1)) {
			text[i] = (char)(text[i] ^ bit);
			assert_int_equal(web_page_parse(KEY, path, &ask, &link), -ENOENT);
			text[i] = (char)(text[i] ^ bit);
		}
		assert_int_equal(web_page_parse(KEY, bytes_sub(path, 0, i), &ask, &link), -ENOENT);
	}
	for (int c = 0; c < 256; c++) {
		text[path.n] = (char)c;
		assert_int_equal(web_page_parse(KEY, bytes_mem(text, path.n + 1), &ask, &link),
				 -ENOENT);
	}
}

static void what_the_key_does(void **state)
{
	static const struct {
		const char *behind;
		enum record_page_act act;
	} rows[] = {
		{ "/on/001o000000001", RECORD_PAGE_ON },
		{ "/pause/001o000000001", RECORD_PAGE_PAUSE },
		{ "/resume/001o000000001", RECORD_PAGE_RESUME },
		{ "/off/001o000000001", RECORD_PAGE_OFF },
		{ "/", RECORD_PAGE_LOOK },
		{ "/on", RECORD_PAGE_LOOK },
		{ "/on/", RECORD_PAGE_LOOK },
		{ "/look/001o000000001", RECORD_PAGE_LOOK },
		{ "/ON/001o000000001", RECORD_PAGE_LOOK },
		{ "/on/0000000000000", RECORD_PAGE_LOOK },
		{ "/on/0001o0000000", RECORD_PAGE_LOOK },
		{ "/on/001o000000001/", RECORD_PAGE_LOOK },
		{ "/on/001o000000001x", RECORD_PAGE_LOOK },
		{ "xon/001o000000001", RECORD_PAGE_LOOK },
		{ "//on/001o000000001", RECORD_PAGE_LOOK },
	};
	struct web_page_of of = of_whom("acme", "1001");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[WEB_PAGE_PATH_MAX];
		struct bytes path = link_of(text, &of), link;
		struct record_link_request ask;
		size_t n = strlen(rows[i].behind);
		int err;

		print_message("# %s\n", rows[i].behind);
		memcpy(text + path.n, rows[i].behind, n);
		err = web_page_parse(KEY, bytes_mem(text, path.n + n), &ask, &link);
		assert_int_equal(err, rows[i].act ? 0 : -ENOENT);
		if (err)
			continue;
		assert_int_equal(ask.act, rows[i].act);
		assert_int_equal(ask.call, CALL);
		assert_true(bytes_eq(link, path));
	}
}

/* ---- pages ---- */

/* Each element is closed by its own end, and no '&' or '<' stands alone: XML 1.0 2.1, as far as such a page goes. */
static void assert_well_formed(const char *p)
{
	const char *open[16];
	size_t depth = 0, name;

	for (; *p; p++) {
		if (*p == '&')
			assert_true(!strncmp(p, "&amp;", 5) || !strncmp(p, "&lt;", 4) ||
				    !strncmp(p, "&gt;", 4) || !strncmp(p, "&quot;", 6) ||
				    !strncmp(p, "&apos;", 6));
		if (*p != '<' || p[1] == '!')
			continue;
		name = strcspn(p + 1 + (p[1] == '/'), " />");
		if (p[1] == '/') {
			assert_true(depth > 0);
			assert_memory_equal(p + 2, open[--depth], name);
		} else {
			assert_true(depth < COUNT_OF(open));
			open[depth++] = p + 1;
		}
		p += strcspn(p, ">");
		assert_int_equal(*p, '>');
		depth -= p[-1] == '/';
	}
	assert_int_equal(depth, 0);
}

static size_t forms_in(const char *page)
{
	size_t n = 0;

	while ((page = strstr(page, "<form ")) != NULL) {
		page++;
		n++;
	}
	return n;
}

static const struct {
	struct record_page page;
	const char *says, *has, *not ; /* has, not: a button; NULL: none */
	size_t forms;
} g_pages[] = {
	{ { .state = RECORD_PAGE_NOTHING },
	  "<p>There is nothing to record.</p>",
	  NULL,
	  "<form",
	  0 },
	{ { .state = RECORD_PAGE_IDLE, .call = CALL },
	  "<p>Call: Not recorded.</p>",
	  "/on/001o000000001\" method=\"post\"><p><input type=\"submit\" value=\"Record\"/></p>",
	  "Stop",
	  1 },
	{ { .state = RECORD_PAGE_RECORDS, .place = RECORD_PAGE_CONFERENCE, .call = CALL },
	  "<p>Conference: Recording.</p>",
	  "/pause/001o000000001\"",
	  "Resume",
	  2 },
	{ { .state = RECORD_PAGE_PAUSED, .place = RECORD_PAGE_MONITOR, .call = CALL },
	  "<p>Monitored call: Paused.</p>",
	  "/resume/001o000000001\"",
	  "Pause\"",
	  2 },
	{ { .state = RECORD_PAGE_RECORDS, .call = CALL, .lasts = true },
	  "<p>Call: Recording.</p>",
	  "Pause",
	  "Stop",
	  1 },
};

static void what_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_pages); i++) {
		char text[WEB_PAGE_SIZE_MAX];
		struct writer w = writer_over(text, sizeof(text) - 1);

		web_page_write(&w, BYTES_LIT("/record/x"), "1001", &g_pages[i].page);
		assert_false(w.overflow);
		text[w.n] = '\0';
		assert_well_formed(text);
		assert_non_null(strstr(text, "<title>Record 1001</title>"));
		assert_non_null(strstr(text, g_pages[i].says));
		assert_null(strstr(text, "script"));
		if (g_pages[i].has)
			assert_non_null(strstr(text, g_pages[i].has));
		assert_null(strstr(text, g_pages[i].not ));
		assert_int_equal(forms_in(text), g_pages[i].forms);
	}
}

/* Numbers have no such characters, and a page would stay one if they had. */
static void nothing_breaks_out(void **state)
{
	const struct record_page page = { .state = RECORD_PAGE_PAUSED, .call = CALL };
	char text[WEB_PAGE_SIZE_MAX];
	struct writer w = writer_over(text, sizeof(text) - 1);

	(void)state;
	web_page_write(&w, BYTES_LIT("/record/\"><script>'&"), "<b>\"&'</title>", &page);
	assert_false(w.overflow);
	text[w.n] = '\0';
	assert_well_formed(text);
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "<b>"));
}

static void the_longest_page(void **state)
{
	const struct record_page page = { .state = RECORD_PAGE_PAUSED,
					  .place = RECORD_PAGE_MONITOR,
					  .call = CALL };
	char text[WEB_PAGE_SIZE_MAX], link[WEB_PAGE_PATH_MAX], number[WEB_PAGE_NUMBER_MAX];
	struct writer w = writer_over(text, sizeof(text));

	(void)state;
	memset(link, '~', sizeof(link));
	memset(number, '*', sizeof(number));
	number[sizeof(number) - 1] = '\0';
	web_page_write(&w, bytes_mem(link, sizeof(link)), number, &page);
	assert_false(w.overflow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whose_it_is),      cmocka_unit_test(the_longest_one),
		cmocka_unit_test(nobody_makes_one), cmocka_unit_test(what_the_key_does),
		cmocka_unit_test(what_it_says),     cmocka_unit_test(nothing_breaks_out),
		cmocka_unit_test(the_longest_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
