/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypts and authenticates short secrets with AES-256-GCM (NIST SP 800-38D) by OpenSSL, in the
 * format that seal.h draws. Secrets in documents and call records, logins and GRUUs leave the
 * process in this form only. The caller's context (which field of which object) is authenticated,
 * so that a sealed value copied to another place does not open. After a failed authentication the
 * output is erased.
 */

#include "base/seal.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum {
	SEAL_FORMAT = 1,
	SEALED_HEAD_LEN = 2,
	SEAL_NONCE_LEN = 12,
	SEAL_TAG_LEN = 16,
	TEXT_AT = SEALED_HEAD_LEN + SEAL_NONCE_LEN,
};

static_assert(SEAL_OVERHEAD == TEXT_AT + SEAL_TAG_LEN, "what seal.h says");

/* A context with key, nonce and additional authenticated data. NULL: out of memory. */
static EVP_CIPHER_CTX *seal_gcm_init(const struct seal_key *key, const uint8_t *head,
				     struct bytes context, int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	assert(context.n <= INT_MAX);
	if (ctx &&
	    EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->octets, head + SEALED_HEAD_LEN,
			      encrypt) == 1 &&
	    EVP_CipherUpdate(ctx, NULL, &n, head, SEALED_HEAD_LEN) == 1 &&
	    (context.n == 0 || EVP_CipherUpdate(ctx, NULL, &n, context.p, (int)context.n) == 1))
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

static bool gcm_text(EVP_CIPHER_CTX *ctx, struct bytes in, uint8_t *out)
{
	int n = 0;

	assert(in.n <= INT_MAX);
	return in.n == 0 ||
	       (EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.n) == 1 && (size_t)n == in.n);
}

int seal_make(const struct seal_key *key, struct rand_source *r, struct bytes context,
	      struct bytes plain, uint8_t *out, size_t cap, size_t *n)
{
	EVP_CIPHER_CTX *ctx;
	uint8_t *tag;
	int rest;
	bool ok;

	if (cap < SEAL_OVERHEAD || cap - SEAL_OVERHEAD < plain.n)
		return -ENOSPC;
	tag = out + TEXT_AT + plain.n;
	out[0] = SEAL_FORMAT;
	out[1] = key->id;
	rand_fill(r, out + SEALED_HEAD_LEN, SEAL_NONCE_LEN);
	ctx = seal_gcm_init(key, out, context, 1);
	ok = ctx && gcm_text(ctx, plain, out + TEXT_AT) &&
	     EVP_CipherFinal_ex(ctx, tag, &rest) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_LEN, tag) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		return -ENOMEM;
	*n = SEAL_OVERHEAD + plain.n;
	return 0;
}

static enum seal_refusal head_check(struct bytes sealed)
{
	if (sealed.n < SEAL_OVERHEAD)
		return SEAL_TRUNCATED;
	return sealed.p[0] == SEAL_FORMAT ? SEAL_FINE : SEAL_VERSION;
}

static int text_open(const struct seal_key *key, struct bytes context, struct bytes sealed,
		     uint8_t *out, size_t n)
{
	uint8_t tag[SEAL_TAG_LEN], rest[SEAL_TAG_LEN];
	EVP_CIPHER_CTX *ctx = seal_gcm_init(key, sealed.p, context, 0);
	int written, err = -ENOMEM;

	memcpy(tag, sealed.p + TEXT_AT + n, SEAL_TAG_LEN);
	if (ctx && gcm_text(ctx, bytes_sub(sealed, TEXT_AT, n), out) &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_LEN, tag) == 1)
		err = EVP_CipherFinal_ex(ctx, rest, &written) == 1 ? 0 : -EBADMSG;
	EVP_CIPHER_CTX_free(ctx);
	if (err)
		OPENSSL_cleanse(out, n);
	return err;
}

int seal_open(const struct seal_key *key, struct bytes context, struct bytes sealed, uint8_t *out,
	      size_t cap, size_t *n, enum seal_refusal *why)
{
	int err;

	*why = head_check(sealed);
	if (*why == SEAL_FINE && sealed.p[1] != key->id)
		*why = SEAL_KEY;
	if (*why != SEAL_FINE)
		return -EBADMSG;
	if (cap < sealed.n - SEAL_OVERHEAD)
		return -ENOSPC;
	err = text_open(key, context, sealed, out, sealed.n - SEAL_OVERHEAD);
	if (err == -EBADMSG)
		*why = SEAL_FORGED;
	if (!err)
		*n = sealed.n - SEAL_OVERHEAD;
	return err;
}

void seal_key_wipe(struct seal_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}

void secret_str_free(char *text)
{
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
}
