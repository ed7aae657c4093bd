/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web thread's half of the HTTP API: it reads a request with its head, token and body, applies
 * rates and shares, asks the door, waits for the loop's answer and writes the response (entity
 * tags, gzip, CORS, links to next pages). A client that leaves keeps its place until the answer
 * comes, so places cannot be multiplied by reconnecting. Bodies have bounds, and text with tokens
 * is wiped.
 */

#include "app/web/web_api.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "app/web/web_clients.h"
#include "app/web/web_raw.h"
#include "app/web/web_request.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/table.h"
#include "sig/sip/stream_rate.h"

enum {
	API_BODY_MAX = 147456, /* the longest arguments of a command, with their framing */
	API_FILES_MAX = 8,     /* longer bodies at once */
	API_FILES_SHARE = 4,   /* of one tenant */
	API_TEXT_MAX = 4096,   /* path and query, or one header */
	API_LINK_MAX = 3072,   /* the next page */
	API_PIECE = 4096,
	API_LARGE = 262144, /* octets of an answer of a page of which few may be on their way */
	API_LARGES_MAX = 16,
	API_LARGES_SHARE = 4, /* of one holder */
	API_SLOWEST = 65536,  /* octets a second that a client must take of an answer */
	API_GZIP_MIN = 1024,  /* octets of an answer that are worth it */
	API_SOURCES = 1024,   /* buckets by hash: two sources may share one */
	API_TOKENS = 4096,
	API_ANSWER_S = 15,
	/* Requests without a token, such as logins, that wait for their answers. */
	API_STRANGERS_MAX = 64,
	API_PLACE_BITS = 8,
};

static_assert(WEB_CALLS_MAX <= 1 << API_PLACE_BITS, "a place is the last octet of an id");

struct api_place {
	uint64_t id;         /* 0: free */
	struct web_query *q; /* NULL: the client left before its answer */
	struct web_holders who;
};

/* Of one source: a client with a valid token is served all the same. */
static const struct stream_rate g_wrong_tokens = { .per_s = 2, .burst = 20 };

struct web_api {
	const struct web_door *door;
	struct web_api_terms terms;
	_Atomic(struct web_api_terms *) fresh; /* malloc'ed; NULL: nothing newer */
	struct hash_key key;
	uint64_t sources[API_SOURCES], wrong[API_SOURCES]; /* of stream_rate */
	uint64_t tokens[API_TOKENS];
	uint64_t asked; /* so far */
	/* Holders of bodies above API_BODY_MAX: a hash of the tenant; 0: free. */
	uint64_t files[API_FILES_MAX];
	/* Holders of answers above API_LARGE: a user, a token or a source; 0: free. */
	uint64_t larges[API_LARGES_MAX];
	/* The OpenAPI document, as it is and by gzip, malloc'ed; NULL: not yet requested. */
	char *openapi, *packed;
	size_t openapi_n, packed_n;
	struct api_place places[WEB_CALLS_MAX];
};

struct web_query {
	struct web_api *api;
	struct lws *wsi;
	struct api_place *place; /* NULL: nothing is awaited */
	struct web_call call;    /* its slices lie in text */
	struct web_reply reply;  /* status 0: none yet */
	uint8_t *body;           /* malloc'ed */
	size_t body_n, body_size;
	bool has_head, closes;
	bool is_whole; /* its body has ended */
	bool is_head;  /* its answer has no body */
	bool is_raw;   /* the library does not read it, nor write its answer (web_raw.h) */
	bool is_page;  /* of a feature */
	bool gzip;     /* its answer may be compressed, or is */
	bool cors;     /* from an allowed origin */
	bool openapi;  /* its answer is that shared document */
	struct bytes origin, encodings;
	uint64_t source; /* a hash of its address */
	struct web_holders who;
	uint8_t file;      /* index in files + 1; 0: its body is no file */
	uint8_t large;     /* index in larges + 1; 0: its answer is not large */
	uint64_t until_ns; /* its answer is to be taken by then */
	unsigned retry_s;
	char etag[48]; /* of the answer; empty: none */
	size_t sent;
	size_t text_n;
	char text[3 * API_TEXT_MAX];
};

int web_api_open(struct web_api **out, const struct web_door *door,
		 const struct web_api_terms *terms)
{
	struct web_api *a = calloc(1, sizeof(*a));
	struct rand_source rand;

	if (!a)
		return -ENOMEM;
	a->door = door;
	if (terms)
		a->terms = *terms;
	rand_open_system(&rand);
	a->key.k0 = rand_u64_from(&rand);
	a->key.k1 = rand_u64_from(&rand);
	*out = a;
	return 0;
}

void web_api_renew(struct web_api *a, const struct web_api_terms *terms)
{
	struct web_api_terms *fresh = malloc(sizeof(*fresh));

	if (!fresh)
		return;
	*fresh = *terms;
	/* release: pairs with the acquire in api_refresh */
	free(atomic_exchange_explicit(&a->fresh, fresh, memory_order_acq_rel));
}

static void api_refresh(struct web_api *a)
{
	/* acquire: pairs with the release in web_api_renew */
	struct web_api_terms *fresh =
		atomic_exchange_explicit(&a->fresh, NULL, memory_order_acquire);

	if (fresh)
		a->terms = *fresh;
	free(fresh);
}

void web_api_close(struct web_api *a)
{
	if (!a)
		return;
	api_refresh(a);
	free(a->openapi);
	free(a->packed);
	free(a);
}

/* ---- answers ---- */

/* A strong validator (RFC 9110 8.8.3): a document's has its version, which If-Match names, and a
 * hash of the octets, as some show counters, too; others have the hash alone. The key is no secret,
 * so that all nodes give the same. */
static void query_tag(struct web_query *q)
{
	static const struct hash_key key = { 0 };
	const struct web_reply *r = &q->reply;
	bool is_get = bytes_is(q->call.method, "GET");
	struct writer w = writer_over(q->etag, sizeof(q->etag) - 1);

	if (r->type) {
		memcpy(q->etag, r->tag, sizeof(q->etag));
		if (is_get && r->status == 200 && q->etag[0] &&
		    web_header_has_tag(q->call.if_none_match, q->etag))
			q->reply.status = 304;
		return;
	}
	if (r->status != 200 || !r->text || !(is_get || r->version))
		return;
	writer_str(&w, "\"");
	if (r->version)
		writer_fmt(&w, "v%" PRIu64 "%s", r->version, is_get ? "-" : "");
	if (is_get)
		writer_fmt(&w, "%016" PRIx64 "%s", hash_sip(&key, bytes_mem(r->text, r->n)),
			   q->gzip ? "-gzip" : "");
	writer_str(&w, "\"");
	q->etag[w.n] = '\0';
	if (is_get && web_header_has_tag(q->call.if_none_match, q->etag))
		q->reply.status = 304;
}

/* malloc'ed; NULL: it stays as it is. */
static char *text_gzip(const struct web_reply *r, size_t *n)
{
	z_stream z = { .next_in = (Bytef *)r->text, .avail_in = (uInt)r->n };
	size_t room;
	char *out;
	bool ok;

	if (r->n > UINT32_MAX / 2 || deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + 16,
						  MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return NULL;
	room = deflateBound(&z, r->n);
	out = malloc(room);
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)room;
	ok = out && deflate(&z, Z_FINISH) == Z_STREAM_END;
	(void)deflateEnd(&z);
	*n = (size_t)z.total_out;
	if (ok)
		return out;
	free(out);
	return NULL;
}

static bool query_gzip(struct web_query *q)
{
	struct web_api *a = q->api;
	struct web_reply *r = &q->reply;
	size_t n = a->packed_n;
	char *packed = q->openapi ? a->packed : NULL;

	if (!packed)
		packed = text_gzip(r, &n);
	if (!packed)
		return false;
	if (q->openapi) {
		a->packed = packed;
		a->packed_n = n;
	} else {
		free(r->text);
	}
	r->text = packed;
	r->n = n;
	return true;
}

/* The answer of a page lies in memory until its client has taken it. False: too many do. */
static bool large_start(struct web_query *q)
{
	const uint64_t *of = q->who.of;
	uint64_t *larges = q->api->larges, holder = of[WEB_HOLDER_SOURCE];
	uint32_t own = 0;

	if (of[WEB_HOLDER_TOKEN])
		holder = of[of[WEB_HOLDER_USER] ? WEB_HOLDER_USER : WEB_HOLDER_TOKEN];
	for (uint8_t i = 0; i < API_LARGES_MAX; i++) {
		own += larges[i] == holder;
		if (!larges[i])
			q->large = i + 1;
	}
	if (own >= API_LARGES_SHARE)
		q->large = 0;
	if (q->large)
		larges[q->large - 1] = holder;
	return q->large;
}

static int query_refuse(struct web_query *q, unsigned status, const char *title);

static int query_answer(struct web_query *q, const struct web_reply *reply)
{
	if (q->is_page && reply->n > API_LARGE && !large_start(q)) {
		free(reply->text);
		return query_refuse(q, 503, "too many large answers are on their way");
	}
	q->reply = *reply;
	q->gzip = reply->text && reply->n >= API_GZIP_MIN && web_header_takes_gzip(q->encodings);
	query_tag(q);
	if (q->gzip && q->reply.status != 304)
		q->gzip = query_gzip(q);
	web_request_count(reply->status < 400);
	(void)lws_callback_on_writable(q->wsi);
	return 0;
}

/* An error before the door was asked. RFC 9457. */
static int query_refuse(struct web_query *q, unsigned status, const char *title)
{
	struct web_reply reply = { .status = status };
	char *text = malloc(WEB_PROBLEM_MAX);

	q->closes = true;
	if (text)
		reply.n = web_problem_write(text, WEB_PROBLEM_MAX, status, title);
	reply.text = text;
	return query_answer(q, &reply);
}

/* For an exhausted rate: until its next token. */
static int query_brake(struct web_query *q, uint64_t full_ns, const struct stream_rate *rate,
		       const char *title)
{
	uint64_t now_ns = clock_now_ns(), next_ns = stream_rate_next_ns(full_ns, rate);

	q->retry_s = 1 + (unsigned)(next_ns > now_ns ? (next_ns - now_ns) / NS_PER_S : 0);
	return query_refuse(q, 429, title);
}

static bool api_has(uint64_t *bucket, const struct stream_rate *rate)
{
	return !rate->per_s || stream_rate_spend(bucket, rate, clock_now_ns());
}

void web_api_on_answers(struct web_api *a)
{
	struct web_reply reply;

	api_refresh(a);

	while (web_asks_pop(a->door->asks, &reply)) {
		struct api_place *place = &a->places[reply.id & ((1U << API_PLACE_BITS) - 1)];
		struct web_query *q = place->q;

		assert(place->id == reply.id);
		*place = (struct api_place){ 0 };
		if (!q) {
			free(reply.text);
			continue;
		}
		q->place = NULL;
		(void)query_answer(q, &reply);
	}
}

/* ---- a request ---- */

/* A client that leaves before its answer keeps its place until then.
 * NULL: none is free, or its share is used up. */
static struct api_place *api_place(struct web_api *a, const struct web_holders *who)
{
	uint32_t held[WEB_HOLDER_COUNT] = { 0 }, others = 0, strangers = 0;
	struct api_place *free = NULL;

	for (size_t i = 0; i < WEB_CALLS_MAX; i++) {
		struct api_place *p = &a->places[i];

		if (!p->id) {
			free = p;
			continue;
		}
		others += !p->who.is_operator;
		strangers += !p->who.of[WEB_HOLDER_TOKEN];
		for (int by = 0; by < WEB_HOLDER_COUNT; by++)
			held[by] += p->who.of[by] == who->of[by];
	}
	for (int by = 0; by < WEB_HOLDER_COUNT; by++) {
		if (who->of[by] && held[by] >= web_holder_share((enum web_holder)by))
			return NULL;
	}
	if (!who->of[WEB_HOLDER_TOKEN] && strangers >= API_STRANGERS_MAX)
		return NULL;
	return who->is_operator || others < WEB_CALLS_MAX - WEB_OPERATORS_MAX ? free : NULL;
}

/* It is whole. */
static int query_request(struct web_query *q)
{
	struct web_api *a = q->api;
	struct api_place *place = api_place(a, &q->who);
	struct web_reply reply = { 0 };
	struct web_work work = { 0 };

	if (!place)
		return query_refuse(q, 503, "too many requests wait for their answer");
	q->call.body = bytes_mem(q->body, q->body_n);
	if (a->door->look(&q->call, &reply, &work.work, a->door->arg)) {
		uint64_t *wrong = &a->wrong[q->source % API_SOURCES];

		if (reply.status != 401 || api_has(wrong, &g_wrong_tokens))
			return query_answer(q, &reply);
		free(reply.text);
		return query_brake(q, *wrong, &g_wrong_tokens, "too many wrong tokens");
	}
	work.id = ++a->asked << API_PLACE_BITS | (uint64_t)(place - a->places);
	*place = (struct api_place){ work.id, q, q->who };
	q->place = place;
	lws_set_timeout(q->wsi, PENDING_TIMEOUT_HTTP_CONTENT, API_ANSWER_S);
	web_asks_push(a->door->asks, &work);
	return 0;
}

/* The next n octets of text. */
static struct bytes text_read(struct web_query *q, size_t n)
{
	struct bytes taken = bytes_mem(q->text + q->text_n, n);

	q->text_n += n;
	return taken;
}

/* Empty: absent. False: too long. */
static bool header_read(struct web_query *q, enum lws_token_indexes token, struct bytes *out)
{
	int n = lws_hdr_total_length(q->wsi, token);
	size_t room = sizeof(q->text) - q->text_n;

	*out = (struct bytes){ 0 };
	if (n <= 0)
		return true;
	if (lws_hdr_copy(q->wsi, q->text + q->text_n, (int)room, token) != n)
		return false;
	*out = text_read(q, (size_t)n);
	return true;
}

static bool api_key_read(struct web_query *q)
{
	static const char name[] = "idempotency-key:";
	int n = lws_hdr_custom_length(q->wsi, name, sizeof(name) - 1);
	size_t room = sizeof(q->text) - q->text_n;

	if (n <= 0)
		return true;
	if (lws_hdr_custom_copy(q->wsi, q->text + q->text_n, (int)room, name, sizeof(name) - 1) < 0)
		return false;
	q->call.key = text_read(q, (size_t)n);
	return true;
}

/* The library has split and decoded them. */
static bool arguments_read(struct web_query *q)
{
	size_t from = q->text_n;
	int n;

	for (int i = 0;; i++) {
		size_t room = sizeof(q->text) - q->text_n;

		n = lws_hdr_copy_fragment(q->wsi, q->text + q->text_n, (int)room - 1,
					  WSI_TOKEN_HTTP_URI_ARGS, i);
		if (n < 0)
			break;
		q->text_n += (size_t)n;
		q->text[q->text_n++] = '\n';
		if (sizeof(q->text) - q->text_n < API_TEXT_MAX)
			return false;
	}
	q->call.arguments = bytes_mem(q->text + from, q->text_n - from);
	return true;
}

static void credentials_read(struct web_query *q, struct bytes said)
{
	static const char bearer[] = "Bearer ", basic[] = "Basic ";

	if (bytes_istarts(said, bearer))
		q->call.token = bytes_from(said, sizeof(bearer) - 1);
	else if (q->is_page && bytes_istarts(said, basic))
		q->call.basic = bytes_trim(bytes_from(said, sizeof(basic) - 1));
}

static bool request_head_read(struct web_query *q, struct bytes path)
{
	struct bytes said;

	if (path.n > API_TEXT_MAX)
		return false;
	memcpy(q->text, path.p, path.n);
	q->call.path = text_read(q, path.n);
	if (!header_read(q, WSI_TOKEN_HTTP_AUTHORIZATION, &said) || !api_key_read(q) ||
	    !arguments_read(q))
		return false;
	if (!header_read(q, WSI_TOKEN_ORIGIN, &q->origin) ||
	    !header_read(q, WSI_TOKEN_HTTP_ACCEPT_ENCODING, &q->encodings) ||
	    !header_read(q, WSI_TOKEN_HTTP_CONTENT_TYPE, &q->call.content_type) ||
	    !header_read(q, WSI_TOKEN_HTTP_IF_NONE_MATCH, &q->call.if_none_match) ||
	    !header_read(q, WSI_TOKEN_HTTP_IF_MATCH, &q->call.if_match))
		return false;
	credentials_read(q, said);
	return true;
}

static struct bytes query_method(struct lws *wsi)
{
	static const struct {
		enum lws_token_indexes token;
		const char *name;
	} methods[] = {
		{ WSI_TOKEN_GET_URI, "GET" },         { WSI_TOKEN_POST_URI, "POST" },
		{ WSI_TOKEN_PATCH_URI, "PATCH" },     { WSI_TOKEN_DELETE_URI, "DELETE" },
		{ WSI_TOKEN_PUT_URI, "PUT" },         { WSI_TOKEN_HEAD_URI, "HEAD" },
		{ WSI_TOKEN_OPTIONS_URI, "OPTIONS" },
	};

	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		if (lws_hdr_total_length(wsi, methods[i].token))
			return bytes_str(methods[i].name);
	}
	return BYTES_LIT("");
}

static bool upload_start(struct web_query *q)
{
	uint64_t *files = q->api->files, tenant = q->who.of[WEB_HOLDER_TENANT];
	uint32_t own = 0;

	for (uint8_t i = 0; i < API_FILES_MAX; i++) {
		own += files[i] == tenant;
		if (!files[i])
			q->file = i + 1;
	}
	if (own >= API_FILES_SHARE)
		q->file = 0;
	if (q->file)
		files[q->file - 1] = tenant;
	return q->file;
}

static int body_wait(struct web_query *q, uint64_t n)
{
	if (n > API_BODY_MAX && n > q->api->door->file_max(&q->call, q->api->door->arg))
		return query_refuse(q, 413, "a body has at most 147456 octets, a file 1048576");
	if (n > API_BODY_MAX && !upload_start(q))
		return query_refuse(q, 503, "too many files come at once");
	if (!n)
		return query_request(q);
	q->body = malloc(n);
	q->body_size = n;
	return q->body ? 0 : -1;
}

/* How long its body is: RFC 9112 6.3. Without a length it has none. */
static int body_start(struct web_query *q)
{
	struct bytes length;
	uint64_t n = 0;

	if (q->is_raw)
		return body_wait(q, q->body_size);
	if (lws_hdr_total_length(q->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
		return query_refuse(q, 411, "give Content-Length, not Transfer-Encoding");
	if (!header_read(q, WSI_TOKEN_HTTP_CONTENT_LENGTH, &length) ||
	    (length.n && bytes_u64(length, &n)))
		return query_refuse(q, 400, "Content-Length is no number");
	/* the library expects a body unless a length says that it is empty */
	q->closes = !length.n && !bytes_is(q->call.method, "GET");
	return body_wait(q, n);
}

/* RFC 9110 9.3.7, and CORS preflight requests: these have no token. */
static int query_options(struct web_query *q)
{
	const struct web_reply reply = { .status = 204, .text = calloc(1, 1) };

	return query_answer(q, &reply);
}

/* For anybody: it has what docs/api.md has. Made at the first request, as it takes 30 ms. */
static int query_openapi(struct web_query *q)
{
	struct web_api *a = q->api;
	struct web_reply reply = { .status = 200 };

	if (!a->openapi) {
		a->openapi = a->door->openapi();
		if (!a->openapi)
			return query_refuse(q, 503, "no memory");
		a->openapi_n = strlen(a->openapi);
	}
	reply.text = a->openapi;
	reply.n = a->openapi_n;
	q->openapi = true;
	return query_answer(q, &reply);
}

static uint64_t holder_hash(const struct web_api *a, const char *tenant, const char *kind,
			    const char *name)
{
	char text[EVENTS_TENANT_MAX + EVENTS_SESSION_MAX + EVENTS_USER_MAX];
	int n = snprintf(text, sizeof(text), "%s~%s~%s", tenant, kind, name);

	return hash_sip(&a->key, bytes_mem(text, (size_t)n)) | 1;
}

/* Holder of the request's connection, and of its place meanwhile. NULL, or the refusal. */
static const char *query_hold(struct web_query *q)
{
	const struct web_door *door = q->api->door;
	struct web_client *client = lws_get_opaque_user_data(q->wsi);
	struct web_who who;

	q->who.of[WEB_HOLDER_SOURCE] = q->source | 1;
	if (!door->who(q->call.token, &who, door->arg)) {
		if (client)
			web_client_forget(client);
		return NULL;
	}
	q->who.is_operator = who.is_operator;
	q->who.of[WEB_HOLDER_TENANT] = holder_hash(q->api, who.tenant, "", "");
	q->who.of[WEB_HOLDER_TOKEN] = holder_hash(q->api, who.tenant, "token", who.token);
	if (who.user[0])
		q->who.of[WEB_HOLDER_USER] = holder_hash(q->api, who.tenant, "user", who.user);
	return client ? web_client_hold(client, &q->who) : NULL;
}

/* Rates of a source and of a token; before any other work for them. */
static int query_open(struct web_query *q)
{
	struct web_api *a = q->api;
	uint64_t *source = &a->sources[q->source % API_SOURCES];
	uint64_t *token = &a->tokens[hash_sip(&a->key, q->call.token) % API_TOKENS];
	const struct origin_request page = { .origin = q->origin };
	const char *full;

	q->cors = q->origin.n && a->terms.cors_count &&
		  origin_is_allowed(&page, a->terms.cors, a->terms.cors_count);
	if (!api_has(source, &a->terms.per_source))
		return query_brake(q, *source, &a->terms.per_source,
				   "too many requests of this address");
	if (bytes_is(q->call.method, "OPTIONS") && !q->is_page)
		return query_options(q);
	if (bytes_is(q->call.path, WEB_API_OPENAPI) && bytes_is(q->call.method, "GET"))
		return query_openapi(q);
	if (q->call.token.n && !api_has(token, &a->terms.per_token))
		return query_brake(q, *token, &a->terms.per_token,
				   "too many requests with this token");
	full = query_hold(q);
	return full ? query_refuse(q, 429, full) : body_start(q);
}

static struct web_query *query_new(struct web_api *a, struct lws *wsi)
{
	struct web_query *q = calloc(1, sizeof(*q));
	struct addr peer;

	if (!q)
		return NULL;
	q->api = a;
	q->wsi = wsi;
	q->call.method = query_method(wsi);
	q->is_head = bytes_is(q->call.method, "HEAD");
	if (q->is_head) /* RFC 9110 9.3.2: all but the body is as of GET */
		q->call.method = BYTES_LIT("GET");
	q->call.from_loopback = !web_clients_peer(lws_get_socket_fd(wsi), &q->call.peer) &&
				addr_is_loopback(&q->call.peer);
	peer = addr_source(&q->call.peer);
	q->source = hash_sip(&a->key, bytes_mem(peer.ip, sizeof(peer.ip)));
	return q;
}

struct web_query *web_query_read(struct web_api *a, struct lws *wsi, struct bytes path)
{
	struct web_query *q = query_new(a, wsi);

	if (q && request_head_read(q, path))
		return q;
	web_query_drop(q);
	return NULL;
}

const struct web_call *web_query_call(const struct web_query *q)
{
	return &q->call;
}

int web_query_answer(struct web_query *q, const struct web_reply *reply)
{
	uint64_t *wrong = &q->api->wrong[q->source % API_SOURCES];

	if (reply->status != 401 || api_has(wrong, &g_wrong_tokens))
		return query_answer(q, reply);
	free(reply->text);
	return query_brake(q, *wrong, &g_wrong_tokens, "too many wrong tokens");
}

int web_query_on_head(struct web_api *a, struct web_query **out, struct lws *wsi, struct bytes path)
{
	struct web_query *q = query_new(a, wsi);

	*out = q;
	if (!q)
		return -1;
	q->is_page = a->door->page(path);
	return request_head_read(q, path) ? query_open(q)
					  : query_refuse(q, 431, "the request's head is too long");
}

bool web_api_has_page(const struct web_api *a, struct bytes path)
{
	return a->door->page(path);
}

/* The head stays where it is until the connection ends. */
int web_query_on_raw(struct web_api *a, struct web_query **out, struct lws *wsi,
		     const struct web_raw_head *head, unsigned status)
{
	struct web_query *q = query_new(a, wsi);

	*out = q;
	if (!q)
		return -1;
	q->is_raw = q->closes = true;
	if (status)
		return query_refuse(q, status, "the request cannot be read");
	if (!a->door->page(head->path))
		return query_refuse(q, 405, "this path has no such method");
	memcpy(q->text, head->method, sizeof(head->method));
	q->call.method = text_read(q, strlen(head->method));
	q->is_page = true;
	q->call.path = head->path;
	q->call.content_type = head->content_type;
	q->call.if_match = head->if_match;
	q->call.if_none_match = head->if_none_match;
	q->call.depth = head->depth;
	q->origin = head->origin;
	credentials_read(q, head->authorization);
	q->body_size = head->length;
	return query_open(q);
}

int web_query_body(struct web_query *q, struct bytes octets)
{
	if (q->reply.status)
		return 0; /* it was refused: the rest is not read */
	if (octets.n > q->body_size - q->body_n)
		return -1;
	if (octets.n)
		memcpy(q->body + q->body_n, octets.p, octets.n);
	q->body_n += octets.n;
	return 0;
}

int web_query_body_end(struct web_query *q)
{
	bool was_whole = q->is_whole;

	q->is_whole = true;
	if (was_whole) /* the library has read more than the request: see request_completed */
		return -1;
	if (q->reply.status || q->place)
		return 0;
	return q->body_n == q->body_size ? query_request(q) : -1;
}

/* RFC 3986 2.1: all but unreserved octets and those in more. */
static void uri_part_write(struct writer *w, struct bytes text, const char *more)
{
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (isalnum(c) || (c && (strchr("-._~", c) || strchr(more, c))))
			writer_u8(w, c);
		else
			writer_fmt(w, "%%%02X", c);
	}
}

/* The same request with another cursor: RFC 8288. NULL: too long. */
static const char *next_link(const struct web_query *q, char out[API_LINK_MAX])
{
	struct writer w = writer_over(out, API_LINK_MAX - 1);
	struct bytes rest = q->call.arguments, one;

	writer_str(&w, "<");
	uri_part_write(&w, q->call.path, "/:");
	WRITER_TEXTS(&w, "?cursor=", q->reply.next);
	while (bytes_cut(&rest, '\n', &one)) {
		struct bytes name = { 0 };

		if (bytes_starts(one, "cursor="))
			continue;
		(void)bytes_cut(&one, '=', &name);
		writer_str(&w, "&");
		uri_part_write(&w, name, "");
		writer_str(&w, "=");
		uri_part_write(&w, one, "");
	}
	writer_str(&w, ">; rel=\"next\"");
	out[w.n] = '\0';
	return w.overflow ? NULL : out;
}

static int query_head(const struct web_query *q)
{
	const struct web_reply *r = &q->reply;
	bool has_body = r->status != 304 && r->status != 204;
	bool asks = q->cors && bytes_is(q->call.method, "OPTIONS"); /* CORS preflight */
	char link[API_LINK_MAX], retry[12], allow[sizeof(r->allow) + 16], origin[ORIGIN_MAX] = "";
	const struct web_header headers[] = {
		{ "etag:", q->etag[0] ? q->etag : NULL },
		{ "cache-control:", q->openapi ? "no-cache" : "no-store" },
		{ "x-content-type-options:", "nosniff" },
		{ "connection:", q->closes ? "close" : NULL },
		{ "www-authenticate:", r->status != 401 ? NULL
				       : q->is_page ? "Basic realm=\"tandem\", charset=\"UTF-8\""
						    : "Bearer" },
		{ "dav:", r->dav },
		{ "location:", r->location[0] ? r->location : NULL },
		{ "link:", r->next[0] ? next_link(q, link) : NULL },
		{ "tandem-missing:", r->missing[0] ? r->missing : NULL },
		{ "allow:", r->allow[0] ? allow : NULL },
		{ "retry-after:", r->status == 429 || r->status == 503 ? retry : NULL },
		{ "vary:", "Accept-Encoding, Origin" },
		{ "content-encoding:", q->gzip && r->status != 304 ? "gzip" : NULL },
		/* fetch.spec.whatwg.org/#http-cors-protocol; no cookies, so no credentials */
		{ "access-control-allow-origin:", q->cors ? origin : NULL },
		{ "access-control-expose-headers:",
		  q->cors && !asks ? "ETag, Link, Retry-After, Tandem-Missing" : NULL },
		{ "access-control-allow-methods:", asks ? "GET, HEAD, POST, PATCH, DELETE" : NULL },
		{ "access-control-allow-headers:",
		  asks ? "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"
		       : NULL },
		{ "access-control-max-age:", asks ? "600" : NULL },
		{ 0 }
	};

	(void)snprintf(retry, sizeof(retry), "%u", q->retry_s ? q->retry_s : 1);
	(void)snprintf(allow, sizeof(allow), "%s%s, OPTIONS", r->allow,
		       strstr(r->allow, "GET") ? ", HEAD" : "");
	if (q->cors && bytes_cstr(q->origin, origin, sizeof(origin)))
		return -1;
	return (q->is_raw ? web_raw_head_send : web_head_send)(q->wsi, r->status,
							       !has_body ? NULL
							       : r->type ? r->type
							       : r->status < 400
								       ? "application/json"
								       : "application/problem+json",
							       r->n, headers);
}

int web_query_send(struct web_query *q, bool *done)
{
	uint8_t piece[LWS_PRE + API_PIECE]; /* the library may write in front */
	size_t left = q->reply.n - q->sent, n = left < API_PIECE ? left : API_PIECE;

	*done = false;
	if (!q->reply.status)
		return 0;
	if (!q->reply.text)
		return -1;
	if (!q->has_head) {
		q->has_head = true;
		*done = q->is_head || q->reply.status == 304 || q->reply.status == 204 ||
			!q->reply.n;
		if (!*done)
			(void)lws_callback_on_writable(q->wsi);
		return query_head(q) || (*done && q->closes) ? -1 : 0;
	}
	memcpy(piece + LWS_PRE, q->reply.text + q->sent, n);
	/* as long as it takes some now and then, and not all too slowly */
	if (q->is_raw && !q->sent)
		q->until_ns = clock_now_ns() + q->reply.n / API_SLOWEST * NS_PER_S;
	if (q->is_raw && (!q->sent || clock_now_ns() < q->until_ns))
		lws_set_timeout(q->wsi, PENDING_TIMEOUT_HTTP_CONTENT, API_ANSWER_S);
	if (lws_write(q->wsi, piece + LWS_PRE, n,
		      q->is_raw   ? LWS_WRITE_RAW
		      : n == left ? LWS_WRITE_HTTP_FINAL
				  : LWS_WRITE_HTTP) != (int)n)
		return -1;
	q->sent += n;
	if (n < left)
		return lws_callback_on_writable(q->wsi) < 0 ? -1 : 0;
	*done = true;
	return q->closes ? -1 : 0;
}

void web_query_drop(struct web_query *q)
{
	if (!q)
		return;
	if (q->place)
		q->place->q = NULL;
	if (q->file)
		q->api->files[q->file - 1] = 0;
	if (q->large)
		q->api->larges[q->large - 1] = 0;
	if (!q->openapi)
		free(q->reply.text);
	if (q->body)
		explicit_bzero(q->body, q->body_n);
	free(q->body);
	explicit_bzero(q->text, q->text_n); /* it has a token */
	free(q);
}
