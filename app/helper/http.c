/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to web servers of tenants. Each URL has its time, with one more try after a failure;
 * then the fallback is asked. No redirect is followed, and no address in a network that the tenant
 * may not reach: that is checked before each connect, and again before a request on an open
 * connection.
 *
 * args: id, url, fallback, method, body, timeout_ms, secret, networks, hidden (values that are
 * masked).
 * result: url (as events have it), status, ms, tries; and answer (JSON), or reason (a word) and
 * detail; shown: a list of the tries, to be shown (app/helper/asked.h).
 */
#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/crypto.h>

#include "app/helper/asked.h"
#include "app/helper/helper.h"
#include "base/json_member.h"

enum { HTTP_URLS_MAX = 2, HTTP_TRIES_MAX = 2, HTTP_AGAIN_MS = 50 };

struct http {
	struct helper *helper;
	CURL *easy;
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
	json_t *args; /* a reference */
	char *body;   /* NULL: none */
	struct http_gate gate;
	const char *urls[HTTP_URLS_MAX]; /* of args */
	uint32_t at, tried, tries;       /* which one, how often that, how often all */
	uint64_t begin_ns, try_ns;       /* of all, and of this try */
	uint64_t until_ns;               /* of this URL */
	json_t *shown;                   /* a list */
	bool linked;                     /* this try goes over a WebSocket */
	bool too_long;
	char *answer;
	size_t answer_n;
};

/* What came of a try; a word for the event, and whether the same URL is worth one more. */
struct http_outcome {
	const char *reason; /* NULL: it is well */
	bool again;
	char detail[CURL_ERROR_SIZE];
};

/* ---- addresses that may be asked ---- */

static bool address_is_own(const struct addr *a)
{
	struct ifaddrs *list = NULL;
	struct addr one;
	bool own = false;

	if (getifaddrs(&list))
		return true;
	for (const struct ifaddrs *i = list; i && !own; i = i->ifa_next)
		own = i->ifa_addr && !addr_from_sockaddr(&one, i->ifa_addr) &&
		      one.family == a->family && !memcmp(one.ip, a->ip, sizeof(one.ip));
	freeifaddrs(list);
	return own;
}

static bool http_allowed(struct http_gate *g, const struct addr *a)
{
	bool may = webhook_allowed(a, address_is_own(a), g->networks, g->network_count);

	g->barred |= !may;
	return may;
}

static curl_socket_t http_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct addr a;

	if (purpose != CURLSOCKTYPE_IPCXN || addr_from_sockaddr(&a, &to->addr) ||
	    !http_allowed(arg, &a))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* A connection that another tenant has left. */
static int http_before(void *arg, char *to, char *from, int to_port, int from_port)
{
	struct addr a;

	(void)from;
	(void)to_port;
	(void)from_port;
	return !addr_parse(&a, bytes_str(to)) && http_allowed(arg, &a) ? CURL_PREREQFUNC_OK
								       : CURL_PREREQFUNC_ABORT;
}

/* ---- the answer ---- */

static size_t http_on_octets(char *data, size_t size, size_t n, void *arg)
{
	struct http *q = arg;

	n *= size;
	if (!q->answer)
		q->answer = malloc(WEBHOOK_ANSWER_MAX);
	if (!q->answer || n > WEBHOOK_ANSWER_MAX - q->answer_n) {
		q->too_long = q->answer != NULL;
		return 0;
	}
	memcpy(q->answer + q->answer_n, data, n);
	q->answer_n += n;
	return n;
}

static const char *http_text(const struct http *q, const char *name)
{
	return json_text(q->args, name);
}

static bool http_is_get(const struct http *q)
{
	return !strcmp(http_text(q, "method"), "get");
}

static bool http_header(struct curl_slist **headers, const char *line)
{
	struct curl_slist *more = curl_slist_append(*headers, line);

	if (more)
		*headers = more;
	return more != NULL;
}

bool http_signed(struct curl_slist **headers, const struct http_gate *g, const char *id,
		 const char *method, const char *url, struct bytes body)
{
	const struct webhook_request r = { .method = method,
					   .url = bytes_str(url),
					   .id = bytes_str(id),
					   .body = body,
					   .utc_s = clock_utc_ms() / 1000 };
	char text[WEBHOOK_HEADERS_MAX];
	struct writer w = writer_over(text, sizeof(text));

	bool ok;

	webhook_headers(&w, g->secrets, g->secret_count, &r);
	ok = !w.overflow;
	for (size_t at = 0; ok && at < w.n; at += strlen(text + at) + 1)
		ok = http_header(headers, text + at);
	return ok;
}

static bool http_headers(struct http *q, const char *url)
{
	curl_slist_free_all(q->headers);
	q->headers = NULL;
	return http_header(&q->headers, "Accept: application/json") &&
	       (!q->body || http_header(&q->headers, "Content-Type: application/json")) &&
	       http_signed(&q->headers, &q->gate, http_text(q, "id"),
			   http_is_get(q) ? "GET" : "POST", url, bytes_str(q->body));
}

/* The URL, with the query of GET; signed. False: it is invalid, or no memory. */
static bool http_url(struct http *q)
{
	const json_t *data = json_object_get(json_object_get(q->args, "body"), "data");
	CURLU *url = curl_url();
	const char *name;
	const json_t *value;
	char *text = NULL;
	bool ok = url && !curl_url_set(url, CURLUPART_URL, q->urls[q->at], CURLU_PATH_AS_IS);

	json_object_foreach((json_t *)(uintptr_t)(http_is_get(q) ? data : NULL), name, value)
	{
		char *pair = NULL;
		size_t n = strlen(name) + json_string_length(value) + 2;

		if (ok && (pair = malloc(n)))
			(void)snprintf(pair, n, "%s=%s", name, json_string_value(value));
		ok = pair &&
		     !curl_url_set(url, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE);
		free(pair);
	}
	ok = ok && !curl_url_get(url, CURLUPART_URL, &text, 0) &&
	     curl_easy_setopt(q->easy, CURLOPT_URL, text) == CURLE_OK && http_headers(q, text);
	curl_free(text);
	curl_url_cleanup(url);
	return ok;
}

bool http_gate_read(struct http_gate *g, const json_t *args)
{
	const char *secret = json_string_value(json_object_get(args, "secret"));
	const char *networks = json_string_value(json_object_get(args, "networks"));

	return !webhook_secrets_read(g->secrets, &g->secret_count, bytes_str(secret)) &&
	       !webhook_networks_read(g->networks, &g->network_count,
				      bytes_str(networks ? networks : ""));
}

void http_gate_set(CURL *e, struct http_gate *g)
{
	g->barred = false;
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, http_socket);
	(void)curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, g);
	(void)curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, http_before);
	(void)curl_easy_setopt(e, CURLOPT_PREREQDATA, g);
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_PROXY, ""); /* nothing of the environment */
	(void)curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	(void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L); /* as it is signed */
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(e, CURLOPT_USERAGENT, "tandem/" TANDEM_VERSION);
}

static size_t own_on_octets(char *data, size_t size, size_t n, void *arg)
{
	struct http_own *o = arg;

	n *= size;
	if (!o->answer)
		o->answer = malloc(o->answer_max);
	if (!o->answer || n > o->answer_max - o->answer_n)
		return 0;
	memcpy(o->answer + o->answer_n, data, n);
	o->answer_n += n;
	return n;
}

bool http_own_open(struct http_own *o, struct helper_request *r, const char *url,
		   const char *protocols, const char *ca, size_t most)
{
	json_t *gate = json_pack("{s:s}", "networks", "0.0.0.0/0,::/0");
	CURL *e = o->easy = curl_easy_init();
	bool ok = http_gate_read(&o->gate, gate) && e;

	json_decref(gate);
	o->answer_max = most;
	if (!ok)
		return false;
	http_gate_set(e, &o->gate);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, protocols);
	(void)curl_easy_setopt(e, CURLOPT_URL, url);
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, r);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, o->error);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, own_on_octets);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, o);
	if (ca[0])
		(void)curl_easy_setopt(e, CURLOPT_CAINFO, ca);
	return true;
}

void http_own_close(struct helper *h, struct http_own *o)
{
	if (o->easy)
		(void)curl_multi_remove_handle(h->multi, o->easy);
	curl_easy_cleanup(o->easy);
	if (o->answer)
		OPENSSL_cleanse(o->answer, o->answer_n);
	free(o->answer);
	*o = (struct http_own){ 0 };
}

static void http_usual(struct http *q, struct helper_request *r)
{
	CURL *e = q->easy;

	http_gate_set(e, &q->gate);
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, r);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, q->error);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, http_on_octets);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, q);
}

/* False: there is no room for one more. */
static bool http_try_link(struct http *q, struct helper_request *r)
{
	const json_t *call = json_object_get(json_object_get(q->args, "body"), "call");
	struct ws_link *l = ws_link_to(q->helper, json_string_value(call), q->urls[q->at], q->args);

	if (l)
		ws_request(q->helper, l, r, q->body);
	return l != NULL;
}

/* False: no memory. */
static bool http_try(struct http *q, struct helper_request *r, uint64_t now_ns)
{
	q->tried++;
	q->tries++;
	q->try_ns = now_ns;
	q->too_long = false;
	q->answer_n = 0;
	q->error[0] = '\0';
	q->linked = ws_is(q->urls[q->at]);
	if (q->linked)
		return http_try_link(q, r);
	curl_easy_reset(q->easy);
	http_usual(q, r);
	if (!http_url(q))
		return false;
	(void)curl_easy_setopt(q->easy, CURLOPT_HTTPHEADER, q->headers);
	(void)curl_easy_setopt(q->easy, CURLOPT_TIMEOUT_MS,
			       (long)((q->until_ns - now_ns) / NS_PER_MS) + 1);
	if (q->body && !http_is_get(q)) {
		(void)curl_easy_setopt(q->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				       (curl_off_t)strlen(q->body));
		(void)curl_easy_setopt(q->easy, CURLOPT_POSTFIELDS, q->body);
	}
	return curl_multi_add_handle(q->helper->multi, q->easy) == CURLM_OK;
}

/* ---- what came ---- */

/* NULL: it is no answer. Nothing at all is an object without members. */
static json_t *http_json(const struct http *q)
{
	json_t *answer = q->answer_n ? json_loadb(q->answer, q->answer_n, 0, NULL) : json_object();

	if (json_is_object(answer) || json_is_array(answer))
		return answer;
	json_decref(answer);
	return NULL;
}

const char *http_why(CURLcode code, const struct http_gate *g, const char **text)
{
	if (g->barred) {
		*text = "its address is one that this tenant may not ask (web_networks)";
		return "address";
	}
	if (code == CURLE_OPERATION_TIMEDOUT)
		return "timeout";
	return code == CURLE_PEER_FAILED_VERIFICATION ? "certificate" : "unreachable";
}

static void http_on_error(const struct http *q, CURLcode code, struct http_outcome *o)
{
	const char *text = q->error[0] ? q->error : curl_easy_strerror(code);

	o->reason = http_why(code, &q->gate, &text);
	if (q->too_long) {
		o->reason = "too_long";
		text = "the answer is longer than 65536 octets";
	}
	(void)snprintf(o->detail, sizeof(o->detail), "%s", text);
	o->again = !strcmp(o->reason, "unreachable");
}

static void http_on_status(const struct http *q, long status, struct http_outcome *o,
			   json_t **answer)
{
	bool well = status >= 200 && status < 300;

	if (well && (*answer = http_json(q)))
		return;
	o->reason = well ? "no_json" : "status";
	o->again = status >= 500 || status == 408 || status == 429;
	if (well)
		(void)snprintf(o->detail, sizeof(o->detail),
			       "the answer is neither an object nor a list of JSON");
	else
		(void)snprintf(o->detail, sizeof(o->detail), "it answers %ld%s", status,
			       status < 400 ? ": redirects are not followed" : "");
}

static json_t *http_url_shown(const struct http *q, bool whole)
{
	return asked_url(bytes_str(q->urls[q->at]), json_object_get(q->args, "hidden"), whole);
}

static json_t *http_result(const struct http *q, long status, uint64_t now_ns)
{
	return json_pack("{s:o, s:I, s:I, s:I}", "url", http_url_shown(q, false), "status",
			 (json_int_t)status, "ms", (json_int_t)((now_ns - q->begin_ns) / NS_PER_MS),
			 "tries", (json_int_t)q->tries);
}

static void http_show(const struct http *q, long status, const char *reason, uint64_t now_ns)
{
	const json_t *hidden = json_object_get(q->args, "hidden");
	struct bytes sent = bytes_str(q->body ? q->body : ""),
		     got = bytes_mem(q->answer, q->answer_n);

	(void)json_array_append_new(
		q->shown,
		json_pack("{s:o, s:i, s:I, s:I, s:s, s:b, s:I, s:o, s:I, s:o}", "url",
			  http_url_shown(q, true), "try", (int)q->tries, "status",
			  (json_int_t)status, "ms", (json_int_t)((now_ns - q->try_ns) / NS_PER_MS),
			  "reason", reason ? reason : "", "signed", q->gate.secret_count != 0,
			  "sent", (json_int_t)sent.n, "request", asked_text(sent, hidden),
			  "received", (json_int_t)got.n, "answer", asked_text(got, hidden)));
}

/* The next URL, if there is one. */
static bool http_next(struct http *q, uint64_t now_ns)
{
	json_int_t ms = json_integer_value(json_object_get(q->args, "timeout_ms"));

	do
		q->at++;
	while (q->at < HTTP_URLS_MAX && !q->urls[q->at][0]);
	q->tried = 0;
	q->until_ns = now_ns + (uint64_t)ms * NS_PER_MS;
	return q->at < HTTP_URLS_MAX;
}

/* A program can be read by anybody:
 * the URL has no secret, and no brace, which would begin a name there. */
static bool url_may_be_kept(const json_t *args, const char *url)
{
	json_t *value;
	size_t i;

	json_array_foreach(json_object_get(args, "hidden"), i, value)
	{
		if (json_string_length(value) && strstr(url, json_string_value(value)))
			return false;
	}
	return !strchr(url, '{');
}

json_t *http_again(const json_t *args, const char *url)
{
	const char *fallback = json_string_value(json_object_get(args, "fallback"));
	bool other = fallback && strcmp(fallback, url) != 0 && url_may_be_kept(args, fallback);

	if (!url_may_be_kept(args, url))
		return NULL;
	return json_pack("{s:s, s:s, s:O?}", "url", url, "fallback", other ? fallback : "",
			 "timeout_ms", json_object_get(args, "timeout_ms"));
}

/* A try has ended so. answer: stolen; NULL: it has failed. */
static void http_settle(struct http *q, struct helper_request *r, long status, json_t *answer,
			const struct http_outcome *o)
{
	uint64_t now_ns = clock_now_ns();
	bool linked = q->linked;
	json_t *result;

	http_show(q, status, o->reason, now_ns);
	result = http_result(q, status, now_ns);
	if (o->reason && ((o->again && q->tried < HTTP_TRIES_MAX &&
			   now_ns + HTTP_AGAIN_MS * NS_PER_MS < q->until_ns) ||
			  http_next(q, now_ns))) {
		json_decref(result);
		if (!http_try(q, r, now_ns))
			helper_fail(q->helper, r, "out of memory");
		return;
	}
	if (answer)
		(void)json_object_update_new(
			result, json_pack("{s:o, s:o*}", "answer", answer, "again",
					  linked ? http_again(q->args, q->urls[q->at]) : NULL));
	else
		(void)json_object_update_new(result, json_pack("{s:s, s:s}", "reason", o->reason,
							       "detail", o->detail));
	(void)json_object_set(result, "shown", q->shown);
	helper_answer(q->helper, r, result);
}

static void http_fetched(struct helper *h, struct helper_request *r, CURLcode code)
{
	struct http *q = r->work;
	struct http_outcome o = { 0 };
	json_t *answer = NULL;
	long status = 0;

	(void)curl_multi_remove_handle(h->multi, q->easy);
	(void)curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK)
		http_on_status(q, status, &o, &answer);
	else
		http_on_error(q, code, &o);
	http_settle(q, r, status, answer, &o);
}

/* For who looks. */
static void http_keep_answer(struct http *q, const json_t *answer)
{
	if (!q->answer)
		q->answer = malloc(WEBHOOK_ANSWER_MAX);
	q->answer_n = q->answer && answer
			      ? json_dumpb(answer, q->answer, WEBHOOK_ANSWER_MAX, JSON_COMPACT)
			      : 0;
	if (q->answer_n > WEBHOOK_ANSWER_MAX)
		q->answer_n = 0;
}

void http_reply(struct helper *h, struct helper_request *r, json_t *answer, const char *reason,
		const char *detail, bool again)
{
	struct http_outcome o = { .reason = reason, .again = again };
	struct http *q = r->work;

	ws_forget(h, r);
	(void)snprintf(o.detail, sizeof(o.detail), "%s", detail);
	http_keep_answer(q, answer);
	http_settle(q, r, answer ? 101 : 0, answer, &o);
}

/* libcurl knows no end of those over a WebSocket. */
static uint64_t http_due(struct helper *h, struct helper_request *r, uint64_t now_ns)
{
	const struct http *q = r->work;

	if (!q->linked)
		return UINT64_MAX;
	if (q->until_ns > now_ns)
		return q->until_ns;
	http_reply(h, r, NULL, "timeout", "it did not answer in time", false);
	return now_ns;
}

void http_collect(struct helper *h)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(h->multi, &left))) {
		struct helper_request *r = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		if (ws_connected(h, message->easy_handle, code))
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		r->kind->fetched(h, r, code);
	}
}

/* ---- the kind ---- */

static bool http_open(struct http *q, const json_t *args)
{
	json_t *body = json_object_get(args, "body");
	bool links;

	q->args = json_incref((json_t *)(uintptr_t)args);
	q->shown = json_array();
	q->urls[0] = http_text(q, "url");
	q->urls[1] = http_text(q, "fallback");
	links = ws_is(q->urls[0]) || ws_is(q->urls[1]);
	if (!http_gate_read(&q->gate, args))
		return false;
	if (links) /* where headers have it else */
		(void)json_object_set_new(body, "id", json_string(http_text(q, "id")));
	q->easy = curl_easy_init();
	if (links || !http_is_get(q))
		q->body = json_dumps(body, JSON_COMPACT);
	return q->easy && (q->body || http_is_get(q));
}

static void http_start(struct helper *h, struct helper_request *r, const json_t *args)
{
	struct http *q = r->work = calloc(1, sizeof(*q));
	uint64_t now_ns = clock_now_ns();
	bool ok = q && http_open(q, args);

	if (ok) {
		q->helper = h;
		q->begin_ns = now_ns;
		q->at = UINT32_MAX;
		ok = http_next(q, now_ns) && http_try(q, r, now_ns);
	}
	if (!ok)
		helper_fail(h, r, "the request cannot be made");
}

static void http_end(struct helper *h, struct helper_request *r)
{
	struct http *q = r->work;

	if (!q)
		return;
	ws_forget(h, r);
	if (q->easy) {
		(void)curl_multi_remove_handle(h->multi, q->easy);
		curl_easy_cleanup(q->easy);
	}
	curl_slist_free_all(q->headers);
	json_decref(q->args);
	json_decref(q->shown);
	free(q->body);
	free(q->answer);
	OPENSSL_cleanse(q, sizeof(*q));
	free(q);
}

const struct helper_kind g_helper_http = { .name = "http",
					   .begin = http_start,
					   .fetched = http_fetched,
					   .due = http_due,
					   .end = http_end };
