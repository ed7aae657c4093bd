/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transforms of SRTP for batches: key derivation (RFC 3711 4.3), AES-CM with HMAC-SHA1, and
 * AES-GCM (RFC 7714, RFC 6188 keys). It sorts the units of a batch by suite and gives each kind to
 * ipsec-mb, or one by one to OpenSSL where the CPU or the build lacks it. It knows nothing of
 * packet order or replay; srtp.c does.
 */

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "engine/srtp/srtp_cipher.h"
#include "engine/srtp/srtp_evp.h"
#include "engine/srtp/srtp_mb.h"

/* What a cipher is made of. */

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
	HASH_LEN = 20,
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

/* ipsec-mb's data follows it in memory, so that a stream is found without following a pointer. */
struct srtp_cipher {
	EVP_CIPHER_CTX *evp; /* NULL: ipsec-mb has the key */
	uint8_t kind, tag;
	uint8_t salt[SALT_LEN];
	uint32_t inner[SRTP_MB_HASH_WORDS]; /* RFC 2104: after the first block of each hash */
	uint32_t outer[SRTP_MB_HASH_WORDS];
} CACHE_ALIGNED;

static_assert(sizeof(struct srtp_cipher) == SRTP_MB_KEY_ALIGN, "one cache line");

/* AES-GCM (RFC 7714): units of such a suite. */

/* RFC 7714 8.1, 9.1: two octets of zero, the SSRC, the index of 48 bits, XOR the salt. */
static void iv_write_gcm(const struct srtp_cipher *c, uint32_t ssrc, uint64_t index,
			 uint8_t iv[SALT_GCM_LEN])
{
	assert(index < BIT64(48));
	be32_put(iv, be32_get(c->salt) ^ ssrc >> 16);
	be32_put(iv + 4, be32_get(c->salt + 4) ^ (ssrc << 16 | (uint32_t)(index >> 32)));
	be32_put(iv + 8, be32_get(c->salt + 8) ^ (uint32_t)index);
}

/* Reading as a whole what was just written in parts is slow, so units are prepared in chunks. */
enum { GCM_CHUNK = 16 };

/* What a packet wants beside its job. */
struct place {
	uint8_t iv[SALT_GCM_LEN], associated[RTCP_HEAD_LEN + SRTP_WORD_LEN], behind[SRTP_WORD_LEN];
};

struct part {
	uint32_t count;
	struct srtp_unit *of[GCM_CHUNK];
	struct srtp_mb_aead jobs[GCM_CHUNK];
	struct place places[GCM_CHUNK];
	uint8_t tags[GCM_CHUNK][TAG_GCM];
};

/* RFC 7714 9.2, 9.3: the head, or unencrypted everything, is authenticated, and always the word. */
static void gcm_rtcp_prepare(struct srtp_mb_aead *j, struct place *x, const struct srtp_unit *u)
{
	j->associated_n += SRTP_WORD_LEN;
	if (u->head > RTCP_HEAD_LEN) {
		memcpy(x->behind, u->p + u->n, SRTP_WORD_LEN);
		be32_put(u->p + u->n, u->word);
	} else {
		memcpy(x->associated, u->p, RTCP_HEAD_LEN);
		be32_put(x->associated + RTCP_HEAD_LEN, u->word);
		j->associated = x->associated;
	}
}

/* RFC 7714 8.2: the head of RTP is what is authenticated only. */
static inline void gcm_packet_prepare(struct srtp_mb_aead *j, struct place *x,
				      const struct srtp_unit *u, uint8_t *tag)
{
	const struct srtp_cipher *c = u->cipher;

	iv_write_gcm(c, u->ssrc, u->index, x->iv);
	j->key = c + 1;
	j->iv = x->iv;
	j->associated = u->p;
	j->associated_n = u->head;
	j->n = u->n - u->head;
	j->p = u->p + u->head;
	j->tag = tag;
	j->is_long = c->kind & KIND_LONG;
	if (UNLIKELY(c->kind & KIND_RTCP))
		gcm_rtcp_prepare(j, x, u);
}

static inline void gcm_end(const struct place *x, const struct srtp_unit *u)
{
	if (UNLIKELY(u->cipher->kind & KIND_RTCP) && u->head > RTCP_HEAD_LEN)
		memcpy(u->p + u->n, x->behind, SRTP_WORD_LEN);
}

static NOINLINE void seal_alone(const struct srtp_unit *u, uint8_t tag[TAG_GCM])
{
	struct srtp_mb_aead job;
	struct place x;

	gcm_packet_prepare(&job, &x, u, tag);
	if (u->cipher->evp)
		srtp_evp_seal(u->cipher->evp, &job);
	else
		srtp_mb_seal(&job, 1);
	gcm_end(&x, u);
}

/* Plain and tag are made in one go, so one that is not authentic must be put back. */
static NOINLINE void gcm_put_back(const struct srtp_unit *u)
{
	uint8_t tag[TAG_GCM];

	seal_alone(u, tag);
}

static NOINLINE void check_alone(struct srtp_unit *u)
{
	struct srtp_mb_aead job;
	struct place x;

	gcm_packet_prepare(&job, &x, u, u->tag);
	u->authentic = srtp_evp_open(u->cipher->evp, &job);
	gcm_end(&x, u);
	if (!u->authentic)
		gcm_put_back(u);
}

static inline void gcm_part_add(struct part *x, struct srtp_unit *u, uint8_t *tag)
{
	x->of[x->count] = u;
	gcm_packet_prepare(&x->jobs[x->count], &x->places[x->count], u, tag);
	x->count++;
}

static void part_seal(struct part *x)
{
	srtp_mb_seal(x->jobs, x->count);
	for (uint32_t i = 0; i < x->count; i++)
		gcm_end(&x->places[i], x->of[i]);
	x->count = 0;
}

static void part_check(struct part *x)
{
	srtp_mb_open(x->jobs, x->count);
	for (uint32_t i = 0; i < x->count; i++) {
		struct srtp_unit *u = x->of[i];

		gcm_end(&x->places[i], u);
		u->authentic = srtp_tag_eq(x->tags[i], u->tag, TAG_GCM);
		if (UNLIKELY(!u->authentic))
			gcm_put_back(u);
	}
	x->count = 0;
}

/* As srtp_units_seal. */
static void srtp_gcm_seal(struct srtp_unit *const *list, uint32_t count)
{
	struct part x;

	x.count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (UNLIKELY(list[i]->cipher->evp != NULL)) {
			seal_alone(list[i], list[i]->tag);
			continue;
		}
		gcm_part_add(&x, list[i], list[i]->tag);
		if (x.count == GCM_CHUNK)
			part_seal(&x);
	}
	part_seal(&x);
}

/* As srtp_units_check; one that is authentic is decrypted at once. */
static void srtp_gcm_check(struct srtp_unit *const *list, uint32_t count)
{
	struct part x;

	x.count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (UNLIKELY(list[i]->cipher->evp != NULL)) {
			check_alone(list[i]);
			continue;
		}
		gcm_part_add(&x, list[i], x.tags[x.count]);
		if (x.count == GCM_CHUNK)
			part_check(&x);
	}
	part_check(&x);
}

/* As srtp_unit_undo. */
static void srtp_gcm_undo(const struct srtp_unit *u)
{
	gcm_put_back(u);
}

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

/* RFC 3711 4.3.1: the label lies above the 48 bits of (index DIV rate), which is 0. RFC 7714 11: a
 * shorter salt is padded with zeros; RFC 6188 3: a longer key changes nothing but the cipher. */
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

/* Lists filled as units come, and run when full and at the end: reading as a whole what was just
 * written in parts is slow. */
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
