/* SPDX-License-Identifier: Apache-2.0 */
/* What tls.c and link.c share. */
#ifndef BASE_TLS_LINK_H
#define BASE_TLS_LINK_H

#include <openssl/ssl.h>

#include "base/tls/tls.h"

/* One certificate with its key. */
struct tls_identity {
	SSL_CTX *server;
	X509 *certificate; /* borrowed from server */
};

/* What a reload replaces as a whole; links that were made keep the SSL_CTX they had. */
struct tls {
	struct tls_identity identities[TLS_IDENTITIES_MAX];
	uint32_t count;
	SSL_CTX *client;
	tls_refused_fn *refused; /* of lent contexts; NULL: nobody asks */
	void *refused_arg;
};

/* What the newest error of OpenSSL's queue says of a handshake. */
enum tls_failure tls_failure_of(const SSL *ssl, unsigned long error);

#endif
