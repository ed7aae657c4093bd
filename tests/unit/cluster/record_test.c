/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "cluster/record.h"

enum { SEALED = RECORD_HEAD + 5 };

static void seal(uint8_t out[SEALED])
{
	struct writer w = writer_over(out, SEALED);

	record_seal(&w, &(struct record){ .version = 0x0102030405060708,
					  .payload = BYTES_LIT("hello") });
	assert_false(w.overflow);
	assert_int_equal(w.n, SEALED);
}

/* The layout is a contract: other versions of the program and the scripts read it. The CRC was computed with Python. */
static void test_layout(void **state)
{
	static const uint8_t want[SEALED] = { 'T',  'D',  'R',  1,    0,   0,   0,   0,   1,  2,
					      3,    4,    5,    6,    7,   8,   0,   0,   0,  5,
					      0xc3, 0xbc, 0xb1, 0x53, 'h', 'e', 'l', 'l', 'o' };
	uint8_t got[SEALED];

	(void)state;
	seal(got);
	assert_memory_equal(got, want, SEALED);
}

static void test_in_memory_of_its_own(void **state)
{
	struct record r = { .version = 0x0102030405060708, .payload = BYTES_LIT("hello") };
	uint8_t want[SEALED], *got;
	struct bytes whole;

	(void)state;
	seal(want);
	got = record_seal_new(&r, &whole);
	assert_ptr_equal(whole.p, got);
	assert_int_equal(whole.n, SEALED);
	assert_memory_equal(got, want, SEALED);
	free(got);
	r.payload.n = RECORD_PAYLOAD_MAX + 1;
	assert_null(record_seal_new(&r, &whole));
}

static void test_open(void **state)
{
	const char *reason;
	struct record record;
	uint8_t sealed[SEALED];

	(void)state;
	seal(sealed);
	assert_int_equal(record_open(&record, bytes_mem(sealed, SEALED), &reason), 0);
	assert_null(reason);
	assert_true(record.version == 0x0102030405060708);
	assert_true(bytes_is(record.payload, "hello"));
	assert_ptr_equal(record.payload.p, sealed + RECORD_HEAD);
}

static void test_empty_payload(void **state)
{
	uint8_t sealed[RECORD_HEAD];
	struct writer w = writer_over(sealed, sizeof(sealed));
	struct record record;
	const char *reason;

	(void)state;
	record_seal(&w, &(struct record){ .version = UINT64_MAX });
	assert_int_equal(record_open(&record, writer_done(&w), &reason), 0);
	assert_true(record.version == UINT64_MAX);
	assert_int_equal(record.payload.n, 0);
}

static void test_any_flip_is_found(void **state)
{
	uint8_t sealed[SEALED];
	struct record record = { .version = 7 };
	const char *reason;

	(void)state;
	seal(sealed);
	for (unsigned bit = 0; bit < 8 * SEALED; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(record_open(&record, bytes_mem(sealed, SEALED), &reason),
				 -EBADMSG);
		assert_non_null(reason);
		sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	assert_true(record.version == 7);
}

static void test_any_cut_is_found(void **state)
{
	uint8_t sealed[SEALED + 1] = { 0 };
	struct record record;
	const char *reason;

	(void)state;
	seal(sealed);
	for (size_t n = 0; n <= SEALED + 1; n++)
		assert_int_equal(record_open(&record, bytes_mem(sealed, n), &reason),
				 n == SEALED ? 0 : -EBADMSG);
}

/* Flags that are checksummed but unknown mean something that we would miss. */
static void test_reasons(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *want;
		int err;
	} rows[] = {
		{ "", 0, "shorter than its head", -EBADMSG },
		{ "XDR\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24, "does not start as a record",
		  -EBADMSG },
		{ "TDR\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24, "of no format", -EBADMSG },
		{ "TDR\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24, "its checksum is wrong",
		  -EBADMSG },
		{ "TDR\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "\x5a\x9f\xaa\x4f", 24, "of a later program",
		  -EPROTONOSUPPORT },
		{ "TDR\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0" "\x8a\x60\xf6\xcb", 24, "of a later program",
		  -EPROTONOSUPPORT },
		{ "TDR\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0", 24, "not as long as it says",
		  -EBADMSG },
		{ "TDR\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24, "its checksum is wrong",
		  -EBADMSG },
		{ "TDR\1\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xdd\x3c\x33\xaf", 24, "of a later program",
		  -EPROTONOSUPPORT },
	}, *row;
	struct record record;
	const char *reason;

	(void)state;
	EACH_ROW(row, rows)
	{
		assert_int_equal(record_open(&record, bytes_mem(row->text, row->n), &reason),
				 row->err);
		assert_string_equal(reason, row->want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_in_memory_of_its_own),
		cmocka_unit_test(test_empty_payload),
		cmocka_unit_test(test_any_flip_is_found),
		cmocka_unit_test(test_any_cut_is_found),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
