/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transforms of RFC 3711 under one master key: AES in counter mode (4.1.1), HMAC-SHA1 (4.2.1), with the session keys that
 * follow from it (4.3; the key derivation rate is 0). It knows octets and indexes, no packets and no order of them.
 */
#ifndef ENGINE_SRTP_CIPHER_H
#define ENGINE_SRTP_CIPHER_H

#include "base/bytes.h"
#include "media/flow.h"

enum {
	SRTP_TAG_MAX = 10,
	SRTP_MASTER_LEN = 16 + 14, /* key and salt of the AES_CM_128 suites */
};

/* RFC 3711 4.3.2: each has session keys of its own, made with the next three labels. */
enum srtp_use {
	SRTP_USE_RTP = 0,
	SRTP_USE_RTCP = 3,
};

/* Who does it. */
enum srtp_backend {
	SRTP_FASTEST,  /* ipsec-mb where it is (srtp_mb.h), else as the other */
	SRTP_PORTABLE, /* OpenSSL */
};

struct srtp_cipher;

/* Octets of the tag, or 0: no such suite. RFC 4568 6.2.2: a short tag is for SRTP alone. */
uint8_t srtp_tag_length(enum media_suite suite, enum srtp_use use);

/* The key is not kept. 0, -EINVAL (no SRTP suite, or not its length) or -ENOMEM. */
int srtp_cipher_open(struct srtp_cipher **out, const struct media_key *key, enum srtp_use use,
		     enum srtp_backend backend) NODISCARD;
/* Wipes the session keys. NULL is none. */
void srtp_cipher_close(struct srtp_cipher *c);

/* Encrypts or decrypts in place. index: of the packet, 48 bits. */
void srtp_cipher_crypt(struct srtp_cipher *c, uint32_t ssrc, uint64_t index, uint8_t *p, size_t n);
/* The tag over packet and roc; roc may be NULL. n: octets of the tag. */
void srtp_cipher_tag(const struct srtp_cipher *c, struct bytes packet, const uint8_t roc[4],
		     uint8_t *tag, size_t n);

enum { SRTP_CIPHER_BATCH = 64, SRTP_CIPHER_TAG_ROOM = 20 };

struct srtp_crypt {
	struct srtp_cipher *cipher;
	uint8_t *p;
	uint32_t n;
	uint32_t ssrc;
	uint64_t index;
};

struct srtp_tag {
	const struct srtp_cipher *cipher;
	uint8_t *p; /* read only; the roc, where there is one, lies behind the packet */
	uint32_t n;
	uint8_t tag[SRTP_CIPHER_TAG_ROOM]; /* out: whole, the packet has a part of it */
};

/* Fetch into the cache what the transforms will read: the first, some time later the second. */
void srtp_cipher_prefetch(const struct srtp_cipher *c);
void srtp_cipher_prefetch_keys(const struct srtp_cipher *c);

/* The same for many at a time, at most SRTP_CIPHER_BATCH, of any ciphers. */
void srtp_cipher_crypts(const struct srtp_crypt *list, uint32_t count);
void srtp_cipher_tags(struct srtp_tag *list, uint32_t count);

#endif
