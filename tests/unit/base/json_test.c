/* SPDX-License-Identifier: Apache-2.0 */
/* What is written by hand is read by jansson, and says the same. */
#include "base/json.h"

#include <jansson.h>

#include "base/rand.h"
#include "tests/unit/test.h"

enum { TEXT_MAX = 40, WRITTEN_MAX = 6 * TEXT_MAX + 2 };

static struct bytes write(uint8_t space[WRITTEN_MAX], struct bytes text)
{
	struct writer w = writer_over(space, WRITTEN_MAX);

	json_write_text(&w, text);
	assert_false(w.overflow);
	return writer_done(&w);
}

static void rows(void **state)
{
	static const struct {
		const char *text, *written;
	} table[] = {
		{ "", "\"\"" },
		{ "1001", "\"1001\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "\r\n\t\x01", "\"\\u000d\\u000a\\u0009\\u0001\"" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		  "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xc3", "\"?\"" },
		{ "a\xff\xc3\xa4", "\"a???\"" },
	};
	uint8_t space[WRITTEN_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++)
		ROW_ASSERT(table[i].written,
			   bytes_is(write(space, bytes_str(table[i].text)), table[i].written));
}

static void utf8(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} table[] = {
		{ "", true },
		{ "\xc3\xa4", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\xc0\x80", false },         /* overlong */
		{ "\xe0\x9f\xbf", false },     /* overlong */
		{ "\xed\xa0\x80", false },     /* a surrogate */
		{ "\xf4\x90\x80\x80", false }, /* above U+10FFFF */
		{ "\x80", false },
		{ "\xe2\x82", false },
		{ "\xf0\x9f\x98", false },
		{ "\xc3(", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++)
		ROW_ASSERT(table[i].text, utf8_is(bytes_str(table[i].text)) == table[i].is);
}

/* Of pieces that are nearly UTF-8. */
static struct bytes noise(struct rand_source *r, uint8_t space[TEXT_MAX])
{
	static const char *const pieces[] = { "a",    "\"",           "\\",
					      "\n",   "\xc3\xa4",     "\xe2\x82\xac",
					      "\xc3", "\xed\xa0\x80", "\xf0\x9f\x98\x80",
					      "\x7f", "\xbf",         "\xf4\x90\x80\x80" };
	struct writer w = writer_over(space, TEXT_MAX);
	uint32_t n = rand_below(r, 8), kinds = rand_below(r, COUNT_OF(pieces)) + 1;

	while (n--)
		writer_str(&w, pieces[rand_below(r, kinds)]);
	return writer_done(&w);
}

static void as_jansson(void **state)
{
	uint8_t text[TEXT_MAX], written[WRITTEN_MAX];
	struct rand_source r;
	unsigned valid = 0;

	(void)state;
	rand_open_seed(&r, 1);
	for (int i = 0; i < 20000; i++) {
		struct bytes in = noise(&r, text), out = write(written, in);
		json_t *want = json_stringn_nocheck((const char *)in.p, in.n);
		json_t *strict = json_stringn((const char *)in.p, in.n);
		json_t *got = json_loadb((const char *)out.p, out.n, JSON_DECODE_ANY, NULL);

		assert_non_null(got);
		assert_true(utf8_is(in) == (strict != NULL));
		if (strict)
			assert_true(json_equal(got, want));
		valid += strict != NULL;
		json_decref(want);
		json_decref(strict);
		json_decref(got);
	}
	assert_in_range(valid, 1000, 19000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(utf8),
		cmocka_unit_test(as_jansson),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
