/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ID token, and a JWK set behind a line feed. Oracles: what is read of a token is all that stands there, written again it is the same text; a key
 * proves nothing of it unless its type is that of the algorithm; none and what is symmetric are never proved.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/helper/jwt.h"
#include "base/base64url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_known(const char *alg)
{
	return !strcmp(alg, "RS256") || !strcmp(alg, "ES256") || !strcmp(alg, "EdDSA");
}

static void again(const struct jwt *j, struct bytes text)
{
	uint8_t *out = malloc(text.n + 1);
	struct writer w = writer_over(out, text.n);

	writer_bytes(&w, j->said);
	writer_u8(&w, '.');
	base64url_write(&w, bytes_mem(j->signature, j->signature_n));
	assert(!w.overflow && w.n == text.n && !memcmp(out, text.p, text.n));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct jwt_terms terms = { "https://id.example.org", "tandem", "n", 1795819317 };
	struct bytes set = bytes_mem(data, size), text = { 0 };
	json_t *keys;
	struct jwt j;
	bool has;

	(void)bytes_cut(&set, '\n', &text);
	if (jwt_parse(&j, text))
		return 0;
	again(&j, text);
	assert(json_is_object(j.claims) && strlen(j.alg) < sizeof(j.alg));
	keys = json_loadb((const char *)set.p, set.n, 0, NULL);
	has = jwt_has_key(&j, keys);
	assert(!has || is_known(j.alg));
	assert(!jwt_is_signed(&j, keys) || has);
	if (!jwt_claims_wrong(j.claims, &terms))
		assert(!strcmp(json_string_value(json_object_get(j.claims, "nonce")), "n"));
	(void)jwt_claim(j.claims, j.kid);
	json_decref(keys);
	jwt_drop(&j);
	return 0;
}
