/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "media/rtp/rtcp_write.h"

enum { STREAM = 0x0000aaaa, ASKED_MAX = 64 };

/* Who has the numbers that are listed, and notes those that are asked for. */
struct store {
	const uint16_t *has;
	size_t has_count;
	uint16_t asked[ASKED_MAX];
	size_t asked_count;
};

static bool store_has(void *user, uint16_t sequence)
{
	struct store *s = user;

	assert_true(s->asked_count < ASKED_MAX);
	s->asked[s->asked_count++] = sequence;
	for (size_t i = 0; i < s->has_count; i++)
		if (s->has[i] == sequence)
			return true;
	return false;
}

/* clang-format off */
#define RR   "80c9000100000001"
#define OF_A "000000010000aaaa"
#define OF_B "000000010000bbbb"
#define NUMBERS(...) (const uint16_t[]){ __VA_ARGS__ }, COUNT_OF(((const uint16_t[]){ __VA_ARGS__ }))

static const struct row {
	const char *name, *in, *out; /* hex */
	const uint16_t *has;
	size_t has_count;
	size_t asked;
} ROWS[] = {
	{ "one number, there", "81cd0003" OF_A "00640000", "", NUMBERS(100), 1 },
	{ "one number, not there", "81cd0003" OF_A "00640000", "81cd0003" OF_A "00640000", NUMBERS(99, 101), 1 },
	{ "behind a report", RR "81cd0003" OF_A "00640000", RR, NUMBERS(100), 1 },
	{ "before a report", "81cd0003" OF_A "00640000" RR, RR, NUMBERS(100), 1 },
	{ "of another stream", "81cd0003" OF_B "00640000", "81cd0003" OF_B "00640000", NUMBERS(100), 0 },
	{ "no NACK but PLI", "81ce0002" OF_A, "81ce0002" OF_A, NUMBERS(100), 0 },
	{ "TMMBR with the same SSRC", "83cd0004" OF_A "0000aaaa00640000", "83cd0004" OF_A "0000aaaa00640000",
	  NUMBERS(100), 0 },
	{ "the first of a mask", "81cd0003" OF_A "00640001", "81cd0003" OF_A "00650000", NUMBERS(100), 2 },
	{ "the last of a mask", "81cd0003" OF_A "00648001", "81cd0003" OF_A "00640001", NUMBERS(116), 3 },
	{ "all but the last", "81cd0003" OF_A "00648001", "81cd0003" OF_A "00740000", NUMBERS(100, 101), 3 },
	{ "the middle", "81cd0003" OF_A "00640007", "81cd0003" OF_A "00640005", NUMBERS(102), 4 },
	{ "a whole mask", "81cd0003" OF_A "0064000f", "", NUMBERS(100, 101, 102, 103, 104), 5 },
	{ "across the wrap", "81cd0003" OF_A "fffe0007", "81cd0003" OF_A "ffff0002", NUMBERS(65534, 0), 4 },
	{ "one entry of three", "81cd0005" OF_A "006400000070000000800000", "81cd0004" OF_A "0064000000800000",
	  NUMBERS(112), 3 },
	{ "one of two", "81cd0003" OF_A "0064000081cd0003" OF_B "00640000", "81cd0003" OF_B "00640000",
	  NUMBERS(100), 1 },
	{ "padded, and something left", "a1cd0005" OF_A "006400000070000000000004", "81cd0003" OF_A "00700000",
	  NUMBERS(100), 2 },
	{ "padded, and nothing left", RR "a1cd0004" OF_A "0064000000000004", RR, NUMBERS(100), 1 },
	{ "a padded report behind", "81cd0003" OF_A "00640000a0c900020000000100000004", "a0c900020000000100000004",
	  NUMBERS(100), 1 },
	{ "without any number", "81cd0002" OF_A, "", NUMBERS(100), 0 },
};
/* clang-format on */

static void takes_out_what_is_there(void **state)
{
	const struct row *row;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		struct store s = { .has = row->has, .has_count = row->has_count };
		uint8_t p[128], want[128];
		size_t n, want_n;

		ROW_ASSERT(row->name, hex_decode(bytes_str(row->in), p, sizeof(p), &n) == 0);
		ROW_ASSERT(row->name,
			   hex_decode(bytes_str(row->out), want, sizeof(want), &want_n) == 0);
		ROW_ASSERT(row->name, rtcp_check(bytes_mem(p, n)) == 0);
		rtcp_nack_filter(p, &n, STREAM, store_has, &s);
		ROW_ASSERT(row->name, s.asked_count == row->asked);
		ROW_ASSERT(row->name, n == want_n && memcmp(p, want, n) == 0);
		ROW_ASSERT(row->name, n == 0 || rtcp_check(bytes_mem(p, n)) == 0);
	}
}

static void asks_in_order(void **state)
{
	struct store s = { 0 };
	uint8_t p[64];
	size_t n;

	(void)state;
	assert_int_equal(
		hex_decode(BYTES_LIT("81cd0004" OF_A "fffe800200050000"), p, sizeof(p), &n), 0);
	rtcp_nack_filter(p, &n, STREAM, store_has, &s);
	assert_int_equal(s.asked_count, 4);
	assert_int_equal(s.asked[0], 65534);
	assert_int_equal(s.asked[1], 0);
	assert_int_equal(s.asked[2], 14);
	assert_int_equal(s.asked[3], 5);
}

static void test_written(void **state)
{
	static const uint16_t numbers[] = { 65535, 0, 15, 16, 33, 2000 };
	static const uint8_t want[] = { 0x81, 205,  0,    5,    0, 0,  0, 1, 0, 0,  0xaa, 0xaa,
					0xff, 0xff, 0x80, 0x01, 0, 16, 0, 0, 0, 33, 0,    0 };
	uint8_t out[RTCP_NACK_MAX];
	struct rtcp_missing m = { .sender = 1, .media = STREAM, .numbers = numbers, .count = 5 };
	struct bytes written = rtcp_nack_write(out, &m);

	(void)state;
	assert_int_equal(written.n, sizeof(want));
	assert_memory_equal(written.p, want, sizeof(want));
	m.count = 6;
	assert_int_equal(rtcp_nack_write(out, &m).n, sizeof(want) + 4);
	assert_int_equal(rtcp_check(bytes_mem(out, sizeof(want) + 4)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_out_what_is_there),
		cmocka_unit_test(asks_in_order),
		cmocka_unit_test(test_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
