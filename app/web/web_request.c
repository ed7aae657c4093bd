/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web_request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metric.h"

#define BUDGET_BURST_NS (5 * NS_PER_S)

enum {
	PAGE_MAX = 256 * 1024,
	PAGE_SHORT = 4096,
	BUDGET_SHARE = 10,
	ANSWER_HEAD_MAX = 1024,
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

static void text_drop(struct web_text *t)
{
	if (t && --t->users == 0)
		free(t);
}

/* What was written, as long as it is; NULL: no memory. */
static struct web_text *text_make(struct bytes written)
{
	struct web_text *t = malloc(sizeof(*t) + written.n);

	if (!t)
		return NULL;
	t->users = 1;
	t->n = written.n;
	memcpy(t->octets, written.p, written.n);
	return t;
}

void web_pages_close(struct web_pages *pages)
{
	text_drop(pages->metrics);
	pages->metrics = NULL;
}

static struct web_text *metrics_make(void)
{
	static uint8_t space[PAGE_MAX]; /* of the web thread: one has health and metrics */
	struct writer w = writer_over(space, sizeof(space));

	metric_write(&w);
	return w.overflow ? NULL : text_make(writer_done(&w));
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

/* It is long, and the thread has pages and phones of browsers to serve. Who asks too often is given what was made last. */
static struct web_text *metrics_take(struct web_pages *pages)
{
	uint64_t began_ns = clock_now_ns();

	if (!pages->metrics || web_budget_has(&pages->budget, began_ns)) {
		text_drop(pages->metrics);
		pages->metrics = metrics_make();
		web_budget_spend(&pages->budget, began_ns, clock_now_ns());
	}
	if (pages->metrics)
		pages->metrics->users++;
	return pages->metrics;
}

/* The page for a path, but /metrics. */
static struct web_answer page_write(struct health *health, struct bytes path, struct writer *w)
{
	uint32_t reasons = health ? health_reasons(health, clock_now_ns()) : 0;

	if (!health) {
		writer_str(w, "not here: see http.health_port\n");
		return (struct web_answer){ 404, "text/plain" };
	}
	if (bytes_is(path, "/healthz")) {
		health_write(w, health, reasons);
		return (struct web_answer){ health_is_well(reasons) ? 200 : 503,
					    "application/json" };
	}
	if (bytes_is(path, "/readyz")) {
		health_write(w, health, reasons);
		return (struct web_answer){ health_is_ready(reasons) ? 200 : 503,
					    "application/json" };
	}
	writer_str(w, "not found\n");
	return (struct web_answer){ 404, "text/plain" };
}

static int head_send(struct lws *wsi, struct web_answer answer, size_t size)
{
	uint8_t buffer[LWS_PRE + ANSWER_HEAD_MAX], *start = buffer + LWS_PRE, *p = start;
	uint8_t *end = buffer + sizeof(buffer) - 1;

	if (lws_add_http_common_headers(wsi, answer.status, answer.type, size, &p, end) ||
	    lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CACHE_CONTROL,
					 (const uint8_t *)"no-store", 8, &p, end) ||
	    lws_finalize_write_http_header(wsi, start, &p, end))
		return -1;
	return 0;
}

void web_request_count(bool served)
{
	metric_add(served ? g_request_metrics.served : g_request_metrics.refused, 1);
}

int web_request_refuse(void)
{
	metric_add(g_request_metrics.refused, 1);
	return -1;
}

/* ---- files ---- */

static int header_add(struct lws *wsi, const char *name, const char *value, uint8_t **p,
		      uint8_t *end)
{
	return lws_add_http_header_by_name(wsi, (const uint8_t *)name, (const uint8_t *)value,
					   (int)strlen(value), p, end);
}

static int file_head_send(struct lws *wsi, const char *type, const struct web_range *range,
			  uint64_t size)
{
	uint8_t buffer[LWS_PRE + ANSWER_HEAD_MAX], *start = buffer + LWS_PRE, *p = start;
	uint8_t *end = buffer + sizeof(buffer) - 1;
	char part[RANGE_MAX];

	(void)snprintf(part, sizeof(part), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->from,
		       range->from + range->n - 1, size);
	if (lws_add_http_common_headers(wsi, range->part ? 206 : 200, type, range->n, &p, end) ||
	    (range->part && header_add(wsi, "content-range:", part, &p, end)) ||
	    header_add(wsi, "accept-ranges:", "bytes", &p, end) ||
	    header_add(wsi, "cache-control:", "private, no-store", &p, end) ||
	    header_add(wsi, "x-content-type-options:", "nosniff", &p, end) ||
	    lws_finalize_write_http_header(wsi, start, &p, end))
		return -1;
	return 0;
}

static int range_refuse(struct lws *wsi, uint64_t size)
{
	uint8_t buffer[LWS_PRE + ANSWER_HEAD_MAX], *start = buffer + LWS_PRE, *p = start;
	uint8_t *end = buffer + sizeof(buffer) - 1;
	char all[RANGE_MAX];

	(void)snprintf(all, sizeof(all), "bytes */%" PRIu64, size);
	if (lws_add_http_common_headers(wsi, 416, "text/plain", 0, &p, end) ||
	    header_add(wsi, "content-range:", all, &p, end) ||
	    lws_finalize_write_http_header(wsi, start, &p, end))
		return -1;
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int file_begin(struct web_request *r, struct lws *wsi, struct bytes name, int fd,
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

/* The link was given to somebody who may: now it is only looked at. */
static int file_take(struct web_request *r, struct lws *wsi, const struct web_files *files,
		     struct bytes path)
{
	struct bytes name;
	uint64_t size = 0;
	int fd, err = web_file_parse(files, path, clock_utc_ms(), &name);

	fd = err ? err : web_file_open(files, name, &size);
	if (fd >= 0)
		return file_begin(r, wsi, name, fd, size);
	metric_add(g_request_metrics.refused, 1);
	(void)lws_return_http_status(wsi, fd == -EACCES ? 403 : 404,
				     fd == -EACCES ? "ask for another link: recording.link"
						   : "not found");
	return -1;
}

/* Where less of it is there than was promised the connection ends. */
static size_t file_read(struct web_request *r, size_t n)
{
	ssize_t got = pread(r->file - 1, r->piece + LWS_PRE, n, (off_t)(r->from + r->sent));

	return got == (ssize_t)n ? n : 0;
}

static struct web_answer page_take(struct web_request *r, struct web_pages *pages,
				   struct bytes path)
{
	static const struct web_answer metrics = { 200, "text/plain; version=0.0.4" };
	uint8_t space[PAGE_SHORT];
	struct writer w = writer_over(space, sizeof(space));
	struct web_answer answer;

	if (pages->health && bytes_is(path, "/metrics")) {
		r->text = metrics_take(pages);
		return metrics;
	}
	answer = page_write(pages->health, path, &w);
	r->text = text_make(writer_done(&w));
	return answer;
}

int web_request_take(struct web_request *r, struct lws *wsi, struct web_pages *pages,
		     struct bytes path)
{
	struct web_answer answer;

	web_request_drop(r);
	if (pages->desk && bytes_starts(path, WEB_PAGE_HEAD))
		return web_visit_take(pages->desk, &r->visit, wsi, path);
	if (!lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI)) {
		(void)lws_return_http_status(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, "only GET");
		return web_request_refuse();
	}
	if (pages->files)
		return file_take(r, wsi, pages->files, path);
	answer = page_take(r, pages, path);
	if (!r->text)
		return -1;
	metric_add(answer.status == 404 ? g_request_metrics.refused : g_request_metrics.served, 1);
	r->size = r->text->n;
	if (head_send(wsi, answer, r->text->n))
		return -1;
	(void)lws_callback_on_writable(wsi);
	return 0;
}

/* Only a key that is pressed has one. */
int web_request_body(struct web_request *r, size_t n)
{
	return r->visit ? web_visit_body(r->visit, n) : -1;
}

int web_request_body_end(struct web_request *r)
{
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
	/* r is the library's again, and may be gone */
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

int web_request_send(struct web_request *r, struct lws *wsi)
{
	return r->visit ? web_visit_send(r->visit) : request_page_send(r, wsi);
}

void web_request_drop(struct web_request *r)
{
	web_visit_drop(r->visit);
	text_drop(r->text);
	free(r->piece);
	if (r->file)
		(void)close(r->file - 1);
	*r = (struct web_request){ 0 };
}
