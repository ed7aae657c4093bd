/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/dtls/dtls_context.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "engine/dtls/certificate.h"

enum { CERTIFICATES_MAX = 16384 }; /* octets of the party's chain */

/* In the order that we like. */
static const char PROFILES[] = "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80";
static const char CIPHERS[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
static char g_groups[] = "X25519:P-256:P-384"; /* not const, because OpenSSL casts that away */

/* In place of a chain's verification: the fingerprint is all there is (RFC 5763 5). */
static int dtls_on_certificate(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct dtls *d = SSL_get_app_data(ssl);

	(void)arg;
	d->certificate_good = certificate_has(X509_STORE_CTX_get0_cert(store), &d->peer);
	d->certificate_bad = !d->certificate_good;
	if (d->certificate_bad)
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return d->certificate_good;
}

static bool context_set(SSL_CTX *x, const struct certificate *c)
{
	(void)SSL_CTX_set_options(x, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE);
	(void)SSL_CTX_set_mode(x, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(x, CERTIFICATES_MAX);
	(void)SSL_CTX_set_max_send_fragment(x, DTLS_MTU); /* a buffer of 2 KB and not of 16 */
	SSL_CTX_set_verify(x, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(x, dtls_on_certificate, NULL);
	return SSL_CTX_set_min_proto_version(x, DTLS1_2_VERSION) &&
	       SSL_CTX_set_max_proto_version(x, DTLS1_2_VERSION) &&
	       SSL_CTX_set_cipher_list(x, CIPHERS) && SSL_CTX_set1_groups_list(x, g_groups) &&
	       SSL_CTX_set_tlsext_use_srtp(x, PROFILES) == 0 && /* 0 is success */
	       SSL_CTX_use_certificate(x, c->x509) && SSL_CTX_use_PrivateKey(x, c->key);
}

int dtls_context_open(struct dtls_context **out, const struct certificate *c)
{
	struct dtls_context *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->ssl = SSL_CTX_new(DTLS_method());
	if (!x->ssl || !context_set(x->ssl, c)) {
		ERR_clear_error();
		dtls_context_close(x);
		return -ENOMEM;
	}
	*out = x;
	return 0;
}

void dtls_context_close(struct dtls_context *x)
{
	if (!x)
		return;
	SSL_CTX_free(x->ssl);
	free(x);
}
