/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes of features: which paths a listener has, who may ask for them, and the function that
 * answers on the loop's thread. The web thread matches paths, reads credentials and bodies, and
 * touches files: a feature names a file in its answer, and no disk delays a call. Without
 * credentials, a route that wants them answers 401 before anything is looked at, so what exists
 * cannot be told from what does not.
 */
#ifndef APP_WEB_WEB_ROUTE_H
#define APP_WEB_WEB_ROUTE_H

#include <libwebsockets.h>

#include "app/web/web_link.h"
#include "base/addr.h"

enum {
	WEB_ROUTE_PATH_MAX = 256,
	WEB_ROUTE_TEXT_MAX = 192, /* host, User-Agent, user, password; each with its NUL */
	WEB_ROUTE_FILE_MAX = 384,
	WEB_ROUTE_DIGEST_MAX = 1024, /* a header Authorization of Digest, with its NUL */
	WEB_ROUTE_CHALLENGES = 3,
	WEB_ROUTE_CHALLENGE_MAX = 320, /* with its NUL */
	WEB_ROUTE_ARGUMENTS_MAX = 512,
	WEB_ROUTE_ASKS_MAX = 256, /* that wait for their answer */
	WEB_ROUTE_PIECE = 4096,   /* octets in one write */
};

enum web_auth {
	WEB_AUTH_NONE,
	WEB_AUTH_LOGIN, /* credentials are in the request, to be checked there */
};

/* A request; the loop's thread owns it, and frees it by web_route_free: it has a password. */
struct web_routed {
	uint64_t id;
	const struct web_route *route;
	struct addr peer;
	bool tls;
	char path[WEB_ROUTE_PATH_MAX];
	char arguments[WEB_ROUTE_ARGUMENTS_MAX]; /* as those of struct web_call */
	char host[WEB_ROUTE_TEXT_MAX];           /* of the header Host, with its port */
	char agent[WEB_ROUTE_TEXT_MAX];
	const char *method; /* "GET", "HEAD" or "PUT" */
	/* RFC 7617, decoded; or else RFC 7616, as it was sent, where the listener takes that */
	char user[WEB_ROUTE_TEXT_MAX], password[WEB_ROUTE_TEXT_MAX];
	char digest[WEB_ROUTE_DIGEST_MAX];
	bool proven; /* by the feature: the login is right */
};
void web_route_free(struct web_routed *r); /* NULL is fine */

struct web_route_answer {
	uint64_t id;
	unsigned status;
	bool proven;      /* the login was right: the connection's turn begins anew */
	uint32_t retry_s; /* of 429 and 503 */
	const char *type; /* constant; with text or file */
	uint8_t *text;    /* malloc'ed, owned with the answer; wiped after use; NULL: none */
	size_t n;
	/* With 2xx: a body is read now, and written there, whole or not at all; for GET the file
	 * is sent if it is there, else text, else 404. "": no file. */
	char file[WEB_ROUTE_FILE_MAX];
	bool streamed; /* it is of any size, and is read piece by piece while it is sent */
	/* Of 401: values of WWW-Authenticate, before that of Basic; the first "" ends them. */
	char challenges[WEB_ROUTE_CHALLENGES][WEB_ROUTE_CHALLENGE_MAX];
};

/* On the loop's thread; answers by web_asks_answer of routes->asks, at once or later. */
typedef void web_route_fn(struct web_routed *r, void *arg);

struct web_route {
	const char *method; /* "GET", which is HEAD as well, or "PUT"; NULL ends a list */
	const char *path;   /* '*' stands for octets other than '/', one at least */
	enum web_auth auth;
	size_t body_max; /* of PUT */
	web_route_fn *fn;
};

/* The routes of a listener, the first one that fits counts; the caller's, and constant. */
struct web_routes {
	const struct web_route *list;
	const char *realm;     /* of 401, for Basic */
	struct web_asks *asks; /* of struct web_routed *, and struct web_route_answer */
	/* Digest is taken, too. A request without credentials is asked about then, as the loop's
	 * thread makes the challenge: user and digest are "". */
	bool digest;
};

bool web_route_fits(const char *pattern, struct bytes path);

/* ---- the web thread ---- */

struct web_routing;
struct web_visitor;

/* routes: borrowed. 0 or -ENOMEM. */
int web_routing_open(struct web_routing **out, const struct web_routes *routes, bool tls) NODISCARD;
void web_routing_close(struct web_routing *g); /* NULL is fine */
void web_routing_on_answers(struct web_routing *g);

/* As web_query_on_head and those behind it (web_api.h). */
int web_visitor_on_head(struct web_routing *g, struct web_visitor **out, struct lws *wsi,
			struct bytes path);
int web_visitor_body(struct web_visitor *v, struct bytes octets);
int web_visitor_body_end(struct web_visitor *v);
int web_visitor_send(struct web_visitor *v, bool *done);
void web_visitor_drop(struct web_visitor *v); /* NULL is fine */

#endif
