/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/srtp/srtp_cipher.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "engine/srtp/srtp_cipher_inside.h"
#include "engine/srtp/srtp_evp.h"
#include "engine/srtp/srtp_gcm.h"

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

static uint8_t cipher_kind(enum media_suite suite, enum srtp_use use)
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

/* ---- session keys ---- */

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
	srtp_evp_ctr(master, iv, out, n);
}

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
		c->evp = srtp_evp_gcm_open(key, is_long);
	else
		c->evp = srtp_evp_ctr_open(key, is_long);
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
	srtp_evp_pad(c->inner, auth, 0x36);
	srtp_evp_pad(c->outer, auth, 0x5c);
	OPENSSL_cleanse(auth, sizeof(auth));
	return err;
}

int srtp_cipher_make(struct srtp_cipher *c, const struct media_key *key, enum srtp_use use,
		     enum srtp_backend backend)
{
	EVP_CIPHER_CTX *master;
	int err = -ENOMEM;

	c->tag = srtp_tag_length((enum media_suite)key->suite, use);
	c->kind = cipher_kind((enum media_suite)key->suite, use);
	if (c->tag == 0 || key->length != key_length(c->kind) + salt_length(c->kind))
		return -EINVAL;
	master = srtp_evp_ctr_open(key->octets, c->kind & KIND_LONG);
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
	memcpy(iv, c->salt, 4);
	be32_put(iv + 4, be32_get(c->salt + 4) ^ ssrc);
	be32_put(iv + 8, be32_get(c->salt + 8) ^ (uint32_t)(index >> 16));
	be32_put(iv + 12, (be16_get(c->salt + 12) ^ (uint32_t)(index & 0xffff)) << 16);
}

static void ctr_alone(const struct srtp_unit *u)
{
	uint8_t iv[BLOCK_LEN];

	iv_write(u->cipher, u->ssrc, u->index, iv);
	srtp_evp_ctr(u->cipher->evp, iv, u->p + u->head, u->n - u->head);
}

/* Lists that are filled as units come by, and done when they are full and at the end: what was just written in parts is slow to
 * be read as a whole. */
enum { CTR_CHUNK = 16 };

struct crypts {
	uint32_t count;
	struct srtp_mb_crypt jobs[CTR_CHUNK];
	uint8_t iv[CTR_CHUNK][BLOCK_LEN];
};

static void crypts_run(struct crypts *x)
{
	srtp_mb_crypt(x->jobs, x->count);
	x->count = 0;
}

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
	if (++x->count == CTR_CHUNK)
		crypts_run(x);
}

/* The word is authenticated as if it were part of the packet. */
struct hashes {
	uint32_t count;
	struct srtp_unit *of[SRTP_CIPHER_BATCH];
	struct srtp_mb_hash jobs[SRTP_CIPHER_BATCH];
	uint8_t behind[SRTP_CIPHER_BATCH][SRTP_WORD_LEN];
	uint8_t hash[SRTP_CIPHER_BATCH][HASH_LEN];
};

static void hashes_add(struct hashes *x, struct srtp_unit *u)
{
	uint32_t i = x->count++;

	memcpy(x->behind[i], u->p + u->n, SRTP_WORD_LEN);
	be32_put(u->p + u->n, u->word);
	x->of[i] = u;
	x->jobs[i] = (struct srtp_mb_hash){ .inner = u->cipher->inner,
					    .outer = u->cipher->outer,
					    .p = u->p,
					    .n = u->n + SRTP_WORD_LEN,
					    .hash = x->hash[i] };
}

static void hashes_run(struct hashes *x)
{
	uint32_t worth = 0;

	if (x->count > 0 && !x->of[0]->cipher->evp)
		worth = srtp_mb_hash_worth(x->count);
	srtp_mb_hash(x->jobs, worth);
	for (uint32_t i = worth; i < x->count; i++)
		srtp_evp_hash(&x->jobs[i]);
	for (uint32_t i = 0; i < x->count; i++)
		memcpy(x->of[i]->p + x->of[i]->n, x->behind[i], SRTP_WORD_LEN);
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
	struct srtp_unit *aeads[SRTP_CIPHER_BATCH];
	uint32_t aead_count = 0;

	assert(count <= SRTP_CIPHER_BATCH);
	crypts.count = hashes.count = 0;
	for (struct srtp_unit *u = list; u < list + count; u++) {
		if (is_aead(u)) {
			aeads[aead_count++] = u;
			continue;
		}
		crypts_add(&crypts, u);
		hashes_add(&hashes, u);
	}
	srtp_gcm_seal(aeads, aead_count);
	crypts_run(&crypts);
	hashes_run(&hashes);
	for (uint32_t i = 0; i < hashes.count; i++)
		memcpy(hashes.of[i]->tag, hashes.hash[i], SRTP_TAG_MAX);
}

void srtp_units_check(struct srtp_unit *list, uint32_t count)
{
	struct hashes hashes;
	struct srtp_unit *aeads[SRTP_CIPHER_BATCH];
	uint32_t aead_count = 0;

	assert(count <= SRTP_CIPHER_BATCH);
	hashes.count = 0;
	for (struct srtp_unit *u = list; u < list + count; u++) {
		if (is_aead(u))
			aeads[aead_count++] = u;
		else
			hashes_add(&hashes, u);
	}
	srtp_gcm_check(aeads, aead_count);
	hashes_run(&hashes);
	for (uint32_t i = 0; i < hashes.count; i++) {
		struct srtp_unit *u = hashes.of[i];

		u->authentic = srtp_tag_eq(hashes.hash[i], u->tag, u->cipher->tag);
	}
}

void srtp_unit_undo(const struct srtp_unit *u)
{
	if (is_aead(u))
		srtp_gcm_undo(u);
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
	crypts_run(&crypts);
}
