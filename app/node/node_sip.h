/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners of the node: SIP ports with guard and certificates, HTTP, SIP over WebSocket. */
#ifndef APP_NODE_NODE_SIP_H
#define APP_NODE_NODE_SIP_H

#include "app/web/health.h"
#include "app/web/web_link.h"
#include "app/web/web_page.h"
#include "base/ticket.h"
#include "sig/shard/shard.h"

struct inter_shard;
struct guard;
struct node;
struct tls;
struct transport;
struct web;
struct web_link;
struct xdp_guard;

struct node_sip {
	/* By sip_hop.local: the shard of what arrives there; 0: any. */
	uint16_t local_shards[SHARD_LOCALS_MAX];
	struct addr local_binds[SHARD_LOCALS_MAX];
	enum sip_transport local_transports[SHARD_LOCALS_MAX];
	uint16_t local_networks[SHARD_LOCALS_MAX]; /* likewise: index into settings.networks */
	uint32_t local_count;
	struct transport *transport;
	struct inter_shard *inter_shard; /* between its shards; NULL: it has one */
	struct guard *guard;             /* before the SIP ports */
	struct xdp_guard *kernel;        /* NULL: it judges in this process */
	struct tls *tls;                 /* NULL: no certificate, so no TLS */
};

/* A question to other nodes. */
struct node_paging {
	struct node *node;
	uint64_t serial; /* 0: the place is free */
	uint64_t id;     /* of the web's question */
	struct ticket late;
	uint32_t awaited; /* answers */
	struct record_page best;
};

struct node_pages {
	struct web_asks *asks;         /* NULL: there are no pages */
	uint8_t key[WEB_PAGE_KEY_LEN]; /* of links */
	struct node_paging list[WEB_ASKS_MAX];
};

struct node_web {
	struct health health;
	struct web *http;
	struct web *health_web;      /* http.health_port; NULL: none */
	struct web *files_web;       /* recordings.port; NULL: none */
	struct web_files files;      /* files it serves, and their key */
	struct node_pages pages;     /* of extensions: served there, too, if it has TLS */
	struct web_link *link;       /* NULL: no SIP over WebSocket */
	const struct web_door *door; /* of the HTTP API */
};

enum {
	NODE_HANDSHAKES_OF_SOURCE_PER_S = 20
}; /* of TLS; as many at once as it may have connections */
#define NODE_SIP_PATIENCE_NS (30 * NS_PER_S)

void node_on_message(const struct sip_hop *from, struct bytes message, void *arg);
void node_on_send_error(const struct sip_hop *to, int error, void *arg);
/* Which sources the SIP ports accept: before the engine and the SIP ports open. 0 or -errno. */
int node_guard_open(struct node *n) NODISCARD;
/* The limits of the settings as they are now. */
void node_guard_configure(struct node *n);
/* That source is accepted from now on. */
void node_guard_know(struct node *n, const struct sip_hop *hop);
/* All sources in Redis. */
void node_guard_restore(struct node *n);
void node_guard_close(struct node *n);
/* Reads the certificates, or logs why there is no TLS. Exit status. */
int node_tls_open(struct node *n);
/* SIGHUP: reads the files again; on an error nothing changes. */
void node_tls_reload(struct node *n);
/* Names of the certificates are our domains, too. */
void node_add_domains(const struct node *n, struct shard_settings *shard);
/* Once, at start. */
void node_listeners_tenants(struct node *n, struct shard_settings *shard);
/* For shards: certificates shown by peers. */
struct shard_certified node_sip_certified(struct node *n);
/* Binds the SIP ports. 0 or -errno. */
int node_sip_open(struct node *n) NODISCARD;
/* HTTP, and SIP over WebSocket. 0 or -errno; logged. */
int node_web_open(struct node *n) NODISCARD;
/* During a long start: only pages about health.
 * Listeners that fail are logged, and fail the start at its end. */
void node_web_open_early(struct node *n);
void node_web_reload(struct node *n);
void node_web_close(struct node *n);

#endif
