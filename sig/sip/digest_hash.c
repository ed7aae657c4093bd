/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/digest_hash.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

static const EVP_MD *digest_md(enum digest_algorithm algorithm)
{
	switch (algorithm) {
	case DIGEST_MD5:
		return EVP_md5();
	case DIGEST_SHA256:
		return EVP_sha256();
	case DIGEST_SHA512_256:
		return EVP_sha512_256();
	case DIGEST_ALGORITHMS:
		break;
	}
	return NULL;
}

size_t digest_hash_len(enum digest_algorithm algorithm)
{
	return algorithm == DIGEST_MD5 ? 16 : DIGEST_HASH_MAX;
}

const char *digest_name(enum digest_algorithm algorithm)
{
	static const char *const names[] = {
		[DIGEST_MD5] = "MD5",
		[DIGEST_SHA256] = "SHA-256",
		[DIGEST_SHA512_256] = "SHA-512-256",
	};

	assert(algorithm < DIGEST_ALGORITHMS);
	return names[algorithm];
}

bool digest_algorithm_read(struct bytes text, enum digest_algorithm *out, bool *session)
{
	enum { SESS_LEN = 5 };

	*session = text.n > SESS_LEN && bytes_iis(bytes_from(text, text.n - SESS_LEN), "-sess");
	if (*session)
		text = bytes_sub(text, 0, text.n - SESS_LEN);
	*out = DIGEST_MD5;
	if (text.n == 0)
		return true;
	for (unsigned i = 0; i < DIGEST_ALGORITHMS; i++) {
		*out = (enum digest_algorithm)i;
		if (bytes_iis(text, digest_name(*out)))
			return true;
	}
	return false;
}

static bool hash_parts(EVP_MD_CTX *ctx, const struct bytes *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i && !EVP_DigestUpdate(ctx, ":", 1))
			return false;
		if (!EVP_DigestUpdate(ctx, parts[i].p, parts[i].n))
			return false;
	}
	return true;
}

bool digest_hash(enum digest_algorithm algorithm, const struct bytes *parts, size_t n,
		 uint8_t out[DIGEST_HASH_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	memset(out, 0, DIGEST_HASH_MAX);
	ok = ctx && EVP_DigestInit_ex(ctx, digest_md(algorithm), NULL) &&
	     hash_parts(ctx, parts, n) && EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
	return ok;
}

bool digest_hash_text(enum digest_algorithm algorithm, const struct bytes *parts, size_t n,
		      struct digest_text *out)
{
	uint8_t raw[DIGEST_HASH_MAX];
	struct writer w = writer_over(out->p, sizeof(out->p));
	bool ok = digest_hash(algorithm, parts, n, raw);

	writer_hex(&w, bytes_mem(raw, digest_hash_len(algorithm)));
	out->n = w.n;
	return ok;
}

struct bytes digest_text_bytes(const struct digest_text *t)
{
	return bytes_mem(t->p, t->n);
}

bool digest_mac(const uint8_t key[DIGEST_KEY_LEN], const struct bytes *parts, size_t count,
		uint8_t *out, size_t n)
{
	uint8_t text[256];
	uint8_t mac[EVP_MAX_MD_SIZE];
	struct writer w = writer_over(text, sizeof(text));

	for (size_t i = 0; i < count; i++)
		writer_bytes(&w, parts[i]);
	assert(!w.overflow && n <= 32);
	if (!HMAC(EVP_sha256(), key, DIGEST_KEY_LEN, text, w.n, mac, NULL))
		return false;
	memcpy(out, mac, n);
	return true;
}
