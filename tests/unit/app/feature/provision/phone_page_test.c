/* SPDX-License-Identifier: Apache-2.0 */
#include "app/feature/provision/phone_page.h"
#include "tests/unit/test.h"

enum { PAGE_ROOM = 8192 };

static struct phone_page page_over(uint8_t space[PAGE_ROOM], const char *search)
{
	return (struct phone_page){ writer_over(space, PAGE_ROOM), "/browser/x", search };
}

/* One of each thing that pages have. */
static void page_fill(struct phone_page *p, const char *name, uint32_t page)
{
	phone_page_start(p, name);
	phone_page_search(p, "/directory");
	phone_page_text(p, name);
	phone_page_dial(p, "202", name, name);
	phone_page_link(p, "/parked", name);
	phone_page_link_out(p, "https://pbx.example.org/record/x?a=1&b", name);
	phone_page_turn(p, "/directory", page, true);
	phone_page_end(p);
}

/* tests/data/provision/pages/page.xhtml, octet by octet. */
static void test_golden(void **state)
{
	static uint8_t space[PAGE_ROOM], want[PAGE_ROOM];
	struct phone_page p = page_over(space, "Jerry & co");
	FILE *file = fopen("data/provision/pages/page.xhtml", "r");
	size_t n;

	(void)state;
	assert_non_null(file);
	n = fread(want, 1, sizeof(want), file);
	(void)fclose(file);
	page_fill(&p, "Tom & Jerry", 3);
	assert_false(p.w.overflow);
	if (!bytes_eq(writer_done(&p.w), bytes_mem(want, n)))
		fail_msg(BYTES_FMT, BYTES_ARG(writer_done(&p.w)));
}

/* What a number becomes: a link that the phone dials. */
static void test_dial(void **state)
{
	static const struct row {
		const char *number, *name, *want;
	} rows[] = {
		{ "202", "Jane", "<p><a href=\"tel:202\">Jane</a> 202</p>\n" },
		{ "202", "", "<p><a href=\"tel:202\">202</a></p>\n" },
		{ "202", "202", "<p><a href=\"tel:202\">202</a></p>\n" },
		{ "#4107", "07", "<p><a href=\"tel:%234107\">07</a> #4107</p>\n" },
		{ "*86", "", "<p><a href=\"tel:*86\">*86</a></p>\n" },
		{ "+49 (30) 1-2+3", "A", "<p><a href=\"tel:+4930123\">A</a> +49 (30) 1-2+3</p>\n" },
		{ "tel@a.example;x=\"1", "A",
		  "<p><a href=\"sip:tel@a.example%3bx%3d%221\">A</a> "
		  "tel@a.example;x=&quot;1</p>\n" },
		{ "javascript:alert(1)", "A",
		  "<p><a href=\"tel:javascript%3aalert%281%29\">A</a> javascript:alert(1)</p>\n" },
		{ "", "Nobody", "<p>Nobody </p>\n" },
		{ " - ", "", "<p> - </p>\n" },
	};
	static uint8_t space[PAGE_ROOM];
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct phone_page p = page_over(space, "");

		phone_page_dial(&p, row->number, row->name, "");
		if (!bytes_is(writer_done(&p.w), row->want))
			fail_msg("%s: " BYTES_FMT, row->number, BYTES_ARG(writer_done(&p.w)));
	}
}

static void test_turn(void **state)
{
	static const struct row {
		uint32_t page;
		bool more;
		const char *search, *want;
	} rows[] = {
		{ 0, false, "", "" },
		{ 0, true, "", "<p><a href=\"/browser/x/directory?page=1\">Next</a></p>\n" },
		{ 1, true, "",
		  "<p><a href=\"/browser/x/directory?page=0\">Previous</a> "
		  "<a href=\"/browser/x/directory?page=2\">Next</a></p>\n" },
		{ 1, false, "M\xc3\xbc&l=\"",
		  "<p><a href=\"/browser/x/directory?page=0&amp;search=M%c3%bc%26l%3d%22\">"
		  "Previous</a></p>\n" },
		{ PHONE_PAGE_COUNT - 1, true, "",
		  "<p>There are more: search.</p>\n"
		  "<p><a href=\"/browser/x/directory?page=58\">Previous</a></p>\n" },
	};
	static uint8_t space[PAGE_ROOM];
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct phone_page p = page_over(space, row->search);

		phone_page_turn(&p, "/directory", row->page, row->more);
		if (!bytes_is(writer_done(&p.w), row->want))
			fail_msg("%u: " BYTES_FMT, row->page, BYTES_ARG(writer_done(&p.w)));
	}
}

static void test_asked(void **state)
{
	static const struct row {
		const char *arguments, *search;
		uint32_t page;
		bool good;
	} rows[] = {
		{ "", "", 0, true },
		{ "search= a b \npage=3\n", "a b", 3, true },
		{ "x=1\nsearch\npage=59\n", "", 59, true },
		{ "page=60\n", "", 60, false },
		{ "page=-1\n", "", 0, false },
		{ "search=0123456789012345678901234567890123456789012345678901234567890123\n", "",
		  0, false },
	};
	const struct row *row;
	char search[PHONE_PAGE_SEARCH_MAX];
	uint32_t page;

	(void)state;
	EACH_ROW(row, rows)
	{
		assert_int_equal(phone_page_asked(bytes_str(row->arguments), search, &page),
				 row->good);
		assert_string_equal(search, row->search);
		if (row->good)
			assert_int_equal(page, row->page);
	}
}

/* Octets that markup alone may have: as many as with a plain name. */
static uint32_t page_markup(const char *name)
{
	static uint8_t space[PAGE_ROOM];
	struct phone_page p = page_over(space, name);
	uint32_t count = 0;

	page_fill(&p, name, 1);
	assert_false(p.w.overflow);
	for (size_t i = 0; i < p.w.n; i++)
		count += memchr("<>\"'\n", space[i], 5) != NULL;
	return count;
}

/* A hundred payloads as names, as what is searched, and as numbers. */
static void test_injections(void **state)
{
	FILE *file = fopen("data/provision/injections.txt", "r");
	const uint32_t want = page_markup("plain");
	static uint8_t space[PAGE_ROOM];
	char line[512];
	unsigned count = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		struct phone_page p = page_over(space, "");

		line[strcspn(line, "\n")] = '\0';
		count++;
		if (page_markup(line) != want)
			fail_msg("%s", line);
		phone_page_dial(&p, line, "x", "");
		for (size_t i = 0, quotes = 0; i < p.w.n; i++) {
			quotes += space[i] == '"';
			assert_true(quotes <= 2 && space[i] != '\'');
		}
	}
	(void)fclose(file);
	assert_int_equal(count, 100);
}

/* A page that is too long is none. */
static void test_overflow(void **state)
{
	uint8_t space[64];
	struct phone_page p = { writer_over(space, sizeof(space)), "/browser/x", "" };

	(void)state;
	page_fill(&p, "Tom", 0);
	assert_true(p.w.overflow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),     cmocka_unit_test(test_dial),
		cmocka_unit_test(test_turn),       cmocka_unit_test(test_asked),
		cmocka_unit_test(test_injections), cmocka_unit_test(test_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
