/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/document/mirror.h"

#include <errno.h>

#include "base/table.h"
#include "tests/unit/test.h"

enum { ROOM = 256 };

static const struct snapshot_document DOCUMENTS[] = {
	{ BYTES_LIT("default"), BYTES_LIT("extension"), BYTES_LIT("1001"), 7,
	  BYTES_LIT("{\"number\":\"1001\"}") },
	{ BYTES_LIT("acme"), BYTES_LIT("profile"), BYTES_LIT("default"), 9, BYTES_LIT("{}") },
};

static struct bytes write_all(uint8_t out[ROOM], uint16_t format)
{
	struct snapshot head = { .format = format, .generation = 9, .count = COUNT_OF(DOCUMENTS) };
	struct writer w = writer_over(out, ROOM);
	size_t size = 0;

	for (size_t i = 0; i < COUNT_OF(DOCUMENTS); i++)
		size += snapshot_document_size(&DOCUMENTS[i], format);
	snapshot_head_write(&w, &head, size);
	for (size_t i = 0; i < COUNT_OF(DOCUMENTS); i++)
		snapshot_document_write(&w, &DOCUMENTS[i], format);
	snapshot_tail_write(&w, writer_done(&w));
	assert_false(w.overflow);
	return writer_done(&w);
}

/* Format 1 has no tenants: an older program reads it, and we read what it wrote. */
static void round_trip(uint16_t format)
{
	uint8_t room[ROOM];
	struct bytes file = write_all(room, format);
	struct snapshot_document d;
	const char *reason;
	struct snapshot s;

	assert_int_equal(snapshot_open(&s, file, &reason), 0);
	assert_int_equal(s.format, format);
	assert_int_equal(s.generation, 9);
	assert_int_equal(s.count, 2);
	for (size_t i = 0; i < COUNT_OF(DOCUMENTS); i++) {
		assert_true(snapshot_next(&s, &d));
		assert_true(format == SNAPSHOT_OF_ONE ? bytes_is(d.tenant, SNAPSHOT_TENANT)
						      : bytes_eq(d.tenant, DOCUMENTS[i].tenant));
		assert_true(bytes_eq(d.kind, DOCUMENTS[i].kind));
		assert_true(bytes_eq(d.name, DOCUMENTS[i].name));
		assert_true(bytes_eq(d.text, DOCUMENTS[i].text));
		assert_int_equal(d.version, DOCUMENTS[i].version);
	}
	assert_false(snapshot_next(&s, &d));
}

static void test_round(void **state)
{
	(void)state;
	round_trip(SNAPSHOT_OF_ONE);
	round_trip(SNAPSHOT_FORMAT);
}

/* Whatever octet is changed, wherever it is cut: refused. */
static void test_damage(void **state)
{
	uint8_t room[ROOM];
	struct bytes file = write_all(room, SNAPSHOT_FORMAT);
	const char *reason;
	struct snapshot s;

	(void)state;
	for (size_t n = 0; n < file.n; n++)
		assert_int_equal(snapshot_open(&s, bytes_sub(file, 0, n), &reason), -EBADMSG);
	for (size_t i = 0; i < file.n; i++) {
		int err;

		room[i] ^= 0x40;
		err = snapshot_open(&s, file, &reason);
		/* the format alone may be that of a later program */
		ROW_ASSERT("damage", err == (i == 4 || i == 5 ? -EPROTONOSUPPORT : -EBADMSG));
		room[i] ^= 0x40;
	}
	assert_int_equal(snapshot_open(&s, file, &reason), 0);
}

/* The checksum is right, what it is over is not. */
static void test_lies(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
	} rows[] = {
		{ "one more document", 19, 3 },       { "one document less", 19, 1 },
		{ "a kind without a name", 24, 0 },   { "a kind longer than it may be", 24, 65 },
		{ "a text behind the end", 50, 200 },
	};
	uint8_t room[ROOM];
	const char *reason;
	struct snapshot s;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct bytes file = write_all(room, SNAPSHOT_OF_ONE);

		room[rows[i].at] = rows[i].value;
		be32_put(room + file.n - SNAPSHOT_TAIL,
			 hash_crc32c(0, bytes_sub(file, 0, file.n - SNAPSHOT_TAIL)));
		ROW_ASSERT(rows[i].name, snapshot_open(&s, file, &reason) == -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
