/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients of the web listener, of any protocol, and their admission. A connection is a stranger's
 * until it shows a valid token; strangers, holders of tokens, operators and probes have separate
 * places, so that none shuts out another. When a kind is full, the oldest connection without a
 * request is closed, of the tenant or address that has the most; strangers are closed during
 * requests, too, as with TCP (sig/transport/stream_connection.c). Each holder has a share; silent
 * connections are closed in the end. A WebSocket is a stranger's until SIP has authenticated it.
 * Connections and TLS handshakes per address are limited. Web thread.
 */
#ifndef APP_WEB_WEB_CLIENTS_H
#define APP_WEB_WEB_CLIENTS_H

#include <libwebsockets.h>
#include <stdatomic.h>

#include "app/settings/origin.h"
#include "app/web/web.h"

struct web_client;
struct web_clients;

/* Holders by which connections and requests are counted: name, share, words. */
#define WEB_HOLDERS(X)                                      \
	X(SOURCE, "source", WEB_HEADS_OF_SOURCE, "address") \
	X(TENANT, "tenant", 96, "tenant")                   \
	X(USER, "user", 16, "user")                         \
	X(TOKEN, "token", 32, "token")

enum web_holder {
#define X(id, name, share, words) WEB_HOLDER_##id,
	WEB_HOLDERS(X)
#undef X
		WEB_HOLDER_COUNT
};

/* Holders of a token: hashes; 0: none. */
struct web_holders {
	bool is_operator;
	uint64_t of[WEB_HOLDER_COUNT];
};
uint32_t web_holder_share(enum web_holder by);

void web_clients_setup(void); /* registers the metrics; main thread, once */
/* 0 or -ENOMEM. */
int web_clients_open(struct web_clients **out, const struct web_settings *settings) NODISCARD;
void web_clients_close(struct web_clients *c); /* NULL is fine */
/* Most descriptors; and those of them that may be reading a request's head. */
uint32_t web_clients_max(const struct web_clients *c);
uint32_t web_clients_heads_max(const struct web_clients *c);

/* A connection before its first octet; may close a stranger. False: one too many, counted. */
bool web_clients_admit(struct web_clients *c, int fd, uint64_t now_ns);
/* One more place is free, even before ending ones are gone. */
bool web_clients_have_room(struct web_clients *c);
/* An admitted connection, until it is removed. NULL: no room. */
struct web_client *web_clients_add(struct web_clients *c, struct lws *wsi, uint64_t now_ns);
void web_clients_remove(struct web_clients *c, struct web_client *client);
/* A request came; its answer was sent. */
void web_client_on_request(struct web_client *client, uint64_t now_ns);
void web_client_answered(struct web_client *client);
/* A route has found its login right: its turn begins anew (struct web_settings). */
void web_client_proven(struct web_client *client, uint64_t now_ns);
/* The request has a token; is a probe's; or a stranger's.
 * NULL, or why it has no place: answer that, and end it. */
const char *web_client_hold(struct web_client *client, const struct web_holders *who);
const char *web_client_probe(struct web_client *client);
void web_client_forget(struct web_client *client);
/* It is a WebSocket from now on. */
void web_client_upgraded(struct web_client *client);
/* SIP has authenticated it: it keeps its place. */
void web_client_trust(struct web_client *client);
/* Closes those that were silent too long. Call now and then. */
void web_clients_expire(struct web_clients *c, uint64_t now_ns);

/* Where a connection comes from. 0 or -errno. */
int web_clients_peer(int fd, struct addr *out) NODISCARD;

/* Origins allowed to open a WebSocket: the web thread's list, and a newer one of control. */

enum { WEB_ORIGINS_MAX = 16 };

struct web_origins_list {
	uint32_t count;
	char list[WEB_ORIGINS_MAX][ORIGIN_MAX];
};

struct web_origins {
	struct web_origins_list now;              /* web thread */
	_Atomic(struct web_origins_list *) fresh; /* malloc'ed; NULL: nothing newer */
};

void web_origins_open(struct web_origins *o, const char (*list)[ORIGIN_MAX], uint32_t count);
void web_origins_close(struct web_origins *o);
/* The control thread. Out of memory: the old ones stay. */
void web_origins_renew(struct web_origins *o, const char (*list)[ORIGIN_MAX], uint32_t count);
/* The web thread, when it was woken. */
void web_origins_refresh(struct web_origins *o);

/* Whether a request may become a SIP WebSocket (RFC 6455 4.2, RFC 7118 4.1): by path, sub-protocol,
 * Origin and a free place. Refusals are counted by reason, and logged. Web thread. */

#define WEB_ADMIT_PATH     "/ws"
#define WEB_ADMIT_PROTOCOL "sip"

void web_admit_setup(void); /* registers the metrics; main thread, once */
/* False: it was refused, counted and answered. */
bool web_admit(const struct web_settings *settings, const struct web_origins_list *origins,
	       bool has_place, struct lws *wsi);
/* An admitted one has no place now: counted. */
void web_admit_lost(void);

#endif
