/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates that handshakes of the web listener show. The control thread hands over newer ones and goes on; the web thread reads
 * their files when it comes to it. Clients are asked for theirs as tls.client_certificates says.
 */
#ifndef APP_WEB_WEB_CERTIFICATES_H
#define APP_WEB_WEB_CERTIFICATES_H

#include <libwebsockets.h>

#include "base/tls/tls.h"

struct web_certificates;

/* Reads the files. 0, -ENOMEM, or as tls_open does; logged. */
int web_certificates_open(struct web_certificates **out,
			  const struct tls_settings *settings) NODISCARD;
void web_certificates_close(struct web_certificates *c); /* NULL is fine */
/* What the library wants for its listener; the paths are those of settings. */
void web_certificates_ask(const struct web_certificates *c, struct lws_context_creation_info *info,
			  const struct tls_settings *settings);

/* The control thread: these from the next web_certificates_refresh on. */
void web_certificates_renew(struct web_certificates *c, const struct tls_settings *settings);

/* ---- the web thread ---- */

/* Reads the files of those that were handed over, if any. Logged when they cannot be used: the old ones stay. */
void web_certificates_refresh(struct web_certificates *c);
/* The context of the library's shows ours. */
void web_certificates_lend(struct web_certificates *c, SSL_CTX *context);
/* Whoever is refused for its certificate is told there. Before the thread runs. */
void web_certificates_on_refused(struct web_certificates *c, tls_refused_fn *refused, void *arg);

#endif
