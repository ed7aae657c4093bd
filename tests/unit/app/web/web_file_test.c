/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "app/web/web_page.h"

#define NOW_MS UINT64_C(1795564800000)

static const struct web_files FILES = { .folder = "/nowhere", .key = { 1, 2, 3 } };

static struct bytes link_of(char out[256], const char *name, uint64_t expires_utc_ms)
{
	struct writer w = writer_over(out, 256);

	web_file_link(&w, &FILES, bytes_str(name), expires_utc_ms);
	assert_false(w.overflow);
	return writer_done(&w);
}

static void a_link_is_good_until_its_time(void **state)
{
	char text[256];
	struct bytes link = link_of(text, "acme/2026-11-25/x.wav", NOW_MS), name;

	(void)state;
	assert_int_equal(web_file_parse(&FILES, link, NOW_MS, &name), 0);
	assert_true(bytes_is(name, "acme/2026-11-25/x.wav"));
	assert_int_equal(web_file_parse(&FILES, link, NOW_MS + 1, &name), -EACCES);
}

/* Any octet of it that is another one, or missing, makes it nobody's. */
static void nobody_makes_one(void **state)
{
	const struct web_files other = { .key = { 1, 2, 4 } };
	char text[256];
	struct bytes link = link_of(text, "acme/2026-11-25/x.wav", NOW_MS), name;

	(void)state;
	assert_int_equal(web_file_parse(&other, link, NOW_MS, &name), -EACCES);
	for (size_t i = sizeof("/recordings/") - 1; i < link.n; i++) {
		text[i] ^= 1;
		assert_int_not_equal(web_file_parse(&FILES, link, NOW_MS, &name), 0);
		text[i] ^= 1;
		assert_int_not_equal(web_file_parse(&FILES, bytes_sub(link, 0, i), NOW_MS, &name),
				     0);
	}
	assert_int_equal(web_file_parse(&FILES, BYTES_LIT("/metrics"), NOW_MS, &name), -ENOENT);
}

/* Even of a name that was signed. */
static void names_lead_nowhere_else(void **state)
{
	static const char *const bad[] = { "",     "/etc/passwd", "../x", "a/../x", "a//b",
					   "a/.b", "a/b/",        "a b",  "a/b\n",  "." };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		char text[256];
		struct bytes link = link_of(text, bad[i], NOW_MS), name;

		ROW_ASSERT(bad[i], web_file_parse(&FILES, link, NOW_MS, &name) == -EACCES);
	}
}

static void ranges(void **state)
{
	static const struct {
		const char *header;
		int want;
		bool part;
		uint64_t from, n;
	} rows[] = {
		{ "", 0, false, 0, 100 },
		{ "bytes=0-", 0, true, 0, 100 },
		{ "bytes=0-0", 0, true, 0, 1 },
		{ "Bytes=10-19", 0, true, 10, 10 },
		{ "bytes=90-1000", 0, true, 90, 10 },
		{ "bytes=99-", 0, true, 99, 1 },
		{ "bytes=-10", 0, true, 90, 10 },
		{ "bytes=-1000", 0, true, 0, 100 },
		{ "bytes=100-", -ERANGE, true, 100, 0 },
		{ "bytes=-0", -ERANGE, true, 100, 0 },
		{ "bytes=5-4", 0, false, 0, 100 },
		{ "bytes=0-1,5-6", 0, false, 0, 100 },
		{ "bytes=-", 0, false, 0, 100 },
		{ "bytes=7", 0, false, 0, 100 },
		{ "bytes=18446744073709551615-", -ERANGE, true, UINT64_MAX, 0 },
		{ "bytes=0-18446744073709551615", 0, true, 0, 100 },
		{ "bytes=0-18446744073709551616", 0, false, 0, 100 },
		{ "lines=0-1", 0, false, 0, 100 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct web_range range;

		ROW_ASSERT(rows[i].header,
			   web_range_parse(bytes_str(rows[i].header), 100, &range) == rows[i].want);
		ROW_ASSERT(rows[i].header, range.part == rows[i].part);
		ROW_ASSERT(rows[i].header, range.from == rows[i].from && range.n == rows[i].n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_is_good_until_its_time),
		cmocka_unit_test(nobody_makes_one),
		cmocka_unit_test(names_lead_nowhere_else),
		cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
