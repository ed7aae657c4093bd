/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SRTP transforms one packet at a time by OpenSSL: AES-CM and AES-GCM by EVP, HMAC-SHA1 by the
 * low-level SHA functions. SHA1_Update and the like are deprecated in favour of EVP, but copying a
 * prepared EVP digest allocates for every packet, and these are plain values. srtp_cipher.c uses it
 * where ipsec-mb is missing or not worth it.
 */

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#include "engine/srtp/srtp_evp.h"

#include <assert.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

/* ---- AES in counter mode ---- */

static EVP_CIPHER_CTX *evp_open(const EVP_CIPHER *type, const uint8_t *key)
{
	EVP_CIPHER_CTX *evp = EVP_CIPHER_CTX_new();

	if (evp && EVP_EncryptInit_ex(evp, type, NULL, key, NULL) == 1)
		return evp;
	EVP_CIPHER_CTX_free(evp);
	return NULL;
}

EVP_CIPHER_CTX *srtp_evp_ctr_open(const uint8_t *key, bool is_long)
{
	return evp_open(is_long ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), key);
}

EVP_CIPHER_CTX *srtp_evp_gcm_open(const uint8_t *key, bool is_long)
{
	return evp_open(is_long ? EVP_aes_256_gcm() : EVP_aes_128_gcm(), key);
}

/* The context is set up, so no call of these allocates or can fail. */
void srtp_evp_ctr(EVP_CIPHER_CTX *ctr, const uint8_t iv[SRTP_MB_BLOCK_LEN], uint8_t *p, size_t n)
{
	int written = 0;
	int ok = EVP_EncryptInit_ex(ctr, NULL, NULL, NULL, iv);

	assert(ok == 1 && n <= INT_MAX);
	ok = EVP_EncryptUpdate(ctr, p, &written, p, (int)n);
	assert(ok == 1 && (size_t)written == n);
}

/* ---- HMAC-SHA1 ---- */

static void hash_start(SHA_CTX *out, const uint32_t state[SRTP_MB_HASH_WORDS])
{
	*out = (SHA_CTX){ .h0 = state[0],
			  .h1 = state[1],
			  .h2 = state[2],
			  .h3 = state[3],
			  .h4 = state[4],
			  .Nl = SHA_CBLOCK * 8 };
}

void srtp_evp_pad(uint32_t out[SRTP_MB_HASH_WORDS], const uint8_t key[SRTP_MB_HASH_LEN],
		  uint8_t pad)
{
	uint8_t block[SHA_CBLOCK];
	SHA_CTX hash;

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < SRTP_MB_HASH_LEN; i++)
		block[i] ^= key[i];
	SHA1_Init(&hash);
	SHA1_Update(&hash, block, sizeof(block));
	out[0] = hash.h0;
	out[1] = hash.h1;
	out[2] = hash.h2;
	out[3] = hash.h3;
	out[4] = hash.h4;
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(&hash, sizeof(hash));
}

void srtp_evp_hash(const struct srtp_mb_hash *job)
{
	SHA_CTX hash;

	hash_start(&hash, job->inner);
	SHA1_Update(&hash, job->p, job->n);
	SHA1_Final(job->hash, &hash);
	hash_start(&hash, job->outer);
	SHA1_Update(&hash, job->hash, SRTP_MB_HASH_LEN);
	SHA1_Final(job->hash, &hash);
}

/* ---- AES-GCM ---- */

static void evp_gcm_process(EVP_CIPHER_CTX *evp, const struct srtp_mb_aead *x, bool seals)
{
	int written = 0;
	int ok = EVP_CipherInit_ex(evp, NULL, NULL, NULL, x->iv, seals);

	assert(ok == 1 && x->n <= INT_MAX && x->associated_n <= INT_MAX);
	ok = EVP_CipherUpdate(evp, NULL, &written, x->associated, (int)x->associated_n);
	if (ok == 1 && x->n > 0)
		ok = EVP_CipherUpdate(evp, x->p, &written, x->p, (int)x->n);
	assert(ok == 1);
}

void srtp_evp_seal(EVP_CIPHER_CTX *evp, const struct srtp_mb_aead *x)
{
	uint8_t none[SRTP_MB_BLOCK_LEN];
	int written = 0, ok;

	evp_gcm_process(evp, x, true);
	ok = EVP_CipherFinal_ex(evp, none, &written) == 1 &&
	     EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, SRTP_MB_TAG_LEN, x->tag) == 1;
	assert(ok);
}

bool srtp_evp_open(EVP_CIPHER_CTX *evp, const struct srtp_mb_aead *x)
{
	uint8_t none[SRTP_MB_BLOCK_LEN];
	int written = 0;
	int ok;

	evp_gcm_process(evp, x, false);
	ok = EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_SET_TAG, SRTP_MB_TAG_LEN, x->tag);
	assert(ok == 1);
	return EVP_CipherFinal_ex(evp, none, &written) == 1;
}
