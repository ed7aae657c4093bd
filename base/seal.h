/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets at rest: AES-256-GCM (NIST SP 800-38D) around a byte string. Anybody may store the
 * result; reading it, or making one that opens, needs the key. The octets:
 *
 *     version (1) | key id (1) | nonce (12) | ciphertext (as long as the plain text) | tag (16)
 *
 * Version, key id and the caller's context are authenticated, too: a sealed string that was moved
 * elsewhere does not open there. Nonces are random: a key is good for 2^32 seals (SP 800-38D 8.3).
 * Pure but for the randomness given.
 */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include "base/bytes.h"
#include "base/rand.h"

enum {
	SEAL_KEY_LEN = 32,
	SEAL_OVERHEAD = 1 + 1 + 12 + 16, /* a sealed string is so much longer */
};

/* A secret: wipe it with seal_key_wipe. The id tells keys of a ring apart. */
struct seal_key {
	uint8_t id;
	uint8_t octets[SEAL_KEY_LEN];
};

enum seal_refusal {
	SEAL_FINE,
	SEAL_TRUNCATED, /* too short to be one */
	SEAL_VERSION,   /* of a later program */
	SEAL_KEY,       /* made with the key of another id */
	SEAL_FORGED,    /* the tag does not fit: another key, another context, or changed octets */
};

/* Seals plain for this context into out[0..cap); *n octets were written. out may not overlap plain.
 * 0, -ENOSPC (cap < plain.n + SEAL_OVERHEAD) or -ENOMEM. */
int seal_make(const struct seal_key *key, struct rand_source *r, struct bytes context,
	      struct bytes plain, uint8_t *out, size_t cap, size_t *n) NODISCARD;
/* The plain text into out[0..cap). Returns 0; -EBADMSG with the reason in *why and nothing left in
 * out; -ENOSPC; -ENOMEM. */
int seal_open(const struct seal_key *key, struct bytes context, struct bytes sealed, uint8_t *out,
	      size_t cap, size_t *n, enum seal_refusal *why) NODISCARD;
void seal_key_wipe(struct seal_key *key);
/* A malloc'ed text that may be a secret is wiped and freed. NULL is fine. */
void secret_str_free(char *text);

#endif
