/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for srtp_mb.c in builds without ipsec-mb. No key can be prepared, so srtp_cipher.c uses
 * OpenSSL for all packets, and the other functions are never called with any. It exists so that
 * callers need no conditional compilation.
 */

#include <assert.h>
#include <stddef.h>

#include "engine/srtp/srtp_mb.h"

bool srtp_mb_ctr_key(void *key, const uint8_t octets[SRTP_MB_BLOCK_LEN])
{
	(void)key;
	(void)octets;
	return false;
}

bool srtp_mb_gcm_key(void *key, const uint8_t *octets, bool is_long)
{
	(void)key;
	(void)octets;
	(void)is_long;
	return false;
}

void srtp_mb_ctr_prefetch(const void *key)
{
	(void)key;
}

void srtp_mb_gcm_prefetch(const void *key, bool is_long)
{
	(void)key;
	(void)is_long;
}

void srtp_mb_crypt(const struct srtp_mb_crypt *jobs, uint32_t count)
{
	(void)jobs;
	assert(count == 0);
}

uint32_t srtp_mb_hash_worth(uint32_t count)
{
	(void)count;
	return 0;
}

void srtp_mb_hash(const struct srtp_mb_hash *jobs, uint32_t count)
{
	(void)jobs;
	assert(count == 0);
}

void srtp_mb_seal(const struct srtp_mb_aead *jobs, uint32_t count)
{
	(void)jobs;
	assert(count == 0); /* no key was prepared */
}

void srtp_mb_open(const struct srtp_mb_aead *jobs, uint32_t count)
{
	(void)jobs;
	assert(count == 0);
}
