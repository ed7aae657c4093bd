/* SPDX-License-Identifier: Apache-2.0 */
/* Web Push as octets: the encrypted content (RFC 8291, aes128gcm of RFC 8188), and the header by
 * which push services know the sender (VAPID, RFC 8292). Values; any thread. */
#ifndef APP_HELPER_PUSH_SEAL_H
#define APP_HELPER_PUSH_SEAL_H

#include "base/bytes.h"

enum {
	PUSH_SCALAR = 32, /* a private key of P-256 */
	PUSH_POINT = 65,  /* a public one, uncompressed */
	PUSH_AUTH = 16,   /* RFC 8291 3.2 */
	PUSH_SALT = 16,
	PUSH_POINT_TEXT = 87, /* in base64url */
	PUSH_AUTH_TEXT = 22,
	PUSH_BODY_MAX = 4096,  /* that each push service takes (RFC 8030 7.2) */
	PUSH_PLAIN_MAX = 3993, /* of it: without the header, the delimiter and the tag */
	PUSH_VAPID_MAX = 1024,
};

struct push_pair {
	uint8_t scalar[PUSH_SCALAR], point[PUSH_POINT];
};

/* The pair of that private key. 0, -EINVAL: it is 0 or too large; -ENOMEM. */
int push_pair_of(struct push_pair *out, const uint8_t scalar[PUSH_SCALAR]) NODISCARD;
/* A pair that follows from key and context: the same on all nodes of a cluster. 0 or -ENOMEM. */
int push_pair_derive(struct push_pair *out, const uint8_t key[32], struct bytes context) NODISCARD;

struct push_content {
	struct bytes plain;           /* at most PUSH_PLAIN_MAX octets */
	uint8_t receiver[PUSH_POINT]; /* p256dh of the subscription */
	uint8_t auth[PUSH_AUTH];      /* ... and its secret */
	struct push_pair sender;      /* made for this content alone */
	uint8_t salt[PUSH_SALT];      /* likewise */
};
/* Writes the body of a push. 0; -EINVAL: the receiver is no point of the curve, or it is too long;
 * -ENOMEM. */
int push_encrypt(struct writer *w, const struct push_content *c) NODISCARD;

/* The value of Authorization, for a push service of that origin, until then. contact: mailto: or
 * https:, or "". 0, -EINVAL: it is too long; -ENOMEM. */
int push_vapid_write(struct writer *w, const struct push_pair *own, struct bytes origin,
		     const char *contact, uint64_t until_utc_s) NODISCARD;

#endif
