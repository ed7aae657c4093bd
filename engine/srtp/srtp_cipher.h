/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transforms of SRTP under one master key, with its session keys (RFC 3711 4.3; the key
 * derivation rate is 0): AES in counter mode with HMAC-SHA1 (RFC 3711 4.1.1, 4.2.1), or AES-GCM
 * (RFC 7714). It handles octets and indexes, not the order of packets.
 */
#ifndef ENGINE_SRTP_SRTP_CIPHER_H
#define ENGINE_SRTP_SRTP_CIPHER_H

#include <string.h>

#include "base/bytes.h"
#include "media/flow.h"

enum {
	SRTP_TAG_MAX = 16,
	SRTP_WORD_LEN = 4,
	SRTP_CIPHER_BATCH = 64,
};

/* RFC 3711 4.3.2: each has session keys of its own, made with the next three labels. */
enum srtp_use {
	SRTP_USE_RTP = 0,
	SRTP_USE_RTCP = 3,
};

/* The implementation. */
enum srtp_backend {
	SRTP_FASTEST,  /* ipsec-mb where it is (srtp_mb.h), else as the other */
	SRTP_PORTABLE, /* OpenSSL */
};

struct srtp_cipher;

/* Octets of the tag, or 0: no such suite. RFC 4568 6.2.2: a short tag is for SRTP alone. */
uint8_t srtp_tag_length(enum media_suite suite, enum srtp_use use);
/* AEAD (RFC 7714): SRTCP's index is behind the tag, and an MKI behind both. */
bool srtp_suite_is_aead(enum media_suite suite);

/* A tag of 4, 10 or 16 octets: calls cost more than what they do here. */
static inline void srtp_tag_copy(uint8_t *to, const uint8_t *from, uint8_t n)
{
	if (n == SRTP_TAG_MAX) {
		memcpy(to, from, SRTP_TAG_MAX);
		return;
	}
	memcpy(to, from, 4);
	if (n > 4)
		memcpy(to + 4, from + 4, 6);
}

static inline uint64_t srtp_tag_word(const uint8_t *p, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, p, n);
	return word;
}

/* Takes as long wherever they differ. */
static inline bool srtp_tag_eq(const uint8_t *a, const uint8_t *b, uint8_t n)
{
	if (n == SRTP_TAG_MAX)
		return ((srtp_tag_word(a, 8) ^ srtp_tag_word(b, 8)) |
			(srtp_tag_word(a + 8, 8) ^ srtp_tag_word(b + 8, 8))) == 0;
	if (n > 4)
		return ((srtp_tag_word(a, 8) ^ srtp_tag_word(b, 8)) |
			(srtp_tag_word(a + 8, 2) ^ srtp_tag_word(b + 8, 2))) == 0;
	return srtp_tag_word(a, 4) == srtp_tag_word(b, 4);
}

/* Octets of a cipher of that suite, which is one; a whole number of cache lines. */
size_t srtp_cipher_size(enum media_suite suite);
/* In zeroed memory of that size, cache-line aligned. The key is not stored. 0, -EINVAL (bad suite
 * or length) or -ENOMEM. */
int srtp_cipher_make(struct srtp_cipher *c, const struct media_key *key, enum srtp_use use,
		     enum srtp_backend backend) NODISCARD;
/* Wipes the session keys, also after a failed srtp_cipher_make. */
void srtp_cipher_wipe(struct srtp_cipher *c);
/* Fetch into the cache what the transforms will read. */
void srtp_cipher_prefetch(const struct srtp_cipher *c, bool is_aead);

/* One packet. SRTP_WORD_LEN octets behind it are written to and put back. */
struct srtp_unit {
	struct srtp_cipher *cipher;
	uint8_t *p;
	uint32_t head; /* octets that stay plain */
	uint32_t n;    /* all octets, without those that protection adds */
	uint32_t ssrc;
	/* authenticated, too: the rollover counter (RFC 3711 4.2), or SRTCP's index with E flag */
	uint32_t word;
	uint64_t index; /* 48 bits */
	uint8_t tag[SRTP_TAG_MAX];
	uint8_t authentic;
};

/* At most SRTP_CIPHER_BATCH of any ciphers. Encrypts, and makes the tags. */
void srtp_units_seal(struct srtp_unit *list, uint32_t count);
/* Checks each unit's tag. A unit that fails is unchanged. */
void srtp_units_check(struct srtp_unit *list, uint32_t count);
/* One that was checked and found authentic, and is not wanted: as it was before. */
void srtp_unit_undo(const struct srtp_unit *u);
/* Decrypts those that were checked and found authentic. */
void srtp_units_open(struct srtp_unit *const *list, uint32_t count);

#endif
