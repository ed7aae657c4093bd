/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request (RFC 9110): GET /healthz, /readyz or /metrics, a file, or a record page, and what answers it, sent piece by piece. Web
 * thread. */
#ifndef APP_WEB_WEB_REQUEST_H
#define APP_WEB_WEB_REQUEST_H

#include <libwebsockets.h>

#include "app/web/health.h"
#include "app/web/web_api.h"
#include "app/web/web_link.h"
#include "app/web/web_manual.h"
#include "app/web/web_page.h"
#include "base/bytes.h"

/*
 * Where record pages are asked for: GET shows one, POST of an act presses its key and shows it again. A link that is none of ours is answered
 * without a word to the loop; what the loop says of the others is sent, and the connection ends, so that handshakes of a source bound how often
 * it asks. Web thread.
 */

struct web_desk;
struct web_visit;

/* key: copied. asks: borrowed. 0 or -ENOMEM. */
int web_desk_open(struct web_desk **out, const uint8_t key[WEB_PAGE_KEY_LEN],
		  struct web_asks *asks) NODISCARD;
void web_desk_close(struct web_desk *d); /* NULL is fine */
/* The loop has answered some. */
void web_desk_on_answers(struct web_desk *d);

/* What the next four return is what the library's callback returns: 0, or -1: it closes the connection. */

enum {
	WEB_REQUEST_PIECE = 4096, /* octets of a page in one write */
	WEB_PROBLEM_MAX = 256,    /* octets of a problem */
};

/* A page, of all requests that were given it. */
struct web_text {
	uint32_t users;
	size_t n;
	uint8_t octets[];
};
/* A copy of the octets, or room for so many where p is NULL. NULL: no memory. */
struct web_text *web_text_make(struct bytes octets);
void web_text_drop(struct web_text *t); /* NULL is fine */

/* The one a connection is at. Zeroed by the library. */
struct web_request {
	struct web_text *text; /* NULL: it is for something else */
	uint8_t *piece;        /* malloc'ed: LWS_PRE octets, then a piece of a file; NULL: none */
	uint64_t size, sent;
	int file;                /* a descriptor and 1; 0: the page is all */
	uint64_t from;           /* of the file: its first octet that is sent */
	struct web_visit *visit; /* of a record page; NULL: it is for something else */
	struct web_query *query; /* of the HTTP API; NULL: it is for something else */
	struct web_ear *ear;     /* it listens to events; NULL: it does not */
};

void web_request_setup(void); /* registers the metrics; main thread, once */

/* What these return is what the library's callback returns: 0, or -1: it closes the connection. */

/* Of the thread's time a tenth, and half a second at once, for what anybody may ask for, on and on. Pure. */
struct web_budget {
	uint64_t spent_ns; /* it is used up until then */
};
bool web_budget_has(const struct web_budget *b, uint64_t now_ns);
void web_budget_spend(struct web_budget *b, uint64_t began_ns, uint64_t now_ns);

/* Where its answer comes from. */
struct web_pages {
	struct health *health;         /* NULL: no pages */
	const struct web_files *files; /* NULL: no files */
	struct web_desk *desk;         /* NULL: no record pages */
	struct web_api *api;           /* NULL: no HTTP API */
	struct web_manual *manual;     /* NULL: the same */
	struct web_events *events;     /* with api */
	struct web_text *metrics;      /* made last; NULL: never */
	struct web_budget budget;      /* for making it */
};
void web_pages_close(struct web_pages *pages);

/* Its head has come: the answer's goes out, the page follows. path without the query. */
int web_request_on_head(struct web_request *r, struct lws *wsi, struct web_pages *pages,
			struct bytes path);
/* Of an answer. */
struct web_header {
	const char *name, *value; /* value NULL: it is left out */
};
/* Writes the head of a response. n: Content-Length. type: Content-Type; NULL: there is no body. headers end with a name of NULL. 0 or -1. */
int web_head_send(struct lws *wsi, unsigned status, const char *type, uint64_t n,
		  const struct web_header *headers);
/* Writes a problem (RFC 9457) of the status, whose title is JSON already. Octets written, fewer than size. */
size_t web_problem_write(char *out, size_t size, unsigned status, const char *title);
/* Answers with a problem. Always -1: the connection ends. */
int web_problem_send(struct lws *wsi, unsigned status, const char *title);
/* It is answered. */
void web_request_count(bool served);
/* Octets of its body; and its end. */
int web_request_body(struct web_request *r, struct bytes octets);
int web_request_body_end(struct web_request *r);
/* The connection takes more. */
int web_request_send(struct web_request *r, struct lws *wsi);
/* It is over, or the connection is. */
void web_request_drop(struct web_request *r);
#endif
