/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transforms of RFC 3711 and RFC 7714 for many packets at a time, by Intel's ipsec-mb, which
 * chooses code for the CPU (SSE, AVX2, AVX-512). A build without it has srtp_mb_none.c, and OpenSSL
 * does everything (srtp_cipher.h).
 */
#ifndef ENGINE_SRTP_SRTP_MB_H
#define ENGINE_SRTP_SRTP_MB_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SRTP_MB_MAX = 64,       /* packets in one call */
	SRTP_MB_HASH_LEN = 20,  /* the whole of HMAC-SHA1 */
	SRTP_MB_HASH_WORDS = 5, /* its state */
	SRTP_MB_TAG_LEN = 16,   /* of GCM */
	/* also the length of an AES-128 key, and of an IV of the counter mode */
	SRTP_MB_BLOCK_LEN = 16,
	SRTP_MB_LONG_LEN = 32, /* of an AES-256 key */
	SRTP_MB_IV_LEN = 12,   /* of GCM */
	SRTP_MB_KEY_ALIGN = 64,
	SRTP_MB_CTR_ROOM = 192, /* octets of a prepared key */
	SRTP_MB_GCM_ROOM = 1024,
};

/* Prepares a key in the caller's aligned memory. False: not built in, no AES in the CPU, no
 * memory. */
bool srtp_mb_ctr_key(void *key, const uint8_t octets[SRTP_MB_BLOCK_LEN]);
bool srtp_mb_gcm_key(void *key, const uint8_t *octets, bool is_long);

/* Into the cache: what a packet of speech wants of it. */
void srtp_mb_ctr_prefetch(const void *key);
void srtp_mb_gcm_prefetch(const void *key, bool is_long);

struct srtp_mb_crypt {
	const void *key;
	uint8_t *p;
	uint32_t n;
	const uint8_t *iv; /* SRTP_MB_BLOCK_LEN octets */
};

/* AES-128 in counter mode over each, in place. n is not 0. */
void srtp_mb_crypt(const struct srtp_mb_crypt *jobs, uint32_t count);

struct srtp_mb_hash {
	const uint32_t *inner, *outer; /* RFC 2104: the hash's state after the first block */
	const uint8_t *p;
	uint32_t n;
	uint8_t *hash; /* SRTP_MB_HASH_LEN octets */
};

/* How many of so many to give to srtp_mb_hash: lanes of a vector cost the same, used or not. */
uint32_t srtp_mb_hash_worth(uint32_t count);
void srtp_mb_hash(const struct srtp_mb_hash *jobs, uint32_t count);

struct srtp_mb_aead {
	const void *key;
	const uint8_t *iv;         /* SRTP_MB_IV_LEN octets */
	const uint8_t *associated; /* authenticated only */
	uint32_t associated_n;
	uint32_t n; /* may be 0 */
	uint8_t *p;
	uint8_t *tag; /* SRTP_MB_TAG_LEN octets, out either way */
	bool is_long; /* the key */
};

/* AES-GCM, in place. Opening, it is for the caller to compare the tags. */
void srtp_mb_seal(const struct srtp_mb_aead *jobs, uint32_t count);
void srtp_mb_open(const struct srtp_mb_aead *jobs, uint32_t count);

#endif
