/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of RFC 3711 appendix B, RFC 6188 7 and RFC 7714 16 and 17; statics are reached by inclusion. */
#include "tests/unit/test.h"

#include "engine/srtp/srtp_cipher.c"

#include <errno.h>

enum { SEGMENT = 1044512 };

/* With room for the keys of any suite. */
static struct {
	struct srtp_cipher c;
	uint8_t keys[SRTP_MB_GCM_ROOM] CACHE_ALIGNED;
} g_cipher;

static struct srtp_cipher *cipher_clear(void)
{
	memset(&g_cipher, 0, sizeof(g_cipher));
	return &g_cipher.c;
}

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
	const struct media_key session =
		key_of("2b7e151628aed2a6abf7158809cf4f3cf0f1f2f3f4f5f6f7f8f9fafbfcfd",
		       MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80);

	(void)state;
	for (int backend = SRTP_FASTEST; backend <= SRTP_PORTABLE; backend++) {
		struct srtp_cipher *c = cipher_clear();
		uint8_t *segment = calloc(1, SEGMENT + SRTP_WORD_LEN);
		struct srtp_unit u = { .cipher = c, .p = segment, .n = SEGMENT };

		assert_non_null(segment);
		assert_int_equal(key_set(c, session.octets, (enum srtp_backend)backend), 0);
		memcpy(c->salt, session.octets + KEY_LEN, SALT_LEN);
		srtp_units_seal(&u, 1);
		for (size_t i = 0; i < COUNT_OF(ROWS); i++)
			assert_hex(segment + ROWS[i].block * BLOCK_LEN, ROWS[i].keystream);
		srtp_cipher_wipe(c);
		free(segment);
	}
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
	EVP_CIPHER_CTX *ctr = srtp_evp_ctr_open(master.octets, false);

	(void)state;
	assert_non_null(ctr);
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		uint8_t out[96];

		derive(ctr, master.octets + KEY_LEN, SALT_LEN, ROWS[i].label, out,
		       strlen(ROWS[i].want) / 2);
		assert_hex(out, ROWS[i].want);
	}
	EVP_CIPHER_CTX_free(ctr);
}

/* RFC 6188 7.3. */
static void long_session_keys_are_those_of_the_rfc(void **state)
{
	struct media_key master =
		key_of("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6"
		       "3b04803de51ee7c96423ab5b78d2",
		       MEDIA_SUITE_AEAD_AES_256_GCM);
	EVP_CIPHER_CTX *ctr = srtp_evp_ctr_open(master.octets, true);
	uint8_t out[KEY_LONG_LEN];

	(void)state;
	assert_non_null(ctr);
	derive(ctr, master.octets + KEY_LONG_LEN, SALT_LEN, LABEL_KEY, out, KEY_LONG_LEN);
	assert_hex(out, "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4");
	derive(ctr, master.octets + KEY_LONG_LEN, SALT_LEN, LABEL_SALT, out, SALT_LEN);
	assert_hex(out, "fa31791685ca444a9e07c6c64e93");
	EVP_CIPHER_CTX_free(ctr);
}

/* RFC 2202 3, case 1: alone and, as many, side by side. */
static void tag_is_hmac_sha1(void **state)
{
	struct srtp_cipher *c = cipher_clear();
	uint8_t key[AUTH_KEY_LEN], text[SRTP_CIPHER_BATCH][8];
	struct srtp_unit units[SRTP_CIPHER_BATCH];

	(void)state;
	memset(key, 0x0b, sizeof(key));
	srtp_evp_pad(c->inner, key, 0x36);
	srtp_evp_pad(c->outer, key, 0x5c);
	c->tag = TAG_80;
	for (uint32_t count = 1; count <= SRTP_CIPHER_BATCH; count += 21) {
		for (uint32_t i = 0; i < count; i++) {
			memcpy(text[i], "Hi There", 8);
			units[i] = (struct srtp_unit){ .cipher = c,
						       .p = text[i],
						       .head = 4,
						       .n = 4,
						       .word = be32_get(text[i] + 4) };
		}
		srtp_units_seal(units, count);
		for (uint32_t i = 0; i < count; i++)
			assert_hex(units[i].tag, "b617318655057264e28b");
		units[count - 1].tag[9] ^= 1;
		srtp_units_check(units, count);
		for (uint32_t i = 0; i < count; i++)
			assert_int_equal(units[i].authentic, i != count - 1);
	}
}

/* Each octet of index and SSRC has its place in the counter block (RFC 3711 4.1.1, RFC 7714 8.1). */
static void every_index_has_its_keystream(void **state)
{
	static const enum media_suite SUITES[] = { MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
						   MEDIA_SUITE_AEAD_AES_128_GCM };

	(void)state;
	for (size_t s = 0; s < COUNT_OF(SUITES); s++) {
		struct media_key key = { .suite = (uint8_t)SUITES[s],
					 .length = SUITES[s] == SUITES[0] ? 30 : 28 };
		struct srtp_cipher *c = cipher_clear();
		uint8_t seen[1 + 48 + 32][BLOCK_LEN + SRTP_WORD_LEN] = { 0 };
		size_t n = 1 + 48 + 32;

		assert_int_equal(srtp_cipher_make(c, &key, SRTP_USE_RTP, SRTP_FASTEST), 0);
		for (size_t i = 0; i < n; i++) {
			struct srtp_unit u = { .cipher = c, .p = seen[i], .n = BLOCK_LEN };

			if (i > 0 && i <= 48)
				u.index = BIT64(i - 1);
			if (i > 48)
				u.ssrc = UINT32_C(1) << (i - 49);
			srtp_units_seal(&u, 1);
		}
		for (size_t i = 0; i < n; i++)
			for (size_t j = i + 1; j < n; j++)
				assert_memory_not_equal(seen[i], seen[j], BLOCK_LEN);
		srtp_cipher_wipe(c);
	}
}

/* ---- RFC 7714 16, 17 ---- */

#define RTP_HEAD "8040f17b8041f8d35501a0b2"
#define RTP_TEXT                                         \
	"47616c6c696120657374206f6d6e697320646976697361" \
	"20696e207061727465732074726573"
#define RTCP_HEAD "81c8000d4d617273"
#define RTCP_TEXT                                                                          \
	"4e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeef" \
	"deadbeef"

static const struct gcm_vector {
	const char *name;
	uint8_t kind;
	bool is_encrypted;
	const char *plain, *secure, *tag;
} VECTORS[] = {
	{ "16.1.1", KIND_AEAD, true, RTP_HEAD RTP_TEXT,
	  RTP_HEAD "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833",
	  "899d7f27beb16a9152cf765ee4390cce" },
	{ "16.1.3", KIND_AEAD, false, RTP_HEAD RTP_TEXT, RTP_HEAD RTP_TEXT,
	  "22493f82d2bce397e9d79e3b19aa4216" },
	{ "16.2.1", KIND_AEAD | KIND_LONG, true, RTP_HEAD RTP_TEXT,
	  RTP_HEAD "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b",
	  "7aa3db36dfffd6b0f9bb7878d7a76c13" },
	{ "16.2.3", KIND_AEAD | KIND_LONG, false, RTP_HEAD RTP_TEXT, RTP_HEAD RTP_TEXT,
	  "a866d5910f887463067ceefec45215d4" },
	{ "17.1", KIND_AEAD | KIND_RTCP, true, RTCP_HEAD RTCP_TEXT,
	  RTCP_HEAD "63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b46"
		    "86303ded0bb9275b",
	  "c84aa45896cf4d2fc5abf87245d9eade" },
	{ "17.2", KIND_AEAD | KIND_LONG | KIND_RTCP, true, RTCP_HEAD RTCP_TEXT,
	  RTCP_HEAD "d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658"
		    "c61de0476f1b6fad",
	  "1d1eb30c4446839f57ff6f6cb26ac3be" },
	{ "17.3", KIND_AEAD | KIND_RTCP, false, RTCP_HEAD RTCP_TEXT, RTCP_HEAD RTCP_TEXT,
	  "841dd9683dd78ec92ae58790125f62b3" },
	{ "17.4", KIND_AEAD | KIND_LONG | KIND_RTCP, false, RTCP_HEAD RTCP_TEXT,
	  RTCP_HEAD RTCP_TEXT, "91db4afbfeee5a978fab4393ed2615fe" },
};

/* Session key and salt are given: 00 01 02 ... and "Quid pro quo". */
static struct srtp_cipher *vector_cipher(const struct gcm_vector *v, int backend)
{
	struct srtp_cipher *c = cipher_clear();
	uint8_t key[KEY_LONG_LEN];

	for (uint8_t i = 0; i < KEY_LONG_LEN; i++)
		key[i] = i;
	c->kind = v->kind;
	c->tag = TAG_GCM;
	memcpy(c->salt, "Quid pro quo", SALT_GCM_LEN);
	assert_int_equal(key_set(c, key, (enum srtp_backend)backend), 0);
	return c;
}

static struct srtp_unit vector_unit(const struct gcm_vector *v, struct srtp_cipher *c, uint8_t *p)
{
	bool is_rtcp = v->kind & KIND_RTCP;
	struct srtp_unit u = { .cipher = c, .p = p };
	size_t n = 0;

	assert_int_equal(hex_decode(bytes_str(v->plain), p, 80, &n), 0);
	u.n = (uint32_t)n;
	u.head = v->is_encrypted ? (is_rtcp ? 8 : 12) : u.n;
	u.ssrc = be32_get(p + (is_rtcp ? 4 : 8));
	u.index = is_rtcp ? 0x5d4 : 0xf17b;
	u.word = is_rtcp ? 0x5d4 | (v->is_encrypted ? UINT32_C(1) << 31 : 0) : 0;
	memset(p + n, 0xee, SRTP_WORD_LEN);
	return u;
}

static void packets_are_those_of_the_rfc(void **state)
{
	const struct gcm_vector *v;

	(void)state;
	EACH_ROW(v, VECTORS)
	{
		for (int backend = SRTP_FASTEST; backend <= SRTP_PORTABLE; backend++) {
			struct srtp_cipher *c = vector_cipher(v, backend);
			uint8_t p[96], sealed[96];
			struct srtp_unit u = vector_unit(v, c, p);

			srtp_units_seal(&u, 1);
			assert_hex(p, v->secure);
			assert_hex(u.tag, v->tag);
			memcpy(sealed, p, sizeof(p));
			u.tag[7] ^= 1;
			srtp_units_check(&u, 1);
			ROW_ASSERT(v->name, !u.authentic);
			assert_memory_equal(p, sealed, u.n + SRTP_WORD_LEN); /* put back */
			u.tag[7] ^= 1;
			srtp_units_check(&u, 1);
			ROW_ASSERT(v->name, u.authentic);
			assert_hex(p, v->plain);
			assert_hex(p + u.n, "eeeeeeee");
			srtp_unit_undo(&u);
			assert_memory_equal(p, sealed, u.n + SRTP_WORD_LEN);
			srtp_cipher_wipe(c);
		}
	}
}

static void refuses_what_is_no_key(void **state)
{
	static const struct {
		const char *name;
		uint8_t suite, length;
		int want;
	} ROWS[] = {
		{ "none", MEDIA_SUITE_NONE, 30, -EINVAL },
		{ "another suite", 77, 30, -EINVAL },
		{ "too short", MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 29, -EINVAL },
		{ "too long", MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32, MEDIA_KEY_MAX, -EINVAL },
		{ "good", MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32, 30, 0 },
		{ "GCM with the salt of the counter mode", MEDIA_SUITE_AEAD_AES_128_GCM, 30,
		  -EINVAL },
		{ "good GCM", MEDIA_SUITE_AEAD_AES_128_GCM, 28, 0 },
		{ "a short key for the long one", MEDIA_SUITE_AEAD_AES_256_GCM, 28, -EINVAL },
		{ "good long GCM", MEDIA_SUITE_AEAD_AES_256_GCM, 44, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct media_key key = { .suite = ROWS[i].suite, .length = ROWS[i].length };
		struct srtp_cipher *c = cipher_clear();

		ROW_ASSERT(ROWS[i].name,
			   srtp_cipher_make(c, &key, SRTP_USE_RTP, SRTP_FASTEST) == ROWS[i].want);
		srtp_cipher_wipe(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keystream_is_that_of_the_rfc),
		cmocka_unit_test(session_keys_are_those_of_the_rfc),
		cmocka_unit_test(long_session_keys_are_those_of_the_rfc),
		cmocka_unit_test(tag_is_hmac_sha1),
		cmocka_unit_test(every_index_has_its_keystream),
		cmocka_unit_test(packets_are_those_of_the_rfc),
		cmocka_unit_test(refuses_what_is_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
