/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request (RFC 9110): GET /healthz, /readyz or /metrics, a file, or a record page, and its
 * answer, sent piece by piece. Web thread. */
#ifndef APP_WEB_WEB_REQUEST_H
#define APP_WEB_WEB_REQUEST_H

#include <libwebsockets.h>

#include "app/web/health.h"
#include "app/web/web_api.h"
#include "app/web/web_bundle.h"
#include "app/web/web_link.h"
#include "app/web/web_manual.h"
#include "app/web/web_page.h"
#include "app/web/web_route.h"
#include "base/bytes.h"

/* Record pages: GET shows one, POST of an act presses its button and shows it again. A foreign link
 * is answered without asking the loop; the loop's answer to others is sent, and the connection
 * ends, so that the handshake rate of a source bounds its questions. Web thread. */

struct web_desk;
struct web_visit;

/* key: copied. asks: borrowed. 0 or -ENOMEM. */
int web_desk_open(struct web_desk **out, const uint8_t key[WEB_PAGE_KEY_LEN],
		  struct web_asks *asks) NODISCARD;
void web_desk_close(struct web_desk *d); /* NULL is fine */
/* The loop has answered some. */
void web_desk_on_answers(struct web_desk *d);

/* The next four return the result of the library's callback: 0, or -1: it closes the connection. */

enum {
	WEB_REQUEST_PIECE = 4096, /* octets of a page in one write */
	WEB_PROBLEM_MAX = 256,    /* octets of a problem */
};

/* A page, shared by the requests that send it. */
struct web_text {
	uint32_t users;
	size_t n;
	uint8_t octets[];
};
/* A copy of the octets, or room for so many if p is NULL. NULL: no memory. */
struct web_text *web_text_make(struct bytes octets);
void web_text_drop(struct web_text *t); /* NULL is fine */

/* The present request of a connection. Zeroed by the library. */
struct web_request {
	struct web_text *text; /* NULL: another kind of answer */
	uint8_t *piece;        /* malloc'ed: LWS_PRE octets, then a piece of a file; NULL: none */
	uint64_t size, sent;
	int file;                    /* a descriptor + 1; 0: the page is all */
	uint64_t from;               /* of the file: its first octet that is sent */
	struct web_visit *visit;     /* of a record page; NULL: another kind */
	struct web_query *query;     /* of the HTTP API; NULL: another kind */
	struct web_visitor *visitor; /* of a route; NULL: another kind */
	struct web_ear *ear;         /* an event listener; NULL: none */
};

void web_request_setup(void); /* registers the metrics; main thread, once */

/* These return the result of the library's callback: 0, or -1: it closes the connection. */

/* A tenth of the thread's time, half a second at once, for expensive requests of anybody. Pure. */
struct web_budget {
	uint64_t spent_ns; /* it is used up until then */
};
bool web_budget_has(const struct web_budget *b, uint64_t now_ns);
void web_budget_spend(struct web_budget *b, uint64_t began_ns, uint64_t now_ns);

/* Sources of answers. */
struct web_pages {
	struct health *health;         /* NULL: no pages */
	const struct web_files *files; /* NULL: no files */
	struct web_desk *desk;         /* NULL: no record pages */
	struct web_api *api;           /* NULL: no HTTP API */
	struct web_manual *manual;     /* NULL: the same */
	struct web_bundle *bundle;     /* NULL: the same */
	struct web_events *events;     /* with api */
	struct web_routing *routing;   /* NULL: no routes of features */
	struct web_text *metrics;      /* made last; NULL: never */
	struct web_budget budget;      /* for making it */
};
void web_pages_close(struct web_pages *pages);

/* Its head has come: sends the answer's head; the page follows. path without the query. */
int web_request_on_head(struct web_request *r, struct lws *wsi, struct web_pages *pages,
			struct bytes path);
/* A header field of an answer. */
struct web_header {
	const char *name, *value; /* value NULL: it is left out */
};
/* Sends the head of a response. n: Content-Length. type: Content-Type; NULL: no body. headers end
 * with a NULL name. 0 or -1. */
int web_head_send(struct lws *wsi, unsigned status, const char *type, uint64_t n,
		  const struct web_header *headers);
/* Writes a problem (RFC 9457); title is JSON already. Returns the octets, fewer than size. */
size_t web_problem_write(char *out, size_t size, unsigned status, const char *title);
/* Answers with a problem. Always -1: the connection ends. */
int web_problem_send(struct lws *wsi, unsigned status, const char *title);
/* Counts an answer. */
void web_request_count(bool served);
/* Octets of its body; and its end. */
int web_request_body(struct web_request *r, struct bytes octets);
int web_request_body_end(struct web_request *r);
/* The connection takes more. */
int web_request_send(struct web_request *r, struct lws *wsi);
/* It is over, or the connection is. */
void web_request_drop(struct web_request *r);
#endif
