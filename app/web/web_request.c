/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web/web_request.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/metric.h"

enum { PAGE_MAX = 256 * 1024, HEAD_MAX = 1024 };

struct answer {
	unsigned status;
	const char *type;
};

static struct {
	metric_id served, refused;
} g_metrics;

void web_request_setup(void)
{
	static const char requests[] = "tandem_http_requests_total";

	g_metrics.served =
		metric_register(METRIC_COUNTER, requests, "result=\"served\"", "HTTP requests.");
	g_metrics.refused =
		metric_register(METRIC_COUNTER, requests, "result=\"refused\"", "HTTP requests.");
}

/* The page for a path. */
static struct answer page_write(const struct health *health, struct bytes path, struct writer *w)
{
	uint32_t reasons = health ? health_reasons(health, clock_now_ns()) : 0;

	if (!health) {
		writer_str(w, "not here: see http.health_port\n");
		return (struct answer){ 404, "text/plain" };
	}
	if (bytes_is(path, "/healthz")) {
		health_write(w, reasons);
		return (struct answer){ health_is_well(reasons) ? 200 : 503, "application/json" };
	}
	if (bytes_is(path, "/readyz")) {
		health_write(w, reasons);
		return (struct answer){ health_is_ready(reasons) ? 200 : 503, "application/json" };
	}
	if (bytes_is(path, "/metrics")) {
		metric_write(w);
		return (struct answer){ w->overflow ? 500 : 200, "text/plain; version=0.0.4" };
	}
	writer_str(w, "not found\n");
	return (struct answer){ 404, "text/plain" };
}

static int head_send(struct lws *wsi, struct answer answer, size_t size)
{
	uint8_t buffer[LWS_PRE + HEAD_MAX], *start = buffer + LWS_PRE, *p = start;
	uint8_t *end = buffer + sizeof(buffer) - 1;

	if (lws_add_http_common_headers(wsi, answer.status, answer.type, size, &p, end) ||
	    lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CACHE_CONTROL,
					 (const uint8_t *)"no-store", 8, &p, end) ||
	    lws_finalize_write_http_header(wsi, start, &p, end))
		return -1;
	return 0;
}

int web_request_refuse(void)
{
	metric_add(g_metrics.refused, 1);
	return -1;
}

int web_request_take(struct web_request *r, struct lws *wsi, const struct health *health,
		     struct bytes path)
{
	struct answer answer;
	struct writer w;

	web_request_drop(r);
	if (!lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI)) {
		(void)lws_return_http_status(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, "only GET");
		return web_request_refuse();
	}
	r->page = malloc(LWS_PRE + PAGE_MAX);
	if (!r->page)
		return -1;
	w = writer_over(r->page + LWS_PRE, PAGE_MAX);
	answer = page_write(health, path, &w);
	metric_add(answer.status == 404 ? g_metrics.refused : g_metrics.served, 1);
	r->size = w.n;
	if (head_send(wsi, answer, w.n))
		return -1;
	(void)lws_callback_on_writable(wsi);
	return 0;
}

int web_request_send(struct web_request *r, struct lws *wsi)
{
	size_t left = r->size - r->sent, n = left < WEB_REQUEST_PIECE ? left : WEB_REQUEST_PIECE;
	bool last = n == left;

	if (!r->page)
		return -1;
	/* The library may write LWS_PRE bytes before: what lies there has been sent. */
	if (lws_write(wsi, r->page + LWS_PRE + r->sent, n,
		      last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) != (int)n)
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

void web_request_drop(struct web_request *r)
{
	free(r->page);
	*r = (struct web_request){ 0 };
}
