/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request (RFC 9110): GET /healthz, /readyz or /metrics, and the page that answers it, sent piece by piece. Web thread. */
#ifndef APP_WEB_WEB_REQUEST_H
#define APP_WEB_WEB_REQUEST_H

#include <libwebsockets.h>

#include "app/web/health.h"
#include "base/bytes.h"

enum { WEB_REQUEST_PIECE = 4096 }; /* octets of a page in one write */

/* The one a connection is at. Zeroed by the library. */
struct web_request {
	uint8_t *page; /* malloc'ed: LWS_PRE octets, then the page; NULL: none */
	size_t size, sent;
};

void web_request_setup(void); /* registers the metrics; main thread, once */

/* What these return is what the library's callback returns: 0, or -1: it closes the connection. */

/* Its head has come: the answer's goes out, the page follows. path without the query. */
int web_request_take(struct web_request *r, struct lws *wsi, const struct health *health,
		     struct bytes path);
/* The connection takes more. */
int web_request_send(struct web_request *r, struct lws *wsi);
/* It is over, or the connection is. */
void web_request_drop(struct web_request *r);
/* One of which nothing is wanted here: closed without an answer. */
int web_request_refuse(void);

#endif
