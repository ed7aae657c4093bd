/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libwebsockets.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"

enum {
	PAGE_MAX = 256 * 1024,
	CHUNK = 4096,
	HEADERS_MAX = 4096, /* request line and headers */
	REQUEST_SECONDS = 5,
	OWN_DESCRIPTORS = 8, /* listener, pipe, and what the library keeps */
};

struct web {
	struct lws_context *context;
	const struct health *health;
	pthread_t thread;
	_Atomic bool stop;
};

/* One connection. Zeroed by the library. */
struct page {
	uint8_t *text; /* LWS_PRE bytes, then the page */
	size_t size, sent;
};

static struct {
	metric_id requests, refused;
} g_metrics;

void web_setup(void)
{
	g_metrics.requests = metric_register(METRIC_COUNTER, "tandem_http_requests_total",
					     "result=\"served\"", "HTTP requests.");
	g_metrics.refused = metric_register(METRIC_COUNTER, "tandem_http_requests_total",
					    "result=\"refused\"", "HTTP requests.");
}

static void on_lws_log(int level, const char *line)
{
	struct bytes text = bytes_trim(bytes_str(line));

	/* errors of the library are mostly a peer's: what stops our start is logged by web_open */
	if (level & LLL_ERR) {
		LOG_WARN("web", 0, "libwebsockets", LOG_BYTES("text", text));
	} else {
		LOG_DEBUG("web", 0, "libwebsockets", LOG_BYTES("text", text));
	}
}

struct answer {
	unsigned status;
	const char *type;
};

/* The page for a path. */
static struct answer page_write(const struct web *web, struct bytes path, struct writer *w)
{
	uint32_t reasons = health_reasons(web->health, clock_now_ns());

	if (bytes_is(path, "/healthz")) {
		health_write(w, reasons);
		return (struct answer){ reasons ? 503 : 200, "application/json" };
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

static int headers_send(struct lws *wsi, struct answer answer, size_t size)
{
	uint8_t buffer[LWS_PRE + 1024], *start = buffer + LWS_PRE, *p = start;
	uint8_t *end = buffer + sizeof(buffer) - 1;

	if (lws_add_http_common_headers(wsi, answer.status, answer.type, size, &p, end) ||
	    lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CACHE_CONTROL,
					 (const uint8_t *)"no-store", 8, &p, end) ||
	    lws_finalize_write_http_header(wsi, start, &p, end))
		return -1;
	return 0;
}

static int request_take(const struct web *web, struct lws *wsi, struct page *page,
			struct bytes path)
{
	struct answer answer;
	struct writer w;

	if (!lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI)) {
		metric_add(g_metrics.refused, 1);
		(void)lws_return_http_status(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, "only GET");
		return -1;
	}
	page->text = malloc(LWS_PRE + PAGE_MAX);
	if (!page->text)
		return -1;
	w = writer_over(page->text + LWS_PRE, PAGE_MAX);
	answer = page_write(web, path, &w);
	metric_add(answer.status == 404 ? g_metrics.refused : g_metrics.requests, 1);
	page->size = w.n;
	page->sent = 0;
	if (headers_send(wsi, answer, w.n))
		return -1;
	(void)lws_callback_on_writable(wsi);
	return 0;
}

static void page_drop(struct page *page)
{
	free(page->text);
	*page = (struct page){ 0 };
}

static int page_send(struct lws *wsi, struct page *page)
{
	size_t n = page->size - page->sent < CHUNK ? page->size - page->sent : CHUNK;
	bool last = page->sent + n == page->size;

	if (!page->text)
		return -1;
	/* The library may write LWS_PRE bytes before: what lies there has been sent. */
	if (lws_write(wsi, page->text + LWS_PRE + page->sent, n,
		      last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) != (int)n)
		return -1;
	page->sent += n;
	if (!last) {
		(void)lws_callback_on_writable(wsi);
		return 0;
	}
	page_drop(page);
	/* the page is the library's again, and may be gone */
	return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		   size_t len)
{
	const struct web *web = lws_context_user(lws_get_context(wsi));
	struct page *page = user;

	switch ((int)reason) { /* a hundred reasons of the library's: these are ours */
	case LWS_CALLBACK_HTTP:
		page_drop(page);
		return request_take(web, wsi, page, bytes_mem(in, len));
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return page_send(wsi, page);
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		if (page)
			page_drop(page);
		return 0;
	case LWS_CALLBACK_HTTP_BODY:
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return -1; /* no bodies, no upgrades */
	default:
		return 0;
	}
}

static const struct lws_protocols g_protocols[] = {
	{ .name = "http", .callback = on_http, .per_session_data_size = sizeof(struct page) },
	{ 0 },
};

static void *web_run(void *arg)
{
	struct web *web = arg;

	/* acquire: pairs with the release in web_close */
	while (!atomic_load_explicit(&web->stop, memory_order_acquire)) {
		if (lws_service(web->context, 0) < 0)
			break;
	}
	return NULL;
}

static int context_open(struct web *web, const struct addr *bind)
{
	char address[ADDR_TEXT_MAX];
	struct writer w = writer_over(address, sizeof(address) - 1);
	struct lws_context_creation_info info = {
		.port = bind->port,
		.iface = address,
		.protocols = g_protocols,
		.gid = -1,
		.uid = -1,
		.user = web,
		.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
		.fd_limit_per_thread = WEB_CONNECTIONS_MAX + OWN_DESCRIPTORS,
		.max_http_header_data = HEADERS_MAX,
		.max_http_header_pool = WEB_CONNECTIONS_MAX,
		.timeout_secs = REQUEST_SECONDS,
		.timeout_secs_ah_idle = REQUEST_SECONDS,
		.keepalive_timeout = REQUEST_SECONDS,
		.server_string = "tandem",
	};

	addr_write_ip(&w, bind);
	address[w.n] = '\0';
	if (bind->family == ADDR_V4) {
		info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
	} else {
		info.options |=
			LWS_SERVER_OPTION_IPV6_V6ONLY_MODIFY | LWS_SERVER_OPTION_IPV6_V6ONLY_VALUE;
	}
	web->context = lws_create_context(&info);
	return web->context ? 0 : -EIO;
}

/* The library says no more than that it failed. */
static int why_not(const struct addr *address)
{
	struct sockaddr_storage sa;
	uint32_t n = addr_to_sockaddr(address, &sa);
	int one = 1, err = 0, fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&sa, n) < 0 || listen(fd, 1) < 0)
		err = -errno;
	(void)close(fd);
	return err;
}

int web_open(struct web **out, const struct addr *bind, const struct health *health)
{
	struct web *web = calloc(1, sizeof(*web));
	int err = web ? why_not(bind) : -ENOMEM;

	if (!err) {
		web->health = health;
		lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
		err = context_open(web, bind);
	}
	if (!err)
		err = -pthread_create(&web->thread, NULL, web_run, web);
	if (err) {
		LOG_ERROR("web", 0, "cannot listen for HTTP", LOG_ADDR("address", bind),
			  LOG_STR("error", strerror(-err)));
		if (web && web->context)
			lws_context_destroy(web->context);
		free(web);
		return err;
	}
	*out = web;
	return 0;
}

void web_close(struct web *web)
{
	if (!web)
		return;
	/* release: pairs with the acquire in web_run */
	atomic_store_explicit(&web->stop, true, memory_order_release);
	lws_cancel_service(web->context);
	(void)pthread_join(web->thread, NULL);
	lws_context_destroy(web->context);
	free(web);
}
