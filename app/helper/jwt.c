/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses a JWT, verifies its signature with a key of the provider's set by OpenSSL, and checks the
 * claims of OpenID Connect Core 3.1.3.7. login.c calls it for logins of administrators. The
 * algorithm is the key's, never the token's alone (RFC 8725 3.1), and a token with "crit" is
 * refused, as no extension is known.
 */

#include "app/helper/jwt.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64url.h"

enum {
	RSA_BITS_MIN = 2048,
	RSA_OCTETS_MAX = 1024,
	EC_OCTETS = 32,
	EXPONENT_MAX = 8,
	EC_POINT_OCTETS = 1 + 2 * EC_OCTETS
};

/* ---- the text ---- */

/* NULL: it is no object. */
static json_t *part_json(struct bytes part)
{
	uint8_t *octets = malloc(part.n + 1);
	json_t *json = NULL;
	size_t n;

	if (octets && !base64url_decode(part, octets, part.n, &n))
		json = json_loadb((const char *)octets, n, JSON_REJECT_DUPLICATES, NULL);
	free(octets);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

/* crit (RFC 7515 4.1.11): nothing that it could name is known here. False: it is wrong. */
static bool jwt_head_read(struct jwt *out, const json_t *head)
{
	const char *alg = json_string_value(json_object_get(head, "alg"));
	const json_t *kid = json_object_get(head, "kid");

	return alg && !bytes_cstr(bytes_str(alg), out->alg, sizeof(out->alg)) &&
	       !json_object_get(head, "crit") &&
	       (!kid || (json_string_length(kid) && !bytes_cstr(bytes_str(json_string_value(kid)),
								out->kid, sizeof(out->kid))));
}

int jwt_parse(struct jwt *out, struct bytes text)
{
	struct bytes rest = text, head, claims;
	json_t *json;
	bool ok;

	*out = (struct jwt){ 0 };
	if (text.n > JWT_MAX || !bytes_cut(&rest, '.', &head) || !bytes_cut(&rest, '.', &claims))
		return -EBADMSG;
	json = part_json(head);
	ok = json && jwt_head_read(out, json);
	json_decref(json);
	out->said = bytes_sub(text, 0, head.n + 1 + claims.n);
	if (!ok || !rest.n ||
	    base64url_decode(rest, out->signature, sizeof(out->signature), &out->signature_n))
		return -EBADMSG;
	out->claims = part_json(claims);
	return out->claims ? 0 : -EBADMSG;
}

void jwt_drop(struct jwt *j)
{
	json_decref(j->claims);
	*j = (struct jwt){ 0 };
}

/* ---- keys ---- */

/* What a key of a type proves: the key decides, never the token alone. */
static const struct jwt_algorithm {
	const char *alg, *kty, *crv, *first, *second; /* members of the key */
	const char *type;                             /* to OpenSSL */
} g_algorithms[] = {
	{ "RS256", "RSA", NULL, "n", "e", "RSA" },
	{ "ES256", "EC", "P-256", "x", "y", "EC" },
	{ "EdDSA", "OKP", "Ed25519", "x", NULL, "ED25519" },
};

static bool member_is(const json_t *object, const char *name, const char *text)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value && !strcmp(value, text);
}

static bool member_octets(const json_t *key, const char *name, uint8_t *out, size_t cap, size_t *n)
{
	const json_t *value = json_object_get(key, name);

	return json_is_string(value) &&
	       !base64url_decode(bytes_mem(json_string_value(value), json_string_length(value)),
				 out, cap, n);
}

/* It has that text, or is absent. */
static bool member_fits(const json_t *object, const char *name, const char *text)
{
	return !json_object_get(object, name) || member_is(object, name, text);
}

/* The algorithm by which the token may be of that key. NULL: it is not. */
static const struct jwt_algorithm *key_algorithm(const struct jwt *j, const json_t *key)
{
	for (size_t i = 0; i < COUNT_OF(g_algorithms); i++) {
		const struct jwt_algorithm *a = &g_algorithms[i];

		if (!strcmp(a->alg, j->alg) && (!j->kid[0] || member_is(key, "kid", j->kid)) &&
		    member_is(key, "kty", a->kty) && (!a->crv || member_is(key, "crv", a->crv)) &&
		    member_fits(key, "use", "sig") && member_fits(key, "alg", a->alg))
			return a;
	}
	return NULL;
}

/* Parameters for OpenSSL, which copies them only at the build. False: the members are no key. */
static bool key_describe(OSSL_PARAM_BLD *build, const struct jwt_algorithm *a, struct bytes first,
			 struct bytes second, BIGNUM *numbers[2], uint8_t point[EC_POINT_OCTETS])
{
	if (!a->second)
		return OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, first.p,
							first.n);
	if (!a->crv) {
		numbers[0] = BN_bin2bn(first.p, (int)first.n, NULL);
		numbers[1] = BN_bin2bn(second.p, (int)second.n, NULL);
		return numbers[0] && numbers[1] && second.n <= EXPONENT_MAX &&
		       BN_num_bits(numbers[0]) >= RSA_BITS_MIN &&
		       OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, numbers[0]) &&
		       OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, numbers[1]);
	}
	if (first.n != EC_OCTETS || second.n != EC_OCTETS)
		return false;
	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(point + 1, first.p, EC_OCTETS);
	memcpy(point + 1 + EC_OCTETS, second.p, EC_OCTETS);
	return OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1",
					       0) &&
	       OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
						EC_POINT_OCTETS);
}

static EVP_PKEY *key_read(const struct jwt_algorithm *a, const json_t *jwk)
{
	uint8_t first[RSA_OCTETS_MAX], second[EC_OCTETS], point[EC_POINT_OCTETS];
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, a->type, NULL);
	BIGNUM *numbers[2] = { NULL, NULL };
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;
	size_t n = 0, m = 0;

	if (build && ctx && member_octets(jwk, a->first, first, sizeof(first), &n) &&
	    (!a->second || member_octets(jwk, a->second, second, sizeof(second), &m)) &&
	    key_describe(build, a, bytes_mem(first, n), bytes_mem(second, m), numbers, point))
		params = OSSL_PARAM_BLD_to_param(build);
	if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(numbers[0]);
	BN_free(numbers[1]);
	return key;
}

/* RFC 7518 3.4: r and s side by side, as DER for OpenSSL. 0: no memory, or malformed. */
static size_t signature_der(const struct jwt *j, uint8_t out[2 * EC_OCTETS + 16])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(j->signature, EC_OCTETS, NULL);
	BIGNUM *s = BN_bin2bn(j->signature + EC_OCTETS, EC_OCTETS, NULL);
	int n = 0;

	if (j->signature_n == 2 * (size_t)EC_OCTETS && sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
		r = s = NULL;
		n = i2d_ECDSA_SIG(sig, &out);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return n > 0 ? (size_t)n : 0;
}

static bool key_signed(const struct jwt *j, const struct jwt_algorithm *a, const json_t *jwk)
{
	bool ec = a->crv && a->second, ed = !a->second, ok;
	EVP_PKEY *key = key_read(a, jwk);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[2 * EC_OCTETS + 16];
	size_t der_n = ec ? signature_der(j, der) : 0;

	ok = key && ctx && (!ec || der_n) &&
	     EVP_DigestVerifyInit(ctx, NULL, ed ? NULL : EVP_sha256(), NULL, key) == 1 &&
	     EVP_DigestVerify(ctx, ec ? der : j->signature, ec ? der_n : j->signature_n, j->said.p,
			      j->said.n) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok;
}

/* The first key that fits, or that has signed it. */
static bool set_has(const struct jwt *j, const json_t *set, bool signs)
{
	const json_t *keys = json_object_get(set, "keys");

	for (size_t i = 0; i < json_array_size(keys) && i < JWT_KEYS_MAX; i++) {
		const json_t *key = json_array_get(keys, i);
		const struct jwt_algorithm *a = key_algorithm(j, key);

		if (a && (!signs || key_signed(j, a, key)))
			return true;
	}
	return false;
}

bool jwt_has_key(const struct jwt *j, const json_t *set)
{
	return set_has(j, set, false);
}

bool jwt_is_signed(const struct jwt *j, const json_t *set)
{
	return set_has(j, set, true);
}

/* ---- claims ---- */

static bool audience_has(const json_t *aud, const char *client)
{
	for (size_t i = 0; i < json_array_size(aud); i++) {
		const char *one = json_string_value(json_array_get(aud, i));

		if (one && !strcmp(one, client))
			return true;
	}
	return json_is_string(aud) && !strcmp(json_string_value(aud), client);
}

/* A time in seconds (RFC 7519 2). -1: absent or malformed. */
static double claim_time(const json_t *claims, const char *name)
{
	const json_t *value = json_object_get(claims, name);

	return json_is_number(value) && json_number_value(value) >= 0 ? json_number_value(value)
								      : -1;
}

const char *jwt_claims_wrong(const json_t *claims, const struct jwt_terms *t)
{
	const json_t *aud = json_object_get(claims, "aud"),
		     *nonce = json_object_get(claims, "nonce");
	double now = (double)t->now_utc_s;

	if (!member_is(claims, "iss", t->issuer))
		return "iss is another issuer";
	if (!audience_has(aud, t->client))
		return "aud is for another client";
	if (json_object_get(claims, "azp") ? !member_is(claims, "azp", t->client)
					   : json_array_size(aud) > 1)
		return "azp is another client";
	if (!json_is_string(nonce) || strlen(t->nonce) != json_string_length(nonce) ||
	    CRYPTO_memcmp(json_string_value(nonce), t->nonce, strlen(t->nonce)) != 0)
		return "nonce is that of another login";
	if (claim_time(claims, "exp") <= now - JWT_SKEW_S)
		return "exp is past";
	if (claim_time(claims, "iat") < 0 || claim_time(claims, "iat") > now + JWT_SKEW_S)
		return "iat is to come";
	if (json_object_get(claims, "nbf") &&
	    (claim_time(claims, "nbf") < 0 || claim_time(claims, "nbf") > now + JWT_SKEW_S))
		return "nbf is to come";
	return json_string_length(json_object_get(claims, "sub")) ? NULL : "sub is missing";
}

const json_t *jwt_claim(const json_t *claims, const char *path)
{
	const json_t *at = json_object_get(claims, path);
	struct bytes rest = bytes_str(path), one;
	char name[128];

	if (at)
		return at;
	at = claims;
	while (at && bytes_cut(&rest, '.', &one))
		at = bytes_cstr(one, name, sizeof(name)) ? NULL : json_object_get(at, name);
	return at;
}
