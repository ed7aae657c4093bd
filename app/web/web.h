/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web thread (libwebsockets): GET /healthz, /readyz, /metrics, files, record pages, and SIP over WebSocket on /ws. With the control thread
 * it shares atomics and the rings of web_link.h only, so a slow client delays nobody; connections, header size and time are bounded.
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

enum {
	/* Connections that are no WebSockets and listen to no events: of strangers, and again of those that show a token. */
	WEB_CONNECTIONS_MAX = 256,
	WEB_OPERATORS_MAX = 64,   /* the same of operators */
	WEB_PROBES_MAX = 32,      /* the same of who asks for health and metrics */
	WEB_HEADS_OF_SOURCE = 32, /* of each of these of one address (IPv6: one /64) */
	WEB_CORS_MAX = 16,
};

/* Who may ask the HTTP API how often, and from which pages; a reload changes it. */
struct web_api_terms {
	uint32_t cors_count; /* 0: no pages of other hosts */
	char cors[WEB_CORS_MAX][ORIGIN_MAX];
	struct stream_rate per_token, per_source; /* requests; per_s 0: no limit */
};

struct web_settings {
	struct addr bind;
	/* The caller's; outlives the thread. NULL: no pages, they are another listener's. */
	struct health *health;
	const struct web_files
		*files;        /* the caller's; NULL: none. A listener of files has no pages */
	struct web_asks *asks; /* the caller's; NULL: no record pages */
	const struct web_door *door;           /* the caller's; NULL: no HTTP API */
	const struct web_api_terms *api_terms; /* with door; read at once */
	const uint8_t *page_key;        /* with asks: WEB_PAGE_KEY_LEN octets, read at once */
	const struct tls_settings *tls; /* NULL: no TLS; read at once */
	struct web_link *link;          /* the caller's; NULL: no SIP */
	uint16_t local;                 /* sip_hop.local of what comes */
	uint32_t places;                /* WebSockets at once */
	uint32_t
		per_source; /* connections of one address (IPv6: one /64) at once, whatever they carry */
	struct stream_rate handshakes_per_source; /* with TLS; per_s 0: no limit */
	uint64_t idle_ns;                         /* without a word from the peer */
	uint64_t
		patience_ns; /* for a request, a first message, the rest of one that has begun, a peer that does not read, and without
				a word from one that is not trusted; 0: 30 s */
	const char (*origins)[ORIGIN_MAX]; /* the caller's; read at once */
	uint32_t origin_count;
};

void web_setup(void); /* registers the metrics; main thread, once, before web_open */
/* Starts the thread. 0, -EADDRINUSE or another -errno; logged. */
int web_open(struct web **out, const struct web_settings *settings) NODISCARD;
/* The control thread: handshakes from now on show these certificates; what is wrong with them is logged, and changes nothing. */
void web_tls_reload(struct web *w, const struct tls_settings *settings);
/* The control thread: WebSockets from now on may be of these pages; those that are open stay. */
void web_origins_reload(struct web *w, const char (*list)[ORIGIN_MAX], uint32_t count);
/* The control thread: requests of the HTTP API from now on are of these terms. */
void web_api_reload(struct web *w, const struct web_api_terms *terms);
/* Stops and joins it. NULL is fine. */
void web_close(struct web *w);

#endif
