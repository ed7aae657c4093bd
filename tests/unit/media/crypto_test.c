/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/media/data.h"

#include <errno.h>

#include "media/crypto.h"

/* The keys of RFC 4568 4, 6.1, 7.1.5; the text of the second decodes to printable characters. */
#define KEY_A "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR"
#define KEY_B "YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2"
#define KEY_C "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define S80   "AES_CM_128_HMAC_SHA1_80"
#define S32   "AES_CM_128_HMAC_SHA1_32"
#define G128  "AEAD_AES_128_GCM"
#define G256  "AEAD_AES_256_GCM"
/* 28 and 44 octets of the same. */
#define KEY_28 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="
#define KEY_44 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="

static void test_parses(void **state)
{
	static const struct {
		const char *name, *value, *written;
		uint32_t tag;
		enum media_suite suite;
		uint64_t lifetime;
	} rows[] = {
		{ "the usual", "1 " S80 " inline:" KEY_A, "1 " S80 " inline:" KEY_A, 1,
		  MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 0 },
		{ "the short tag", "2 " S32 " inline:" KEY_C, "2 " S32 " inline:" KEY_C, 2,
		  MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32, 0 },
		{ "case does not matter, but in the key (RFC 4568 4)",
		  "1 aes_cm_128_hmac_sha1_80 INLINE:" KEY_B, "1 " S80 " inline:" KEY_B, 1,
		  MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 0 },
		{ "lifetime as a power", "1 " S80 " inline:" KEY_A "|2^20",
		  "1 " S80 " inline:" KEY_A "|1048576", 1, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 1048576 },
		{ "the longest lifetime", "1 " S80 " inline:" KEY_A "|2^48",
		  "1 " S80 " inline:" KEY_A "|281474976710656", 1,
		  MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, UINT64_C(281474976710656) },
		{ "lifetime in digits", "1 " S80 " inline:" KEY_A "|2147483648",
		  "1 " S80 " inline:" KEY_A "|2147483648", 1, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
		  UINT64_C(1) << 31 },
		{ "the highest tag", "999999999 " S80 " inline:" KEY_A, "999999999 " S80 " inline:" KEY_A,
		  CRYPTO_TAG_MAX, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 0 },
		{ "tag 0", "0 " S80 " inline:" KEY_A, "0 " S80 " inline:" KEY_A, 0,
		  MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 0 },
		{ "padding is discarded", "1 " S80 " inline:" KEY_A "==", "1 " S80 " inline:" KEY_A, 1,
		  MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 0 },
		{ "white space of any kind and length", " 1\t " S80 "  inline:" KEY_A "\t",
		  "1 " S80 " inline:" KEY_A, 1, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 0 },
		{ "GCM", "1 " G128 " inline:" KEY_28, "1 " G128 " inline:" KEY_28, 1,
		  MEDIA_SUITE_AEAD_AES_128_GCM, 0 },
		{ "the long GCM, with a lifetime", "3 " G256 " inline:" KEY_44 "|2^20",
		  "3 " G256 " inline:" KEY_44 "|1048576", 3, MEDIA_SUITE_AEAD_AES_256_GCM, 1048576 },
		{ "GCM without padding", "1 " G128 " inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw",
		  "1 " G128 " inline:" KEY_28, 1, MEDIA_SUITE_AEAD_AES_128_GCM, 0 },
		{ "MKI", "1 " S80 " inline:" KEY_B "|1066:4", "1 " S80 " inline:" KEY_B "|1066:4", 1,
		  MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 0 },
		{ "lifetime and MKI", "1 " S80 " inline:" KEY_A "|2^20|1:1",
		  "1 " S80 " inline:" KEY_A "|1048576|1:1", 1, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
		  1048576 },
		{ "the highest MKI", "1 " G256 " inline:" KEY_44 "|18446744073709551615:8",
		  "1 " G256 " inline:" KEY_44 "|18446744073709551615:8", 1,
		  MEDIA_SUITE_AEAD_AES_256_GCM, 0 },
		{ "the highest MKI of three octets", "1 " S32 " inline:" KEY_A "|16777215:3",
		  "1 " S32 " inline:" KEY_A "|16777215:3", 1, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32, 0 },
		{ "parameters that change nothing",
		  "1 " S80 " inline:" KEY_A " WSH=128 FEC_ORDER=FEC_SRTP -X=1",
		  "1 " S80 " inline:" KEY_A, 1, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint8_t buf[256];
		struct writer w = writer_over(buf, sizeof(buf));
		struct crypto c;

		ROW_ASSERT(row->name, crypto_parse(&c, bytes_str(row->value)) == 0);
		ROW_ASSERT(row->name, c.tag == row->tag && c.key.suite == row->suite);
		ROW_ASSERT(row->name, c.lifetime == row->lifetime);
		ROW_ASSERT(row->name, c.key.length == crypto_key_length(row->suite));
		crypto_write(&w, &c);
		ROW_ASSERT(row->name, bytes_is(writer_done(&w), row->written));
	}
}

static void test_refuses(void **state)
{
	static const struct {
		const char *name, *value;
		int err;
	} rows[] = {
		{ "nothing", "", -EBADMSG },
		{ "tag alone", "1", -EBADMSG },
		{ "no key", "1 " S80, -EBADMSG },
		{ "no tag", S80 " inline:" KEY_A, -EBADMSG },
		{ "tag with a leading zero", "01 " S80 " inline:" KEY_A, -EBADMSG },
		{ "tag of ten digits", "1000000000 " S80 " inline:" KEY_A, -EBADMSG },
		{ "tag with a sign", "-1 " S80 " inline:" KEY_A, -EBADMSG },
		{ "F8", "1 F8_128_HMAC_SHA1_80 inline:" KEY_A, -ENOTSUP },
		{ "a suite of RFC 6188", "1 AES_256_CM_HMAC_SHA1_80 inline:" KEY_A, -ENOTSUP },
		{ "a suite that begins as ours", "1 " S80 "0 inline:" KEY_A, -ENOTSUP },
		{ "another key method", "1 " S80 " uri:https://192.0.2.1/k", -ENOTSUP },
		{ "a method without a key", "1 " S80 " inline:", -EBADMSG },
		{ "key too short", "1 " S80 " inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVB", -EBADMSG },
		{ "key too long", "1 " S80 " inline:" KEY_A "A", -EBADMSG },
		{ "key too long by octets", "1 " S80 " inline:" KEY_A "AAAA", -EBADMSG },
		{ "three paddings", "1 " S80 " inline:" KEY_A "===", -EBADMSG },
		{ "padding in the middle", "1 " S80 " inline:PS1uQCVeeCFCanVmcj==pPywjNWhcYD0mXXtxaVBR",
		  -EBADMSG },
		{ "not base64", "1 " S80 " inline:PS1uQCVeeCFCanVmcj-_PywjNWhcYD0mXXtxaVBR", -EBADMSG },
		{ "not base64: above 127",
		  "1 " S80 " inline:PS1uQCVeeCFCanVmcj\xc3\xa4PywjNWhcYD0mXXtxaVBR", -EBADMSG },
		{ "lifetime 0", "1 " S80 " inline:" KEY_A "|0", -EBADMSG },
		{ "lifetime with a leading zero", "1 " S80 " inline:" KEY_A "|01", -EBADMSG },
		{ "lifetime too long", "1 " S80 " inline:" KEY_A "|2^49", -EBADMSG },
		{ "lifetime beyond a shift", "1 " S80 " inline:" KEY_A "|2^80", -EBADMSG },
		{ "lifetime too long by one", "1 " S80 " inline:" KEY_A "|281474976710657", -EBADMSG },
		{ "lifetime beyond 64 bits", "1 " S80 " inline:" KEY_A "|2^2000", -EBADMSG },
		{ "empty lifetime", "1 " S80 " inline:" KEY_A "||1:4", -EBADMSG },
		{ "two lifetimes", "1 " S80 " inline:" KEY_A "|2^20|2^20", -EBADMSG },
		{ "an MKI longer than we read", "1 " S80 " inline:" KEY_A "|2^20|1:9", -ENOTSUP },
		{ "the longest MKI", "1 " S80 " inline:" KEY_A "|1:128", -ENOTSUP },
		{ "an MKI longer than there is", "1 " S80 " inline:" KEY_A "|1:129", -EBADMSG },
		{ "MKI of no octets", "1 " S80 " inline:" KEY_A "|1:0", -EBADMSG },
		{ "MKI without a length", "1 " S80 " inline:" KEY_A "|1:", -EBADMSG },
		{ "a length with a leading zero", "1 " S80 " inline:" KEY_A "|1:04", -EBADMSG },
		{ "a length without MKI", "1 " S80 " inline:" KEY_A "|:4", -EBADMSG },
		{ "MKI 0", "1 " S80 " inline:" KEY_A "|0:4", -EBADMSG },
		{ "MKI with a leading zero", "1 " S80 " inline:" KEY_A "|01:4", -EBADMSG },
		{ "MKI too large for its octets", "1 " S80 " inline:" KEY_A "|256:1", -EBADMSG },
		{ "MKI beyond 64 bits", "1 " S80 " inline:" KEY_A "|18446744073709551616:8", -EBADMSG },
		{ "MKI before the lifetime", "1 " S80 " inline:" KEY_A "|1:4|2^20", -EBADMSG },
		{ "something behind the MKI", "1 " S80 " inline:" KEY_A "|2^20|1:4|2", -EBADMSG },
		{ "a GCM key with the salt of the counter mode", "1 " G128 " inline:" KEY_A, -EBADMSG },
		{ "a short key for the long GCM", "1 " G256 " inline:" KEY_28, -EBADMSG },
		{ "GCM with a short tag (RFC 7714 withdrew it)",
		  "1 AEAD_AES_128_GCM_8 inline:" KEY_28, -ENOTSUP },
		{ "two keys", "1 " S80 " inline:" KEY_A "|2^20|1:4;inline:" KEY_B "|2^20|2:4", -ENOTSUP },
		{ "two keys without MKI", "1 " S80 " inline:" KEY_A ";inline:" KEY_B, -ENOTSUP },
		{ "KDR", "1 " S80 " inline:" KEY_A " KDR=1", -ENOTSUP },
		{ "UNENCRYPTED_SRTP", "1 " S80 " inline:" KEY_A " UNENCRYPTED_SRTP", -ENOTSUP },
		{ "UNENCRYPTED_SRTCP", "1 " S80 " inline:" KEY_A " UNENCRYPTED_SRTCP", -ENOTSUP },
		{ "UNAUTHENTICATED_SRTP", "1 " S80 " inline:" KEY_A " unauthenticated_srtp", -ENOTSUP },
		{ "FEC first", "1 " S80 " inline:" KEY_A " FEC_ORDER=SRTP_FEC", -ENOTSUP },
		{ "a FEC key", "1 " S80 " inline:" KEY_A " FEC_KEY=inline:" KEY_B, -ENOTSUP },
		{ "one that nobody knows (RFC 4568 6.3.7)", "1 " S80 " inline:" KEY_A " WSH=64 NEW", -ENOTSUP },
		{ "a dash alone", "1 " S80 " inline:" KEY_A " -", -ENOTSUP },
	}, *row;
	static const struct crypto zero;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct crypto c;
		int err;

		memset(&c, 0xa5, sizeof(c));
		err = crypto_parse(&c, bytes_str(row->value));
		if (err != row->err)
			fail_msg("%s: %d", row->name, err);
		ROW_ASSERT(row->name, memcmp(&c, &zero, sizeof(c)) == 0);
	}
}

static void test_octets(void **state)
{
	struct crypto c;

	(void)state;
	assert_int_equal(crypto_parse(&c, BYTES_LIT("1 " S80 " inline:" KEY_B)), 0);
	assert_int_equal(c.key.length, 30);
	assert_memory_equal(c.key.octets, "aBCdefghiJKLmoPQrsTuVwyz123456", 30);
	assert_int_equal(c.key.mki_length, 0);
	crypto_wipe(&c);
	assert_int_equal(crypto_parse(&c, BYTES_LIT("1 " G256 " inline:" KEY_44 "|66051:5")), 0);
	assert_int_equal(c.key.length, 44);
	for (uint8_t i = 0; i < 44; i++)
		assert_int_equal(c.key.octets[i], i);
	assert_int_equal(c.key.mki_length, 5);
	assert_memory_equal(c.key.mki, "\0\0\1\2\3\0\0\0", MEDIA_MKI_MAX);
	crypto_wipe(&c);
	for (size_t i = 0; i < sizeof(c.key.octets); i++)
		assert_int_equal(c.key.octets[i], 0);
}

static void test_suites(void **state)
{
	(void)state;
	assert_int_equal(crypto_key_length(MEDIA_SUITE_NONE), 0);
	assert_null(crypto_suite_name(MEDIA_SUITE_NONE));
	assert_int_equal(crypto_key_length(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32), 30);
	assert_string_equal(crypto_suite_name(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32), S32);
	assert_int_equal(crypto_key_length(MEDIA_SUITE_AEAD_AES_128_GCM), 28);
	assert_int_equal(crypto_key_length(MEDIA_SUITE_AEAD_AES_256_GCM), 44);
}

static void test_lines(void **state)
{
	static const char text[] =
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\na=crypto:1 " S80 " inline:" KEY_A "\r\n"
		"m=audio 4 RTP/SAVP 0\r\na=crypto:1 F8_128_HMAC_SHA1_80 inline:" KEY_A "\r\n"
		"a=crypto:2 " S80 " inline:" KEY_A "|2^20|1:4;inline:" KEY_B "|2^20|2:4\r\n"
		"a=crypto:3 " S80 " inline:" KEY_B "\r\na=rtpmap:0 PCMU/8000\r\n"
		"a=crypto:4 " S80 " inline:short\r\na=crypto:5 " S32 " inline:" KEY_C "\r\n";
	struct sdp_error error;
	struct crypto c;
	struct sdp s;
	uint16_t line = 0;

	(void)state;
	assert_int_equal(sdp_parse(&s, bytes_str(text), &error), 0);
	assert_true(crypto_next(&s, 1, &line, &c));
	assert_int_equal(c.tag, 3);
	assert_true(crypto_next(&s, 1, &line, &c));
	assert_int_equal(c.tag, 5);
	assert_int_equal(c.key.suite, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32);
	assert_false(crypto_next(&s, 1, &line, &c));
	assert_int_equal(c.key.octets[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parses), cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_octets), cmocka_unit_test(test_suites),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
