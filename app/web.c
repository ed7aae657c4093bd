/* SPDX-License-Identifier: Apache-2.0 */
#include "app/web.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "app/web_link.h"
#include "app/web_sip.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/rand.h"
#include "sig/sip/tls.h"

enum {
	PAGE_MAX = 256 * 1024,
	CHUNK = 4096,
	HEADERS_MAX = 4096, /* request line and headers */
	REQUEST_SECONDS = 5,
	SOURCES = 1024,
	OWN_DESCRIPTORS = 8, /* listener, pipe, and what the library keeps */
	PING_SECONDS = 30,   /* without traffic: bindings of a NAT stay, dead browsers are found */
	HANGUP_SECONDS = 45,
	TX_PACKET = 16384, /* or the library cuts what it writes to its receive buffer */
};

/* One connection, whatever it carries. */
struct client {
	struct addr from;
	bool used;
};

struct web {
	struct lws_context *context;
	const struct health *health;
	struct web_sip *sip; /* NULL: no SIP */
	struct tls *tls;     /* NULL: no TLS */
	/* certificates to be read again, malloc'ed by the control thread */
	_Atomic(struct tls_settings *) fresh;
	uint32_t client_count, clients_max, per_source;
	struct client *clients;
	struct stream_rate handshakes;
	struct hash_key key;
	uint64_t source_handshakes[SOURCES]; /* buckets of stream_rate, by hash of the address */
	struct lws_protocols protocols[3];
	pthread_t thread;
	_Atomic bool stop;
};

/* One connection. Zeroed by the library. */
struct page {
	uint8_t *text; /* LWS_PRE bytes, then the page */
	size_t size, sent;
};

static struct {
	metric_id requests, refused, full, source, hurried;
} g_metrics;

void web_setup(void)
{
	g_metrics.requests = metric_register(METRIC_COUNTER, "tandem_http_requests_total",
					     "result=\"served\"", "HTTP requests.");
	g_metrics.refused = metric_register(METRIC_COUNTER, "tandem_http_requests_total",
					    "result=\"refused\"", "HTTP requests.");
	g_metrics.full = metric_register(METRIC_COUNTER, "tandem_http_refused_total",
					 "reason=\"connections_full\"",
					 "Connections of the web listener not taken");
	g_metrics.source = metric_register(METRIC_COUNTER, "tandem_http_refused_total",
					   "reason=\"source_full\"",
					   "Connections of the web listener not taken");
	g_metrics.hurried = metric_register(METRIC_COUNTER, "tandem_http_refused_total",
					    "reason=\"handshakes_of_source\"",
					    "Connections of the web listener not taken");
	web_link_setup();
	web_sip_setup();
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

static uint32_t count_of(const struct web *web, const struct addr *source)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < web->clients_max; i++)
		n += web->clients[i].used && addr_ip_eq(&web->clients[i].from, source);
	return n;
}

/* One costs as much as hundreds of messages. */
static bool is_hurried(struct web *web, const struct addr *source)
{
	uint64_t hash = hash_sip(&web->key, bytes_mem(source->ip, sizeof(source->ip)));

	return web->tls && web->handshakes.per_s &&
	       !stream_rate_take(&web->source_handshakes[hash % SOURCES], &web->handshakes,
				 clock_now_ns());
}

/* Before the first octet. The library would leave those beyond its own limit waiting, and be woken by them for ever. */
static int filter(struct web *web, int fd)
{
	struct addr source;

	if (web->client_count == web->clients_max) {
		metric_add(g_metrics.full, 1);
		return 1;
	}
	if (web_peer_of(fd, &source) || count_of(web, &source) >= web->per_source) {
		metric_add(g_metrics.source, 1);
		return 1;
	}
	if (is_hurried(web, &source)) {
		metric_add(g_metrics.hurried, 1);
		return 1;
	}
	return 0;
}

/* The mark tells a client from the library's own sockets. */
static void count_in(struct web *web, struct lws *wsi)
{
	for (uint32_t i = 0; i < web->clients_max; i++) {
		struct client *c = &web->clients[i];

		if (c->used)
			continue;
		c->used = true;
		if (web_peer_of(lws_get_socket_fd(wsi), &c->from))
			c->from = (struct addr){ 0 };
		lws_set_opaque_user_data(wsi, c);
		web->client_count++;
		return;
	}
}

static void count_out(struct web *web, struct lws *wsi)
{
	struct client *c = lws_get_opaque_user_data(wsi);

	if (!c)
		return;
	lws_set_opaque_user_data(wsi, NULL);
	c->used = false;
	web->client_count--;
}

/* What may have woken us: certificates, SIP. */
static void news(struct web *web)
{
	char error[TLS_ERROR_MAX];
	/* acquire: pairs with the release in web_tls_reload */
	struct tls_settings *fresh =
		atomic_exchange_explicit(&web->fresh, NULL, memory_order_acquire);

	if (fresh && web->tls && tls_reload(web->tls, fresh, error))
		LOG_ERROR("web", 0, "the new certificates cannot be used: the old ones stay",
			  LOG_STR("error", error));
	free(fresh);
	if (web->sip)
		web_sip_news(web->sip);
}

static int upgrade(const struct web *web, struct lws *wsi)
{
	if (web->sip)
		return web_sip_admit(web->sip, wsi) ? 0 : -1;
	metric_add(g_metrics.refused, 1);
	return -1;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		   size_t len)
{
	struct web *web = lws_context_user(lws_get_context(wsi));
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
		return -1;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return upgrade(web, wsi);
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		return 1; /* a WebSocket of no sub-protocol */
	case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
		return filter(web, (int)(intptr_t)in);
	case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
		count_in(web, wsi);
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		count_out(web, wsi);
		return 0;
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		news(web);
		return 0;
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		tls_lend(web->tls, user);
		return 0;
	default:
		return 0;
	}
}

static int on_sip(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		  size_t len)
{
	if (reason == LWS_CALLBACK_WSI_DESTROY)
		count_out(lws_context_user(lws_get_context(wsi)), wsi);
	return web_sip_callback(wsi, reason, user, in, len);
}

static void protocols_fill(struct web *web)
{
	web->protocols[0] = (struct lws_protocols){ .name = "http",
						    .callback = on_http,
						    .per_session_data_size = sizeof(struct page) };
	if (!web->sip)
		return;
	web->protocols[1] = (struct lws_protocols){ .name = WEB_SIP_PROTOCOL,
						    .callback = on_sip,
						    .per_session_data_size = web_sip_session_size(),
						    .rx_buffer_size = CHUNK,
						    .user = web->sip,
						    .tx_packet_size = TX_PACKET };
}

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

static void wake(void *arg)
{
	const struct web *web = arg;

	lws_cancel_service(web->context);
}

/* The library's own copy of the certificate is never shown: tls_lend. */
static void info_secure(struct lws_context_creation_info *info, const struct tls_settings *tls)
{
	info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info->ssl_options_set =
		SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION;
	info->ssl_cert_filepath = tls->identities[0].certificate;
	info->ssl_private_key_filepath = tls->identities[0].key;
}

static int context_open(struct web *web, const struct web_settings *settings)
{
	static const lws_retry_bo_t validity = { .secs_since_valid_ping = PING_SECONDS,
						 .secs_since_valid_hangup = HANGUP_SECONDS };
	const struct addr *bind = &settings->bind;
	char address[ADDR_TEXT_MAX];
	struct writer w = writer_over(address, sizeof(address) - 1);
	struct lws_context_creation_info info = {
		.port = bind->port,
		.iface = address,
		.protocols = web->protocols,
		.gid = -1,
		.uid = -1,
		.user = web,
		.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
		.fd_limit_per_thread = web->clients_max + OWN_DESCRIPTORS,
		.retry_and_idle_policy = &validity,
		.alpn = "http/1.1", /* browsers would have WebSockets inside of HTTP/2 */
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
	if (settings->tls)
		info_secure(&info, settings->tls);
	web->context = lws_create_context(&info);
	if (!web->context)
		return -EIO;
	if (web->sip) {
		web_sip_attach(web->sip, web->context);
		web_link_attach(settings->link, wake, web);
	}
	return 0;
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

/* Phones show certificates, where they must; browsers have passwords. malloc'ed. */
static struct tls_settings *tls_copy(const struct tls_settings *settings)
{
	struct tls_settings *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *settings;
	copy->clients = TLS_CLIENT_NONE;
	return copy;
}

static int tls_prepare(struct web *web, const struct tls_settings *settings)
{
	struct tls_settings *own;
	char error[TLS_ERROR_MAX] = "out of memory";
	int err;

	if (!settings)
		return 0;
	own = tls_copy(settings);
	err = own ? tls_open(&web->tls, own, error) : -ENOMEM;
	free(own);
	if (err)
		LOG_ERROR("web", 0, "the certificates cannot be used", LOG_STR("error", error));
	return err;
}

static int prepare(struct web *web, const struct web_settings *settings)
{
	int err = why_not(&settings->bind);
	struct rand_source rand;

	web->health = settings->health;
	web->clients_max = WEB_CONNECTIONS_MAX + (settings->link ? settings->places : 0);
	web->per_source = settings->per_source;
	web->handshakes = settings->handshakes_per_source;
	rand_open_system(&rand);
	web->key.k0 = rand_u64_from(&rand);
	web->key.k1 = rand_u64_from(&rand);
	web->clients = calloc(web->clients_max, sizeof(web->clients[0]));
	if (!web->clients)
		return -ENOMEM;
	lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
	if (!err)
		err = tls_prepare(web, settings->tls);
	if (!err && settings->link)
		err = web_sip_open(&web->sip, settings);
	protocols_fill(web);
	return err ? err : context_open(web, settings);
}

static void web_free(struct web *web)
{
	if (!web)
		return;
	if (web->context)
		lws_context_destroy(web->context);
	web_sip_close(web->sip);
	tls_close(web->tls);
	free(web->clients);
	free(atomic_load_explicit(&web->fresh, memory_order_acquire));
	free(web);
}

int web_open(struct web **out, const struct web_settings *settings)
{
	struct web *web = calloc(1, sizeof(*web));
	int err = web ? prepare(web, settings) : -ENOMEM;

	if (!err)
		err = -pthread_create(&web->thread, NULL, web_run, web);
	if (err) {
		LOG_ERROR("web", 0, "cannot listen for HTTP", LOG_ADDR("address", &settings->bind),
			  LOG_STR("error", strerror(-err)));
		web_free(web);
		return err;
	}
	*out = web;
	return 0;
}

void web_tls_reload(struct web *web, const struct tls_settings *settings)
{
	struct tls_settings *fresh = tls_copy(settings);

	if (!fresh)
		return;
	/* release: pairs with the acquire in news */
	free(atomic_exchange_explicit(&web->fresh, fresh, memory_order_acq_rel));
	lws_cancel_service(web->context);
}

void web_close(struct web *web)
{
	if (!web)
		return;
	/* release: pairs with the acquire in web_run */
	atomic_store_explicit(&web->stop, true, memory_order_release);
	lws_cancel_service(web->context);
	(void)pthread_join(web->thread, NULL);
	web_free(web);
}
