/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tests/unit/test.h"

#include <errno.h>

/* One byte more than the writer may use, to see it stay untouched. */
struct guarded {
	char text[8];
	char guard;
};

static void appends_in_order(void **state)
{
	uint8_t raw[64];
	struct writer w = writer_over(raw, sizeof(raw));

	(void)state;
	writer_str(&w, "a");
	writer_bytes(&w, BYTES_LIT("bc"));
	writer_mem(&w, "d", 1);
	writer_fmt(&w, "%d", 42);
	writer_u8(&w, 1);
	writer_be16(&w, 0x0203);
	writer_be32(&w, 0x04050607);
	writer_be64(&w, UINT64_C(0x08090a0b0c0d0e0f));
	writer_hex(&w, BYTES_LIT("\x01\xab"));
	writer_bytes(&w, bytes_str(NULL));
	assert_true(bytes_is(writer_done(&w), "abcd42\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b"
					      "\x0c\x0d\x0e\x0f"
					      "01ab"));
	assert_false(w.overflow);
	assert_int_equal(be16_get(raw + 7), 0x0203);
	assert_int_equal(be32_get(raw + 9), 0x04050607);
	assert_int_equal(be64_get(raw + 13), 0x08090a0b0c0d0e0f);
}

static void overflow_keeps_whole_appends(void **state)
{
	struct guarded g = { .guard = '!' };
	struct writer w = writer_over(g.text, sizeof(g.text));

	(void)state;
	writer_str(&w, "12345");
	writer_str(&w, "6789");
	assert_true(w.overflow);
	assert_true(bytes_is(writer_done(&w), "12345"));
	writer_str(&w, "6"); /* would fit, but the text would have a hole */
	writer_str(&w, "");
	assert_true(bytes_is(writer_done(&w), "12345"));
	assert_int_equal(g.guard, '!');
}

static void exact_fit_is_no_overflow(void **state)
{
	struct guarded g = { .guard = '!' };
	struct writer w = writer_over(g.text, sizeof(g.text));

	(void)state;
	writer_str(&w, "12345678");
	assert_false(w.overflow);
	assert_int_equal(w.n, 8);
	writer_u8(&w, '9');
	assert_true(w.overflow);
	assert_int_equal(g.guard, '!');
}

static void formatting_needs_one_byte_more(void **state)
{
	static const struct row {
		const char *name;
		unsigned digits;
		bool overflow;
	} rows[] = { { "fits with NUL", 7, false },
		     { "NUL does not fit", 8, true },
		     { "too long", 9, true } };
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct guarded g = { .guard = '!' };
		struct writer w = writer_over(g.text, sizeof(g.text));

		writer_fmt(&w, "%0*d", (int)row->digits, 1);
		ROW_ASSERT(row->name, w.overflow == row->overflow);
		ROW_ASSERT(row->name, w.n == (row->overflow ? 0 : row->digits));
		ROW_ASSERT(row->name, g.guard == '!');
	}
}

static void hex_goes_both_ways(void **state)
{
	static const struct row {
		const char *in;
		int want;
		const char *out;
	} rows[] = {
		{ "", 0, "" },
		{ "6162", 0, "ab" },
		{ "4A4b", 0, "JK" },
		{ "616", -EINVAL, "" },
		{ "6g", -EINVAL, "" },
		{ "g6", -EINVAL, "" },
		{ "6162636465", -EINVAL, "" },
	};
	const struct row *row;
	uint8_t raw[4];
	size_t n;

	(void)state;
	EACH_ROW(row, rows)
	{
		n = 0;
		ROW_ASSERT(row->in,
			   hex_decode(bytes_str(row->in), raw, sizeof(raw), &n) == row->want);
		ROW_ASSERT(row->in, bytes_is(bytes_mem(raw, n), row->out));
	}
}

static void base32_keeps_numbers_and_order(void **state)
{
	static const struct row {
		uint64_t v;
		const char *text;
	} rows[] = { /* ascending */
		     { 0, "0000000000000" },
		     { 31, "000000000000v" },
		     { 32, "0000000000010" },
		     { UINT64_C(0x0123456789abcdef), "028q5cu4qnjff" },
		     { UINT64_C(1) << 63, "8000000000000" },
		     { UINT64_MAX, "fvvvvvvvvvvvv" }
	};
	const struct row *row;
	const char *before = "";

	(void)state;
	EACH_ROW(row, rows)
	{
		char text[BASE32_U64_LEN + 1] = "";
		uint64_t back = 1;

		base32_u64_put(text, row->v);
		ROW_ASSERT(row->text, strcmp(text, row->text) == 0);
		ROW_ASSERT(row->text, strcmp(before, text) < 0);
		ROW_ASSERT(row->text, base32_u64_get(bytes_str(text), &back) == 0);
		ROW_ASSERT(row->text, back == row->v);
		before = row->text;
	}
}

static void base32_refuses(void **state)
{
	static const char *const rows[] = {
		"",
		"000000000000",   /* 12 */
		"00000000000000", /* 14 */
		"g000000000000",  /* 65 bits */
		"000000000000w",
		"000000000000-",
		"000000 000000",
	};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ROW_ASSERT(rows[i], base32_u64_get(bytes_str(rows[i]), &v) == -EINVAL);
	assert_int_equal(base32_u64_get(BYTES_LIT("FVVVVVVVVVVVV"), &v), 0);
	assert_true(v == UINT64_MAX);
}

static void lines_are_never_cut(void **state)
{
	static const struct row {
		size_t cap;
		const char *want;
	} rows[] = { { 32, "a: 1\r\nb: 22\r\n" },
		     { 13, "a: 1\r\nb: 22\r\n" },
		     { 12, "a: 1\r\n" },
		     { 7, "a: 1\r\n" },
		     { 6, "a: 1\r\n" },
		     { 5, "" },
		     { 0, "" } };
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char buf[32];
		struct writer w = writer_over(buf, row->cap);

		writer_str(&w, "a: 1");
		writer_str(&w, "\r\n");
		writer_str(&w, "b: 2");
		writer_str(&w, "2\r\n");
		ROW_ASSERT(row->want, bytes_is(writer_lines(&w), row->want));
		ROW_ASSERT(row->want, bytes_are_lines(writer_lines(&w)));
	}
	assert_true(bytes_are_lines(BYTES_LIT("")));
	assert_false(bytes_are_lines(BYTES_LIT("\n")));
	assert_false(bytes_are_lines(BYTES_LIT("a: 1")));
}

/* As printf writes them, at each length; what does not fit is not cut. */
static void numbers_by_hand(void **state)
{
	char space[64], want[64];
	uint64_t v = 0;

	(void)state;
	for (unsigned i = 0; i < 300; i++, v = v * 3 + i) {
		struct writer w = writer_over(space, sizeof(space));

		writer_number(&w, "Max-Forwards: ", v, "\r\n");
		(void)snprintf(want, sizeof(want), "Max-Forwards: %llu\r\n", (unsigned long long)v);
		assert_true(bytes_is(writer_done(&w), want));
	}
	for (size_t cap = 0; cap < 3; cap++) {
		struct writer w = writer_over(space, cap);

		writer_u64(&w, 100);
		assert_true(w.overflow && w.n == 0);
	}
}

static void texts_in_a_row(void **state)
{
	char space[64];
	struct writer w = writer_over(space, sizeof(space));

	(void)state;
	WRITER_TEXTS(&w, "a=", "sendrecv", "", "\r\n");
	assert_true(bytes_is(writer_done(&w), "a=sendrecv\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_by_hand),
		cmocka_unit_test(texts_in_a_row),
		cmocka_unit_test(appends_in_order),
		cmocka_unit_test(overflow_keeps_whole_appends),
		cmocka_unit_test(exact_fit_is_no_overflow),
		cmocka_unit_test(formatting_needs_one_byte_more),
		cmocka_unit_test(lines_are_never_cut),
		cmocka_unit_test(hex_goes_both_ways),
		cmocka_unit_test(base32_keeps_numbers_and_order),
		cmocka_unit_test(base32_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
