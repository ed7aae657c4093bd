/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The a=crypto attribute (RFC 4568): a master key and salt in the SDP, for SRTP. Keys are secrets:
 * the owner of a struct crypto wipes it with crypto_wipe(), and no text of it goes into a log.
 */
#ifndef MEDIA_CRYPTO_H
#define MEDIA_CRYPTO_H

#include "media/flow.h"
#include "media/sdp/sdp.h"

enum { CRYPTO_TAG_MAX = 999999999 }; /* RFC 4568 9.1: nine digits */

struct crypto {
	uint32_t tag;
	struct media_key key;
	/* Packets the key may serve, 0: the default of the suite. Not enforced here: the party that
	 * made the key renews it. */
	uint64_t lifetime;
};

/* Octets of master key and salt; 0: MEDIA_SUITE_NONE. */
uint8_t crypto_key_length(enum media_suite suite);
/* "AES_CM_128_HMAC_SHA1_80"; NULL: MEDIA_SUITE_NONE. */
const char *crypto_suite_name(enum media_suite suite);

/* Parses what follows "a=crypto:". Returns 0, -EBADMSG (malformed, or a key of the wrong length) or
 * -ENOTSUP (a suite, a long MKI, a second key or a session parameter that we cannot honour: RFC
 * 4568 6.3.7 makes such a line invalid). *out is wiped on error. */
int crypto_parse(struct crypto *out, struct bytes value) NODISCARD;
/* Writes it, without "a=crypto:" and the end of the line. The key's suite must not be NONE. */
void crypto_write(struct writer *w, const struct crypto *c);
void crypto_wipe(struct crypto *c);

/* The next line of a section that we can honour, from *line on (start with 0); *line is then the
 * line behind it. False, and *out wiped, if no such line is left. */
bool crypto_next(const struct sdp *s, unsigned section, uint16_t *line, struct crypto *out);

#endif
