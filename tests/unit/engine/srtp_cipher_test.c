/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of RFC 3711 appendix B; statics are reached by inclusion. */
#include "tests/unit/test.h"

#include "engine/srtp_cipher.c"

#include <errno.h>

enum { SEGMENT = 1044512 };

static struct media_key key_of(const char *hex, enum media_suite suite)
{
	struct media_key key = { .suite = (uint8_t)suite };
	size_t n = 0;

	assert_int_equal(hex_decode(bytes_str(hex), key.octets, sizeof(key.octets), &n), 0);
	key.length = (uint8_t)n;
	return key;
}

static void assert_hex(const uint8_t *p, const char *hex)
{
	uint8_t want[128];
	size_t n = 0;

	assert_int_equal(hex_decode(bytes_str(hex), want, sizeof(want), &n), 0);
	assert_memory_equal(p, want, n);
}

/* B.2: session key and salt are given. */
static void keystream_is_that_of_the_rfc(void **state)
{
	static const struct {
		size_t block;
		const char *keystream;
	} ROWS[] = {
		{ 0x0000, "e03ead0935c95e80e166b16dd92b4eb4" },
		{ 0x0001, "d23513162b02d0f72a43a2fe4a5f97ab" },
		{ 0x0002, "41e95b3bb0a2e8dd477901e4fca894c0" },
		{ 0xfeff, "ec8cdf7398607cb0f2d21675ea9ea1e4" },
		{ 0xff00, "362b7c3c6773516318a077d7fc5073ae" },
		{ 0xff01, "6a2cc3787889374fbeb4c81b17ba6c44" },
	};
	struct media_key session =
		key_of("2b7e151628aed2a6abf7158809cf4f3cf0f1f2f3f4f5f6f7f8f9fafbfcfd",
		       MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80);
	struct srtp_cipher c = { .ctr = ctr_open(session.octets) };
	uint8_t *segment = calloc(1, SEGMENT);

	(void)state;
	assert_non_null(segment);
	assert_non_null(c.ctr);
	memcpy(c.salt, session.octets + KEY_LEN, SALT_LEN);
	srtp_cipher_crypt(&c, 0, 0, segment, SEGMENT);
	for (size_t i = 0; i < COUNT_OF(ROWS); i++)
		assert_hex(segment + ROWS[i].block * BLOCK_LEN, ROWS[i].keystream);
	EVP_CIPHER_CTX_free(c.ctr);
	free(segment);
}

/* B.3; the labels of SRTCP are not in it. */
static void session_keys_are_those_of_the_rfc(void **state)
{
	static const struct {
		uint8_t label;
		const char *want;
	} ROWS[] = {
		{ LABEL_KEY, "c61e7a93744f39ee10734afe3ff7a087" },
		{ LABEL_SALT, "30cbbc08863d8c85d49db34a9ae1" },
		{ LABEL_AUTH, "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbce"
			      "e049646c43d9327ad175578ef72270986371c10c9a369ac2f94a8c5fbcdddc25"
			      "6d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2" },
	};
	struct media_key master =
		key_of("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
		       MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80);
	EVP_CIPHER_CTX *ctr = ctr_open(master.octets);

	(void)state;
	assert_non_null(ctr);
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		uint8_t out[96];

		derive(ctr, master.octets + KEY_LEN, ROWS[i].label, out, strlen(ROWS[i].want) / 2);
		assert_hex(out, ROWS[i].want);
	}
	EVP_CIPHER_CTX_free(ctr);
}

/* RFC 2202 3, case 1. */
static void tag_is_hmac_sha1(void **state)
{
	struct srtp_cipher c = { 0 };
	uint8_t key[AUTH_KEY_LEN], tag[SRTP_TAG_MAX];

	(void)state;
	memset(key, 0x0b, sizeof(key));
	pad_hash(&c.inner, key, 0x36);
	pad_hash(&c.outer, key, 0x5c);
	srtp_cipher_tag(&c, BYTES_LIT("Hi There"), NULL, tag, sizeof(tag));
	assert_hex(tag, "b617318655057264e28b");
	srtp_cipher_tag(&c, BYTES_LIT("Hi T"), (const uint8_t *)"here", tag, sizeof(tag));
	assert_hex(tag, "b617318655057264e28b");
}

/* Each octet of index and SSRC has its place in the counter block (4.1.1). */
static void every_index_has_its_keystream(void **state)
{
	struct media_key key =
		key_of("e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
		       MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80);
	struct srtp_cipher *c;
	uint8_t seen[1 + 48 + 32][BLOCK_LEN] = { 0 };
	size_t n = 0;

	(void)state;
	assert_int_equal(srtp_cipher_open(&c, &key, SRTP_USE_RTP, SRTP_FASTEST), 0);
	srtp_cipher_crypt(c, 0, 0, seen[n++], BLOCK_LEN);
	for (int bit = 0; bit < 48; bit++)
		srtp_cipher_crypt(c, 0, BIT64(bit), seen[n++], BLOCK_LEN);
	for (int bit = 0; bit < 32; bit++)
		srtp_cipher_crypt(c, UINT32_C(1) << bit, 0, seen[n++], BLOCK_LEN);
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			assert_memory_not_equal(seen[i], seen[j], BLOCK_LEN);
	srtp_cipher_close(c);
}

static void refuses_what_is_no_key(void **state)
{
	static const struct {
		const char *name;
		uint8_t suite, length;
		int want;
	} ROWS[] = {
		{ "none", MEDIA_SUITE_NONE, SRTP_MASTER_LEN, -EINVAL },
		{ "another suite", 77, SRTP_MASTER_LEN, -EINVAL },
		{ "too short", MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, SRTP_MASTER_LEN - 1, -EINVAL },
		{ "too long", MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32, MEDIA_KEY_MAX, -EINVAL },
		{ "good", MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32, SRTP_MASTER_LEN, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct media_key key = { .suite = ROWS[i].suite, .length = ROWS[i].length };
		struct srtp_cipher *c = NULL;

		ROW_ASSERT(ROWS[i].name,
			   srtp_cipher_open(&c, &key, SRTP_USE_RTP, SRTP_FASTEST) == ROWS[i].want);
		srtp_cipher_close(c);
	}
	srtp_cipher_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keystream_is_that_of_the_rfc),
		cmocka_unit_test(session_keys_are_those_of_the_rfc),
		cmocka_unit_test(tag_is_hmac_sha1),
		cmocka_unit_test(every_index_has_its_keystream),
		cmocka_unit_test(refuses_what_is_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
