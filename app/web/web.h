/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web thread (libwebsockets): GET /healthz, /readyz, /metrics, files, record pages, the HTTP
 * API, and SIP over WebSocket on /ws. It shares only atomics and the rings of web_link.h with the
 * control thread, so a slow client delays nobody; connections, header size and time are bounded.
 */
#ifndef APP_WEB_WEB_H
#define APP_WEB_WEB_H

#include "app/settings/origin.h"
#include "app/web/health.h"
#include "base/addr.h"
#include "sig/sip/stream_rate.h"

struct tls_settings;
struct web_asks;
struct web_door;
struct web;
struct web_files;
struct web_link;
struct web_routes;

enum {
	/* Connections that are neither WebSockets nor event streams:
	 * without a token, and again with one. */
	WEB_CONNECTIONS_MAX = 256,
	WEB_OPERATORS_MAX = 64,   /* the same of operators */
	WEB_PROBES_MAX = 32,      /* the same of probes for health and metrics */
	WEB_HEADS_OF_SOURCE = 32, /* of each of these of one address (IPv6: one /64) */
	WEB_CORS_MAX = 16,
};

/* Rate limits and allowed origins of the HTTP API; a reload changes them. */
struct web_api_terms {
	uint32_t cors_count; /* 0: no pages of other hosts */
	char cors[WEB_CORS_MAX][ORIGIN_MAX];
	struct stream_rate per_token, per_source; /* requests; per_s 0: no limit */
};

struct web_settings {
	struct addr bind;
	/* The caller's; outlives the thread. NULL: no pages: another listener has them. */
	struct health *health;
	/* The caller's; NULL: none. A listener of files has no pages. */
	const struct web_files *files;
	struct web_asks *asks;                 /* the caller's; NULL: no record pages */
	const struct web_door *door;           /* the caller's; NULL: no HTTP API */
	const struct web_api_terms *api_terms; /* with door; read at once */
	const struct web_routes *routes;       /* the caller's; NULL: no feature's */
	const uint8_t *page_key;        /* with asks: WEB_PAGE_KEY_LEN octets, read at once */
	const struct tls_settings *tls; /* NULL: no TLS; read at once */
	struct web_link *link;          /* the caller's; NULL: no SIP */
	uint16_t local;                 /* sip_hop.local of what comes */
	uint32_t places;                /* WebSockets at once */
	/* Connections of one address (IPv6: one /64) at once, of any kind. */
	uint32_t per_source;
	struct stream_rate handshakes_per_source; /* with TLS; per_s 0: no limit */
	uint64_t idle_ns;                         /* without input from the peer */
	/* For a request, a first message, the rest of a begun one, a peer that does not read, and
	 * an untrusted peer without input; 0: 30 s. */
	uint64_t patience_ns;
	/* So long behind its beginning, or its last request with a login that was right, the only
	 * connection of an address keeps its place when others want it, and five times as long in
	 * all: a newcomer is refused then. 0: it gives way at once, which helps a newcomer, and
	 * lets many that come at once get nowhere. */
	uint64_t turn_ns;
	const char (*origins)[ORIGIN_MAX]; /* the caller's; read at once */
	uint32_t origin_count;
};

void web_setup(void); /* registers the metrics; main thread, once, before web_open */
/* Starts the thread. 0, -EADDRINUSE or another -errno; logged. */
int web_open(struct web **out, const struct web_settings *settings) NODISCARD;
/* The control thread: later handshakes show these certificates;
 * faulty ones are logged, and change nothing. */
void web_tls_reload(struct web *w, const struct tls_settings *settings);
/* The control thread: origins allowed for later WebSockets; open ones stay. */
void web_origins_reload(struct web *w, const char (*list)[ORIGIN_MAX], uint32_t count);
/* The control thread: terms of later requests of the HTTP API. */
void web_api_reload(struct web *w, const struct web_api_terms *terms);
/* Stops and joins it. NULL is fine. */
void web_close(struct web *w);

#endif
