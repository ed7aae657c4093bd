/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of every type, written and read: octets as protobuf has them, bounds, defaults, lists, and what a later program has added. */
#include "tests/unit/test.h"

#include "tests/unit/base/schema_thing.h"

static uint8_t g_room[4096];

static struct bytes write_thing(const struct thing *t, const struct text *unknown, bool *secret)
{
	struct schema_writer w = { .start = g_room,
				   .at = g_room + sizeof(g_room),
				   .now = { THING_NOW_NS, THING_NOW_UTC },
				   .unknown = unknown };

	schema_write(&w, thing_rows, t);
	assert_false(w.overflow);
	if (secret)
		*secret = w.secret;
	return bytes_mem(w.at, (size_t)(g_room + sizeof(g_room) - w.at));
}

/* NULL: it is taken. */
static const char *read_thing(struct thing *t, struct bytes in, struct text *unknown)
{
	struct schema_reader r = { .now = { THING_NOW_NS, THING_NOW_UTC },
				   .shift_ms = 500,
				   .unknown = unknown };
	bool ok = schema_read(&r, thing_rows, t, in, SCHEMA_WHOLE);

	assert_int_equal(ok, r.reason == NULL);
	return r.reason;
}

static void assert_octets(struct bytes got, const char *hex)
{
	uint8_t want[256];
	size_t n;

	assert_int_equal(hex_decode(bytes_str(hex), want, sizeof(want), &n), 0);
	assert_true(bytes_eq(got, bytes_mem(want, n)));
}

static void test_nothing(void **state)
{
	struct thing t = { .none = UINT8_MAX }, u = { 0 };
	bool secret;

	(void)state;
	/* octets that are always there, and no number */
	assert_octets(write_thing(&t, NULL, &secret), "7203000000");
	assert_false(secret);
	assert_null(read_thing(&u, (struct bytes){ 0 }, NULL));
	assert_int_equal(u.none, UINT8_MAX);
	assert_null(u.behind);
}

static void test_all(void **state)
{
	struct thing_part behind = { .number = 2 },
			  pointed[2] = { { .number = 3 }, { .number = 4 } };
	struct thing t = {
		.small = 255,
		.none = 0,
		.middle = 300,
		.loud = -12,
		.large = UINT32_MAX,
		.mark = 1,
		.huge = UINT64_MAX,
		.id = 2,
		.yes = true,
		.at_utc_ms = 1000,
		.until_ns = THING_NOW_NS + 2 * NS_PER_S,
		.word = "abcd",
		.octets = { 1, 2, 3 },
		.keys = { '1', '2' },
		.key_count = 2,
		.flat = { .number = 1 },
		.behind = &behind,
		.list = { { .number = 5 } },
		.list_count = 1,
		.pointed = pointed,
		.pointed_count = 2,
		.words = { "ab", "" },
		.word_count = 2,
		.twice = 21,
	};
	struct thing u = { 0 };
	struct bytes out;
	bool secret;

	(void)state;
	assert_int_equal(text_set(&t.line, BYTES_LIT("a line")), 0);
	assert_int_equal(addr_parse(&t.addr, BYTES_LIT("192.0.2.1:5060")), 0);
	out = write_thing(&t, NULL, &secret);
	assert_true(secret);
	assert_octets(out, "08ff01"
			   "1001"
			   "18ac02"
			   "2017"
			   "28ffffffff0f"
			   "3501000000"
			   "38ffffffffffffffffff01"
			   "410200000000000000"
			   "4801"
			   "50e807"
			   "58d0c783a1f732"
			   "620661206c696e65"
			   "6a0461626364"
			   "7203010203"
			   "7a023132"
			   "82010e3139322e302e322e313a35303630"
			   "8a01020801"
			   "9201020802"
			   "9a01020805"
			   "a201020803"
			   "a201020804"
			   "aa01026162"
			   "aa0100"
			   "b0012a");
	assert_null(read_thing(&u, out, NULL));
	assert_int_equal(u.at_utc_ms, 1500);
	assert_int_equal(u.until_ns, THING_NOW_NS + 2500 * NS_PER_MS + 1);
	assert_int_equal(u.loud, -12);
	assert_int_equal(u.pointed[1].number, 4);
	assert_string_equal(u.words[0], "ab");
	u.at_utc_ms -= 500;
	u.until_ns -= 500 * NS_PER_MS;
	{
		uint8_t again[256];
		size_t n = out.n;

		memcpy(again, out.p, n);
		assert_true(bytes_eq(write_thing(&u, NULL, NULL), bytes_mem(again, n)));
	}
	clear_thing(&u);
	text_clear(&t.line);
}

/* What is refused, and why. */
static void test_refused(void **state)
{
	static const struct {
		const char *hex, *why; /* NULL: it is taken */
	} rows[] = {
		{ "08ff01", NULL },
		{ "088002", "small" },         /* 256 */
		{ "0901", "not a record" },    /* cut short */
		{ "0d01000000", "small" },     /* of another wire type */
		{ "1011", "none" },            /* 17 */
		{ "2019", "loud" },            /* -13 */
		{ "62020d0a", "thing: line" }, /* the end of a line */
		{ "620b6161616161616161616161", "thing: line" },
		{ "6a056162636465", "word" }, /* no room for the NUL */
		{ "6a026100", "word" },       /* a NUL within */
		{ "72020102", "octets" },
		{ "7a053132333435", "keys" },
		{ "82010161", "addr" },
		{ "8a0100", "part: number" },     /* not there */
		{ "8a01020864", "part: number" }, /* 100 */
		{ "8a0102080d", "bad luck" },
		{ "9a010208019a01020801", "two of one name" },
		{ "9a010208019a010208029a01020803", "list" },
		{ "b00103", "twice" },
		{ "0001", "not a record" }, /* there is no field 0 */
		{ "0b", "not a record" },   /* a group */
		{ "8a01ff", "not a record" },
		{ "08ffffffffffffffffffffff", "not a record" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct thing t = { 0 };
		uint8_t in[64];
		size_t n;
		const char *why;

		assert_int_equal(hex_decode(bytes_str(rows[i].hex), in, sizeof(in), &n), 0);
		why = read_thing(&t, bytes_mem(in, n), NULL);
		ROW_ASSERT(rows[i].hex, rows[i].why ? why && !strcmp(why, rows[i].why) : !why);
		clear_thing(&t);
	}
}

/* A message that stands there twice is one, with what came last. */
static void test_merged(void **state)
{
	static const uint8_t in[] = { 0x92, 0x01, 0x02, 0x08, 0x05, 0x92, 0x01,
				      0x05, 0x08, 0x06, 0x12, 0x01, 'a' };
	struct thing t = { 0 };

	(void)state;
	assert_null(read_thing(&t, bytes_mem(in, sizeof(in)), NULL));
	assert_int_equal(t.behind->number, 6);
	assert_string_equal(text_str(&t.behind->name), "a");
	clear_thing(&t);
}

/* Of a later program: in the thing, and in elements of its lists. They are written behind what is known, and go with their element. */
static void test_unknown(void **state)
{
	uint8_t in[128];
	struct thing t = { 0 };
	struct text unknown = { 0 };
	size_t n;
	struct bytes out;

	(void)state;
	assert_int_equal(hex_decode(bytes_str("0801"
					      "7203000000"
					      "9a0108"
					      "0805"
					      "f00107"
					      "f80108"
					      "9a0105"
					      "0806"
					      "f00109"
					      "a20107"
					      "0803"
					      "920302"
					      "6162"
					      "c23e0178"),
				    in, sizeof(in), &n),
			 0);
	assert_null(read_thing(&t, bytes_mem(in, n), &unknown));
	assert_int_equal(t.list_count, 2);
	t.none = UINT8_MAX;
	out = write_thing(&t, &unknown, NULL);
	assert_true(bytes_eq(out, bytes_mem(in, n)));
	/* the first element is gone, and what was in it */
	t.list[0] = t.list[1];
	t.list_count = 1;
	out = write_thing(&t, &unknown, NULL);
	assert_octets(out, "08017203000000"
			   "9a0105"
			   "0806"
			   "f00109"
			   "a20107"
			   "0803"
			   "920302"
			   "6162"
			   "c23e0178");
	clear_thing(&t);
	text_clear(&unknown);
}

/* A record of them alone is read in the time that its length takes, not in the square of that. */
static void test_many_unknown(void **state)
{
	enum { COUNT = 200000, FIELD = 3 };
	uint8_t *in = malloc((size_t)COUNT * FIELD);
	struct text unknown = { 0 };
	struct thing t = { 0 };

	(void)state;
	assert_non_null(in);
	for (size_t i = 0; i < COUNT; i++)
		memcpy(in + i * FIELD, "\xf8\x3e\x07", FIELD);
	assert_null(read_thing(&t, bytes_mem(in, (size_t)COUNT * FIELD), &unknown));
	assert_int_equal(unknown.n, COUNT * (17 + 1));
	clear_thing(&t);
	text_clear(&unknown);
	free(in);
}

/* Nothing is written before the room, however little there is. */
static void test_room(void **state)
{
	struct thing_part behind = { .number = 2 };
	struct thing t = { .huge = UINT64_MAX, .id = 7, .word = "abcd", .behind = &behind };
	size_t n = write_thing(&t, NULL, NULL).n;

	(void)state;
	for (size_t room = 0; room < n; room++) {
		struct schema_writer w = { .start = g_room + 1, .at = g_room + 1 + room };

		g_room[0] = 0xa5;
		schema_write(&w, thing_rows, &t);
		assert_true(w.overflow);
		assert_int_equal(g_room[0], 0xa5);
	}
}

/* ---- what is not always written, or stands elsewhere, or waits for other fields ---- */

struct turned {
	uint8_t first, sometimes, bits, second, beside;
};

static bool turned_is(const struct schema_writer *w, const void *object)
{
	(void)w;
	return ((const struct turned *)object)->first > 1;
}

static bool second_check(struct schema_reader *r, void *object)
{
	(void)object;
	return ((const struct turned *)r->arg)->first == 2;
}

static const struct schema turned_rows[] = {
	{ "second", 1, SCHEMA_UINT, SCHEMA_LATE, SCHEMA_AT(struct turned, second), .min = 1,
	  .check = second_check },
	{ "first", 2, SCHEMA_UINT, SCHEMA_AT(struct turned, first), .min = 1 },
	{ "sometimes", 3, SCHEMA_UINT, SCHEMA_IF, SCHEMA_AT(struct turned, sometimes),
	  .is = turned_is },
	{ "bits", 4, SCHEMA_UINT, SCHEMA_BITS, SCHEMA_AT(struct turned, bits), .max = 3 },
	{ "beside", 5, SCHEMA_UINT, SCHEMA_CONTEXT, SCHEMA_AT(struct turned, beside) },
	{ "ignored", 6, SCHEMA_IGNORED },
	{ 0 },
};

static void assert_turned(const struct turned *t, struct turned *beside, const char *hex)
{
	struct schema_writer w = { .start = g_room,
				   .at = g_room + sizeof(g_room),
				   .beside = beside };

	schema_write(&w, turned_rows, t);
	assert_octets(bytes_mem(w.at, (size_t)(g_room + sizeof(g_room) - w.at)), hex);
}

static void test_turns(void **state)
{
	static const uint8_t in[] = {
		0x08, 7, 0x10, 2, 0x18, 9, 0x20, 6, 0x28, 5, 0x30, 1, 0x38, 1
	};
	struct bytes whole = bytes_mem(in, sizeof(in));
	struct text unknown = { 0 };
	struct turned t = { 0 }, beside = { 0 };
	struct schema_reader r = { .unknown = &unknown, .arg = &t, .beside = &beside };

	(void)state;
	assert_true(schema_read(&r, turned_rows, &t, whole, SCHEMA_FIRST));
	assert_int_equal(t.second, 0);
	assert_int_equal(t.bits, 2);
	assert_int_equal(beside.beside, 5);
	assert_true(schema_read(&r, turned_rows, &t, whole, SCHEMA_SECOND));
	assert_int_equal(t.second, 7);
	assert_int_equal(unknown.n, 17 + 1); /* once, and not what is ignored */
	assert_int_equal(schema_wire_number(whole, 4), 6);
	assert_turned(&t, &beside, "08071002180920022805");
	t.first = 1;
	assert_turned(&t, &beside, "0807100120022805");
	assert_false(schema_read(&r, turned_rows, &t, bytes_from(whole, 4), SCHEMA_FIRST));
	assert_string_equal(r.reason, "first");
	text_clear(&unknown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing), cmocka_unit_test(test_all),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_merged),
		cmocka_unit_test(test_unknown), cmocka_unit_test(test_room),
		cmocka_unit_test(test_turns),   cmocka_unit_test(test_many_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
