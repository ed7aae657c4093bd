/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transforms of RFC 3711 for many packets at a time, on Intel's ipsec-mb, which chooses the code for the CPU it runs on
 * (SSE, AVX2, AVX-512). Built without it there is srtp_mb_none.c, and OpenSSL does all (srtp_cipher.h).
 */
#ifndef ENGINE_SRTP_MB_H
#define ENGINE_SRTP_MB_H

#include <stdbool.h>
#include <stdint.h>

enum {
	SRTP_MB_MAX = 64,     /* packets in one call */
	SRTP_MB_TAG_LEN = 20, /* the whole of HMAC-SHA1 */
	SRTP_MB_CIPHER_LEN = 16,
	SRTP_MB_BLOCK_LEN = 16,
};

/* Session keys as the library wants them. */
struct srtp_mb_key;

/* NULL: not built with it, this CPU has no AES, or no memory. */
struct srtp_mb_key *srtp_mb_key_open(const uint8_t cipher[SRTP_MB_CIPHER_LEN],
				     const uint8_t auth[SRTP_MB_TAG_LEN]);
/* Wipes it. NULL is none. */
void srtp_mb_key_close(struct srtp_mb_key *key);

/* Into the cache. */
void srtp_mb_prefetch(const struct srtp_mb_key *key);

struct srtp_mb_job {
	const struct srtp_mb_key *key;
	uint8_t *p;
	uint32_t n;
	const uint8_t *iv; /* crypt: SRTP_MB_BLOCK_LEN octets */
	uint8_t *tag;      /* tag: SRTP_MB_TAG_LEN octets */
};

/* AES-128 in counter mode over each, in place. n is not 0. */
void srtp_mb_crypt(const struct srtp_mb_job *jobs, uint32_t count);
/* How many of so many are worth to be given to srtp_mb_tag: the lanes of a vector cost the same, used or not. */
uint32_t srtp_mb_tag_worth(uint32_t count);
void srtp_mb_tag(const struct srtp_mb_job *jobs, uint32_t count);

#endif
