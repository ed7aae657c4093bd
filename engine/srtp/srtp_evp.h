/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transforms of srtp_mb.h one packet at a time, by OpenSSL, which is always there. Internal to
 * engine/srtp/srtp_*.c.
 */
#ifndef ENGINE_SRTP_SRTP_EVP_H
#define ENGINE_SRTP_SRTP_EVP_H

#include <openssl/evp.h>

#include "engine/srtp/srtp_mb.h"

/* NULL: no memory. Freed with EVP_CIPHER_CTX_free, which wipes the key schedule. */
EVP_CIPHER_CTX *srtp_evp_ctr_open(const uint8_t *key, bool is_long);
EVP_CIPHER_CTX *srtp_evp_gcm_open(const uint8_t *key, bool is_long);

void srtp_evp_ctr(EVP_CIPHER_CTX *ctr, const uint8_t iv[SRTP_MB_BLOCK_LEN], uint8_t *p, size_t n);

/* RFC 2104: the state of the hash after the first block, which is the key under that pad. */
void srtp_evp_pad(uint32_t out[SRTP_MB_HASH_WORDS], const uint8_t key[SRTP_MB_HASH_LEN],
		  uint8_t pad);
void srtp_evp_hash(const struct srtp_mb_hash *job);

/* job->key is not read. */
void srtp_evp_seal(EVP_CIPHER_CTX *evp, const struct srtp_mb_aead *job);
/* False: job->tag, which is read here, is another. What lies there is no plain text then. */
bool srtp_evp_open(EVP_CIPHER_CTX *evp, const struct srtp_mb_aead *job);

#endif
