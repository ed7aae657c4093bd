/* SPDX-License-Identifier: Apache-2.0 */
/* What tls.c and tls_link.c share. */
#ifndef SIG_SIP_TLS_LINK_H
#define SIG_SIP_TLS_LINK_H

#include <openssl/ssl.h>

#include "sig/sip/tls.h"

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
};

#endif
