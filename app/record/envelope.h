/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording for whoever has the private key of one of some certificates, and for nobody else: CMS AuthEnvelopedData (RFC 5652, RFC 5083)
 * with AES-256-GCM (RFC 5084), as `openssl cms -decrypt -inform DER` opens it. The key of the content goes to each certificate by RSA-OAEP
 * (RFC 3560) or ECDH (RFC 5753). No private key is ever here.
 */
#ifndef APP_RECORD_ENVELOPE_H
#define APP_RECORD_ENVELOPE_H

#include "base/bytes.h"

enum {
	ENVELOPE_CERTIFICATES_MAX = 8,
	ENVELOPE_PEM_MAX = 32 * 1024,
	ENVELOPE_REASON_MAX = 192,
};

/*
 * May recordings be enveloped for the certificates of this PEM text? False: reason says why not, and what to do. *expires_utc_s: when the
 * first of them expires; that is no reason, as what is said then must stay secret as well.
 */
bool envelope_fits(struct bytes pem, uint64_t *expires_utc_s, char reason[ENVELOPE_REASON_MAX]);
/* All that is behind the place of `from` goes to `to`, in pieces: memory is the same for any length. 0 or -errno;
 * -ENODATA: there is nothing, and OpenSSL's streams end only where something was in them. */
int envelope_write(struct bytes pem, int from, int to) NODISCARD;

#endif
