/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the node is in DTLS-SRTP handshakes: a self-signed certificate (ECDSA P-256), whose fingerprint is in our SDP (RFC 8122),
 * and its key. Nobody looks at its name. Kept in one PEM file, so that the fingerprint outlives a restart. Control thread.
 */
#ifndef ENGINE_DTLS_CERTIFICATE_H
#define ENGINE_DTLS_CERTIFICATE_H

#include "media/flow.h"

struct evp_pkey_st; /* OpenSSL's EVP_PKEY and X509 */
struct x509_st;

struct certificate {
	struct evp_pkey_st *key;
	struct x509_st *x509;
	struct media_fingerprint fingerprint; /* SHA-256 */
};

enum {
	CERTIFICATE_DAYS = 730,
	CERTIFICATE_RENEW_DAYS = 365, /* one with less left is made anew, when it is opened */
};

/*
 * Reads the file, which must be a regular one of ours that nobody else may read; makes it where it is missing or runs out, under
 * another name first. 0, -EPERM (others may read it, or it is of another user), -EINVAL (no certificate with its key), -ENOMEM or
 * -errno of the file; the log says why. On failure *out is empty.
 */
int certificate_open(struct certificate *out, const char *path, uint64_t utc_ms) NODISCARD;
/* An empty one is fine. */
void certificate_close(struct certificate *c);
/* Has the certificate this fingerprint? In constant time. */
bool certificate_has(const struct x509_st *x509, const struct media_fingerprint *want);

#endif
