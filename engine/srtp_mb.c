/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/srtp_mb.h"

#include <assert.h>
#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

enum {
	ROUND_KEYS = 11,
	HASH_BLOCK = 64,
	INNER_PAD = 0x36,
	OUTER_PAD = 0x5c,
};

struct srtp_mb_key {
	uint8_t rounds[ROUND_KEYS * SRTP_MB_BLOCK_LEN] CACHE_ALIGNED;
	/* RFC 2104: after the first block of each hash */
	uint8_t inner[SRTP_MB_TAG_LEN] CACHE_ALIGNED;
	uint8_t outer[SRTP_MB_TAG_LEN];
};

/* A manager is of one thread. */
struct manager {
	IMB_MGR *mgr;
	uint32_t lanes; /* hashed at a time */
	uint32_t worth; /* lanes in use from which on that is cheaper than one after the other */
	IMB_JOB jobs[SRTP_MB_MAX];
};

static pthread_key_t g_key;
static pthread_once_t g_once = PTHREAD_ONCE_INIT;

static void manager_close(void *arg)
{
	struct manager *m = arg;

	free_mb_mgr(m->mgr);
	free(m);
}

static void key_make(void)
{
	int err = pthread_key_create(&g_key, manager_close);

	assert(err == 0);
}

/*
 * 64 packets of 172 octets, EPYC of 2024, ns each: SSE 115, AVX2 119, AVX-512 (16 lanes) 89; one alone: SSE 455, AVX2 645,
 * AVX-512 976. OpenSSL, which hashes one at a time with SHA instructions: 173.
 */
static void lanes_set(struct manager *m, IMB_ARCH arch)
{
	m->lanes = arch >= IMB_ARCH_AVX512 ? 16 : arch >= IMB_ARCH_AVX2 ? 8 : 4;
	m->worth = m->lanes * 3 / 4;
}

static struct manager *manager_open(void)
{
	struct manager *m = calloc(1, sizeof(*m));
	IMB_ARCH arch = IMB_ARCH_NONE;

	if (!m)
		return NULL;
	m->mgr = alloc_mb_mgr(0);
	if (m->mgr)
		init_mb_mgr_auto(m->mgr, &arch);
	if (!m->mgr || arch < IMB_ARCH_SSE || pthread_setspecific(g_key, m) != 0) {
		if (m->mgr)
			free_mb_mgr(m->mgr);
		free(m);
		return NULL;
	}
	lanes_set(m, arch);
	return m;
}

/* Of this thread: made when it opens its first key, and gone with it. */
static struct manager *manager(void)
{
	struct manager *m;

	(void)pthread_once(&g_once, key_make);
	m = pthread_getspecific(g_key);
	return m ? m : manager_open();
}

static void pad_hash(IMB_MGR *mgr, uint8_t out[SRTP_MB_TAG_LEN],
		     const uint8_t auth[SRTP_MB_TAG_LEN], uint8_t pad)
{
	uint8_t block[HASH_BLOCK];

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < SRTP_MB_TAG_LEN; i++)
		block[i] ^= auth[i];
	IMB_SHA1_ONE_BLOCK(mgr, block, out);
	explicit_bzero(block, sizeof(block));
}

struct srtp_mb_key *srtp_mb_key_open(const uint8_t cipher[SRTP_MB_CIPHER_LEN],
				     const uint8_t auth[SRTP_MB_TAG_LEN])
{
	uint8_t unused[ROUND_KEYS * SRTP_MB_BLOCK_LEN] CACHE_ALIGNED;
	struct manager *m = manager();
	struct srtp_mb_key *k = m ? aligned_alloc(alignof(struct srtp_mb_key), sizeof(*k)) : NULL;

	if (!k)
		return NULL;
	IMB_AES_KEYEXP_128(m->mgr, cipher, k->rounds, unused); /* to decrypt blocks */
	explicit_bzero(unused, sizeof(unused));
	pad_hash(m->mgr, k->inner, auth, INNER_PAD);
	pad_hash(m->mgr, k->outer, auth, OUTER_PAD);
	return k;
}

void srtp_mb_key_close(struct srtp_mb_key *key)
{
	if (!key)
		return;
	explicit_bzero(key, sizeof(*key));
	free(key);
}

void srtp_mb_prefetch(const struct srtp_mb_key *key)
{
	for (size_t at = 0; at < sizeof(*key); at += 64)
		__builtin_prefetch((const char *)key + at, 0);
}

void srtp_mb_crypt(const struct srtp_mb_job *jobs, uint32_t count)
{
	struct manager *m = count > 0 ? manager() : NULL;
	uint32_t done;

	if (count == 0)
		return;
	assert(m && count <= SRTP_MB_MAX);
	for (uint32_t i = 0; i < count; i++) {
		IMB_JOB *j = &m->jobs[i];

		assert(jobs[i].n > 0);
		j->enc_keys = jobs[i].key->rounds;
		j->key_len_in_bytes = SRTP_MB_CIPHER_LEN;
		j->src = jobs[i].p;
		j->dst = jobs[i].p;
		j->cipher_start_src_offset_in_bytes = 0;
		j->msg_len_to_cipher_in_bytes = jobs[i].n;
		j->iv = jobs[i].iv;
		j->iv_len_in_bytes = SRTP_MB_BLOCK_LEN;
	}
	done = IMB_SUBMIT_CIPHER_BURST_NOCHECK(m->mgr, m->jobs, count, IMB_CIPHER_CNTR,
					       IMB_DIR_ENCRYPT, IMB_KEY_128_BYTES);
	assert(done == count);
}

uint32_t srtp_mb_tag_worth(uint32_t count)
{
	const struct manager *m = manager();
	uint32_t rest = m ? count % m->lanes : 0;

	if (!m)
		return 0;
	return rest >= m->worth ? count : count - rest;
}

void srtp_mb_tag(const struct srtp_mb_job *jobs, uint32_t count)
{
	struct manager *m = count > 0 ? manager() : NULL;
	uint32_t done;

	if (count == 0)
		return;
	assert(m && count <= SRTP_MB_MAX);
	for (uint32_t i = 0; i < count; i++) {
		IMB_JOB *j = &m->jobs[i];

		j->src = jobs[i].p;
		j->hash_start_src_offset_in_bytes = 0;
		j->msg_len_to_hash_in_bytes = jobs[i].n;
		j->auth_tag_output = jobs[i].tag;
		j->auth_tag_output_len_in_bytes = SRTP_MB_TAG_LEN;
		j->u.HMAC._hashed_auth_key_xor_ipad = jobs[i].key->inner;
		j->u.HMAC._hashed_auth_key_xor_opad = jobs[i].key->outer;
	}
	done = IMB_SUBMIT_HASH_BURST_NOCHECK(m->mgr, m->jobs, count, IMB_AUTH_HMAC_SHA_1);
	assert(done == count);
}
