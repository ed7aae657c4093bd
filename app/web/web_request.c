/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that are neither API, events nor SIP: health, metrics, files by link with ranges, and
 * record pages, which ask the loop's thread. web.c dispatches to it, and web_api.c uses its heads
 * and problems. Files are opened folder by folder without following links. Metrics are costly, so a
 * budget of time bounds them, and record pages are plain XHTML for the browsers of desk phones.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/web/web_clients.h"
#include "app/web/web_events.h"
#include "app/web/web_request.h"
#include "base/clock.h"
#include "base/metric.h"
#include "sig/sip/body.h"
#include "sig/sip/id.h"

/* A descriptor of a file in the folder, or -errno. Opens each folder on the way by itself: it goes
 * through no symbolic link. */
static int web_file_open_in(const char *folder, struct bytes name, uint64_t *size)
{
	int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), next;
	struct bytes one;
	struct stat st;

	while (at >= 0 && bytes_cut(&name, '/', &one)) {
		char text[WEB_FILE_PATH_MAX];
		int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

		next = bytes_cstr(one, text, sizeof(text)) ? -1 : openat(at, text, flags);
		(void)close(at);
		at = next;
	}
	if (at < 0)
		return -ENOENT;
	if (fstat(at, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(at);
		return -ENOENT;
	}
	*size = (uint64_t)st.st_size;
	return at;
}

/* Of this node, or fetched from another one. */
static int web_file_open(const struct web_files *f, struct bytes name, uint64_t *size)
{
	char fetched[PATH_MAX];
	int fd = web_file_open_in(f->folder, name, size);

	(void)snprintf(fetched, sizeof(fetched), "%s/.fetched", f->folder);
	return fd == -ENOENT ? web_file_open_in(fetched, name, size) : fd;
}

static const char *web_file_type(struct bytes name)
{
	static const char *const types[][2] = { { ".wav", "audio/wav" },
						{ ".opus", "audio/ogg" },
						{ ".cms", "application/cms" } };

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		size_t n = strlen(types[i][0]);

		if (name.n > n && bytes_is(bytes_from(name, name.n - n), types[i][0]))
			return types[i][1];
	}
	return "application/octet-stream";
}

static const char *const g_states[RECORD_PAGE_STATES] = {
	[RECORD_PAGE_NOTHING] = "There is nothing to record.",
	[RECORD_PAGE_IDLE] = "Not recorded.",
	[RECORD_PAGE_RECORDS] = "Recording.",
	[RECORD_PAGE_PAUSED] = "Paused.",
};

static const char *const g_places[RECORD_PAGE_PLACES] = {
	[RECORD_PAGE_CALL] = "Call",
	[RECORD_PAGE_CONFERENCE] = "Conference",
	[RECORD_PAGE_MONITOR] = "Monitored call",
};

/* Micro-browsers of desk phones read XHTML Basic: no script, no style, one form per button. */
static void page_button(struct writer *w, struct bytes link, const char *act, uint64_t call,
			const char *label)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, call);
	writer_str(w, "<form action=\"");
	xml_write(w, link);
	WRITER_TEXTS(w, "/", act, "/");
	writer_bytes(w, bytes_mem(id, sizeof(id)));
	WRITER_TEXTS(w, "\" method=\"post\"><p><input type=\"submit\" value=\"", label,
		     "\"/></p></form>\n");
}

static void page_buttons(struct writer *w, struct bytes link, const struct record_page *page)
{
	switch (page->state) {
	case RECORD_PAGE_NOTHING:
	case RECORD_PAGE_STATES:
		return;
	case RECORD_PAGE_IDLE:
		page_button(w, link, "on", page->call, "Record");
		return;
	case RECORD_PAGE_RECORDS:
		page_button(w, link, "pause", page->call, "Pause");
		break;
	case RECORD_PAGE_PAUSED:
		page_button(w, link, "resume", page->call, "Resume");
		break;
	}
	if (!page->lasts)
		page_button(w, link, "off", page->call, "Stop");
}

void web_page_write(struct writer *w, struct bytes link, const char *number,
		    const struct record_page *page)
{
	writer_str(w, "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML Basic 1.0//EN\" "
		      "\"http://www.w3.org/TR/xhtml-basic/xhtml-basic10.dtd\">\n"
		      "<html xmlns=\"http://www.w3.org/1999/xhtml\">\n"
		      "<head><title>Record ");
	xml_write(w, bytes_str(number));
	writer_str(w, "</title></head>\n<body>\n<p>");
	if (page->state != RECORD_PAGE_NOTHING)
		WRITER_TEXTS(w, g_places[page->place], ": ");
	WRITER_TEXTS(w, g_states[page->state], "</p>\n");
	page_buttons(w, link, page);
	writer_str(w, "</body>\n</html>\n");
}

#define BUDGET_BURST_NS (5 * NS_PER_S)
#define PROBES          "/healthz,/readyz,/metrics"

enum {
	PAGE_MAX = 256 * 1024,
	PAGE_SHORT = 4096,
	BUDGET_SHARE = 10,
	ANSWER_HEAD_MAX = 4096,
	FILE_PIECE = 16384,
	RANGE_MAX = 64
};

struct web_answer {
	unsigned status;
	const char *type;
};

static struct {
	metric_id served, refused;
} g_request_metrics;

void web_request_setup(void)
{
	static const char requests[] = "tandem_http_requests_total";

	g_request_metrics.served =
		metric_register(METRIC_COUNTER, requests, "result=\"served\"", "HTTP requests.");
	g_request_metrics.refused =
		metric_register(METRIC_COUNTER, requests, "result=\"refused\"", "HTTP requests.");
}

/* ---- pages ---- */

void web_text_drop(struct web_text *t)
{
	if (t && --t->users == 0)
		free(t);
}

struct web_text *web_text_make(struct bytes written)
{
	struct web_text *t = malloc(sizeof(*t) + written.n);

	if (!t)
		return NULL;
	t->users = 1;
	t->n = written.n;
	if (written.p)
		memcpy(t->octets, written.p, written.n);
	return t;
}

void web_pages_close(struct web_pages *pages)
{
	web_text_drop(pages->metrics);
	pages->metrics = NULL;
}

static struct web_text *metrics_make(void)
{
	static uint8_t space[PAGE_MAX]; /* of the web thread: one has health and metrics */
	struct writer w = writer_over(space, sizeof(space));

	metric_write(&w);
	return w.overflow ? NULL : web_text_make(writer_done(&w));
}

bool web_budget_has(const struct web_budget *b, uint64_t now_ns)
{
	return b->spent_ns <= now_ns + BUDGET_BURST_NS;
}

void web_budget_spend(struct web_budget *b, uint64_t began_ns, uint64_t now_ns)
{
	uint64_t from_ns = b->spent_ns > began_ns ? b->spent_ns : began_ns;

	b->spent_ns = from_ns + BUDGET_SHARE * (now_ns - began_ns);
}

/* Metrics are long, and the thread has other clients. Frequent requests get the last text. */
static struct web_text *web_metrics_get(struct web_pages *pages)
{
	uint64_t began_ns = clock_now_ns();

	if (!pages->metrics || web_budget_has(&pages->budget, began_ns)) {
		web_text_drop(pages->metrics);
		pages->metrics = metrics_make();
		web_budget_spend(&pages->budget, began_ns, clock_now_ns());
	}
	if (pages->metrics)
		pages->metrics->users++;
	return pages->metrics;
}

/* /healthz, or /readyz. */
static struct web_answer page_write(struct health *health, struct bytes path, struct writer *w)
{
	uint32_t reasons = health_reasons(health, clock_now_ns());
	bool good = bytes_is(path, "/healthz") ? health_is_well(reasons) : health_is_ready(reasons);

	health_write(w, health, reasons);
	return (struct web_answer){ good ? 200 : 503, "application/json" };
}

/* Without the headers that all answers have (web.c). */
static int short_head_write(struct lws *wsi, const char *type, uint64_t n, uint8_t **p,
			    uint8_t *end)
{
	static const char line[] = "HTTP/1.1 200 OK\r\n";

	memcpy(*p, line, sizeof(line) - 1);
	*p += sizeof(line) - 1;
	return lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, (const uint8_t *)type,
					    (int)strlen(type), p, end) ||
	       lws_add_http_header_content_length(wsi, n, p, end);
}

static int head_send(struct lws *wsi, unsigned status, const char *type, uint64_t n,
		     const struct web_header *headers, bool told)
{
	uint8_t buffer[LWS_PRE + ANSWER_HEAD_MAX], *start = buffer + LWS_PRE, *p = start;
	uint8_t *end = buffer + sizeof(buffer) - 1;
	int err = told   ? short_head_write(wsi, type, n, &p, end)
		  : type ? lws_add_http_common_headers(wsi, status, type, n, &p, end)
			 : lws_add_http_header_status(wsi, status, &p, end);

	for (const struct web_header *h = headers; h->name && !err; h++) {
		if (h->value)
			err = lws_add_http_header_by_name(wsi, (const uint8_t *)h->name,
							  (const uint8_t *)h->value,
							  (int)strlen(h->value), &p, end);
	}
	return err || lws_finalize_write_http_header(wsi, start, &p, end) ? -1 : 0;
}

int web_head_send(struct lws *wsi, unsigned status, const char *type, uint64_t n,
		  const struct web_header *headers)
{
	return head_send(wsi, status, type, n, headers, false);
}

void web_request_count(bool served)
{
	metric_add(served ? g_request_metrics.served : g_request_metrics.refused, 1);
}

size_t web_problem_write(char *out, size_t size, unsigned status, const char *title)
{
	const char *code = status == 429 || status == 503 ? "busy"
			   : status == 403                ? "not_allowed"
			   : status == 404                ? "not_found"
							  : "bad_request";
	int n = snprintf(
		out, size,
		"{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"code\":\"%s\"}", title,
		status, code);

	return n < (int)size ? (size_t)n : size - 1;
}

int web_problem_send(struct lws *wsi, unsigned status, const char *title)
{
	const struct web_header headers[] = { { "cache-control:", "no-store" },
					      { "connection:", "close" },
					      { "allow:", status == 405 ? "GET" : NULL },
					      { "retry-after:",
						status == 429 || status == 503 ? "1" : NULL },
					      { 0 } };
	uint8_t text[LWS_PRE + WEB_PROBLEM_MAX];
	size_t n = web_problem_write((char *)text + LWS_PRE, WEB_PROBLEM_MAX, status, title);

	metric_add(g_request_metrics.refused, 1);
	if (!web_head_send(wsi, status, "application/problem+json", n, headers))
		(void)lws_write(wsi, text + LWS_PRE, n, LWS_WRITE_HTTP_FINAL);
	return -1;
}

/*
 * The answer was sent whole. The struct web_request is the library's again then, and may be gone.
 * If the library has read beyond the request the connection ends (RFC 9112 9.3.2 allows it):
 * libwebsockets 4.1 takes the head of a pipelined request for a body, and loops for ever. It does
 * not tell which connection it has read beyond; ending another one costs only a reconnect.
 */
static int request_completed(struct lws *wsi)
{
	struct web_client *client = lws_get_opaque_user_data(wsi);
	bool has_read_more = lws_service_adjust_timeout(lws_get_context(wsi), 1, 0) == 0;

	if (client)
		web_client_answered(client);
	return lws_http_transaction_completed(wsi) || has_read_more ? -1 : 0;
}

/* ---- files ---- */

static int file_head_send(struct lws *wsi, const char *type, const struct web_range *range,
			  uint64_t size)
{
	char part[RANGE_MAX];
	const struct web_header headers[] = { { "content-range:", range->part ? part : NULL },
					      { "accept-ranges:", "bytes" },
					      { "cache-control:", "private, no-store" },
					      { "x-content-type-options:", "nosniff" },
					      { 0 } };

	(void)snprintf(part, sizeof(part), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->from,
		       range->from + range->n - 1, size);
	return web_head_send(wsi, range->part ? 206 : 200, type, range->n, headers);
}

static int range_refuse(struct lws *wsi, uint64_t size)
{
	char all[RANGE_MAX];
	const struct web_header headers[] = { { "content-range:", all }, { 0 } };

	(void)snprintf(all, sizeof(all), "bytes */%" PRIu64, size);
	return web_head_send(wsi, 416, "text/plain", 0, headers) || request_completed(wsi) ? -1 : 0;
}

static int file_send_start(struct web_request *r, struct lws *wsi, struct bytes name, int fd,
			   uint64_t size)
{
	struct web_range range;
	char header[RANGE_MAX] = "";

	if (lws_hdr_copy(wsi, header, sizeof(header), WSI_TOKEN_HTTP_RANGE) < 0)
		header[0] = '\0'; /* too long to be one part */
	r->file = fd + 1;
	if (web_range_parse(bytes_str(header), size, &range))
		return range_refuse(wsi, size);
	r->piece = malloc(LWS_PRE + FILE_PIECE);
	r->from = range.from;
	r->size = range.n;
	if (!r->piece || file_head_send(wsi, web_file_type(name), &range, size))
		return -1;
	metric_add(g_request_metrics.served, 1);
	(void)lws_callback_on_writable(wsi);
	return 0;
}

/* Rights were checked when the link was made: here only the link. */
static int web_file_answer(struct web_request *r, struct lws *wsi, const struct web_files *files,
			   struct bytes path)
{
	struct bytes name;
	uint64_t size = 0;
	int fd, err = web_file_parse(files, path, clock_utc_ms(), &name);

	fd = err ? err : web_file_open(files, name, &size);
	if (fd >= 0)
		return file_send_start(r, wsi, name, fd, size);
	return web_problem_send(wsi, fd == -EACCES ? 403 : 404,
				fd == -EACCES ? "ask for another link: recording.link"
					      : "not found");
}

/* If the file is shorter than promised, the connection ends. */
static size_t file_read(struct web_request *r, size_t n)
{
	ssize_t got = pread(r->file - 1, r->piece + LWS_PRE, n, (off_t)(r->from + r->sent));

	return got == (ssize_t)n ? n : 0;
}

static struct web_answer web_page_answer(struct web_request *r, struct web_pages *pages,
					 struct bytes path)
{
	static const struct web_answer metrics = { 200, "text/plain; version=0.0.4" };
	uint8_t space[PAGE_SHORT];
	struct writer w = writer_over(space, sizeof(space));
	struct web_answer answer;

	if (bytes_is(path, "/metrics")) {
		r->text = web_metrics_get(pages);
		return metrics;
	}
	answer = page_write(pages->health, path, &w);
	r->text = web_text_make(writer_done(&w));
	return answer;
}

enum { BODY_MAX = 1024, ANSWER_S = 5, PLACE_BITS = 8 };

struct web_place {
	uint64_t id;         /* 0: free */
	struct web_visit *v; /* NULL: the client left before its answer */
};

struct web_desk {
	uint8_t key[WEB_PAGE_KEY_LEN];
	struct web_asks *asks;
	uint64_t asked; /* so far */
	struct web_place places[WEB_ASKS_MAX];
};

struct web_visit {
	struct web_desk *desk;
	struct lws *wsi;
	struct record_link_request ask;
	struct web_place *place; /* NULL: nothing is awaited */
	size_t body_left;
	unsigned status; /* 0: no answer yet */
	const char *allow;
	bool body_ended;
	bool has_head; /* was sent */
	char link[WEB_PAGE_PATH_MAX];
	size_t link_n, n;
	uint8_t page[LWS_PRE + WEB_PAGE_SIZE_MAX];
};

static struct writer visit_writer(struct web_visit *v)
{
	return writer_over(v->page + LWS_PRE, WEB_PAGE_SIZE_MAX);
}

static int visit_answer(struct web_visit *v, unsigned status, const struct writer *w)
{
	v->status = w->overflow ? 500 : status;
	v->n = w->overflow ? 0 : w->n;
	web_request_count(v->status == 200);
	(void)lws_callback_on_writable(v->wsi);
	return 0;
}

static int visit_refuse(struct web_visit *v, unsigned status, const char *text)
{
	struct writer w = visit_writer(v);

	WRITER_TEXTS(&w, text, "\n");
	return visit_answer(v, status, &w);
}

static struct web_place *desk_place(struct web_desk *d)
{
	for (size_t i = 0; i < WEB_ASKS_MAX; i++) {
		if (!d->places[i].id)
			return &d->places[i];
	}
	return NULL;
}

static int visit_push(struct web_visit *v)
{
	struct web_desk *d = v->desk;
	struct web_place *place = desk_place(d);
	struct web_asked asked = { .ask = v->ask };

	if (!place)
		return visit_refuse(v, 503, "too many ask at once: try again");
	asked.id = ++d->asked << PLACE_BITS | (uint64_t)(place - d->places);
	*place = (struct web_place){ asked.id, v };
	v->place = place;
	lws_set_timeout(v->wsi, PENDING_TIMEOUT_HTTP_CONTENT, ANSWER_S);
	web_asks_push(d->asks, &asked);
	return 0;
}

static int visit_refuse_method(struct web_visit *v, const char *allow)
{
	v->allow = allow;
	return visit_refuse(v, 405, "another method is needed");
}

/* A button was pressed: only the path of its form counts. */
static int visit_press(struct web_visit *v)
{
	char length[24] = "";
	uint64_t n;

	if (lws_hdr_copy(v->wsi, length, sizeof(length), WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0 ||
	    bytes_u64(bytes_str(length), &n))
		return visit_refuse(v, 411, "Content-Length is needed");
	if (n > BODY_MAX)
		return visit_refuse(v, 413, "too long");
	v->body_left = (size_t)n;
	return n ? 0 : visit_push(v);
}

/* The head of a request came, of a path that begins as WEB_PAGE_HEAD. *out: to be dropped. */
static int web_visit_on_head(struct web_desk *d, struct web_visit **out, struct lws *wsi,
			     struct bytes path)
{
	struct web_visit *v = calloc(1, sizeof(*v));
	struct bytes link;

	*out = v;
	if (!v)
		return -1;
	v->desk = d;
	v->wsi = wsi;
	if (web_page_parse(d->key, path, &v->ask, &link))
		return visit_refuse(v, 404, "not found");
	memcpy(v->link, link.p, link.n);
	v->link_n = link.n;
	if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI))
		return v->ask.act ? visit_refuse_method(v, "POST") : visit_push(v);
	if (!lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) || !v->ask.act)
		return visit_refuse_method(v, v->ask.act ? "POST" : "GET");
	return visit_press(v);
}

static int manual_answer(struct web_request *r, struct lws *wsi, const struct web_manual_page *page)
{
	static const struct web_header headers[] = { { "cache-control:", "public, max-age=60" },
						     { "content-security-policy:",
						       g_web_manual_policy },
						     { "referrer-policy:", "no-referrer" },
						     { "x-content-type-options:", "nosniff" },
						     { 0 } };

	r->text = page->text;
	if (!r->text || web_head_send(wsi, 200, page->type, r->text->n, headers))
		return -1;
	r->size = r->text->n;
	web_request_count(true);
	(void)lws_callback_on_writable(wsi);
	return 0;
}

/* "": it is absent, or too long to count. */
static struct bytes bundle_header(struct lws *wsi, enum lws_token_indexes token, char *space,
				  size_t size)
{
	int n = lws_hdr_copy(wsi, space, (int)size, token);

	return bytes_mem(space, n > 0 ? (size_t)n : 0);
}

static int bundle_head_send(struct lws *wsi, const struct web_bundle_answer *a, uint64_t n)
{
	const struct web_header headers[] = {
		{ "content-encoding:", a->gzip && a->status == 200 ? "gzip" : NULL },
		{ "cache-control:",
		  a->forever ? "public, max-age=31536000, immutable" : "no-cache" },
		{ "vary:", "Accept-Encoding, Sec-Fetch-Dest" },
		{ "etag:", a->tag[0] ? a->tag : NULL },
		{ "last-modified:", a->date[0] ? a->date : NULL },
		{ "location:", a->location },
		{ "content-security-policy:", a->policy },
		{ "referrer-policy:", "no-referrer" },
		{ "x-content-type-options:", "nosniff" },
		{ "cross-origin-resource-policy:", "same-origin" },
		{ 0 }
	};

	/* without a body the library must not wait for one of no length */
	return head_send(wsi, a->status,
			 a->status == 304 ? NULL
			 : a->type        ? a->type
					  : "text/plain",
			 n, headers, a->told);
}

static int bundle_answer(struct web_request *r, struct lws *wsi, const struct web_bundle_answer *a)
{
	bool is_head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
	int err;

	r->text = a->text;
	if (a->status == 200 && !a->text)
		return -1;
	r->size = a->text ? a->text->n : 0;
	web_request_count(a->status < 400);
	err = bundle_head_send(wsi, a, r->size);
	if (err || (r->size && !is_head)) {
		(void)lws_callback_on_writable(wsi);
		return err;
	}
	web_request_drop(r);
	return request_completed(wsi);
}

/* A browser says so (Fetch Metadata, "iframe" or "frame"); an old one does not. */
static bool is_for_frame(struct lws *wsi)
{
	static const char name[] = "sec-fetch-dest:";
	char text[16];
	int n = lws_hdr_custom_copy(wsi, text, sizeof(text), name, sizeof(name) - 1);

	return n > 0 && bytes_list_has(BYTES_LIT("iframe,frame"), bytes_mem(text, (size_t)n));
}

/* -EAGAIN: none of the web pages. */
static int bundle_on_head(struct web_request *r, struct lws *wsi, struct web_bundle *bundle,
			  struct bytes path)
{
	char encodings[256], tags[256], date[64];
	struct web_bundle_request ask = { .path = path };
	struct web_bundle_answer answer;

	if (!lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) &&
	    !lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI))
		return -EAGAIN;
	ask.encodings =
		bundle_header(wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, encodings, sizeof(encodings));
	ask.if_none_match = bundle_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, tags, sizeof(tags));
	ask.if_modified_since =
		bundle_header(wsi, WSI_TOKEN_HTTP_IF_MODIFIED_SINCE, date, sizeof(date));
	ask.framed = is_for_frame(wsi);
	if (!web_bundle_find(bundle, &ask, &answer))
		return -EAGAIN;
	return bundle_answer(r, wsi, &answer);
}

/* Probes have places of their own. NULL, or the refusal. */
static const char *probe_hold(struct lws *wsi, struct bytes path)
{
	struct web_client *client = lws_get_opaque_user_data(wsi);

	return client && bytes_list_has(BYTES_LIT(PROBES), path) ? web_client_probe(client) : NULL;
}

int web_request_on_head(struct web_request *r, struct lws *wsi, struct web_pages *pages,
			struct bytes path)
{
	static const struct web_header fresh[] = { { "cache-control:", "no-store" }, { 0 } };
	struct web_manual_page page;
	struct web_answer answer;
	const char *full;
	int err;

	web_request_drop(r);
	if (pages->routing)
		return web_visitor_on_head(pages->routing, &r->visitor, wsi, path);
	full = probe_hold(wsi, path);
	if (full)
		return web_problem_send(wsi, 503, full);
	if (pages->manual && lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) &&
	    web_manual_find(pages->manual, path, &page))
		return manual_answer(r, wsi, &page);
	err = pages->bundle ? bundle_on_head(r, wsi, pages->bundle, path) : -EAGAIN;
	if (err != -EAGAIN)
		return err;
	if (pages->events && bytes_is(path, WEB_EVENTS_PATH) &&
	    lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI))
		return web_events_on_head(pages->events, &r->ear, &r->query, wsi);
	/* "/v1/tokens/.." is "/v1" by now */
	if (pages->api && (bytes_starts(path, WEB_API_HEAD) || bytes_is(path, "/v1") ||
			   web_api_has_page(pages->api, path)))
		return web_query_on_head(pages->api, &r->query, wsi, path);
	if (pages->desk && bytes_starts(path, WEB_PAGE_HEAD))
		return web_visit_on_head(pages->desk, &r->visit, wsi, path);
	if (!lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI))
		return web_problem_send(wsi, 405, "only GET");
	if (pages->files)
		return web_file_answer(r, wsi, pages->files, path);
	if (!bytes_list_has(BYTES_LIT(PROBES), path))
		return web_problem_send(wsi, 404, "not found");
	if (!pages->health)
		return web_problem_send(wsi, 404, "not here: see http.health_port");
	answer = web_page_answer(r, pages, path);
	if (!r->text)
		return -1;
	web_request_count(true);
	r->size = r->text->n;
	if (web_head_send(wsi, answer.status, answer.type, r->text->n, fresh))
		return -1;
	(void)lws_callback_on_writable(wsi);
	return 0;
}

/* Body of an answered request: dropped. */
static int web_visit_body(struct web_visit *v, size_t n)
{
	if (v->status)
		return 0;
	if (n > v->body_left)
		return -1;
	v->body_left -= n;
	return 0;
}

/* Only pressed buttons have one, and the HTTP API. */
int web_request_body(struct web_request *r, struct bytes octets)
{
	if (r->visitor)
		return web_visitor_body(r->visitor, octets);
	if (r->query)
		return web_query_body(r->query, octets);
	return r->visit ? web_visit_body(r->visit, octets.n) : -1;
}

/* Octets of its body, which are ignored; and its end. */
static int web_visit_body_end(struct web_visit *v)
{
	if (v->body_ended)
		return -1; /* the library has read more than the request: see request_completed */
	v->body_ended = true;
	if (v->status || v->place)
		return 0;
	return v->body_left ? -1 : visit_push(v);
}

int web_request_body_end(struct web_request *r)
{
	if (r->visitor)
		return web_visitor_body_end(r->visitor);
	if (r->query)
		return web_query_body_end(r->query);
	return r->visit ? web_visit_body_end(r->visit) : 0;
}

static int request_page_send(struct web_request *r, struct lws *wsi)
{
	uint8_t space[LWS_PRE + WEB_REQUEST_PIECE]; /* the library may write before what it sends */
	uint8_t *piece = r->file ? r->piece : space;
	size_t most = r->file ? FILE_PIECE : WEB_REQUEST_PIECE;
	uint64_t left = r->size - r->sent;
	size_t n = left < most ? (size_t)left : most;
	bool last = n == left;

	if (r->file ? !piece || (n && !file_read(r, n)) : !r->text)
		return -1;
	if (!r->file)
		memcpy(piece + LWS_PRE, r->text->octets + r->sent, n);
	if (lws_write(wsi, piece + LWS_PRE, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) !=
	    (int)n)
		return -1;
	r->sent += n;
	if (!last) {
		(void)lws_callback_on_writable(wsi);
		return 0;
	}
	web_request_drop(r);
	return request_completed(wsi);
}

static int visit_head(const struct web_visit *v)
{
	char refresh[WEB_PAGE_PATH_MAX + 32];
	bool ok = v->status == 200;
	const struct web_header headers[] = {
		{ "cache-control:", "no-store" },
		{ "connection:", "close" },
		{ "referrer-policy:", "no-referrer" },
		{ "x-content-type-options:", "nosniff" },
		{ "content-security-policy:",
		  ok ? "default-src 'none'; form-action 'self'; frame-ancestors 'none'" : NULL },
		{ "refresh:", ok ? refresh : NULL },
		{ "allow:", v->allow },
		{ "retry-after:", v->status == 503 ? "1" : NULL },
		{ 0 }
	};

	/* after the redirect a reload does not press the button again */
	(void)snprintf(refresh, sizeof(refresh), "%d; url=%.*s", WEB_PAGE_REFRESH_S, (int)v->link_n,
		       v->link);
	return web_head_send(v->wsi, v->status, ok ? "text/html; charset=utf-8" : "text/plain",
			     v->n, headers);
}

/* The connection takes more. */
static int web_visit_send(struct web_visit *v)
{
	if (!v->status)
		return 0;
	if (!v->has_head) {
		v->has_head = true;
		(void)lws_callback_on_writable(v->wsi);
		return visit_head(v);
	}
	(void)lws_write(v->wsi, v->page + LWS_PRE, v->n, LWS_WRITE_HTTP_FINAL);
	return -1;
}

static int request_query_send(struct web_request *r, struct lws *wsi)
{
	bool done;
	int err =
		r->visitor ? web_visitor_send(r->visitor, &done) : web_query_send(r->query, &done);

	if (!done || err)
		return err;
	web_request_drop(r);
	return request_completed(wsi);
}

int web_request_send(struct web_request *r, struct lws *wsi)
{
	if (r->ear)
		return web_events_send(r->ear);
	if (r->query || r->visitor)
		return request_query_send(r, wsi);
	return r->visit ? web_visit_send(r->visit) : request_page_send(r, wsi);
}

/* It is over, or the connection is. NULL is fine. */
static void web_visit_drop(struct web_visit *v)
{
	if (!v)
		return;
	if (v->place)
		v->place->v = NULL;
	free(v);
}

void web_request_drop(struct web_request *r)
{
	web_visit_drop(r->visit);
	web_query_drop(r->query);
	web_visitor_drop(r->visitor);
	web_events_drop(r->ear);
	web_text_drop(r->text);
	free(r->piece);
	if (r->file)
		(void)close(r->file - 1);
	*r = (struct web_request){ 0 };
}

static_assert(WEB_ASKS_MAX <= 1 << PLACE_BITS, "a place is the last octet of an id");

int web_desk_open(struct web_desk **out, const uint8_t key[WEB_PAGE_KEY_LEN], struct web_asks *asks)
{
	struct web_desk *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	memcpy(d->key, key, sizeof(d->key));
	d->asks = asks;
	*out = d;
	return 0;
}

void web_desk_close(struct web_desk *d)
{
	if (d)
		explicit_bzero(d->key, sizeof(d->key));
	free(d);
}

/* ---- answers ---- */

static void visit_on_answer(struct web_visit *v, const struct web_answered *answered)
{
	struct writer w = visit_writer(v);

	v->place = NULL;
	if (!answered->found) {
		(void)visit_refuse(v, 404, "not found");
		return;
	}
	web_page_write(&w, bytes_mem(v->link, v->link_n), v->ask.of.number, &answered->page);
	(void)visit_answer(v, 200, &w);
}

void web_desk_on_answers(struct web_desk *d)
{
	struct web_answered answered;

	while (web_asks_pop(d->asks, &answered)) {
		struct web_place *place = &d->places[answered.id & ((1U << PLACE_BITS) - 1)];
		struct web_visit *v = place->v;

		assert(place->id == answered.id);
		*place = (struct web_place){ 0 };
		if (v)
			visit_on_answer(v, &answered);
	}
}
