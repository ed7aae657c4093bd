/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the HTTP API: those under /v1/. A request is read whole, with a bound, and checked by
 * the door (web_link.h); a valid one goes to the loop's thread, and its answer is sent piece by
 * piece. Web thread.
 */
#ifndef APP_WEB_WEB_API_H
#define APP_WEB_WEB_API_H

#include <libwebsockets.h>

#include "app/web/web.h"
#include "app/web/web_link.h"

#define WEB_API_HEAD "/v1/"
enum { WEB_BASIC_MAX = 512 };

#define WEB_API_OPENAPI "/v1/openapi.json"

struct web_api;
struct web_query;

/* door: borrowed. 0 or -ENOMEM. */
int web_api_open(struct web_api **out, const struct web_door *door,
		 const struct web_api_terms *terms) NODISCARD;
/* The control thread. Out of memory: the old ones stay. */
void web_api_renew(struct web_api *a, const struct web_api_terms *terms);
void web_api_close(struct web_api *a); /* NULL is fine */
/* The loop has answered some. */
void web_api_on_answers(struct web_api *a);

/* The next four return the result of the library's callback: 0, or -1: it closes the connection. */

/* The head of a request came. *out: to be dropped. */
int web_query_on_head(struct web_api *a, struct web_query **out, struct lws *wsi,
		      struct bytes path);
/* The same of a head that the library does not read (web_raw.h). status: it is refused so; 0: it is
 * right. */
struct web_raw_head;
int web_query_on_raw(struct web_api *a, struct web_query **out, struct lws *wsi,
		     const struct web_raw_head *head, unsigned status);
/* A page of a feature, which the door answers as the API. */
bool web_api_has_page(const struct web_api *a, struct bytes path);
/* Octets of its body; and its end. */
int web_query_body(struct web_query *q, struct bytes octets);
int web_query_body_end(struct web_query *q);
/* The connection takes more. *done: the answer is complete, and the next request may come. */
int web_query_send(struct web_query *q, bool *done);
/* Reads the head alone, for the door. NULL: too long, or no memory. */
struct web_query *web_query_read(struct web_api *a, struct lws *wsi, struct bytes path);
const struct web_call *web_query_call(const struct web_query *q);
/* *reply answers it. */
int web_query_answer(struct web_query *q, const struct web_reply *reply);
/* It is over, or the connection is. NULL is fine. */
void web_query_drop(struct web_query *q);

/* Headers of requests. Pure. */

/* Accept-Encoding (RFC 9110 12.5.3) takes gzip. */
bool web_header_takes_gzip(struct bytes text);
/* Credentials of Authorization: Basic (RFC 7617), each a text of fewer than size octets without
 * control characters. False: none; then both are "". */
bool web_basic_parse(struct bytes text, char *user, char *password, size_t size);
/* If-None-Match (RFC 9110 13.1.2) has that tag, or '*'; compared weakly. */
bool web_header_has_tag(struct bytes text, const char *tag);

#endif
