/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's identity in DTLS-SRTP handshakes: a self-signed certificate (ECDSA P-256), with its
 * fingerprint in our SDP (RFC 8122), and its key. Its name is never checked. Stored in one PEM
 * file, so that the fingerprint survives a restart. Control thread.
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

/* Reads the file, a regular one of ours that no other user may read; creates it if it is missing or
 * expires soon, under another name first. Returns 0, -EPERM (readable by others, or of another
 * user), -EINVAL (no certificate with its key), -ENOMEM or -errno of the file; the log says why. On
 * failure *out is empty. */
int certificate_open(struct certificate *out, const char *path, uint64_t utc_ms) NODISCARD;
/* An empty one is fine. */
void certificate_close(struct certificate *c);
/* Has the certificate this fingerprint? In constant time. */
bool certificate_has(const struct x509_st *x509, const struct media_fingerprint *want);

#endif
