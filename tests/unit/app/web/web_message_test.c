/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web_sip.h"

#include <errno.h>

#include "tests/unit/test.h"

static void test_pieces(void **state)
{
	struct web_message m = { 0 };

	(void)state;
	assert_int_equal(web_message_add(&m, BYTES_LIT("OPTI"), 3), 0);
	assert_int_equal(web_message_add(&m, BYTES_LIT(""), 0), 0);
	assert_int_equal(web_message_add(&m, BYTES_LIT("ONS"), 0), 0);
	assert_true(bytes_is(bytes_mem(m.data, m.n), "OPTIONS"));
	web_message_clear(&m);
	assert_int_equal(m.n, 0);
	assert_null(m.data);
}

/* The length alone refuses, before anything of it is kept. */
static void test_limits(void **state)
{
	static uint8_t space[STREAM_MESSAGE_MAX + 1];
	static const struct {
		const char *name;
		size_t first, second;
		uint64_t left;
		int result;
	} rows[] = {
		{ "the most", 0, STREAM_MESSAGE_MAX, 0, 0 },
		{ "one too many", 0, STREAM_MESSAGE_MAX + 1, 0, -EMSGSIZE },
		{ "in two", 1, STREAM_MESSAGE_MAX - 1, 0, 0 },
		{ "one too many in two", 1, STREAM_MESSAGE_MAX, 0, -EMSGSIZE },
		{ "to come", 1, 1, STREAM_MESSAGE_MAX - 2, 0 },
		{ "too many to come", 1, 1, STREAM_MESSAGE_MAX - 1, -EMSGSIZE },
		{ "no number can be", 1, 1, UINT64_MAX, -EMSGSIZE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct web_message m = { 0 };
		size_t n = rows[i].first + (rows[i].result ? 0 : rows[i].second);

		ROW_ASSERT(rows[i].name, !web_message_add(&m, bytes_mem(space, rows[i].first), 0));
		ROW_ASSERT(rows[i].name, web_message_add(&m, bytes_mem(space, rows[i].second),
							 rows[i].left) == rows[i].result);
		ROW_ASSERT(rows[i].name, m.n == n);
		web_message_clear(&m);
	}
}

static void test_kinds(void **state)
{
	static const struct {
		const char *text;
		enum web_message_kind kind;
	} rows[] = {
		{ "", WEB_MESSAGE_BLANK },          { "\r\n", WEB_MESSAGE_BLANK },
		{ "\r\n\r\n", WEB_MESSAGE_PING },   { "\r\n\r\n\r\n", WEB_MESSAGE_BLANK },
		{ "\r\n\r\nBYE", WEB_MESSAGE_SIP }, { " \r\n", WEB_MESSAGE_SIP },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ROW_ASSERT(rows[i].text, web_message_kind(bytes_str(rows[i].text)) == rows[i].kind);
}

static void test_text(void **state)
{
	static const struct {
		const char *name, *text;
		bool is;
	} rows[] = {
		{ "ASCII", "INVITE sip:a@b SIP/2.0\r\n", true },
		{ "two", "\xc3\xbc", true },
		{ "three", "\xe2\x82\xac", true },
		{ "four", "\xf0\x9f\x93\x9e", true },
		{ "last of all", "\xf4\x8f\xbf\xbf", true },
		{ "beyond the last", "\xf4\x90\x80\x80", false },
		{ "cut", "\xe2\x82", false },
		{ "cut in the middle", "\xe2\x82g", false },
		{ "a tail alone", "\x80", false },
		{ "too long for its value", "\xc0\x80", false },
		{ "too long, three", "\xe0\x80\x80", false },
		{ "surrogate", "\xed\xa0\x80", false },
		{ "Latin 1", "M\xfcller", false },
		{ "no such head", "\xff\xff", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ROW_ASSERT(rows[i].name,
			   web_message_is_text(bytes_str(rows[i].text)) == rows[i].is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
