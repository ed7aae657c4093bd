/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a password: hashes, sealed under a key of the node where they lie in Redis. */
#ifndef APP_DOCUMENT_HA1_H
#define APP_DOCUMENT_HA1_H

#include "base/seal.h"
#include "sig/sip/digest.h"

enum {
	HA1_TEXT = 32 + 1 + 64 + 1 + 64, /* MD5:SHA-256:SHA-512/256 in hex */
	HA1_OCTETS = 16 + 32 + 32,
	HA1_SEALED_TEXT = 2 * (HA1_OCTETS + SEAL_OVERHEAD),
};

/* "hex:hex:hex" to and from a secret. 0 or -EINVAL. */
int ha1_read(struct digest_secret *out, struct bytes text) NODISCARD;
void ha1_write(char out[HA1_TEXT + 1], const struct digest_secret *secret);

/* Hex with a NUL, which opens with that context alone. 0 or -errno. */
int ha1_seal(char out[HA1_SEALED_TEXT + 1], const struct digest_secret *secret,
	     struct bytes context, const struct seal_key *key, struct rand_source *rand) NODISCARD;
/* 0; -EBADMSG: it is no sealed secret at all; -EACCES: it does not open. */
int ha1_unseal(struct digest_secret *out, struct bytes hex, struct bytes context,
	       const struct seal_key *key) NODISCARD;

#endif
