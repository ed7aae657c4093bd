/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On OpenSSL, and on ipsec-mb what comes in batches (srtp_mb.h). SHA1_Update and its like are deprecated there in favour of EVP, but a copy of a prepared EVP digest allocates
 * for every packet, and this one is a value.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "engine/srtp_cipher.h"
#include "engine/srtp_mb.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_LEN = 16,
	SALT_LEN = 14,
	BLOCK_LEN = 16,
	AUTH_KEY_LEN = 20, /* RFC 4568 6.2 */
	TAG_80 = 10,
	TAG_32 = 4,
	/* RFC 3711 4.3.1: added to the use */
	LABEL_KEY = 0,
	LABEL_AUTH = 1,
	LABEL_SALT = 2,
};

static_assert((int)SRTP_CIPHER_BATCH == (int)SRTP_MB_MAX, "a batch is one call");
static_assert((int)SRTP_CIPHER_TAG_ROOM == (int)SRTP_MB_TAG_LEN, "a whole HMAC-SHA1");
static_assert((int)AUTH_KEY_LEN == (int)SRTP_MB_TAG_LEN && (int)KEY_LEN == (int)SRTP_MB_CIPHER_LEN,
	      "the same session keys");
static_assert((int)SRTP_MASTER_LEN == (int)KEY_LEN + (int)SALT_LEN, "RFC 4568 6.2.1");

struct srtp_cipher {
	EVP_CIPHER_CTX *ctr;    /* or mb */
	struct srtp_mb_key *mb; /* NULL: OpenSSL does all */
	SHA_CTX inner, outer;   /* RFC 2104: after the first block of each hash */
	uint8_t salt[SALT_LEN];
};

uint8_t srtp_tag_length(enum media_suite suite, enum srtp_use use)
{
	switch (suite) {
	case MEDIA_SUITE_NONE:
		return 0;
	case MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80:
		return TAG_80;
	case MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32:
		return use == SRTP_USE_RTP ? TAG_32 : TAG_80;
	}
	return 0;
}

/* ---- AES in counter mode ---- */

static EVP_CIPHER_CTX *ctr_open(const uint8_t key[KEY_LEN])
{
	EVP_CIPHER_CTX *ctr = EVP_CIPHER_CTX_new();

	if (ctr && EVP_EncryptInit_ex(ctr, EVP_aes_128_ctr(), NULL, key, NULL) == 1)
		return ctr;
	EVP_CIPHER_CTX_free(ctr);
	return NULL;
}

/* The context is set up, so neither call allocates or can fail. */
static void ctr_xor(EVP_CIPHER_CTX *ctr, const uint8_t iv[BLOCK_LEN], uint8_t *p, size_t n)
{
	int written = 0;
	int ok = EVP_EncryptInit_ex(ctr, NULL, NULL, NULL, iv);

	assert(ok == 1 && n <= INT_MAX);
	ok = EVP_EncryptUpdate(ctr, p, &written, p, (int)n);
	assert(ok == 1 && (size_t)written == n);
}

/* RFC 3711 4.3.1: the label lies above the 48 bits of (index DIV rate), which is 0. */
static void derive(EVP_CIPHER_CTX *master, const uint8_t *salt, uint8_t label, uint8_t *out,
		   size_t n)
{
	uint8_t iv[BLOCK_LEN] = { 0 };

	memcpy(iv, salt, SALT_LEN);
	iv[SALT_LEN - 7] ^= label;
	memset(out, 0, n);
	ctr_xor(master, iv, out, n);
}

/* ---- HMAC-SHA1 ---- */

static void pad_hash(SHA_CTX *out, const uint8_t key[AUTH_KEY_LEN], uint8_t pad)
{
	uint8_t block[SHA_CBLOCK];

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < AUTH_KEY_LEN; i++)
		block[i] ^= key[i];
	SHA1_Init(out);
	SHA1_Update(out, block, sizeof(block));
	OPENSSL_cleanse(block, sizeof(block));
}

void srtp_cipher_tag(const struct srtp_cipher *c, struct bytes packet, const uint8_t roc[4],
		     uint8_t *tag, size_t n)
{
	uint8_t digest[SHA_DIGEST_LENGTH];
	SHA_CTX hash = c->inner;

	assert(n <= SRTP_TAG_MAX);
	SHA1_Update(&hash, packet.p, packet.n);
	if (roc)
		SHA1_Update(&hash, roc, 4);
	SHA1_Final(digest, &hash);
	hash = c->outer;
	SHA1_Update(&hash, digest, sizeof(digest));
	SHA1_Final(digest, &hash);
	memcpy(tag, digest, n);
}

/* ---- session keys ---- */

static int keys_derive(struct srtp_cipher *c, EVP_CIPHER_CTX *master, const uint8_t *salt,
		       enum srtp_use use, enum srtp_backend backend)
{
	uint8_t key[KEY_LEN], auth[AUTH_KEY_LEN];

	derive(master, salt, (uint8_t)(use + LABEL_KEY), key, sizeof(key));
	derive(master, salt, (uint8_t)(use + LABEL_AUTH), auth, sizeof(auth));
	derive(master, salt, (uint8_t)(use + LABEL_SALT), c->salt, sizeof(c->salt));
	c->mb = backend == SRTP_FASTEST ? srtp_mb_key_open(key, auth) : NULL;
	c->ctr = c->mb ? NULL : ctr_open(key);
	pad_hash(&c->inner, auth, 0x36);
	pad_hash(&c->outer, auth, 0x5c);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(auth, sizeof(auth));
	return c->mb || c->ctr ? 0 : -ENOMEM;
}

int srtp_cipher_open(struct srtp_cipher **out, const struct media_key *key, enum srtp_use use,
		     enum srtp_backend backend)
{
	struct srtp_cipher *c;
	EVP_CIPHER_CTX *master;
	int err = -ENOMEM;

	if (srtp_tag_length((enum media_suite)key->suite, use) == 0 ||
	    key->length != SRTP_MASTER_LEN)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	master = ctr_open(key->octets);
	if (c && master)
		err = keys_derive(c, master, key->octets + KEY_LEN, use, backend);
	EVP_CIPHER_CTX_free(master);
	if (err) {
		srtp_cipher_close(c);
		return err;
	}
	*out = c;
	return 0;
}

void srtp_cipher_close(struct srtp_cipher *c)
{
	if (!c)
		return;
	EVP_CIPHER_CTX_free(c->ctr); /* wipes the key schedule */
	srtp_mb_key_close(c->mb);
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}

/*
 * RFC 3711 4.1.1: IV = (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16)
 *
 *     octet  0        4        8              14
 *            |  salt (14 octets)              | counter, from 0
 *                     |  SSRC  |  index (48)  |
 */
static void iv_write(const struct srtp_cipher *c, uint32_t ssrc, uint64_t index,
		     uint8_t iv[BLOCK_LEN])
{
	assert(index < BIT64(48));
	memcpy(iv, c->salt, SALT_LEN);
	iv[14] = iv[15] = 0;
	be32_put(iv + 4, be32_get(iv + 4) ^ ssrc);
	be16_put(iv + 8, (uint16_t)(be16_get(iv + 8) ^ index >> 32));
	be32_put(iv + 10, be32_get(iv + 10) ^ (uint32_t)index);
}

void srtp_cipher_crypt(struct srtp_cipher *c, uint32_t ssrc, uint64_t index, uint8_t *p, size_t n)
{
	uint8_t iv[BLOCK_LEN];

	iv_write(c, ssrc, index, iv);
	if (n == 0)
		return;
	if (c->mb)
		srtp_mb_crypt(
			&(struct srtp_mb_job){ .key = c->mb, .p = p, .n = (uint32_t)n, .iv = iv },
			1);
	else
		ctr_xor(c->ctr, iv, p, n);
}

/* ---- batches ---- */

void srtp_cipher_prefetch(const struct srtp_cipher *c)
{
	__builtin_prefetch(c, 0);
}

void srtp_cipher_prefetch_keys(const struct srtp_cipher *c)
{
	if (c->mb)
		srtp_mb_prefetch(c->mb);
	else
		__builtin_prefetch(&c->inner, 0);
}

void srtp_cipher_crypts(const struct srtp_crypt *list, uint32_t count)
{
	struct srtp_mb_job jobs[SRTP_CIPHER_BATCH];
	uint8_t iv[SRTP_CIPHER_BATCH][BLOCK_LEN];
	uint32_t n = 0;

	assert(count <= SRTP_CIPHER_BATCH);
	for (const struct srtp_crypt *x = list; x < list + count; x++) {
		if (!x->cipher->mb) {
			srtp_cipher_crypt(x->cipher, x->ssrc, x->index, x->p, x->n);
		} else if (x->n > 0) {
			iv_write(x->cipher, x->ssrc, x->index, iv[n]);
			jobs[n] = (struct srtp_mb_job){
				.key = x->cipher->mb, .p = x->p, .n = x->n, .iv = iv[n]
			};
			n++;
		}
	}
	srtp_mb_crypt(jobs, n);
}

static void tag_alone(struct srtp_tag *x)
{
	srtp_cipher_tag(x->cipher, bytes_mem(x->p, x->n), NULL, x->tag, SRTP_TAG_MAX);
}

void srtp_cipher_tags(struct srtp_tag *list, uint32_t count)
{
	struct srtp_mb_job jobs[SRTP_CIPHER_BATCH];
	struct srtp_tag *of[SRTP_CIPHER_BATCH];
	uint32_t n = 0, worth;

	assert(count <= SRTP_CIPHER_BATCH);
	for (struct srtp_tag *x = list; x < list + count; x++) {
		if (!x->cipher->mb) {
			tag_alone(x);
			continue;
		}
		of[n] = x;
		jobs[n++] = (struct srtp_mb_job){
			.key = x->cipher->mb, .p = x->p, .n = x->n, .tag = x->tag
		};
	}
	worth = n > 0 ? srtp_mb_tag_worth(n) : 0;
	srtp_mb_tag(jobs, worth);
	for (uint32_t i = worth; i < n; i++)
		tag_alone(of[i]);
}
