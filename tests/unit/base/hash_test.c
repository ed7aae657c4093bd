/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/table.h"

/* The authors' vectors (vectors_sip64): key 00..0f, input 00, 01, 02... of the row's length. */
static void is_siphash_2_4(void **state)
{
	static const uint8_t want[][8] = {
		{ 0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72 },
		{ 0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74 },
		{ 0x5a, 0x4f, 0xa9, 0xd9, 0x09, 0x80, 0x6c, 0x0d },
		{ 0x2d, 0x7e, 0xfb, 0xd7, 0x96, 0x66, 0x67, 0x85 },
		{ 0xb7, 0x87, 0x71, 0x27, 0xe0, 0x94, 0x27, 0xcf },
		{ 0x8d, 0xa6, 0x99, 0xcd, 0x64, 0x55, 0x76, 0x18 },
		{ 0xce, 0xe3, 0xfe, 0x58, 0x6e, 0x46, 0xc9, 0xcb },
		{ 0x37, 0xd1, 0x01, 0x8b, 0xf5, 0x00, 0x02, 0xab },
		{ 0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93 },
	};
	const struct hash_key key = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
	uint8_t in[64];

	(void)state;
	for (size_t n = 0; n < sizeof(in); n++)
		in[n] = (uint8_t)n;
	for (size_t n = 0; n < COUNT_OF(want); n++) {
		uint64_t hash = hash_sip(&key, bytes_mem(in, n));

		for (size_t i = 0; i < 8; i++)
			assert_int_equal((uint8_t)(hash >> (8 * i)), want[n][i]);
	}
	/* appendix A of the paper */
	assert_true(hash_sip(&key, bytes_mem(in, 15)) == UINT64_C(0xa129ca6149be45e5));
}

/* RFC 3720 B.4; the last row is the usual check value. */
static void is_crc32c(void **state)
{
	uint8_t zeros[32] = { 0 };
	uint8_t ones[32];
	uint8_t up[32];
	uint8_t down[32];

	(void)state;
	for (size_t i = 0; i < 32; i++) {
		ones[i] = 0xff;
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	assert_int_equal(hash_crc32c(0, bytes_mem(zeros, 32)), 0x8a9136aa);
	assert_int_equal(hash_crc32c(0, bytes_mem(ones, 32)), 0x62a8ab43);
	assert_int_equal(hash_crc32c(0, bytes_mem(up, 32)), 0x46dd794e);
	assert_int_equal(hash_crc32c(0, bytes_mem(down, 32)), 0x113fdb5c);
	assert_int_equal(hash_crc32c(0, BYTES_LIT("123456789")), 0xe3069283);
	assert_int_equal(hash_crc32c(0, bytes_str(NULL)), 0);
}

static void crc_goes_on_where_it_stopped(void **state)
{
	uint32_t crc = hash_crc32c(0, BYTES_LIT("1234"));

	(void)state;
	assert_int_equal(hash_crc32c(crc, BYTES_LIT("56789")), 0xe3069283);
}

/* At each alignment and length, from each start. */
static void crc_by_instruction_is_that_of_the_table(void **state)
{
	uint8_t in[256 + 8];
	uint32_t crc = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 151 + 7);
	for (size_t at = 0; at < 8; at++) {
		for (size_t n = 0; n <= 256; n++) {
			struct bytes part = bytes_mem(in + at, n);

			assert_int_equal(hash_crc32c(crc, part), hash_crc32c_table(crc, part));
			crc = hash_crc32c_table(crc, part);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_siphash_2_4),
		cmocka_unit_test(is_crc32c),
		cmocka_unit_test(crc_goes_on_where_it_stopped),
		cmocka_unit_test(crc_by_instruction_is_that_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
