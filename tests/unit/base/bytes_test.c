/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

static void compares(void **state)
{
	static const struct row {
		const char *name, *a, *b;
		bool eq, ieq, starts, istarts;
	} rows[] = {
		{ "same", "Via", "Via", true, true, true, true },
		{ "case", "via", "VIA", false, true, false, true },
		{ "shorter", "Via: x", "Via", false, false, true, true },
		{ "longer", "Vi", "Via", false, false, false, false },
		{ "both empty", "", "", true, true, true, true },
		{ "empty prefix", "x", "", false, false, true, true },
		{ "not letters", "@[`{", "`{@[", false, false, false, false },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct bytes a = bytes_str(row->a);
		struct bytes b = bytes_str(row->b);

		ROW_ASSERT(row->name, bytes_eq(a, b) == row->eq);
		ROW_ASSERT(row->name, bytes_is(a, row->b) == row->eq);
		ROW_ASSERT(row->name, bytes_eq_secret(a, b) == row->eq);
		ROW_ASSERT(row->name, bytes_ieq(a, b) == row->ieq);
		ROW_ASSERT(row->name, bytes_iis(a, row->b) == row->ieq);
		ROW_ASSERT(row->name, bytes_starts(a, row->b) == row->starts);
		ROW_ASSERT(row->name, bytes_istarts(a, row->b) == row->istarts);
	}
}

static void empty_slices_are_equal(void **state)
{
	(void)state;
	assert_true(bytes_eq(bytes_str(NULL), BYTES_LIT("")));
	assert_true(bytes_is(bytes_mem(NULL, 0), ""));
	assert_int_equal(bytes_find(bytes_str(NULL), 'x'), 0);
	assert_int_equal(bytes_trim(bytes_str(NULL)).n, 0);
	assert_int_equal(bytes_from(bytes_str(NULL), 7).n, 0);
}

static void sub_is_clamped(void **state)
{
	static const struct row {
		const char *name;
		size_t from, n;
		const char *want;
	} rows[] = {
		{ "middle", 1, 2, "bc" },     { "all", 0, 4, "abcd" },
		{ "too long", 2, 99, "cd" },  { "huge", 1, SIZE_MAX, "bcd" },
		{ "from the end", 4, 1, "" }, { "from beyond", 9, 1, "" },
		{ "nothing", 2, 0, "" },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	ROW_ASSERT(row->name, bytes_is(bytes_sub(BYTES_LIT("abcd"), row->from, row->n), row->want));
}

static void trims_blanks_only(void **state)
{
	(void)state;
	assert_true(bytes_is(bytes_trim(BYTES_LIT(" \t\r\na b\r\n ")), "a b"));
	assert_true(bytes_is(bytes_trim(BYTES_LIT("   ")), ""));
	assert_true(bytes_is(bytes_trim(BYTES_LIT("x")), "x"));
}

static void cuts(void **state)
{
	static const struct row {
		const char *in;
		const char *want; /* the parts, each in brackets */
	} rows[] = {
		{ "a,b,c", "[a][b][c]" }, { "a", "[a]" },    { "", "" },
		{ "a,", "[a]" },          { ",a", "[][a]" }, { ",,", "[][]" },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct bytes rest = bytes_str(row->in);
		struct bytes part;
		char got[64];
		struct writer w = writer_over(got, sizeof(got));

		while (bytes_cut(&rest, ',', &part))
			writer_fmt(&w, "[" BYTES_FMT "]", BYTES_ARG(part));
		ROW_ASSERT(row->in, bytes_is(writer_done(&w), row->want));
	}
}

static void lists_have(void **state)
{
	static const struct row {
		const char *list, *one;
		bool want;
	} rows[] = {
		{ "", "", false },         { "", "1", false },     { "1", "1", true },
		{ "10,1", "1", true },     { "10,1", "0", false }, { "1,10", "1", true },
		{ "1,,2", "", false },     { "1,2,", "", false },  { "1, 2", "2", false },
		{ "11,12", "1,1", false }, { "a,B", "b", false },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	ROW_ASSERT(row->list,
		   bytes_list_has(bytes_str(row->list), bytes_str(row->one)) == row->want);
}

static void numbers(void **state)
{
	static const struct row {
		const char *in;
		int want64, want32;
		uint64_t value;
	} rows[] = {
		{ "0", 0, 0, 0 },
		{ "007", 0, 0, 7 },
		{ "4294967295", 0, 0, UINT32_MAX },
		{ "4294967296", 0, -ERANGE, UINT64_C(4294967296) },
		{ "18446744073709551615", 0, -ERANGE, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, -ERANGE, 0 },
		{ "99999999999999999999999999", -ERANGE, -ERANGE, 0 },
		{ "99999999999999999999999999x", -EINVAL, -EINVAL, 0 },
		{ "", -EINVAL, -EINVAL, 0 },
		{ "-1", -EINVAL, -EINVAL, 0 },
		{ "+1", -EINVAL, -EINVAL, 0 },
		{ " 1", -EINVAL, -EINVAL, 0 },
		{ "0x1", -EINVAL, -EINVAL, 0 },
		{ "1:", -EINVAL, -EINVAL, 0 },
		{ "1/", -EINVAL, -EINVAL, 0 },
	};
	const struct row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint64_t v64 = 77;
		uint32_t v32 = 77;

		ROW_ASSERT(row->in, bytes_u64(bytes_str(row->in), &v64) == row->want64);
		ROW_ASSERT(row->in, v64 == (row->want64 ? 77 : row->value));
		ROW_ASSERT(row->in, bytes_u32(bytes_str(row->in), &v32) == row->want32);
		ROW_ASSERT(row->in, v32 == (row->want32 ? 77 : row->value));
	}
}

static void secrets_differ_in_any_byte(void **state)
{
	uint8_t a[33] = { 0 };
	uint8_t b[33] = { 0 };

	(void)state;
	for (size_t bit = 0; bit < sizeof(a) * 8; bit++) {
		b[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_false(bytes_eq_secret(bytes_mem(a, sizeof(a)), bytes_mem(b, sizeof(b))));
		b[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	assert_true(bytes_eq_secret(bytes_mem(a, sizeof(a)), bytes_mem(b, sizeof(b))));
	assert_false(bytes_eq_secret(bytes_mem(a, 32), bytes_mem(b, 33)));
}

static void cstr_needs_room_for_the_nul(void **state)
{
	char out[4] = "???";

	(void)state;
	assert_int_equal(bytes_cstr(BYTES_LIT("abc"), out, sizeof(out)), 0);
	assert_string_equal(out, "abc");
	assert_int_equal(bytes_cstr(BYTES_LIT("abcd"), out, sizeof(out)), -ENOSPC);
	assert_string_equal(out, "");
	assert_int_equal(bytes_cstr(BYTES_LIT("a"), out, 0), -ENOSPC);
	assert_int_equal(bytes_cstr(bytes_str(NULL), out, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares),
		cmocka_unit_test(empty_slices_are_equal),
		cmocka_unit_test(sub_is_clamped),
		cmocka_unit_test(trims_blanks_only),
		cmocka_unit_test(cuts),
		cmocka_unit_test(lists_have),
		cmocka_unit_test(numbers),
		cmocka_unit_test(secrets_differ_in_any_byte),
		cmocka_unit_test(cstr_needs_room_for_the_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
