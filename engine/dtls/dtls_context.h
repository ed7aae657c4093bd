/* SPDX-License-Identifier: Apache-2.0 */
/* What all associations of a process have in common, as dtls.c sees it. */
#ifndef ENGINE_DTLS_DTLS_CONTEXT_H
#define ENGINE_DTLS_DTLS_CONTEXT_H

#include "engine/dtls/dtls.h"

struct ssl_ctx_st; /* OpenSSL's SSL_CTX; an SSL of it has its struct dtls as app data */

struct dtls_context {
	struct ssl_ctx_st *ssl;
};

#endif
