/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording for owners of the private keys of some certificates, and nobody else: CMS
 * AuthEnvelopedData (RFC 5652, RFC 5083) with AES-256-GCM (RFC 5084), as `openssl cms -decrypt
 * -inform DER` opens it. The content key goes to each certificate by RSA-OAEP (RFC 3560) or ECDH
 * (RFC 5753). No private key is ever here.
 */
#ifndef APP_RECORD_ENVELOPE_H
#define APP_RECORD_ENVELOPE_H

#include "base/bytes.h"

enum {
	ENVELOPE_CERTIFICATES_MAX = 8,
	ENVELOPE_PEM_MAX = 32 * 1024,
	ENVELOPE_REASON_MAX = 192,
};

/* Whether recordings can be enveloped for the certificates of this PEM text. False: reason says why
 * not, and what to do. *expires_utc_s: when the first of them expires, which is no error:
 * recordings must stay secret then, too. */
bool envelope_fits(struct bytes pem, uint64_t *expires_utc_s, char reason[ENVELOPE_REASON_MAX]);
/* Writes all of `from` behind its position to `to` in pieces: constant memory. 0 or -errno;
 * -ENODATA: there is nothing, and OpenSSL's streams need content. */
int envelope_write(struct bytes pem, int from, int to) NODISCARD;

#endif
