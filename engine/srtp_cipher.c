/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On OpenSSL, and on ipsec-mb where it pays (srtp_mb.h). SHA1_Update and its like are deprecated in OpenSSL in favour of EVP, but a copy of a prepared
 * EVP digest allocates for every packet, and this one is a value.
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
#include <string.h>

enum {
	KEY_LEN = 16,
	KEY_LONG_LEN = 32,
	SALT_LEN = 14,
	SALT_GCM_LEN = 12, /* RFC 7714 12 */
	BLOCK_LEN = 16,
	AUTH_KEY_LEN = 20, /* RFC 4568 6.2 */
	TAG_80 = 10,
	TAG_32 = 4,
	TAG_GCM = 16,
	HASH_LEN = SHA_DIGEST_LENGTH,
	RTCP_HEAD_LEN = 8,
	/* RFC 3711 4.3.1: added to the use */
	LABEL_KEY = 0,
	LABEL_AUTH = 1,
	LABEL_SALT = 2,
};

enum {
	KIND_AEAD = 1,
	KIND_LONG = 2, /* 256 bits */
	KIND_RTCP = 4,
};

static_assert((int)SRTP_CIPHER_BATCH == (int)SRTP_MB_MAX, "a batch is one call");
static_assert((int)HASH_LEN == (int)SRTP_MB_HASH_LEN, "a whole HMAC-SHA1");
static_assert((int)KEY_LEN == (int)SRTP_MB_BLOCK_LEN && (int)KEY_LONG_LEN == (int)SRTP_MB_LONG_LEN,
	      "the same session keys");
static_assert((int)TAG_GCM == (int)SRTP_MB_TAG_LEN && (int)SALT_GCM_LEN == (int)SRTP_MB_IV_LEN,
	      "RFC 7714 12");

/* What ipsec-mb wants lies behind it, so that all of one stream is found without following a pointer. */
struct srtp_cipher {
	EVP_CIPHER_CTX *evp; /* NULL: ipsec-mb has the key */
	uint8_t kind, tag;
	uint8_t salt[SALT_LEN];
	uint32_t inner[SRTP_MB_HASH_WORDS]; /* RFC 2104: after the first block of each hash */
	uint32_t outer[SRTP_MB_HASH_WORDS];
} CACHE_ALIGNED;

static_assert(sizeof(struct srtp_cipher) == SRTP_MB_KEY_ALIGN, "one cache line");

/* ---- suites ---- */

uint8_t srtp_tag_length(enum media_suite suite, enum srtp_use use)
{
	switch (suite) {
	case MEDIA_SUITE_NONE:
		return 0;
	case MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80:
		return TAG_80;
	case MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32:
		return use == SRTP_USE_RTP ? TAG_32 : TAG_80;
	case MEDIA_SUITE_AEAD_AES_128_GCM:
	case MEDIA_SUITE_AEAD_AES_256_GCM:
		return TAG_GCM;
	}
	return 0;
}

bool srtp_suite_is_aead(enum media_suite suite)
{
	return suite == MEDIA_SUITE_AEAD_AES_128_GCM || suite == MEDIA_SUITE_AEAD_AES_256_GCM;
}

static size_t key_length(uint8_t kind)
{
	return kind & KIND_LONG ? KEY_LONG_LEN : KEY_LEN;
}

static size_t salt_length(uint8_t kind)
{
	return kind & KIND_AEAD ? SALT_GCM_LEN : SALT_LEN;
}

static uint8_t kind_of(enum media_suite suite, enum srtp_use use)
{
	int kind = use == SRTP_USE_RTCP ? KIND_RTCP : 0;

	if (srtp_suite_is_aead(suite))
		kind |= KIND_AEAD;
	if (suite == MEDIA_SUITE_AEAD_AES_256_GCM)
		kind |= KIND_LONG;
	return (uint8_t)kind;
}

size_t srtp_cipher_size(enum media_suite suite)
{
	return sizeof(struct srtp_cipher) +
	       (srtp_suite_is_aead(suite) ? (size_t)SRTP_MB_GCM_ROOM : (size_t)SRTP_MB_CTR_ROOM);
}

/* ---- AES in counter mode ---- */

static EVP_CIPHER_CTX *evp_open(const EVP_CIPHER *type, const uint8_t *key)
{
	EVP_CIPHER_CTX *evp = EVP_CIPHER_CTX_new();

	if (evp && EVP_EncryptInit_ex(evp, type, NULL, key, NULL) == 1)
		return evp;
	EVP_CIPHER_CTX_free(evp);
	return NULL;
}

static EVP_CIPHER_CTX *ctr_open(const uint8_t *key, uint8_t kind)
{
	return evp_open(kind & KIND_LONG ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), key);
}

/* The context is set up, so no call of these allocates or can fail. */
static void ctr_xor(EVP_CIPHER_CTX *ctr, const uint8_t iv[BLOCK_LEN], uint8_t *p, size_t n)
{
	int written = 0;
	int ok = EVP_EncryptInit_ex(ctr, NULL, NULL, NULL, iv);

	assert(ok == 1 && n <= INT_MAX);
	ok = EVP_EncryptUpdate(ctr, p, &written, p, (int)n);
	assert(ok == 1 && (size_t)written == n);
}

/*
 * RFC 3711 4.3.1: the label lies above the 48 bits of (index DIV rate), which is 0. RFC 7714 11: a shorter salt has zeroes behind
 * it; RFC 6188 3: a longer key changes nothing but the cipher.
 */
static void derive(EVP_CIPHER_CTX *master, const uint8_t *salt, size_t salt_n, uint8_t label,
		   uint8_t *out, size_t n)
{
	uint8_t iv[BLOCK_LEN] = { 0 };

	memcpy(iv, salt, salt_n);
	iv[SALT_LEN - 7] ^= label;
	memset(out, 0, n);
	ctr_xor(master, iv, out, n);
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

static void pad_hash(uint32_t out[SRTP_MB_HASH_WORDS], const uint8_t key[AUTH_KEY_LEN], uint8_t pad)
{
	uint8_t block[SHA_CBLOCK];
	SHA_CTX hash;

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < AUTH_KEY_LEN; i++)
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

static void hash_alone(const struct srtp_cipher *c, const uint8_t *p, size_t n,
		       uint8_t out[HASH_LEN])
{
	SHA_CTX hash;

	hash_start(&hash, c->inner);
	SHA1_Update(&hash, p, n);
	SHA1_Final(out, &hash);
	hash_start(&hash, c->outer);
	SHA1_Update(&hash, out, HASH_LEN);
	SHA1_Final(out, &hash);
}

/* ---- session keys ---- */

static int key_set(struct srtp_cipher *c, const uint8_t *key, enum srtp_backend backend)
{
	bool is_long = c->kind & KIND_LONG;
	bool done = false;

	if (backend == SRTP_FASTEST)
		done = c->kind & KIND_AEAD ? srtp_mb_gcm_key(c + 1, key, is_long)
					   : srtp_mb_ctr_key(c + 1, key);
	if (done)
		return 0;
	if (c->kind & KIND_AEAD)
		c->evp = evp_open(is_long ? EVP_aes_256_gcm() : EVP_aes_128_gcm(), key);
	else
		c->evp = ctr_open(key, c->kind);
	return c->evp ? 0 : -ENOMEM;
}

static int keys_derive(struct srtp_cipher *c, EVP_CIPHER_CTX *master, const uint8_t *salt,
		       enum srtp_use use, enum srtp_backend backend)
{
	size_t salt_n = salt_length(c->kind);
	uint8_t key[KEY_LONG_LEN], auth[AUTH_KEY_LEN];
	int err;

	derive(master, salt, salt_n, (uint8_t)(use + LABEL_KEY), key, key_length(c->kind));
	derive(master, salt, salt_n, (uint8_t)(use + LABEL_SALT), c->salt, salt_n);
	err = key_set(c, key, backend);
	OPENSSL_cleanse(key, sizeof(key));
	if (c->kind & KIND_AEAD)
		return err;
	derive(master, salt, salt_n, (uint8_t)(use + LABEL_AUTH), auth, sizeof(auth));
	pad_hash(c->inner, auth, 0x36);
	pad_hash(c->outer, auth, 0x5c);
	OPENSSL_cleanse(auth, sizeof(auth));
	return err;
}

int srtp_cipher_init(struct srtp_cipher *c, const struct media_key *key, enum srtp_use use,
		     enum srtp_backend backend)
{
	EVP_CIPHER_CTX *master;
	int err = -ENOMEM;

	c->tag = srtp_tag_length((enum media_suite)key->suite, use);
	c->kind = kind_of((enum media_suite)key->suite, use);
	if (c->tag == 0 || key->length != key_length(c->kind) + salt_length(c->kind))
		return -EINVAL;
	master = ctr_open(key->octets, c->kind);
	if (master)
		err = keys_derive(c, master, key->octets + key_length(c->kind), use, backend);
	EVP_CIPHER_CTX_free(master); /* wipes the key schedule */
	return err;
}

void srtp_cipher_wipe(struct srtp_cipher *c)
{
	size_t room = c->kind & KIND_AEAD ? SRTP_MB_GCM_ROOM : SRTP_MB_CTR_ROOM;

	EVP_CIPHER_CTX_free(c->evp);
	OPENSSL_cleanse(c, sizeof(*c) + room);
}

void srtp_cipher_prefetch(const struct srtp_cipher *c, bool is_aead)
{
	__builtin_prefetch(c, 0);
	if (is_aead)
		srtp_mb_gcm_prefetch(c + 1, false);
	else
		srtp_mb_ctr_prefetch(c + 1);
}

/* ---- counter mode with HMAC-SHA1 ---- */

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

static void ctr_alone(const struct srtp_unit *u)
{
	uint8_t iv[BLOCK_LEN];

	iv_write(u->cipher, u->ssrc, u->index, iv);
	ctr_xor(u->cipher->evp, iv, u->p + u->head, u->n - u->head);
}

/* A list that is filled as units come by, and then done at once. */
struct crypts {
	uint32_t count;
	struct srtp_mb_crypt jobs[SRTP_CIPHER_BATCH];
	uint8_t iv[SRTP_CIPHER_BATCH][BLOCK_LEN];
};

static void crypts_add(struct crypts *x, const struct srtp_unit *u)
{
	if (u->n == u->head)
		return;
	if (u->cipher->evp) {
		ctr_alone(u);
		return;
	}
	iv_write(u->cipher, u->ssrc, u->index, x->iv[x->count]);
	x->jobs[x->count] = (struct srtp_mb_crypt){ .key = u->cipher + 1,
						    .p = u->p + u->head,
						    .n = u->n - u->head,
						    .iv = x->iv[x->count] };
	x->count++;
}

/* The word is authenticated as if it were part of the packet. */
struct hashes {
	uint32_t count;
	struct srtp_unit *of[SRTP_CIPHER_BATCH];
	uint8_t behind[SRTP_CIPHER_BATCH][SRTP_WORD_LEN];
	uint8_t hash[SRTP_CIPHER_BATCH][HASH_LEN];
};

static void hashes_add(struct hashes *x, struct srtp_unit *u)
{
	memcpy(x->behind[x->count], u->p + u->n, SRTP_WORD_LEN);
	be32_put(u->p + u->n, u->word);
	x->of[x->count++] = u;
}

static void hashes_run(struct hashes *x)
{
	struct srtp_mb_hash jobs[SRTP_CIPHER_BATCH];
	uint32_t worth = 0;

	if (x->count > 0 && !x->of[0]->cipher->evp)
		worth = srtp_mb_hash_worth(x->count);
	for (uint32_t i = 0; i < worth; i++)
		jobs[i] = (struct srtp_mb_hash){ .inner = x->of[i]->cipher->inner,
						 .outer = x->of[i]->cipher->outer,
						 .p = x->of[i]->p,
						 .n = x->of[i]->n + SRTP_WORD_LEN,
						 .hash = x->hash[i] };
	srtp_mb_hash(jobs, worth);
	for (uint32_t i = worth; i < x->count; i++)
		hash_alone(x->of[i]->cipher, x->of[i]->p, x->of[i]->n + SRTP_WORD_LEN, x->hash[i]);
	for (uint32_t i = 0; i < x->count; i++)
		memcpy(x->of[i]->p + x->of[i]->n, x->behind[i], SRTP_WORD_LEN);
}

/* ---- AES-GCM ---- */

/* RFC 7714 8.1, 9.1: two octets of zero, the SSRC, the index of 48 bits, XOR the salt. */
static void iv_write_gcm(const struct srtp_cipher *c, uint32_t ssrc, uint64_t index,
			 uint8_t iv[SALT_GCM_LEN])
{
	assert(index < BIT64(48));
	memcpy(iv, c->salt, SALT_GCM_LEN);
	be32_put(iv + 2, be32_get(iv + 2) ^ ssrc);
	be16_put(iv + 6, (uint16_t)(be16_get(iv + 6) ^ index >> 32));
	be32_put(iv + 8, be32_get(iv + 8) ^ (uint32_t)index);
}

struct gcm {
	struct srtp_mb_aead job;
	uint8_t iv[SALT_GCM_LEN], associated[RTCP_HEAD_LEN + SRTP_WORD_LEN], behind[SRTP_WORD_LEN];
};

/*
 * RFC 7714 8.2: the head of RTP is what is authenticated only. Of SRTCP (9.2, 9.3) it is the head or, where nothing is
 * encrypted, all, and the word in either case.
 */
static void gcm_begin(struct gcm *x, const struct srtp_unit *u, uint8_t *tag)
{
	iv_write_gcm(u->cipher, u->ssrc, u->index, x->iv);
	x->job = (struct srtp_mb_aead){ .key = u->cipher + 1,
					.iv = x->iv,
					.associated = u->p,
					.associated_n = u->head,
					.p = u->p + u->head,
					.n = u->n - u->head,
					.tag = tag };
	if (!(u->cipher->kind & KIND_RTCP))
		return;
	x->job.associated_n += SRTP_WORD_LEN;
	if (u->head > RTCP_HEAD_LEN) {
		memcpy(x->behind, u->p + u->n, SRTP_WORD_LEN);
		be32_put(u->p + u->n, u->word);
	} else {
		memcpy(x->associated, u->p, RTCP_HEAD_LEN);
		be32_put(x->associated + RTCP_HEAD_LEN, u->word);
		x->job.associated = x->associated;
	}
}

static void gcm_end(const struct gcm *x, const struct srtp_unit *u)
{
	if (u->cipher->kind & KIND_RTCP && u->head > RTCP_HEAD_LEN)
		memcpy(u->p + u->n, x->behind, SRTP_WORD_LEN);
}

static void evp_begin(EVP_CIPHER_CTX *evp, const struct srtp_mb_aead *x, bool seals)
{
	int written = 0;
	int ok = EVP_CipherInit_ex(evp, NULL, NULL, NULL, x->iv, seals);

	assert(ok == 1 && x->n <= INT_MAX && x->associated_n <= INT_MAX);
	ok = EVP_CipherUpdate(evp, NULL, &written, x->associated, (int)x->associated_n);
	if (ok == 1 && x->n > 0)
		ok = EVP_CipherUpdate(evp, x->p, &written, x->p, (int)x->n);
	assert(ok == 1);
}

static void evp_seal(EVP_CIPHER_CTX *evp, const struct srtp_mb_aead *x)
{
	uint8_t none[BLOCK_LEN];
	int written = 0, ok;

	evp_begin(evp, x, true);
	ok = EVP_CipherFinal_ex(evp, none, &written) == 1 &&
	     EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, TAG_GCM, x->tag) == 1;
	assert(ok);
}

static bool evp_open_tagged(EVP_CIPHER_CTX *evp, const struct srtp_mb_aead *x)
{
	uint8_t none[BLOCK_LEN];
	int written = 0;
	int ok;

	evp_begin(evp, x, false);
	ok = EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_SET_TAG, TAG_GCM, x->tag);
	assert(ok == 1);
	return EVP_CipherFinal_ex(evp, none, &written) == 1;
}

static void gcm_seal(const struct srtp_unit *u, uint8_t tag[TAG_GCM])
{
	struct gcm x;

	gcm_begin(&x, u, tag);
	if (u->cipher->evp)
		evp_seal(u->cipher->evp, &x.job);
	else
		srtp_mb_seal(&x.job, u->cipher->kind & KIND_LONG);
	gcm_end(&x, u);
}

/* Plain and tag are made in one go, so one that is not authentic must be put back. */
static void gcm_check(struct srtp_unit *u)
{
	uint8_t tag[TAG_GCM];
	struct gcm x;

	gcm_begin(&x, u, tag);
	if (u->cipher->evp) {
		x.job.tag = u->tag;
		u->authentic = evp_open_tagged(u->cipher->evp, &x.job);
	} else {
		srtp_mb_open(&x.job, u->cipher->kind & KIND_LONG);
		u->authentic = CRYPTO_memcmp(tag, u->tag, TAG_GCM) == 0;
	}
	gcm_end(&x, u);
	if (!u->authentic)
		gcm_seal(u, tag);
}

/* ---- units ---- */

static bool is_aead(const struct srtp_unit *u)
{
	return u->cipher->kind & KIND_AEAD;
}

void srtp_units_seal(struct srtp_unit *list, uint32_t count)
{
	struct crypts crypts;
	struct hashes hashes;

	assert(count <= SRTP_CIPHER_BATCH);
	crypts.count = hashes.count = 0;
	for (struct srtp_unit *u = list; u < list + count; u++) {
		if (is_aead(u)) {
			gcm_seal(u, u->tag);
			continue;
		}
		crypts_add(&crypts, u);
		hashes_add(&hashes, u);
	}
	srtp_mb_crypt(crypts.jobs, crypts.count);
	hashes_run(&hashes);
	for (uint32_t i = 0; i < hashes.count; i++)
		memcpy(hashes.of[i]->tag, hashes.hash[i], SRTP_TAG_MAX);
}

void srtp_units_check(struct srtp_unit *list, uint32_t count)
{
	struct hashes hashes;

	assert(count <= SRTP_CIPHER_BATCH);
	hashes.count = 0;
	for (struct srtp_unit *u = list; u < list + count; u++) {
		if (is_aead(u))
			gcm_check(u);
		else
			hashes_add(&hashes, u);
	}
	hashes_run(&hashes);
	for (uint32_t i = 0; i < hashes.count; i++) {
		struct srtp_unit *u = hashes.of[i];

		u->authentic = CRYPTO_memcmp(hashes.hash[i], u->tag, u->cipher->tag) == 0;
	}
}

void srtp_unit_undo(const struct srtp_unit *u)
{
	uint8_t tag[TAG_GCM];

	if (is_aead(u))
		gcm_seal(u, tag);
}

void srtp_units_open(struct srtp_unit *const *list, uint32_t count)
{
	struct crypts crypts;

	assert(count <= SRTP_CIPHER_BATCH);
	crypts.count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!is_aead(list[i]))
			crypts_add(&crypts, list[i]);
	}
	srtp_mb_crypt(crypts.jobs, crypts.count);
}
