/* SPDX-License-Identifier: Apache-2.0 */
/* What is read without a tree; tests/fuzz/base_flat_fuzz.c compares it with jansson. */
#include "base/flat.h"

#include "tests/unit/test.h"

static void test_refused(void **state)
{
	static const char *const rows[] = { "",
					    "{",
					    "[]",
					    "{}x",
					    " {}",
					    "{ }",
					    "{\"a\"}",
					    "{\"a\":}",
					    "{\"a\":1,}",
					    "{,\"a\":1}",
					    "{\"a\":1\"b\":2}",
					    "{\"a\": 1}",
					    "{\"a\":\"\\n\"}",
					    "{\"a\\u0062\":1}",
					    "{\"a\":\"\t\"}",
					    "{\"a\":\"\xff\"}",
					    "{\"a\":-1}",
					    "{\"a\":01}",
					    "{\"a\":1.5}",
					    "{\"a\":1e3}",
					    "{\"a\":1000000000000000000}",
					    "{\"a\":null}",
					    "{\"a\":tru}",
					    "{\"a\":{}}",
					    "{\"a\":[1]}",
					    "{\"a\":[\"x\",]}",
					    "{\"a\":[,\"x\"]}",
					    "{\"a\":[\"x\"}",
					    "{\"a\":[[]]}",
					    "{\"a\":1,\"a\":1}",
					    "{\"a\":1,\"b\":2,\"a\":true}" };
	struct flat f;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ROW_ASSERT(rows[i], !flat_read(&f, bytes_str(rows[i])));
	assert_true(flat_read(&f, BYTES_LIT("{}")));
	assert_int_equal(f.n, 0);
}

static void test_values(void **state)
{
	struct bytes text =
		BYTES_LIT("{\"number\":\"1001\",\"name\":\"\xc3\xa4 \x7f\",\"empty\":\"\","
			  "\"on\":true,\"off\":false,\"zero\":0,"
			  "\"most\":999999999999999999,\"none\":[],"
			  "\"words\":[\"a,b\",\"\",\"]\"]}");
	struct flat f;
	struct flat_value v;
	struct bytes word;

	(void)state;
	assert_true(flat_read(&f, text));
	assert_int_equal(f.n, 9);
	v = flat_find(&f, BYTES_LIT("zero"));
	assert_true(v.kind == FLAT_NUMBER && v.number == 0);
	v = flat_find(&f, BYTES_LIT("number")); /* before the last one */
	assert_true(v.kind == FLAT_TEXT && bytes_is(v.text, "1001"));
	v = flat_find(&f, BYTES_LIT("name"));
	assert_true(v.kind == FLAT_TEXT && bytes_is(v.text, "\xc3\xa4 \x7f"));
	v = flat_find(&f, BYTES_LIT("empty"));
	assert_true(v.kind == FLAT_TEXT && !v.text.n);
	assert_int_equal(flat_find(&f, BYTES_LIT("on")).kind, FLAT_TRUE);
	assert_int_equal(flat_find(&f, BYTES_LIT("off")).kind, FLAT_FALSE);
	assert_int_equal(flat_find(&f, BYTES_LIT("most")).number, 999999999999999999);
	assert_int_equal(flat_find(&f, BYTES_LIT("mos")).kind, FLAT_NONE);
	v = flat_find(&f, BYTES_LIT("none"));
	assert_true(v.kind == FLAT_WORDS && !v.count && !flat_word(&v.text, &word));
	v = flat_find(&f, BYTES_LIT("words"));
	assert_true(v.kind == FLAT_WORDS && v.count == 3);
	assert_true(flat_word(&v.text, &word) && bytes_is(word, "a,b"));
	assert_true(flat_word(&v.text, &word) && !word.n);
	assert_true(flat_word(&v.text, &word) && bytes_is(word, "]"));
	assert_false(flat_word(&v.text, &word));
}

/* As many as there is room for, each found in whatever order; one more is too many. */
static void test_many(void **state)
{
	char text[FLAT_MEMBERS_MAX * 16 + 16], name[8];
	struct flat f;

	(void)state;
	for (unsigned n = FLAT_MEMBERS_MAX; n <= FLAT_MEMBERS_MAX + 1; n++) {
		struct writer w = writer_over(text, sizeof(text));

		for (unsigned i = 0; i < n; i++)
			writer_fmt(&w, "%c\"n%u\":%u", i ? ',' : '{', i, i);
		writer_str(&w, "}");
		assert_int_equal(flat_read(&f, writer_done(&w)), n == FLAT_MEMBERS_MAX);
		for (unsigned i = f.n; i-- > 0;) {
			(void)snprintf(name, sizeof(name), "n%u", i);
			assert_int_equal(flat_find(&f, bytes_str(name)).number, i);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
