/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of dialled numbers. */
#include "sig/dial/pattern.h"
#include "tests/unit/test.h"

enum { NO, WHOLE, MORE, BOTH };

static int fit_of(const char *list, const char *number)
{
	struct pattern best;
	struct pattern_fit fit = pattern_list_match(bytes_str(list), bytes_str(number), &best);

	return (fit.whole ? WHOLE : 0) | (fit.more ? MORE : 0);
}

/* The digit map that phones are given, without its commas and timers. */
static const char g_map[] =
	"0|##|#[1-3]x|#[5-9]x|#41xx|#4[2-9]|[1-7]xx|9[2-9]xxxxxx|91xxxxxxxxxx|911|xxx.";

static void test_fits(void **state)
{
	static const struct {
		const char *list, *number;
		int fit;
	} rows[] = {
		{ "911", "911", WHOLE },
		{ "911", "91", MORE },
		{ "911", "", MORE },
		{ "911", "9111", NO },
		{ "911", "912", NO },
		{ "[1-7]xx", "123", WHOLE },
		{ "[1-7]xx", "823", NO },
		{ "[1-7]xx", "923", NO },
		{ "9x.", "9", BOTH },
		{ "9x.", "91234", BOTH },
		{ "9x.", "91*", NO },
		{ "x.#", "#", WHOLE },
		{ "x.#", "12", MORE },
		{ "x.#", "12#", WHOLE },
		{ "x.12", "12", BOTH },
		{ "x.12", "1212", BOTH },
		{ "[*#]1X", "*19", WHOLE },
		{ "[+0-2]x", "+9", WHOLE },
		{ "[+0-2]x", "39", NO },
		{ "+1[2-9]x.", "+15551234", BOTH },
		{ g_map, "#41", MORE },
		{ g_map, "#4123", WHOLE },
		{ g_map, "#44", WHOLE },
		{ g_map, "#17", WHOLE },
		{ g_map, "911", BOTH },
		{ g_map, "9", MORE },
		{ "", "1", NO },
		{ "[2-1]", "2", NO },
	};
	const typeof(rows[0]) *row;

	(void)state;
	EACH_ROW(row, rows)
	ROW_ASSERT(row->number, fit_of(row->list, row->number) == row->fit);
}

static void test_wrong(void **state)
{
	static const char *const rows[] = {
		"|1",  "1|",    "1||2",  ".",
		"1..", "[",     "[]",    "[1",
		"1]",  "[3-1]", "[1-]",  "a",
		"1,2", "[a-c]", "[*-#]", "111111111111111111111111111111111" /* 33 */,
	};
	const char *const *row;

	(void)state;
	EACH_ROW(row, rows)
	ROW_ASSERT(*row, pattern_list_wrong(bytes_str(*row)));
	assert_null(pattern_list_wrong(bytes_str("")));
	assert_null(pattern_list_wrong(bytes_str(g_map)));
	assert_null(pattern_list_wrong(bytes_str("11111111111111111111111111111111")));
}

static struct pattern read_one(const char *text)
{
	struct pattern p;
	const char *wrong;

	assert_int_equal(pattern_read(&p, bytes_str(text), &wrong), 0);
	return p;
}

static void test_more_exact(void **state)
{
	static const struct {
		const char *first, *second;
	} rows[] = {
		{ "1900x.", "1x." }, { "12", "1x" },  { "1[2-4]", "1[2-5]" },     { "1x", "1x." },
		{ "123", "12" },     { "911", "9x" }, { "+1876xxxxxxx", "+1x." }, { "x", "x.1" },
	};
	const typeof(rows[0]) *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct pattern a = read_one(row->first), b = read_one(row->second);

		ROW_ASSERT(row->first, pattern_order(&a, &b) < 0);
		ROW_ASSERT(row->first, pattern_order(&b, &a) > 0);
		ROW_ASSERT(row->first, pattern_order(&a, &a) == 0);
	}
}

static void test_best_of_a_list(void **state)
{
	struct pattern best, want = read_one("12x");

	(void)state;
	assert_true(
		pattern_list_match(bytes_str("1xx|x.|12x|1[2-3]x"), bytes_str("123"), &best).whole);
	assert_int_equal(pattern_order(&best, &want), 0);
}

static void test_hardly_meant(void **state)
{
	static const struct {
		const char *list, *why; /* NULL: as it says */
	} rows[] = {
		{ "+4420.", "+4420.: the dot repeats the 0 before it, and no other digit; +4420x. "
			    "is all that begins so" },
		{ "0x.|00.", "00.: the dot repeats the 0 before it, and no other digit; 00x. is all "
			     "that begins so" },
		{ "+.x", "+.x: the dot repeats the + before it, and no other digit" },
		{ "[4].", "[4].: the dot repeats the 4 before it, and no other digit; [4]x. is all "
			  "that begins so" },
		{ "0+49x.", "0+49x.: no number has a + behind its beginning" },
		{ "+4420x.", NULL },
		{ "[2-4].|x.|*72xx", NULL },
		{ "", NULL },
		{ "[", NULL },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char text[200];
		struct writer w = writer_over(text, sizeof(text));

		ROW_ASSERT(row->list,
			   pattern_list_odd(bytes_str(row->list), &w) == (row->why != NULL));
		ROW_ASSERT(row->list, !row->why || bytes_is(writer_done(&w), row->why));
	}
}

static void test_meets(void **state)
{
	static const struct {
		const char *a, *b;
		bool both;
	} rows[] = {
		{ "#1x", "#x1", true },   { "#1x", "#2x", false },   { "#1x", "#1xx", false },
		{ "7x.", "7", true },     { "7x.", "77x", true },    { "7x.", "x.8", true },
		{ "x.7", "8x.", true },   { "[1-3]x", "3.4", true }, { "[1-3]x", "[4-6]x.", false },
		{ "x.1", "x.2", false },  { "1.2.", "2", true },     { "x", "*", false },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct pattern a, b;
		const char *wrong;

		ROW_ASSERT(row->a, !pattern_read(&a, bytes_str(row->a), &wrong));
		ROW_ASSERT(row->b, !pattern_read(&b, bytes_str(row->b), &wrong));
		ROW_ASSERT(row->a, pattern_meets(&a, &b) == row->both);
		ROW_ASSERT(row->b, pattern_meets(&b, &a) == row->both);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hardly_meant),   cmocka_unit_test(test_fits),
		cmocka_unit_test(test_wrong),          cmocka_unit_test(test_more_exact),
		cmocka_unit_test(test_best_of_a_list), cmocka_unit_test(test_meets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
