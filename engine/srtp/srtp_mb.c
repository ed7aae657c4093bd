/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SRTP transforms on Intel's ipsec-mb, many packets per call. The library chooses code for the
 * CPU; what is measured here is from how many packets on its multi-lane hash beats one at a time.
 * Each thread has a manager of its own, made with its first key. srtp_cipher.c uses it where it is
 * built in, and falls back to OpenSSL.
 */

#include "engine/srtp/srtp_mb.h"

#include <assert.h>
#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

enum {
	ROUND_KEYS = 11,
	ROUND_KEYS_LONG = 15,
	LINE = 64,
	POWERS = 16 * SRTP_MB_BLOCK_LEN, /* octets */
};

static_assert(ROUND_KEYS * SRTP_MB_BLOCK_LEN <= SRTP_MB_CTR_ROOM, "the key schedule");
static_assert(sizeof(struct gcm_key_data) <= SRTP_MB_GCM_ROOM,
	      "the key schedule and what the hash wants");
static_assert(__alignof__(struct gcm_key_data) <= SRTP_MB_KEY_ALIGN, "as the library has it");

/* A manager is of one thread. */
struct manager {
	IMB_MGR *mgr;
	uint32_t lanes; /* hashed at a time */
	uint32_t worth; /* lanes in use from which on that is cheaper than one after the other */
	/* in a GCM key: POWERS of the hash key that a voice packet needs, from their first line
	 * on */
	uint32_t powers_from;
	IMB_JOB jobs[SRTP_MB_MAX] CACHE_ALIGNED;
};

static pthread_key_t g_key;
static pthread_once_t g_once = PTHREAD_ONCE_INIT;
static __thread struct manager *g_mine;

static void manager_close(void *arg)
{
	struct manager *m = arg;

	g_mine = NULL;
	free_mb_mgr(m->mgr);
	free(m);
}

static void key_make(void)
{
	int err = pthread_key_create(&g_key, manager_close);

	assert(err == 0);
}

/* 64 packets of 172 octets, EPYC of 2024, ns each: SSE 115, AVX2 119, AVX-512 (16 lanes) 89;
 * single: SSE 455, AVX2 645, AVX-512 976. OpenSSL, one at a time with SHA instructions: 173. */
static void lanes_set(struct manager *m, IMB_ARCH arch)
{
	m->lanes = arch >= IMB_ARCH_AVX512 ? 16 : arch >= IMB_ARCH_AVX2 ? 8 : 4;
	m->worth = m->lanes * 3 / 4;
}

/* The highest power comes first: VAES has 48, of which 16 do for 256 octets, else 8, twice. */
static void powers_set(struct manager *m, IMB_ARCH arch)
{
	const uint64_t wide = IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ;

	m->powers_from = offsetof(struct gcm_key_data, ghash_keys);
	if (arch >= IMB_ARCH_AVX512 && (m->mgr->features & wide) == wide)
		m->powers_from += 32 * SRTP_MB_BLOCK_LEN;
	m->powers_from = m->powers_from / LINE * LINE;
}

static struct manager *manager_open(void)
{
	struct manager *m = aligned_alloc(__alignof__(struct manager), sizeof(*m));
	IMB_ARCH arch = IMB_ARCH_NONE;

	if (!m)
		return NULL;
	memset(m, 0, sizeof(*m));
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
	powers_set(m, arch);
	return g_mine = m;
}

/* Of this thread: made when it opens its first key, and gone with it. */
static struct manager *manager(void)
{
	if (LIKELY(g_mine))
		return g_mine;
	(void)pthread_once(&g_once, key_make);
	return manager_open();
}

/* ---- keys ---- */

bool srtp_mb_ctr_key(void *key, const uint8_t octets[SRTP_MB_BLOCK_LEN])
{
	uint8_t unused[ROUND_KEYS * SRTP_MB_BLOCK_LEN] CACHE_ALIGNED;
	struct manager *m = manager();

	if (!m)
		return false;
	IMB_AES_KEYEXP_128(m->mgr, octets, key, unused); /* to decrypt blocks */
	explicit_bzero(unused, sizeof(unused));
	return true;
}

bool srtp_mb_gcm_key(void *key, const uint8_t *octets, bool is_long)
{
	struct manager *m = manager();

	if (!m)
		return false;
	if (is_long)
		IMB_AES256_GCM_PRE(m->mgr, octets, key);
	else
		IMB_AES128_GCM_PRE(m->mgr, octets, key);
	return true;
}

static ALWAYS_INLINE void lines_prefetch(const void *p, size_t octets)
{
	for (size_t at = 0; at < octets; at += LINE)
		__builtin_prefetch((const char *)p + at, 0);
}

void srtp_mb_ctr_prefetch(const void *key)
{
	lines_prefetch(key, (size_t)ROUND_KEYS * SRTP_MB_BLOCK_LEN);
}

void srtp_mb_gcm_prefetch(const void *key, bool is_long)
{
	const struct manager *m = manager();

	lines_prefetch(key, (size_t)ROUND_KEYS * SRTP_MB_BLOCK_LEN);
	if (UNLIKELY(is_long))
		__builtin_prefetch((const char *)key + (size_t)ROUND_KEYS_LONG * SRTP_MB_BLOCK_LEN -
				   1);
	if (LIKELY(m != NULL))
		lines_prefetch((const char *)key + m->powers_from, POWERS + LINE);
}

/* ---- AES-128 in counter mode, and HMAC-SHA1 ---- */

void srtp_mb_crypt(const struct srtp_mb_crypt *jobs, uint32_t count)
{
	struct manager *m = count > 0 ? manager() : NULL;
	uint32_t done;

	if (count == 0)
		return;
	assert(m && count <= SRTP_MB_MAX);
	for (uint32_t i = 0; i < count; i++) {
		IMB_JOB *j = &m->jobs[i];

		assert(jobs[i].n > 0);
		j->enc_keys = jobs[i].key;
		j->key_len_in_bytes = SRTP_MB_BLOCK_LEN;
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

uint32_t srtp_mb_hash_worth(uint32_t count)
{
	const struct manager *m = manager();
	uint32_t rest = m ? count % m->lanes : 0;

	if (!m)
		return 0;
	return rest >= m->worth ? count : count - rest;
}

void srtp_mb_hash(const struct srtp_mb_hash *jobs, uint32_t count)
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
		j->auth_tag_output = jobs[i].hash;
		j->auth_tag_output_len_in_bytes = SRTP_MB_HASH_LEN;
		j->u.HMAC._hashed_auth_key_xor_ipad = (const uint8_t *)jobs[i].inner;
		j->u.HMAC._hashed_auth_key_xor_opad = (const uint8_t *)jobs[i].outer;
	}
	done = IMB_SUBMIT_HASH_BURST_NOCHECK(m->mgr, m->jobs, count, IMB_AUTH_HMAC_SHA_1);
	assert(done == count);
}

/* ---- AES-GCM: the library works on one packet at a time, and many blocks of it ---- */

static void aeads_run(const struct srtp_mb_aead *jobs, uint32_t count, aes_gcm_enc_dec_t with_short,
		      aes_gcm_enc_dec_t with_long)
{
	struct gcm_context_data state;

	for (const struct srtp_mb_aead *j = jobs; j < jobs + count; j++)
		(j->is_long ? with_long : with_short)(j->key, &state, j->p, j->p, j->n, j->iv,
						      j->associated, j->associated_n, j->tag,
						      SRTP_MB_TAG_LEN);
}

void srtp_mb_seal(const struct srtp_mb_aead *jobs, uint32_t count)
{
	const struct manager *m = count > 0 ? manager() : NULL;

	if (count == 0)
		return;
	assert(m);
	aeads_run(jobs, count, m->mgr->gcm128_enc, m->mgr->gcm256_enc);
}

void srtp_mb_open(const struct srtp_mb_aead *jobs, uint32_t count)
{
	const struct manager *m = count > 0 ? manager() : NULL;

	if (count == 0)
		return;
	assert(m);
	aeads_run(jobs, count, m->mgr->gcm128_dec, m->mgr->gcm256_dec);
}
