/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests with methods that libwebsockets does not know, such as WebDAV's PROPFIND and REPORT
 * (RFC 4918). The library hands over such a connection as it is, with what it has read; its head is
 * parsed by http_parser, and it goes the way of every request of the HTTP API (web_api.h). The
 * connection ends with the answer, so nothing follows a request. Web thread.
 */
#ifndef APP_WEB_WEB_RAW_H
#define APP_WEB_WEB_RAW_H

#include <libwebsockets.h>

#include "app/web/web_api.h"
#include "app/web/web_raw_head.h"
#include "app/web/web_request.h"

#define WEB_RAW_PROTOCOL "raw"

/* Of a connection; zeroed by the library. */
struct web_raw {
	struct web_query *query; /* NULL: its head is not whole */
	uint8_t *text;           /* malloc'ed: WEB_RAW_HEAD_MAX octets; NULL: nothing came yet */
	size_t n;
	uint64_t left; /* octets of the body that are to come */
};

/* The next four return the result of the library's callback: 0, or -1: it closes the connection. */

int web_raw_read(struct web_raw *r, struct web_api *api, struct lws *wsi, struct bytes octets);
int web_raw_write(struct web_raw *r);
void web_raw_drop(struct web_raw *r);
/* As web_head_send. */
int web_raw_head_send(struct lws *wsi, unsigned status, const char *type, uint64_t n,
		      const struct web_header *headers);

#endif
