/* SPDX-License-Identifier: Apache-2.0 */
/* The hashes of digest authentication over OpenSSL; private to digest*.c. */
#ifndef SIG_SIP_DIGEST_HASH_H
#define SIG_SIP_DIGEST_HASH_H

#include "sig/sip/digest.h"

enum { DIGEST_PARTS_MAX = 6, DIGEST_HEX_MAX = 2 * DIGEST_HASH_MAX };

/* A hash as the lower-case hex text that goes into the next one. */
struct digest_text {
	char p[DIGEST_HEX_MAX];
	size_t n;
};

size_t digest_hash_len(enum digest_algorithm algorithm);
const char *digest_name(enum digest_algorithm algorithm);
/* "SHA-256", or "SHA-256-sess": *session. Empty: MD5 (RFC 7616 3.3, 3.4). False: one that we do not know. */
bool digest_algorithm_read(struct bytes text, enum digest_algorithm *out, bool *session) NODISCARD;
/* H(part:part:...). False when OpenSSL does not have the hash (MD5 under FIPS). */
bool digest_hash(enum digest_algorithm algorithm, const struct bytes *parts, size_t n,
		 uint8_t out[DIGEST_HASH_MAX]) NODISCARD;
/* The same as text. */
bool digest_hash_text(enum digest_algorithm algorithm, const struct bytes *parts, size_t n,
		      struct digest_text *out) NODISCARD;
struct bytes digest_text_bytes(const struct digest_text *t);
/* HMAC-SHA256 of the parts without separators, cut to n bytes. */
bool digest_mac(const uint8_t key[DIGEST_KEY_LEN], const struct bytes *parts, size_t count,
		uint8_t *out, size_t n) NODISCARD;

#endif
