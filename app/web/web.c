/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web thread: its listeners by libwebsockets, TLS certificates and their renewal, and the
 * dispatch of callbacks to requests, events and SIP sessions. app/daemon opens one for all, or
 * further ones for health and files. Everything a client can hold is bounded by web_clients.c
 * before the library allocates for it; certificates and settings come from the control thread by
 * atomic pointers.
 */

#include <errno.h>
#include <libwebsockets.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/web/web.h"
#include "app/web/web_clients.h"
#include "app/web/web_events.h"
#include "app/web/web_link.h"
#include "app/web/web_raw.h"
#include "app/web/web_request.h"
#include "app/web/web_sip.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/privilege.h"
#include "base/tls/tls.h"

/* Certificates of the web listener. The control thread hands over newer ones and goes on; the web
 * thread reads their files when it gets to it. Client certificates are requested as
 * tls.client_certificates says. */
struct web_certificates {
	struct tls *tls;                      /* web thread */
	_Atomic(struct tls_settings *) fresh; /* malloc'ed; NULL: nothing newer */
	/* No client context: the library would make one with all authorities of the machine, and
	 * not free it in a process with two listeners. */
	SSL_CTX *calls;
};

/* malloc'ed. */
static struct tls_settings *settings_copy(const struct tls_settings *settings)
{
	struct tls_settings *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *settings;
	return copy;
}

static void web_certificates_close(struct web_certificates *c)
{
	if (!c)
		return;
	tls_close(c->tls);
	SSL_CTX_free(c->calls);
	/* acquire: pairs with the release in web_certificates_renew */
	free(atomic_load_explicit(&c->fresh, memory_order_acquire));
	free(c);
}

/* Reads the files. 0, -ENOMEM, or as tls_open does; logged. */
static int web_certificates_open(struct web_certificates **out, const struct tls_settings *settings)
{
	struct web_certificates *c = calloc(1, sizeof(*c));
	struct tls_settings *own = settings_copy(settings);
	char error[TLS_ERROR_MAX] = "out of memory";
	int err = c && own ? tls_open(&c->tls, own, error) : -ENOMEM;

	free(own);
	if (!err) {
		c->calls = SSL_CTX_new(TLS_client_method());
		err = c->calls ? 0 : -ENOMEM;
	}
	if (err) {
		LOG_ERROR("web", 0, "the certificates cannot be used", LOG_STR("error", error));
		web_certificates_close(c);
		return err;
	}
	*out = c;
	return 0;
}

/* The library's own certificate is never shown: tls_lend puts ours in its place. */
static void web_certificates_set(const struct web_certificates *c,
				 struct lws_context_creation_info *info,
				 const struct tls_settings *settings)
{
	info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info->ssl_options_set =
		SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION;
	info->ssl_cert_filepath = settings->identities[0].certificate;
	info->ssl_private_key_filepath = settings->identities[0].key;
	info->provided_client_ssl_ctx = c->calls;
}

/* The control thread: used from the next web_certificates_refresh on. */
static void web_certificates_renew(struct web_certificates *c, const struct tls_settings *settings)
{
	struct tls_settings *fresh = settings_copy(settings);

	if (!fresh)
		return;
	/* release: pairs with the acquire in web_certificates_refresh */
	free(atomic_exchange_explicit(&c->fresh, fresh, memory_order_acq_rel));
}

/* Reads the files of handed-over ones, if any. Unusable ones are logged, and the old ones stay. */
static void web_certificates_refresh(struct web_certificates *c)
{
	char error[TLS_ERROR_MAX];
	/* acquire: pairs with the release in web_certificates_renew */
	struct tls_settings *fresh =
		atomic_exchange_explicit(&c->fresh, NULL, memory_order_acquire);

	if (fresh && tls_reload(c->tls, fresh, error))
		LOG_ERROR("web", 0, "the new certificates cannot be used: the old ones stay",
			  LOG_STR("error", error));
	free(fresh);
}

enum {
	READ_SIZE = 4096,
	HEADERS_MAX = 4096, /* request line and headers */
	REQUEST_SECONDS = 5,
	OWN_DESCRIPTORS = 8, /* listener, pipe, and what the library keeps */
	PING_SECONDS = 30,   /* without traffic: bindings of a NAT stay, dead browsers are found */
	HANGUP_SECONDS = 45,
	TICK_US = 500000,
	NEWCOMERS = 256,   /* are tried in a round besides the library's */
	TX_PACKET = 16384, /* or the library cuts what it writes to its receive buffer */
};

#define LEAVE_NS (1 * NS_PER_S)

struct web {
	struct lws_context *context;
	struct web_pages pages;
	struct web_clients *clients;
	struct web_certificates *certificates; /* NULL: no TLS */
	struct web_sip *sip;                   /* NULL: no SIP */
	struct web_link *link;                 /* borrowed; with sip */
	lws_sorted_usec_list_t tick;
	struct lws_protocols protocols[4];
	pthread_t thread;
	_Atomic bool stop;
};

void web_setup(void)
{
	web_request_setup();
	web_clients_setup();
	web_link_setup();
	web_sip_setup();
	web_events_setup();
}

/* ---- the web thread ---- */

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

static void client_end(struct web *web, struct lws *wsi)
{
	struct web_client *client = lws_get_opaque_user_data(wsi);

	if (!client)
		return;
	lws_set_opaque_user_data(wsi, NULL);
	web_clients_remove(web->clients, client);
}

static void on_tick(lws_sorted_usec_list_t *sul)
{
	struct web *web = CONTAINER_OF(sul, struct web, tick);

	web_clients_expire(web->clients, clock_now_ns());
	if (web->pages.events)
		web_events_expire(web->pages.events, clock_now_ns());
	if (web->certificates)
		tls_tickets_expire(web->certificates->tls, clock_now_ns());
	lws_sul_schedule(web->context, 0, &web->tick, on_tick, TICK_US);
}

/* A whole request came. */
static void client_on_request(struct lws *wsi)
{
	struct web_client *client = lws_get_opaque_user_data(wsi);

	if (client)
		web_client_on_request(client, clock_now_ns());
}

/* The library asks for a connection that it has accepted. After a refusal it asks for no other
 * one in this round: pending connections are tried here, as a round costs more than a hundred
 * refusals. */
static int web_newcomer(struct web *web, struct lws *listener, int fd)
{
	uint64_t now_ns = clock_now_ns();
	int one = 1, next;

	if (web_clients_admit(web->clients, fd, now_ns))
		return 0;
	for (int i = 0; i < NEWCOMERS && web_clients_have_room(web->clients); i++) {
		next = accept4(lws_get_socket_fd(listener), NULL, NULL,
			       SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (next < 0)
			break;
		if (!web_clients_admit(web->clients, next, now_ns)) {
			(void)close(next);
			continue;
		}
		(void)setsockopt(next, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		(void)lws_adopt_socket_vhost(lws_get_vhost(listener), next);
	}
	return -1;
}

/* Possible reasons of a wake-up: certificates, SIP, record pages. */
static void on_wakeup(struct web *web)
{
	if (web->certificates)
		web_certificates_refresh(web->certificates);
	if (web->sip)
		web_sip_on_messages(web->sip);
	if (web->pages.desk)
		web_desk_on_answers(web->pages.desk);
	if (web->pages.api)
		web_api_on_answers(web->pages.api);
	if (web->pages.routing)
		web_routing_on_answers(web->pages.routing);
	if (web->pages.events)
		web_events_on_new(web->pages.events);
}

/* /v1/events, or of no sub-protocol. */
static bool is_of_events(const struct web *web, struct lws *wsi)
{
	char path[sizeof(WEB_EVENTS_PATH) + 1] = "";

	return web->pages.events && !lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) &&
	       lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) > 0 &&
	       bytes_is(bytes_str(path), WEB_EVENTS_PATH);
}

static int upgrade(const struct web *web, struct lws *wsi)
{
	client_on_request(wsi);
	if (is_of_events(web, wsi))
		return web_events_admit(web->pages.events, wsi);
	if (web->sip)
		return web_sip_admit(web->sip, wsi) ? 0 : -1;
	return web_problem_send(wsi, 404, "no WebSockets here");
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		   size_t len)
{
	struct web *web = lws_context_user(lws_get_context(wsi));
	struct web_request *request = user;

	switch ((int)reason) { /* of the library's hundred reasons */
	case LWS_CALLBACK_HTTP:
		client_on_request(wsi);
		return web_request_on_head(request, wsi, &web->pages, bytes_mem(in, len));
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return web_request_send(request, wsi);
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		if (request)
			web_request_drop(request);
		return 0;
	case LWS_CALLBACK_HTTP_BODY:
		return web_request_body(request, bytes_mem(in, len));
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return web_request_body_end(request);
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return upgrade(web, wsi);
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		return !is_of_events(web, wsi); /* a WebSocket of no sub-protocol */
	case LWS_CALLBACK_ESTABLISHED:
		return web_events_start(web->pages.events, &request->ear, wsi);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return request->ear ? web_events_send(request->ear) : 0;
	/* connections beyond its limit would stay pending in the library, and wake it for ever */
	case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
		return web_newcomer(web, wsi, (int)(intptr_t)in);
	case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
		/* the mark tells a client from the library's own sockets */
		lws_set_opaque_user_data(wsi, web_clients_add(web->clients, wsi, clock_now_ns()));
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		client_end(web, wsi);
		return 0;
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		on_wakeup(web);
		return 0;
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		/* the library's context shows ours */
		tls_lend(web->certificates->tls, user);
		return 0;
	default:
		return 0;
	}
}

static int on_sip(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		  size_t len)
{
	if (reason == LWS_CALLBACK_WSI_DESTROY)
		client_end(lws_context_user(lws_get_context(wsi)), wsi);
	return web_sip_callback(wsi, reason, user, in, len);
}

/* What the library cannot read as HTTP: of methods of WebDAV, or nonsense. */
static int on_raw(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		  size_t len)
{
	struct web *web = lws_context_user(lws_get_context(wsi));

	switch ((int)reason) { /* of the library's hundred reasons */
	case LWS_CALLBACK_RAW_RX:
		return web_raw_read(user, web->pages.api, wsi, bytes_mem(in, len));
	case LWS_CALLBACK_RAW_WRITEABLE:
		return web_raw_write(user);
	case LWS_CALLBACK_RAW_CLOSE:
		web_raw_drop(user);
		return 0;
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: /* it is no protocol of WebSockets */
		return -1;
	case LWS_CALLBACK_WSI_DESTROY:
		client_end(web, wsi);
		return 0;
	default:
		return 0;
	}
}

/* True: some are left. */
static bool web_stops(struct web *web)
{
	bool sip = web->sip && web_sip_stop(web->sip);
	bool events = web->pages.events && web_events_stop(web->pages.events);

	return sip || events;
}

/* Tells browsers that the node stops; they have a second to send Close. */
static void web_leave(struct web *web)
{
	uint64_t until_ns = clock_now_ns() + LEAVE_NS;

	while (web_stops(web) && clock_now_ns() < until_ns && lws_service(web->context, 0) >= 0)
		;
}

static void *web_run(void *arg)
{
	struct web *web = arg;

	privilege_drop(); /* it may have been started before the node did so */
	lws_sul_schedule(web->context, 0, &web->tick, on_tick, TICK_US);
	/* acquire: pairs with the release in web_close */
	while (!atomic_load_explicit(&web->stop, memory_order_acquire)) {
		if (lws_service(web->context, 0) < 0)
			return NULL;
	}
	web_leave(web);
	return NULL;
}

static void web_wake(void *arg)
{
	const struct web *web = arg;

	lws_cancel_service(web->context);
}

/* ---- start and end ---- */

/* libwebsockets reports the end of a connection with an incomplete request head to on_http, with
 * the session memory of on_raw. So that memory has the size of both, and begins as zeros. */
union web_session_data {
	struct web_request request;
	struct web_raw raw;
};

static void protocols_fill(struct web *web)
{
	struct lws_protocols *next = &web->protocols[1];

	web->protocols[0] =
		(struct lws_protocols){ .name = "http",
					.callback = on_http,
					.per_session_data_size = sizeof(struct web_request),
					.tx_packet_size = TX_PACKET };
	if (web->sip)
		*next++ = (struct lws_protocols){ .name = WEB_ADMIT_PROTOCOL,
						  .callback = on_sip,
						  .per_session_data_size = web_sip_session_size(),
						  .rx_buffer_size = READ_SIZE,
						  .user = web->sip,
						  .tx_packet_size = TX_PACKET };
	if (web->pages.api)
		*next = (struct lws_protocols){ .name = WEB_RAW_PROTOCOL,
						.callback = on_raw,
						.per_session_data_size =
							sizeof(union web_session_data),
						.rx_buffer_size = READ_SIZE,
						.tx_packet_size = TX_PACKET };
}

static int context_open(struct web *web, const struct web_settings *settings)
{
	static const lws_retry_bo_t validity = { .secs_since_valid_ping = PING_SECONDS,
						 .secs_since_valid_hangup = HANGUP_SECONDS };
	char address[ADDR_TEXT_MAX];
	struct writer w = writer_over(address, sizeof(address) - 1);
	/* In each answer, the library's own ones, too: what is in a frame of another host has the
	 * origin of this one, and reaches no window of it, nor what is kept there. */
	static const struct lws_protocol_vhost_options storage = { .name = "permissions-policy:",
								   .value = "storage-access=()" };
	static const struct lws_protocol_vhost_options apart = {
		.next = &storage, .name = "cross-origin-opener-policy:", .value = "same-origin"
	};
	struct lws_context_creation_info info = {
		.port = settings->bind.port,
		.iface = address,
		.protocols = web->protocols,
		.gid = -1,
		.uid = -1,
		.user = web,
		.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
		.fd_limit_per_thread = web_clients_max(web->clients) + OWN_DESCRIPTORS,
		.retry_and_idle_policy = &validity,
		.alpn = "http/1.1", /* else browsers would open WebSockets in HTTP/2 */
		.max_http_header_data = HEADERS_MAX,
		.max_http_header_pool = (unsigned short)web_clients_heads_max(web->clients),
		.timeout_secs = REQUEST_SECONDS,
		.timeout_secs_ah_idle = REQUEST_SECONDS,
		.keepalive_timeout = REQUEST_SECONDS,
		.server_string = "tandem",
		.headers = &apart,
	};

	addr_write_ip(&w, &settings->bind);
	address[w.n] = '\0';
	if (settings->bind.family == ADDR_V4) {
		info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
	} else {
		info.options |=
			LWS_SERVER_OPTION_IPV6_V6ONLY_MODIFY | LWS_SERVER_OPTION_IPV6_V6ONLY_VALUE;
	}
	if (web->pages.api) {
		info.options |= LWS_SERVER_OPTION_FALLBACK_TO_APPLY_LISTEN_ACCEPT_CONFIG;
		info.listen_accept_role = "raw-skt";
		info.listen_accept_protocol = WEB_RAW_PROTOCOL;
	}
	if (settings->tls)
		web_certificates_set(web->certificates, &info, settings->tls);
	web->context = lws_create_context(&info);
	return web->context ? 0 : -EIO;
}

/* The library reports only that it failed. */
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

static void on_refused(int fd, enum tls_failure why, void *arg)
{
	struct web *web = arg;
	struct addr source;

	if (web_clients_peer(fd, &source))
		return;
	LOG_INFO("web", 0, "TLS handshake failed", LOG_ADDR("remote", &source),
		 LOG_STR("reason", tls_failure_name(why)));
	if (web->link)
		web_link_refused(web->link, &source, why);
}

static int parts_open(struct web *web, const struct web_settings *settings)
{
	int err = web_clients_open(&web->clients, settings);

	if (!err && settings->tls)
		err = web_certificates_open(&web->certificates, settings->tls);
	if (!err && settings->link)
		err = web_sip_open(&web->sip, settings);
	if (!err && settings->asks)
		err = web_desk_open(&web->pages.desk, settings->page_key, settings->asks);
	if (!err && settings->routes)
		err = web_routing_open(&web->pages.routing, settings->routes, settings->tls);
	if (!err && settings->door)
		err = web_api_open(&web->pages.api, settings->door, settings->api_terms);
	if (!err && settings->door)
		err = web_manual_open(&web->pages.manual, settings->door);
	if (!err && settings->door)
		err = web_bundle_open(&web->pages.bundle, settings->door);
	if (!err && settings->door)
		err = web_events_open(&web->pages.events, web->pages.api, settings->door, web_wake,
				      web);
	return err;
}

static int web_prepare(struct web *web, const struct web_settings *settings)
{
	int err = why_not(&settings->bind);

	web->pages = (struct web_pages){ .health = settings->health, .files = settings->files };
	web->link = settings->link;
	lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
	if (!err)
		err = parts_open(web, settings);
	if (err)
		return err;
	if (web->certificates)
		tls_on_refused(web->certificates->tls, on_refused, web);
	protocols_fill(web);
	err = context_open(web, settings);
	if (!err && web->sip) {
		web_sip_attach(web->sip, web->context);
		web_link_attach(settings->link, web_wake, web);
	}
	if (!err && settings->asks)
		web_asks_attach(settings->asks, web_wake, web);
	if (!err && settings->routes)
		web_asks_attach(settings->routes->asks, web_wake, web);
	if (!err && settings->door)
		web_asks_attach(settings->door->asks, web_wake, web);
	if (!err && settings->door && settings->door->watches)
		web_asks_attach(settings->door->watches, web_wake, web);
	return err;
}

static void web_free(struct web *web)
{
	if (!web)
		return;
	if (web->context)
		lws_context_destroy(web->context);
	web_sip_close(web->sip);
	web_desk_close(web->pages.desk);
	web_events_close(web->pages.events);
	web_api_close(web->pages.api);
	web_routing_close(web->pages.routing);
	web_manual_close(web->pages.manual);
	web_bundle_close(web->pages.bundle);
	web_pages_close(&web->pages);
	web_certificates_close(web->certificates);
	web_clients_close(web->clients);
	free(web);
}

int web_open(struct web **out, const struct web_settings *settings)
{
	struct web *web = calloc(1, sizeof(*web));
	int err = web ? web_prepare(web, settings) : -ENOMEM;

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
	if (!web->certificates)
		return;
	web_certificates_renew(web->certificates, settings);
	lws_cancel_service(web->context);
}

void web_origins_reload(struct web *web, const char (*list)[ORIGIN_MAX], uint32_t count)
{
	if (!web->sip)
		return;
	web_sip_origins(web->sip, list, count);
	lws_cancel_service(web->context);
}

void web_api_reload(struct web *web, const struct web_api_terms *terms)
{
	if (!web->pages.api)
		return;
	web_api_renew(web->pages.api, terms);
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
