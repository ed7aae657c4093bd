/* SPDX-License-Identifier: Apache-2.0 */
#include "app/helper/jwt.h"
#include "base/base64url.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tests/unit/test.h"

enum { NOW = 1795819317 };
enum { RS256, ES256, EDDSA };

/* Real keys, and what signs with them. */
static EVP_PKEY *g_key[EDDSA + 1];
static json_t *g_set;

static const char *encoded(const void *p, size_t n)
{
	static char out[8][2048];
	static unsigned at;
	char *text = out[at++ % 8];
	struct writer w = writer_over(text, 2047);

	base64url_write(&w, bytes_mem(p, n));
	text[w.n] = '\0';
	return text;
}

static const char *number_of(EVP_PKEY *key, const char *name)
{
	uint8_t octets[1024];
	BIGNUM *n = NULL;
	int len;

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &n), 1);
	len = BN_bn2binpad(n, octets,
			   BN_num_bytes(n) < 32 && name[0] == 'q' ? 32 : BN_num_bytes(n));
	BN_free(n);
	return encoded(octets, (size_t)len);
}

static int keys_make(void **state)
{
	uint8_t x[32];
	size_t n = sizeof(x);

	(void)state;
	g_key[RS256] = EVP_RSA_gen(2048);
	g_key[ES256] = EVP_EC_gen("P-256");
	g_key[EDDSA] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert_int_equal(EVP_PKEY_get_raw_public_key(g_key[EDDSA], x, &n), 1);
	g_set = json_pack(
		"{s:[{s:s, s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s}]}",
		"keys", "kid", "r", "kty", "RSA", "use", "sig", "n", number_of(g_key[RS256], "n"),
		"e", number_of(g_key[RS256], "e"), "kid", "e", "kty", "EC", "crv", "P-256", "x",
		number_of(g_key[ES256], "qx"), "y", number_of(g_key[ES256], "qy"), "kid", "o",
		"kty", "OKP", "crv", "Ed25519", "x", encoded(x, n));
	assert_non_null(g_set);
	return 0;
}

static int keys_drop(void **state)
{
	(void)state;
	for (int i = RS256; i <= EDDSA; i++)
		EVP_PKEY_free(g_key[i]);
	json_decref(g_set);
	return 0;
}

static size_t raw_of(uint8_t *out, const uint8_t *der, size_t n)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);

	(void)BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32);
	(void)BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32);
	ECDSA_SIG_free(sig);
	return 64;
}

static void token_make(char out[4096], const char *head, const char *claims, int by)
{
	uint8_t der[512], sig[512];
	size_t n = sizeof(der);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int len = snprintf(out, 4096, "%s.%s", encoded(head, strlen(head)),
			   encoded(claims, strlen(claims)));

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, by == EDDSA ? NULL : EVP_sha256(), NULL,
					    g_key[by]),
			 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &n, (uint8_t *)out, (size_t)len), 1);
	EVP_MD_CTX_free(ctx);
	if (by == ES256)
		n = raw_of(sig, der, n);
	else
		memcpy(sig, der, n);
	(void)snprintf(out + len, 4096 - (size_t)len, ".%s", encoded(sig, n));
}

/* 0: it is no token; 1: nobody has signed it; 2: it is good. */
static int judged(const char *text, const json_t *set)
{
	struct jwt j;
	int found;

	if (jwt_parse(&j, bytes_str(text)))
		return 0;
	found = jwt_is_signed(&j, set) ? 2 : 1;
	jwt_drop(&j);
	return found;
}

static void test_signed(void **state)
{
	static const struct {
		const char *head;
		int by, is;
	} rows[] = {
		{ "{\"alg\":\"RS256\",\"kid\":\"r\"}", RS256, 2 },
		{ "{\"alg\":\"ES256\",\"kid\":\"e\"}", ES256, 2 },
		{ "{\"alg\":\"EdDSA\",\"kid\":\"o\"}", EDDSA, 2 },
		{ "{\"alg\":\"RS256\"}", RS256, 2 },
		{ "{\"alg\":\"RS256\",\"kid\":\"e\"}", RS256, 1 }, /* the key of another type */
		{ "{\"alg\":\"ES256\",\"kid\":\"r\"}", ES256, 1 },
		{ "{\"alg\":\"RS256\",\"kid\":\"x\"}", RS256, 1 },
		{ "{\"alg\":\"RS384\",\"kid\":\"r\"}", RS256, 1 },
		{ "{\"alg\":\"PS256\",\"kid\":\"r\"}", RS256, 1 },
		{ "{\"alg\":\"HS256\",\"kid\":\"r\"}", RS256, 1 },
		{ "{\"alg\":\"none\"}", RS256, 1 },
		{ "{\"alg\":\"NONE\",\"kid\":\"r\"}", RS256, 1 },
		{ "{\"alg\":\"RS256\",\"kid\":\"r\"}", ES256, 1 }, /* by another key */
		{ "{\"alg\":\"EdDSA\",\"kid\":\"o\"}", RS256, 1 },
		{ "{\"alg\":\"RS256\",\"kid\":\"r\",\"crit\":[\"b64\"],\"b64\":false}", RS256, 0 },
		{ "{\"alg\":\"RS256\",\"alg\":\"none\"}", RS256, 0 },
		{ "{\"alg\":\"RS256\",\"kid\":7}", RS256, 0 },
		{ "{\"alg\":\"RS256\",\"kid\":\"\"}", RS256, 0 },
		{ "{\"kid\":\"r\"}", RS256, 0 },
		{ "[\"RS256\"]", RS256, 0 },
	};
	char text[4096], *last;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		token_make(text, rows[i].head, "{\"sub\":\"ada\"}", rows[i].by);
		if (judged(text, g_set) != rows[i].is)
			fail_msg("%s by %d: %d", rows[i].head, rows[i].by, judged(text, g_set));
		if (rows[i].is != 2)
			continue;
		last = strrchr(text, '.');
		*(last - 2) ^= 1; /* of its claims */
		assert_int_not_equal(judged(text, g_set), 2);
		*(last - 2) ^= 1;
		last[7] = last[7] == 'A' ? 'B' : 'A';
		assert_int_equal(judged(text, g_set), 1);
		last[0] = '\0';
		assert_int_equal(judged(text, g_set), 0);
		last[0] = '.';
		last[1] = '\0';
		assert_int_equal(judged(text, g_set), 0);
	}
}

/* What the key's members prove as a secret that both share is nothing. */
static void test_confused(void **state)
{
	static const char head[] = "{\"alg\":\"HS256\",\"kid\":\"r\"}";
	const char *n = json_string_value(
		json_object_get(json_array_get(json_object_get(g_set, "keys"), 0), "n"));
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned mac_n;
	char text[4096];
	int len = snprintf(text, sizeof(text), "%s.%s", encoded(head, strlen(head)),
			   encoded("{\"sub\":\"ada\"}", 13));

	(void)state;
	(void)HMAC(EVP_sha256(), n, (int)strlen(n), (uint8_t *)text, (size_t)len, mac, &mac_n);
	(void)snprintf(text + len, sizeof(text) - (size_t)len, ".%s", encoded(mac, mac_n));
	assert_int_equal(judged(text, g_set), 1);
}

/* A key is for what it says, and is long enough. */
static void test_keys(void **state)
{
	static const char head[] = "{\"alg\":\"RS256\",\"kid\":\"r\"}";
	EVP_PKEY *good = g_key[RS256];
	json_t *set = json_deep_copy(g_set), *key = json_array_get(json_object_get(set, "keys"), 0);
	char text[4096];

	(void)state;
	token_make(text, head, "{}", RS256);
	assert_int_equal(judged(text, set), 2);
	(void)json_object_set_new(key, "use", json_string("enc"));
	assert_int_equal(judged(text, set), 1);
	(void)json_object_set_new(key, "use", json_string("sig"));
	(void)json_object_set_new(key, "alg", json_string("RS512"));
	assert_int_equal(judged(text, set), 1);
	(void)json_object_set_new(key, "alg", json_string("RS256"));
	assert_int_equal(judged(text, set), 2);
	(void)json_object_set_new(key, "kty", json_string("oct"));
	assert_int_equal(judged(text, set), 1);
	(void)json_object_set_new(key, "kty", json_string("RSA"));
	(void)json_object_set_new(key, "e", json_string("AQABAQABAQABAQAB"));
	assert_int_equal(judged(text, set), 1);
	g_key[RS256] = EVP_RSA_gen(1024);
	(void)json_object_set_new(key, "n", json_string(number_of(g_key[RS256], "n")));
	(void)json_object_set_new(key, "e", json_string(number_of(g_key[RS256], "e")));
	token_make(text, head, "{}", RS256);
	assert_int_equal(judged(text, set), 1);
	EVP_PKEY_free(g_key[RS256]);
	g_key[RS256] = good;
	assert_int_equal(judged(text, NULL), 1);
	json_decref(set);
}

static void test_claims(void **state)
{
	static const struct {
		const char *claims, *wrong; /* NULL: it is good */
	} rows[] = {
		{ "", NULL },
		{ "\"aud\":[\"other\",\"tandem\"],\"azp\":\"tandem\",", NULL },
		{ "\"aud\":[\"tandem\"],", NULL },
		{ "\"exp\":1795819258,", NULL }, /* clocks differ */
		{ "\"iat\":1795819377,", NULL },
		{ "\"nbf\":1795819377,", NULL },
		{ "\"iss\":\"https://id.example.org/\",", "iss" },
		{ "\"iss\":null,", "iss" },
		{ "\"aud\":\"other\",", "aud" },
		{ "\"aud\":[],", "aud" },
		{ "\"aud\":[\"other\",\"tandem\"],", "azp" },
		{ "\"azp\":\"other\",", "azp" },
		{ "\"nonce\":\"m\",", "nonce" },
		{ "\"nonce\":\"nn\",", "nonce" },
		{ "\"nonce\":null,", "nonce" },
		{ "\"exp\":1795819257,", "exp" },
		{ "\"exp\":\"1795829317\",", "exp" },
		{ "\"exp\":null,", "exp" },
		{ "\"iat\":1795819378,", "iat" },
		{ "\"iat\":null,", "iat" },
		{ "\"nbf\":1795819378,", "nbf" },
		{ "\"nbf\":\"now\",", "nbf" },
		{ "\"sub\":\"\",", "sub" },
	};
	const struct jwt_terms terms = { "https://id.example.org", "tandem", "n", NOW };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "iss", terms.issuer,
					   "aud", "tandem", "nonce", "n", "sub", "ada", "exp",
					   (json_int_t)NOW + 60, "iat", (json_int_t)NOW);
		char text[256];
		json_t *more;
		const char *wrong;

		(void)snprintf(text, sizeof(text), "{%.*s}",
			       (int)(rows[i].claims[0] ? strlen(rows[i].claims) - 1 : 0),
			       rows[i].claims);
		more = json_loads(text, 0, NULL);
		assert_int_equal(json_object_update(claims, more), 0);
		wrong = jwt_claims_wrong(claims, &terms);
		if (!wrong != !rows[i].wrong ||
		    (wrong && strncmp(wrong, rows[i].wrong, strlen(rows[i].wrong)) != 0))
			fail_msg("%s: %s", text, wrong ? wrong : "it is good");
		json_decref(more);
		json_decref(claims);
	}
}

static void test_paths(void **state)
{
	json_t *claims = json_loads("{\"groups\":1,\"realm_access\":{\"roles\":2},"
				    "\"https://example.org/roles\":3}",
				    0, NULL);

	(void)state;
	assert_int_equal(json_integer_value(jwt_claim(claims, "groups")), 1);
	assert_int_equal(json_integer_value(jwt_claim(claims, "realm_access.roles")), 2);
	assert_int_equal(json_integer_value(jwt_claim(claims, "https://example.org/roles")), 3);
	assert_null(jwt_claim(claims, "realm_access.groups"));
	assert_null(jwt_claim(claims, "groups.of"));
	json_decref(claims);
}

/* RFC 4648 10 without padding; each value has one text. */
static void test_base64url(void **state)
{
	static const char *const wrong[] = { "Z", "Zg==", "Zh", "Zm9v Zg", "Zm9+", "Zm9/", "Zm9" };
	uint8_t out[8];
	size_t n;

	(void)state;
	assert_string_equal(encoded("f", 1), "Zg");
	assert_string_equal(encoded("foobar", 6), "Zm9vYmFy");
	assert_string_equal(encoded("\xfb\xff", 2), "-_8");
	assert_int_equal(base64url_decode(BYTES_LIT("Zm8"), out, sizeof(out), &n), 0);
	assert_int_equal(n, 2);
	assert_memory_equal(out, "fo", 2);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_true(base64url_decode(bytes_str(wrong[i]), out, sizeof(out), &n) != 0);
	assert_true(base64url_decode(BYTES_LIT("Zm9vYmFyZm9v"), out, 8, &n) != 0);
	assert_int_equal(base64url_decode(BYTES_LIT("Zm9vYmFyZm8"), out, 8, &n), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signed), cmocka_unit_test(test_confused),
		cmocka_unit_test(test_keys),   cmocka_unit_test(test_claims),
		cmocka_unit_test(test_paths),  cmocka_unit_test(test_base64url),
	};

	return cmocka_run_group_tests(tests, keys_make, keys_drop);
}
