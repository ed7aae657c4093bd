/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ID tokens of an OpenID provider: JSON Web Tokens (RFC 7519) in compact form, signed with RS256,
 * ES256 or EdDSA (Ed25519) by a key of a JWK set (RFC 7517). No other algorithm is known: neither
 * "none" nor a shared secret proves anything. Values.
 */
#ifndef APP_HELPER_JWT_H
#define APP_HELPER_JWT_H

#include <jansson.h>

#include "base/bytes.h"

enum {
	JWT_MAX = 32768,
	JWT_SIGNATURE_MAX = 1024,
	JWT_KID_MAX = 256,
	JWT_KEYS_MAX = 64, /* of a set that are tried */
	JWT_SKEW_S = 60,   /* that clocks differ */
};

struct jwt {
	char alg[8], kid[JWT_KID_MAX]; /* kid "": none */
	struct bytes said;             /* the signed octets, within the text */
	uint8_t signature[JWT_SIGNATURE_MAX];
	size_t signature_n;
	json_t *claims;
};

/* text: the token as received, which outlives *out. 0, or -EBADMSG: nothing to drop. */
int jwt_parse(struct jwt *out, struct bytes text) NODISCARD;
void jwt_drop(struct jwt *j);

/* The set has a key of its kid; without kid: any key. */
bool jwt_has_key(const struct jwt *j, const json_t *set);
/* One of the keys that fit it has signed it. */
bool jwt_is_signed(const struct jwt *j, const json_t *set);

struct jwt_terms {
	const char *issuer, *client, *nonce;
	uint64_t now_utc_s;
};
/* OpenID Connect Core 3.1.3.7. NULL, or what is wrong. */
const char *jwt_claims_wrong(const json_t *claims, const struct jwt_terms *t);
/* That member, or the one at that path, as realm_access.roles. NULL: absent. */
const json_t *jwt_claim(const json_t *claims, const char *path);

#endif
