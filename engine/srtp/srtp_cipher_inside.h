/* SPDX-License-Identifier: Apache-2.0 */
/* What a cipher is made of. Internal to engine/srtp/srtp_cipher.c and engine/srtp/srtp_gcm.c. */
#ifndef ENGINE_SRTP_SRTP_CIPHER_INSIDE_H
#define ENGINE_SRTP_SRTP_CIPHER_INSIDE_H

#include <assert.h>
#include <openssl/evp.h>

#include "engine/srtp/srtp_cipher.h"
#include "engine/srtp/srtp_mb.h"

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

/* What ipsec-mb wants lies behind it, so that all of one stream is found without following a pointer. */
struct srtp_cipher {
	EVP_CIPHER_CTX *evp; /* NULL: ipsec-mb has the key */
	uint8_t kind, tag;
	uint8_t salt[SALT_LEN];
	uint32_t inner[SRTP_MB_HASH_WORDS]; /* RFC 2104: after the first block of each hash */
	uint32_t outer[SRTP_MB_HASH_WORDS];
} CACHE_ALIGNED;

static_assert(sizeof(struct srtp_cipher) == SRTP_MB_KEY_ALIGN, "one cache line");

#endif
