/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the routes of features (web_route.h): matched, read whole within bounds, handed to
 * the loop's thread, and answered piece by piece, with entity tags and ranges. The shape is that of
 * web_api.c; here a body and a file stay in this thread, and credentials are those of RFC 7617, or
 * of RFC 7616, which this thread does not read. A request is asked about once its head is there: of
 * bodies of strangers no more is kept than has come until the answer, and of all of them together
 * no more than ROUTE_EARLY_MAX.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/web/web_api.h"
#include "app/web/web_clients.h"
#include "app/web/web_page.h"
#include "app/web/web_request.h"
#include "app/web/web_route.h"
#include "base/clock.h"

enum {
	ROUTE_PLACE_BITS = 8,
	ROUTE_ANSWER_S = 10,
	ROUTE_ETAG_MAX = 24,
	ROUTE_HEADER_MAX = 512,
	ROUTE_EARLY_MAX = 1 << 20, /* of bodies of a listener before their answers */
	ROUTE_BODY_ROOM = 4096,    /* of a body at first */
};
static_assert(WEB_ROUTE_ASKS_MAX <= 1 << ROUTE_PLACE_BITS, "a place is the last octet of an id");

struct route_place {
	uint64_t id;           /* 0: free */
	struct web_visitor *v; /* NULL: the client left before its answer */
};

struct web_routing {
	const struct web_routes *routes;
	bool tls;
	uint64_t asked; /* so far */
	size_t early;   /* room of bodies that are not admitted */
	struct route_place places[WEB_ROUTE_ASKS_MAX];
};

struct web_visitor {
	struct web_routing *routing;
	struct lws *wsi;
	const struct web_route *route; /* NULL: none */
	struct web_routed *asked;      /* until the loop's thread has it */
	struct route_place *place;     /* NULL: nothing is awaited */
	struct web_route_answer answer;
	bool is_head, ended, has_head, closes;
	bool admitted;                    /* the body is read; then the answer is that: */
	struct web_route_answer accepted; /* without text */
	uint8_t *body;
	size_t body_n, body_size, body_room; /* come; announced; of the buffer */
	int file;                            /* descriptor of a streamed file, + 1; 0: none */
	uint64_t from, size, sent;           /* of the answer's text: what is sent of it */
	bool part;
	char etag[ROUTE_ETAG_MAX];
	char range[ROUTE_HEADER_MAX], if_none_match[ROUTE_HEADER_MAX];
};

void web_route_free(struct web_routed *r)
{
	if (r)
		explicit_bzero(r, sizeof(*r));
	free(r);
}

bool web_route_fits(const char *pattern, struct bytes path)
{
	for (; *pattern; pattern++) {
		size_t n = 0;

		if (*pattern != '*') {
			if (!path.n || path.p[0] != (uint8_t)*pattern)
				return false;
			path = bytes_from(path, 1);
			continue;
		}
		/* the shortest that lets the rest fit; patterns are few and short */
		while (n < path.n && path.p[n] != '/') {
			if (web_route_fits(pattern + 1, bytes_from(path, ++n)))
				return true;
		}
		return false;
	}
	return !path.n;
}

/* ---- answers ---- */

/* Takes over what the answer owns. */
static int visitor_answer(struct web_visitor *v, const struct web_route_answer *answer)
{
	v->answer = *answer;
	web_request_count(answer->status < 400);
	(void)lws_callback_on_writable(v->wsi);
	return 0;
}

static int visitor_refuse(struct web_visitor *v, unsigned status, const char *text)
{
	struct web_route_answer answer = { .status = status, .type = "text/plain", .retry_s = 1 };
	size_t n = strlen(text);

	answer.text = malloc(n);
	if (!answer.text)
		return -1;
	memcpy(answer.text, text, n);
	answer.n = n;
	return visitor_answer(v, &answer);
}

/* At most the octets that a route takes as a body, so what was stored can be sent. */
static bool file_load(const struct web_visitor *v, struct web_route_answer *a)
{
	int fd = open(a->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	uint8_t *text = NULL;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size >= 0 &&
	    (size_t)st.st_size <= v->route->body_max)
		text = malloc((size_t)st.st_size + 1);
	if (text && read(fd, text, (size_t)st.st_size) == (ssize_t)st.st_size) {
		free(a->text);
		a->text = text;
		a->n = (size_t)st.st_size;
		text = NULL;
	}
	free(text);
	if (fd >= 0)
		(void)close(fd);
	return a->text;
}

/* Its tag is that of what stat says, as nobody reads all of it for that. */
static bool file_stream(struct web_visitor *v, struct web_route_answer *a)
{
	int fd = open(a->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0) {
		(void)close(fd);
		return false;
	}
	v->file = fd + 1;
	a->n = (size_t)st.st_size;
	(void)snprintf(v->etag, sizeof(v->etag), "\"%" PRIx64 "-%" PRIx64 "\"",
		       (uint64_t)st.st_mtim.tv_sec & UINT32_MAX, (uint64_t)st.st_size & UINT32_MAX);
	return true;
}

/* Makes the folders on the way to a file: it and they are for the node's user alone. */
static bool route_folders_make(const char *file)
{
	char path[WEB_ROUTE_FILE_MAX];

	(void)snprintf(path, sizeof(path), "%s", file);
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return false;
		*p = '/';
	}
	return true;
}

static bool file_store(const struct web_visitor *v, const char *file)
{
	char path[WEB_ROUTE_FILE_MAX + 8];
	bool good;
	int fd;

	(void)snprintf(path, sizeof(path), "%s.new", file);
	if (!route_folders_make(file))
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	good = !v->body_n || write(fd, v->body, v->body_n) == (ssize_t)v->body_n;
	good = !close(fd) && good && !rename(path, file);
	if (!good)
		(void)unlink(path);
	return good;
}

/* What came so far moves along. False: no memory, or strangers have as much as they may. */
static bool visitor_body_room(struct web_visitor *v, size_t room)
{
	size_t early = v->routing->early + room - v->body_room;
	uint8_t *body = v->admitted || early <= ROUTE_EARLY_MAX ? malloc(room) : NULL;

	if (!body)
		return false;
	if (v->body_n)
		memcpy(body, v->body, v->body_n);
	if (v->body)
		explicit_bzero(v->body, v->body_n);
	free(v->body);
	v->body = body;
	if (!v->admitted)
		v->routing->early = early;
	v->body_room = room;
	return true;
}

/* It is a stranger's no more, or gone. */
static void visitor_early_end(struct web_visitor *v)
{
	if (!v->admitted)
		v->routing->early -= v->body_room;
	v->admitted = true;
}

/* The request was let in: the rest of its body is read. */
static void visitor_admit(struct web_visitor *v, const struct web_route_answer *a)
{
	v->accepted = *a;
	visitor_early_end(v);
	lws_set_timeout(v->wsi, PENDING_TIMEOUT_HTTP_CONTENT, ROUTE_ANSWER_S);
}

static int visitor_store(struct web_visitor *v, const struct web_route_answer *a)
{
	v->closes = false;
	return file_store(v, a->file) ? visitor_answer(v, a)
				      : visitor_refuse(v, 507, "no room\n"); /* RFC 4918 11.5 */
}

/* What the loop's thread said, with what the files have. */
static void visitor_on_answer(struct web_visitor *v, struct web_route_answer *a)
{
	struct web_client *client = lws_get_opaque_user_data(v->wsi);
	bool is_put = !strcmp(v->route->method, "PUT");
	bool has_file = a->file[0] && a->status < 300;

	v->place = NULL;
	if (client && a->proven)
		web_client_proven(client, clock_now_ns());
	if (is_put)
		v->closes = !v->ended && v->body_size;
	if (has_file && is_put) {
		free(a->text);
		a->text = NULL;
		if (v->ended || !v->body_size)
			(void)visitor_store(v, a);
		else
			visitor_admit(v, a);
		return;
	}
	if (!has_file || (a->streamed ? file_stream(v, a) : file_load(v, a))) {
		(void)visitor_answer(v, a);
		return;
	}
	free(a->text);
	(void)visitor_refuse(v, 404, "not found\n");
}

void web_routing_on_answers(struct web_routing *g)
{
	struct web_route_answer answer;

	while (web_asks_pop(g->routes->asks, &answer)) {
		struct route_place *place = &g->places[answer.id & ((1U << ROUTE_PLACE_BITS) - 1)];
		struct web_visitor *v = place->v;

		assert(place->id == answer.id);
		*place = (struct route_place){ 0 };
		if (v) {
			visitor_on_answer(v, &answer);
			continue;
		}
		if (answer.text)
			explicit_bzero(answer.text, answer.n);
		free(answer.text);
	}
}

/* ---- a request ---- */

static struct route_place *routing_place(struct web_routing *g)
{
	for (size_t i = 0; i < WEB_ROUTE_ASKS_MAX; i++) {
		if (!g->places[i].id)
			return &g->places[i];
	}
	return NULL;
}

/* Its head is whole. */
static int visitor_push(struct web_visitor *v)
{
	struct web_routing *g = v->routing;
	struct route_place *place = routing_place(g);

	if (!place)
		return visitor_refuse(v, 503, "too many ask at once: try again\n");
	v->asked->id = ++g->asked << ROUTE_PLACE_BITS | (uint64_t)(place - g->places);
	*place = (struct route_place){ v->asked->id, v };
	v->place = place;
	lws_set_timeout(v->wsi, PENDING_TIMEOUT_HTTP_CONTENT, ROUTE_ANSWER_S);
	web_asks_push(g->routes->asks, &v->asked);
	v->asked = NULL; /* the loop's thread frees it */
	return 0;
}

static bool route_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t size)
{
	int n = lws_hdr_total_length(wsi, token);

	out[0] = '\0';
	return n <= 0 || ((size_t)n < size && lws_hdr_copy(wsi, out, (int)size, token) == n);
}

/* How long its body is: RFC 9112 6.3. */
static int visitor_body_start(struct web_visitor *v)
{
	char length[24];
	uint64_t n = 0;

	if (lws_hdr_total_length(v->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 ||
	    !route_header(v->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, length, sizeof(length)) ||
	    (length[0] && bytes_u64(bytes_str(length), &n)))
		return visitor_refuse(v, 411, "Content-Length is needed\n");
	if (!strcmp(v->route->method, "GET"))
		return n ? visitor_refuse(v, 400, "GET has no body\n") : visitor_push(v);
	if (!length[0])
		return visitor_refuse(v, 411, "Content-Length is needed\n");
	if (n > v->route->body_max)
		return visitor_refuse(v, 413, "too long\n");
	v->body_size = n;
	return visitor_push(v);
}

/* The same answer, octet by octet, whatever the path names. */
static int visitor_challenge(struct web_visitor *v)
{
	return visitor_refuse(v, 401, "log in\n");
}

/* The library has split and decoded them. */
static bool visitor_arguments(const struct web_visitor *v, char out[WEB_ROUTE_ARGUMENTS_MAX])
{
	size_t at = 0;
	int n = lws_hdr_total_length(v->wsi, WSI_TOKEN_HTTP_URI_ARGS);

	if (n >= WEB_ROUTE_ARGUMENTS_MAX)
		return false;
	for (int i = 0; at + 2 < WEB_ROUTE_ARGUMENTS_MAX; i++) {
		n = lws_hdr_copy_fragment(v->wsi, out + at, (int)(WEB_ROUTE_ARGUMENTS_MAX - at - 1),
					  WSI_TOKEN_HTTP_URI_ARGS, i);
		if (n < 0)
			break;
		at += (size_t)n;
		out[at++] = '\n';
	}
	out[at] = '\0';
	return true;
}

static bool visitor_read(struct web_visitor *v, struct bytes path)
{
	struct web_routed *r = calloc(1, sizeof(*r));
	bool good;

	v->asked = r;
	if (!r)
		return false;
	r->route = v->route;
	r->tls = v->routing->tls;
	r->method = v->is_head ? "HEAD" : v->route->method;
	good = !bytes_cstr(path, r->path, sizeof(r->path)) && visitor_arguments(v, r->arguments) &&
	       !web_clients_peer(lws_get_socket_fd(v->wsi), &r->peer) &&
	       route_header(v->wsi, WSI_TOKEN_HOST, r->host, sizeof(r->host)) &&
	       route_header(v->wsi, WSI_TOKEN_HTTP_RANGE, v->range, sizeof(v->range)) &&
	       route_header(v->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, v->if_none_match,
			    sizeof(v->if_none_match));
	/* only the beginning of a long one counts */
	if (lws_hdr_copy_fragment(v->wsi, r->agent, sizeof(r->agent), WSI_TOKEN_HTTP_USER_AGENT,
				  0) < 0)
		r->agent[0] = '\0';
	return good;
}

static bool visitor_has_credentials(struct web_visitor *v)
{
	static const char digest[] = "Digest ";
	struct web_routed *r = v->asked;
	bool good =
		route_header(v->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, r->digest, sizeof(r->digest));

	if (good && v->routing->routes->digest && bytes_istarts(bytes_str(r->digest), digest))
		return true;
	good = good &&
	       web_basic_parse(bytes_str(r->digest), r->user, r->password, sizeof(r->password));
	explicit_bzero(r->digest, sizeof(r->digest));
	return good || v->routing->routes->digest;
}

int web_visitor_on_head(struct web_routing *g, struct web_visitor **out, struct lws *wsi,
			struct bytes path)
{
	struct web_visitor *v = calloc(1, sizeof(*v));
	bool is_put = lws_hdr_total_length(wsi, WSI_TOKEN_PUT_URI) > 0;

	*out = v;
	if (!v)
		return -1;
	v->routing = g;
	v->wsi = wsi;
	v->is_head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
	v->closes = !v->is_head && lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0;
	if (v->closes && !is_put)
		return visitor_refuse(v, 405, "GET, HEAD or PUT\n");
	for (const struct web_route *r = g->routes->list; r->method && !v->route; r++) {
		if (!strcmp(r->method, is_put ? "PUT" : "GET") && web_route_fits(r->path, path))
			v->route = r;
	}
	if (!v->route)
		return visitor_refuse(v, 404, "not found\n");
	if (!visitor_read(v, path))
		return visitor_refuse(v, 431, "the request's head is too long\n");
	if (v->route->auth == WEB_AUTH_LOGIN && !visitor_has_credentials(v))
		return visitor_challenge(v);
	return visitor_body_start(v);
}

int web_visitor_body(struct web_visitor *v, struct bytes octets)
{
	if (v->answer.status)
		return 0; /* it was refused: the rest is not read */
	if (octets.n > v->body_size - v->body_n)
		return -1;
	while (octets.n > v->body_room - v->body_n) {
		if (!visitor_body_room(v, v->body_room ? 2 * v->body_room : ROUTE_BODY_ROOM))
			return -1;
	}
	if (octets.n)
		memcpy(v->body + v->body_n, octets.p, octets.n);
	v->body_n += octets.n;
	return 0;
}

int web_visitor_body_end(struct web_visitor *v)
{
	if (v->ended)
		return -1; /* the library has read more than the request: request_completed */
	v->ended = true;
	if (v->answer.status || v->place)
		return v->answer.status || v->body_n == v->body_size ? 0 : -1;
	return v->body_n == v->body_size && v->admitted ? visitor_store(v, &v->accepted) : -1;
}

/* ---- what is sent ---- */

static void etag_make(struct web_visitor *v)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct writer w = writer_over(v->etag, sizeof(v->etag) - 1);

	(void)SHA256(v->answer.text, v->answer.n, hash);
	writer_str(&w, "\"");
	writer_hex(&w, bytes_mem(hash, 8));
	writer_str(&w, "\"");
	v->etag[w.n] = '\0';
}

/* Chooses the part of the answer to a GET that the request asks for (Range, RFC 9110 14). */
static void visitor_choose(struct web_visitor *v)
{
	struct web_route_answer *a = &v->answer;
	struct web_range range;

	v->size = a->n;
	if (a->status != 200 || (!a->text && !v->file) || strcmp(v->route->method, "GET"))
		return;
	if (!v->file)
		etag_make(v);
	if (v->if_none_match[0] && web_header_has_tag(bytes_str(v->if_none_match), v->etag)) {
		a->status = 304;
		v->size = 0;
	} else if (web_range_parse(bytes_str(v->range), a->n, &range)) {
		a->status = 416;
		v->size = 0;
	} else if (range.part) {
		a->status = 206;
		v->part = true;
		v->from = range.from;
		v->size = range.n;
	}
}

static int visitor_head(const struct web_visitor *v)
{
	const struct web_route_answer *a = &v->answer;
	bool has_body = a->status != 304 && a->status != 204;
	char part[96] = "", retry[12], realm[160] = "";
	bool is_challenge = a->status == 401;
	const struct web_header headers[] = {
#define CHALLENGE(i) \
	{ "www-authenticate:", is_challenge && a->challenges[i][0] ? a->challenges[i] : NULL }
		CHALLENGE(0),
		CHALLENGE(1),
		CHALLENGE(2),
#undef CHALLENGE
		{ "www-authenticate:", is_challenge ? realm : NULL },
		{ "retry-after:", a->status == 429 || a->status == 503 ? retry : NULL },
		{ "content-range:", part[0] || v->part || a->status == 416 ? part : NULL },
		{ "accept-ranges:", v->etag[0] ? "bytes" : NULL },
		{ "etag:", v->etag[0] ? v->etag : NULL },
		{ "cache-control:", "private, no-store" },
		{ "x-content-type-options:", "nosniff" },
		{ "connection:", v->closes ? "close" : NULL },
		{ 0 }
	};

	(void)snprintf(realm, sizeof(realm), "Basic realm=\"%s\", charset=\"UTF-8\"",
		       v->routing->routes->realm);
	(void)snprintf(retry, sizeof(retry), "%" PRIu32, a->retry_s ? a->retry_s : 1);
	if (v->part)
		(void)snprintf(part, sizeof(part), "bytes %" PRIu64 "-%" PRIu64 "/%zu", v->from,
			       v->from + v->size - 1, a->n);
	else
		(void)snprintf(part, sizeof(part), "bytes */%zu", a->n);
	return web_head_send(v->wsi, a->status,
			     !has_body ? NULL
			     : a->type ? a->type
				       : "text/plain",
			     v->size, headers);
}

int web_visitor_send(struct web_visitor *v, bool *done)
{
	uint8_t piece[LWS_PRE + WEB_ROUTE_PIECE]; /* the library may write in front */
	uint64_t left;
	size_t n;

	*done = false;
	if (!v->answer.status)
		return 0;
	if (!v->has_head) {
		v->has_head = true;
		visitor_choose(v);
		*done = v->is_head || !v->size;
		if (!*done)
			(void)lws_callback_on_writable(v->wsi);
		return visitor_head(v) || (*done && v->closes) ? -1 : 0;
	}
	left = v->size - v->sent;
	n = left < WEB_ROUTE_PIECE ? (size_t)left : WEB_ROUTE_PIECE;
	if (!v->file)
		memcpy(piece + LWS_PRE, v->answer.text + v->from + v->sent, n);
	else if (pread(v->file - 1, piece + LWS_PRE, n, (off_t)(v->from + v->sent)) != (ssize_t)n)
		return -1; /* it has been cut off since */
	if (lws_write(v->wsi, piece + LWS_PRE, n,
		      n == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) != (int)n)
		return -1;
	v->sent += n;
	if (n < left)
		return lws_callback_on_writable(v->wsi) < 0 ? -1 : 0;
	*done = true;
	return v->closes ? -1 : 0;
}

void web_visitor_drop(struct web_visitor *v)
{
	if (!v)
		return;
	if (v->place)
		v->place->v = NULL;
	visitor_early_end(v);
	web_route_free(v->asked);
	if (v->answer.text)
		explicit_bzero(v->answer.text, v->answer.n);
	free(v->answer.text);
	if (v->file)
		(void)close(v->file - 1);
	if (v->body)
		explicit_bzero(v->body, v->body_n);
	free(v->body);
	free(v);
}

/* ---- life ---- */

int web_routing_open(struct web_routing **out, const struct web_routes *routes, bool tls)
{
	struct web_routing *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->routes = routes;
	g->tls = tls;
	*out = g;
	return 0;
}

void web_routing_close(struct web_routing *g)
{
	free(g);
}
