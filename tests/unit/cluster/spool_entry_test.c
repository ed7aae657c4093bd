/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "cluster/record.h"
#include "cluster/spool/spool.h"

enum { ENTRIES = 3, FILE_MAX = 512 };

/* Three entries behind each other; at[i] is where the i-th begins. */
struct file {
	uint8_t p[FILE_MAX];
	size_t n;
	size_t at[ENTRIES + 1];
};

static void file_make(struct file *f)
{
	static const char *const fields[ENTRIES] = { "ab", "", "the third one" };
	struct writer w = writer_over(f->p, sizeof(f->p));

	for (int i = 0; i < ENTRIES; i++) {
		f->at[i] = w.n;
		spool_entry_write(&w, &(struct spool_entry){ 7 + (uint64_t)i, 9,
							     bytes_str(fields[i]) });
	}
	f->at[ENTRIES] = f->n = w.n;
	assert_false(w.overflow);
}

/* The numbers of all entries found, one digit each, with '?' for skipped bytes and '/' for a torn end. */
static void read_all(struct bytes rest, char *out)
{
	struct spool_entry entry;
	int got;

	while ((got = spool_entry_next(&rest, &entry)) != 0) {
		assert_true(got == 1 || got == -EBADMSG || got == -ENODATA);
		*out++ = (char)(got > 0 ? '0' + (char)entry.number : got == -EBADMSG ? '?' : '/');
		if (got == -ENODATA)
			assert_int_equal(rest.n, 0);
	}
	*out = 0;
}

static void test_layout(void **state)
{
	static const uint8_t want[] = { 'T', 'D', 'C', '1', 0,    0,    0,    2,    0,   0,
					0,   0,   0,   0,   0,    7,    0,    0,    0,   0,
					0,   0,   0,   9,   0x94, 0x21, 0x17, 0xd4, 'a', 'b' };
	struct file f;

	(void)state;
	file_make(&f);
	assert_int_equal(f.at[1], sizeof(want));
	assert_memory_equal(f.p, want, sizeof(want));
}

static void test_read(void **state)
{
	struct file f;
	struct spool_entry entry;
	struct bytes rest;
	char got[FILE_MAX];

	(void)state;
	file_make(&f);
	read_all(bytes_mem(f.p, f.n), got);
	assert_string_equal(got, "789");
	rest = bytes_mem(f.p, f.n);
	assert_int_equal(spool_entry_next(&rest, &entry), 1);
	assert_true(entry.number == 7 && entry.call == 9 && bytes_is(entry.fields, "ab"));
}

/* Wherever a crash tears the file off: what was whole is found, the rest is called torn. */
static void test_torn(void **state)
{
	struct file f;
	char got[FILE_MAX];

	(void)state;
	file_make(&f);
	for (size_t n = 0; n <= f.n; n++) {
		const char *want = n == f.at[0]   ? ""
				   : n < f.at[1]  ? "/"
				   : n == f.at[1] ? "7"
				   : n < f.at[2]  ? "7/"
				   : n == f.at[2] ? "78"
				   : n < f.at[3]  ? "78/"
						  : "789";

		read_all(bytes_mem(f.p, n), got);
		assert_string_equal(got, want);
	}
}

/* Whatever byte is damaged, the two entries that do not hold it are found. */
static void test_damaged(void **state)
{
	struct file f;
	char got[FILE_MAX];

	(void)state;
	file_make(&f);
	for (size_t i = 0; i < f.n; i++) {
		char lost = (char)(i < f.at[1] ? '7' : i < f.at[2] ? '8' : '9');

		f.p[i] ^= 0x10;
		read_all(bytes_mem(f.p, f.n), got);
		for (char c = '7'; c <= '9'; c++)
			assert_int_equal(strchr(got, c) != NULL, c != lost);
		assert_true(strchr(got, '?') || strchr(got, '/'));
		f.p[i] ^= 0x10;
	}
}

static void test_no_entries(void **state)
{
	static const struct {
		const char *name;
		struct bytes in;
		const char *want;
	} rows[] = {
		{ "zeros", { (const uint8_t *)"\0\0\0\0\0\0\0\0", 8 }, "?" },
		{ "beginning of the magic", { (const uint8_t *)"TD", 2 }, "/" },
		{ "magic only", { (const uint8_t *)"TDC1", 4 }, "/" },
		{ "a length that no entry has",
		  { (const uint8_t *)"TDC1\xff\xff\xff\xff--------------------", 28 },
		  "?" },
	}, *row;
	char got[FILE_MAX];

	(void)state;
	EACH_ROW(row, rows)
	{
		read_all(row->in, got);
		ROW_ASSERT(row->name, !strcmp(got, row->want));
	}
}

static void test_cdr_fields(void **state)
{
	static const struct cdr_field fields[] = {
		{ { (const uint8_t *)"from", 4 }, { (const uint8_t *)"1001", 4 } },
		{ { (const uint8_t *)"note", 4 }, { NULL, 0 } },
		{ { (const uint8_t *)"raw", 3 }, { (const uint8_t *)"\0\1", 2 } },
	};
	uint8_t buf[64];
	struct writer w = writer_over(buf, sizeof(buf));
	struct cdr_field got;
	struct bytes rest;
	size_t size = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		cdr_field_write(&w, &fields[i]);
		size += cdr_field_size(&fields[i]);
	}
	assert_int_equal(w.n, size);
	rest = writer_done(&w);
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		assert_int_equal(cdr_field_next(&rest, &got), 1);
		assert_true(bytes_eq(got.name, fields[i].name) &&
			    bytes_eq(got.value, fields[i].value));
	}
	assert_int_equal(cdr_field_next(&rest, &got), 0);
	/* the first field cut anywhere */
	for (size_t n = 1; n < cdr_field_size(&fields[0]); n++) {
		rest = bytes_mem(buf, n);
		assert_int_equal(cdr_field_next(&rest, &got), -EBADMSG);
		assert_int_equal(rest.n, n);
	}
}

/* "NAME=VALUE ..." as fields, and what is cut off them: the number of fields of each. */
static void test_cdrs(void **state)
{
	static const struct {
		const char *name, *in, *want;
	} rows[] = {
		{ "nothing", "", "" },
		{ "one", "cdr=a", "1" },
		{ "one of many fields", "from=1 to=2 note=", "3" },
		{ "two", "cdr=a id=X.2 cdr=b", "1 2" },
		{ "an id at once", "id=X cdr=a id=Y", "2 1" },
		{ "ids alone", "id=X id=Y id=Z", "1 1 1" },
	};
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT_OF(rows); i++) {
		struct bytes in = bytes_str(rows[i].in), word, rest, one;
		uint8_t buf[128];
		char got[32] = "";
		struct writer w = writer_over(buf, sizeof(buf));
		struct writer g = writer_over(got, sizeof(got) - 1);
		size_t size = 0;

		while (in.n && ((void)bytes_cut(&in, ' ', &word), word.n)) {
			size_t at = bytes_find(word, '=');

			cdr_field_write(&w, &(struct cdr_field){ bytes_sub(word, 0, at),
								 bytes_from(word, at + 1) });
		}
		rest = writer_done(&w);
		while (cdr_next(&rest, &one, &n)) {
			writer_fmt(&g, "%s%zu", g.n ? " " : "", n);
			size += one.n;
		}
		assert_int_equal(size, w.n);
		ROW_ASSERT(rows[i].name, strcmp(got, rows[i].want) == 0);
		ROW_ASSERT(rows[i].name, cdr_count(writer_done(&w)) == (g.n ? (g.n + 1) / 2 : 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),     cmocka_unit_test(test_read),
		cmocka_unit_test(test_torn),       cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_no_entries), cmocka_unit_test(test_cdr_fields),
		cmocka_unit_test(test_cdrs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
