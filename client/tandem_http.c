/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of tandem_http.h: it reads the node's OpenAPI document once, maps operation names to
 * methods and paths, and sends requests by libcurl. `tandemctl listen` uses it, and other programs
 * copy it, so it depends on nothing else of this repository. A request is repeated only when it was
 * not carried out, or has an idempotency key.
 */

#include "client/tandem_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	TRIES = 4,
	ANSWER_S = 30,
	CONNECT_S = 10,
	SILENT_S = 40, /* a stream sends something every 15 s */
	DELAY_MS = 100,
	DELAY_MAX_MS = 5000,
	TEXT_MAX = 64 << 20,
	HEAD_MAX = 640,
};

struct text {
	char *p; /* malloc'ed, ends with NUL; NULL: empty */
	size_t n;
};

struct tandem_http {
	CURL *curl;
	char *url, *token;
	const char *ca;
	json_t *operations; /* name: [method, path]; NULL: not read yet */
	struct text text;   /* what came */
	struct tandem_http_problem problem;
	/* of a stream */
	tandem_http_event_fn *on_event;
	void *arg;
	char *after; /* id of the last event; NULL: none */
	bool listening, over;
	long delay_ms;
};

/* ---- texts ---- */

static bool text_add(struct text *t, const char *p, size_t n)
{
	char *more = n < TEXT_MAX - t->n ? realloc(t->p, t->n + n + 1) : NULL;

	if (!more)
		return false;
	memcpy(more + t->n, p, n);
	t->p = more;
	t->n += n;
	t->p[t->n] = '\0';
	return true;
}

static bool text_add_all(struct text *t, ...)
{
	const char *one;
	bool ok = true;
	va_list ap;

	va_start(ap, t);
	while (ok && (one = va_arg(ap, const char *)))
		ok = text_add(t, one, strlen(one));
	va_end(ap);
	return ok;
}

static void text_clear(struct text *t)
{
	free(t->p);
	*t = (struct text){ 0 };
}

/* Argument in a path or a query: words joined by ',', or JSON. NULL: no memory. */
static char *argument_text(const json_t *value)
{
	struct text words = { 0 };
	const json_t *one;
	bool ok = true;
	size_t i;

	if (json_is_string(value))
		return strdup(json_string_value(value));
	json_array_foreach(value, i, one)
	{
		if (!json_is_string(one)) {
			text_clear(&words);
			break;
		}
		ok = ok && text_add_all(&words, i ? "," : "", json_string_value(one), NULL);
	}
	if (words.p || !ok)
		return words.p;
	return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

static bool target_escape(struct tandem_http *c, struct text *out, const json_t *value)
{
	char *plain = argument_text(value);
	char *escaped = plain ? curl_easy_escape(c->curl, plain, 0) : NULL;
	bool ok = escaped && text_add_all(out, escaped, NULL);

	curl_free(escaped);
	free(plain);
	return ok;
}

static bool target_query(struct tandem_http *c, struct text *target, const char *name,
			 const json_t *value)
{
	return text_add_all(target, strchr(target->p, '?') ? "&" : "?", name, "=", NULL) &&
	       target_escape(c, target, value);
}

/* ---- one exchange ---- */

static size_t on_text(char *data, size_t one, size_t n, void *arg)
{
	struct tandem_http *c = arg;

	(void)one;
	return text_add(&c->text, data, n) ? n : 0;
}

static void http_pause(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

static void problem_text(char *out, size_t size, const json_t *problem, const char *name)
{
	const char *text = json_string_value(json_object_get(problem, name));

	(void)snprintf(out, size, "%s", text ? text : "");
}

/* Reads a problem (RFC 9457), or notes that the answer is something else. */
static void problem_read(struct tandem_http *c, long status)
{
	json_t *problem = json_loadb(c->text.p ? c->text.p : "", c->text.n, 0, NULL);
	struct tandem_http_problem *p = &c->problem;

	p->status = status;
	problem_text(p->code, sizeof(p->code), problem, "code");
	problem_text(p->argument, sizeof(p->argument), problem, "argument");
	problem_text(p->detail, sizeof(p->detail), problem,
		     json_object_get(problem, "detail") ? "detail" : "title");
	json_decref(problem);
}

static bool request_header(struct curl_slist **list, const char *name, const char *value)
{
	char line[HEAD_MAX];
	int n = snprintf(line, sizeof(line), "%s: %s", name, value);
	struct curl_slist *more = n < (int)sizeof(line) && !strpbrk(value, "\r\n")
					  ? curl_slist_append(*list, line)
					  : NULL;

	if (more)
		*list = more;
	return more != NULL;
}

struct request {
	const char *method, *target, *body, *key;
	bool is_stream;
};

/* The status; 0: no answer; -ENOMEM. *again_s: Retry-After. */
static long request_exchange(struct tandem_http *c, const struct request *r,
			     curl_write_callback take, long *again_s)
{
	struct curl_slist *headers = NULL;
	struct text url = { 0 }, bearer = { 0 };
	curl_off_t after = 0;
	long status = -ENOMEM;
	CURLcode err;

	text_clear(&c->text);
	c->problem = (struct tandem_http_problem){ 0 };
	curl_easy_reset(c->curl);
	if (text_add_all(&url, c->url, r->target, NULL) &&
	    text_add_all(&bearer, "Bearer ", c->token, NULL) &&
	    (!c->token[0] || request_header(&headers, "Authorization", bearer.p)) &&
	    (!r->key || request_header(&headers, "Idempotency-Key", r->key)) &&
	    (!r->is_stream || request_header(&headers, "Accept", "text/event-stream")) &&
	    (!r->is_stream || !c->after || request_header(&headers, "Last-Event-ID", c->after)) &&
	    request_header(&headers, "Content-Type", "application/json")) {
		(void)curl_easy_setopt(c->curl, CURLOPT_URL, url.p);
		(void)curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, r->method);
		(void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
		(void)curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
		(void)curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
		(void)curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
		(void)curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
		if (c->ca)
			(void)curl_easy_setopt(c->curl, CURLOPT_CAINFO, c->ca);
		if (strcmp(r->method, "GET") != 0)
			(void)curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, r->body ? r->body : "");
		if (r->is_stream) {
			(void)curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
			(void)curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_TIME, (long)SILENT_S);
		} else {
			(void)curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)ANSWER_S);
			(void)curl_easy_setopt(c->curl, CURLOPT_ACCEPT_ENCODING, "");
		}
		err = curl_easy_perform(c->curl);
		(void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
		(void)curl_easy_getinfo(c->curl, CURLINFO_RETRY_AFTER, &after);
		if (err && !r->is_stream)
			status = 0;
		if (err)
			(void)snprintf(c->problem.detail, sizeof(c->problem.detail), "%s",
				       curl_easy_strerror(err));
	}
	*again_s = after > 0 ? (long)after : 1;
	curl_slist_free_all(headers);
	if (bearer.p)
		explicit_bzero(bearer.p, bearer.n);
	text_clear(&bearer);
	text_clear(&url);
	return status;
}

/* Repeats a request that was not carried out, or may be done twice. */
static int request_request(struct tandem_http *c, const struct request *r, json_t **result)
{
	for (int left = TRIES - 1;; left--) {
		long again_s, status = request_exchange(c, r, on_text, &again_s);
		bool may_again = status ? status == 429 || status == 503
					: r->key || !strcmp(r->method, "GET");

		if (status == -ENOMEM)
			return -ENOMEM;
		if (status >= 200 && status < 300) {
			if (!result)
				return 0;
			*result = json_loadb(c->text.p ? c->text.p : "", c->text.n, JSON_DECODE_ANY,
					     NULL);
			return *result ? 0 : -ENOMEM;
		}
		if (status)
			problem_read(c, status);
		if (!may_again || !left)
			return status ? -EACCES : -EHOSTUNREACH;
		http_pause(status ? again_s * 1000 : (long)DELAY_MS * (TRIES - left));
	}
}

/* ---- operations ---- */

static int operations_read(struct tandem_http *c)
{
	const struct request r = { .method = "GET", .target = "/v1/openapi.json" };
	const char *path, *method;
	json_t *document, *methods, *operation;
	int err = c->operations ? 0 : request_request(c, &r, &document);

	if (err || c->operations)
		return err;
	c->operations = json_object();
	json_object_foreach(json_object_get(document, "paths"), path, methods)
		json_object_foreach(methods, method, operation)(void) json_object_set_new(
			c->operations, json_string_value(json_object_get(operation, "operationId")),
			json_pack("[s, s]", method, path));
	json_decref(document);
	return 0;
}

/* Fills its path with arguments, which args lose. */
static bool target_path(struct tandem_http *c, struct text *target, const char *path, json_t *args)
{
	const char *open, *end;
	char name[64];

	while ((open = strchr(path, '{')) && (end = strchr(open, '}'))) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)(end - open - 1), open + 1);
		if (!text_add(target, path, (size_t)(open - path)) ||
		    !target_escape(c, target, json_object_get(args, name)))
			return false;
		(void)json_object_del(args, name);
		path = end + 1;
	}
	return text_add_all(target, path, NULL);
}

static int operation_request(struct tandem_http *c, const json_t *operation, json_t *args,
			     const char *key, json_t **result)
{
	char method[8] = "", *body = NULL;
	struct request r = { .method = method, .key = key };
	struct text target = { 0 };
	const char *name;
	json_t *value;
	void *next;
	int err = -ENOMEM;
	bool ok;

	for (size_t i = 0; i < sizeof(method) - 1; i++) {
		char letter = json_string_value(json_array_get(operation, 0))[i];

		if (!letter)
			break;
		method[i] = (char)(letter - 'a' + 'A');
	}
	ok = target_path(c, &target, json_string_value(json_array_get(operation, 1)), args);
	json_object_foreach_safe(args, next, name, value)
	{
		if (strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0 &&
		    strcmp(name, "tenant") != 0)
			continue;
		ok = ok && target_query(c, &target, name, value);
		(void)json_object_del(args, name);
	}
	if (ok && json_object_size(args))
		body = json_dumps(args, JSON_COMPACT);
	r.target = target.p;
	r.body = body;
	if (ok && (body || !json_object_size(args)))
		err = request_request(c, &r, result);
	free(body);
	text_clear(&target);
	return err;
}

int tandem_http_do(struct tandem_http *c, const char *name, json_t *args, const char *key,
		   json_t **result)
{
	json_t *own = args ? args : json_object();
	const json_t *operation;
	int err = own ? operations_read(c) : -ENOMEM;

	if (!err) {
		operation = json_object_get(c->operations, name);
		err = operation ? operation_request(c, operation, own, key, result) : -ENOENT;
	}
	json_decref(own);
	return err;
}

/* ---- events ---- */

/* One message of a stream: the text behind "data:" of its lines. */
static bool http_message_read(struct tandem_http *c, char *message)
{
	struct text data = { 0 };
	const char *type, *id;
	json_t *event;
	bool goes_on = true, ok = true;

	for (char *rest = message, *line; (line = strsep(&rest, "\n"));) {
		if (!strncmp(line, "data:", 5))
			ok = ok && text_add(&data, line + 5, strlen(line + 5));
	}
	event = data.p ? json_loadb(data.p, data.n, 0, NULL) : NULL;
	text_clear(&data);
	type = json_string_value(json_object_get(event, "type"));
	id = json_string_value(json_object_get(event, "id"));
	if (id) {
		free(c->after);
		c->after = strdup(id);
	}
	if (type && strcmp(type, "tick") != 0 && strcmp(type, "end") != 0 &&
	    (!c->listening || strcmp(type, "listening") != 0)) {
		c->listening = true;
		goes_on = c->on_event(event, c->arg);
	}
	json_decref(event);
	return goes_on && ok;
}

static size_t on_stream(char *data, size_t one, size_t n, void *arg)
{
	struct tandem_http *c = arg;
	long status = 0;
	char *end;

	(void)one;
	if (!text_add(&c->text, data, n))
		return 0;
	(void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	while (status == 200 && (end = strstr(c->text.p, "\n\n"))) {
		size_t used = (size_t)(end - c->text.p) + 2;

		end[0] = '\0';
		c->delay_ms = DELAY_MS;
		if (!http_message_read(c, c->text.p)) {
			c->over = true;
			return 0;
		}
		c->text.n -= used;
		memmove(c->text.p, c->text.p + used, c->text.n + 1);
	}
	return n;
}

static int events_listen(struct tandem_http *c, const struct request *r)
{
	c->delay_ms = DELAY_MS;
	while (!c->over) {
		long again_s, status = request_exchange(c, r, on_stream, &again_s);

		if (status == -ENOMEM)
			return -ENOMEM;
		if (c->over)
			break;
		if (status > 200)
			problem_read(c, status);
		if (status > 200 && status != 429 && status != 503)
			return -EACCES;
		http_pause(c->delay_ms);
		c->delay_ms = 2 * c->delay_ms < DELAY_MAX_MS ? 2 * c->delay_ms : DELAY_MAX_MS;
	}
	return 0;
}

int tandem_http_events(struct tandem_http *c, json_t *filters, tandem_http_event_fn *on_event,
		       void *arg)
{
	struct request r = { .method = "GET", .is_stream = true };
	struct text target = { 0 };
	const char *name;
	json_t *value;
	bool ok = text_add_all(&target, "/v1/events", NULL);
	int err = -ENOMEM;

	c->on_event = on_event;
	c->arg = arg;
	c->listening = c->over = false;
	free(c->after);
	c->after = NULL;
	json_object_foreach(filters, name, value)
	{
		if (!strcmp(name, "after")) /* each connection says its own */
			c->after = argument_text(value);
		else
			ok = ok && target_query(c, &target, name, value);
	}
	r.target = target.p;
	if (ok)
		err = events_listen(c, &r);
	text_clear(&target);
	json_decref(filters);
	return err;
}

/* ---- life ---- */

int tandem_http_open(struct tandem_http **out, const char *url, const char *token)
{
	struct tandem_http *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->curl = curl_easy_init();
	c->url = strdup(url);
	c->token = strdup(token ? token : "");
	if (!c->curl || !c->url || !c->token) {
		tandem_http_close(c);
		return -ENOMEM;
	}
	if (c->url[0] && c->url[strlen(c->url) - 1] == '/')
		c->url[strlen(c->url) - 1] = '\0';
	*out = c;
	return 0;
}

void tandem_http_ca(struct tandem_http *c, const char *file)
{
	c->ca = file;
}

const struct tandem_http_problem *tandem_http_problem(const struct tandem_http *c)
{
	return &c->problem;
}

void tandem_http_close(struct tandem_http *c)
{
	if (!c)
		return;
	if (c->curl)
		curl_easy_cleanup(c->curl);
	if (c->token)
		explicit_bzero(c->token, strlen(c->token));
	free(c->token);
	free(c->url);
	free(c->after);
	text_clear(&c->text);
	json_decref(c->operations);
	free(c);
}
