/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners of a node: its SIP ports with guard and certificates, and HTTP listeners with SIP over
 * WebSocket (RFC 7118). The guard (base/guard.h) drops packets of unknown sources in a flood before
 * they are parsed. http.port serves pages about the start first, and opens in full with SIP. */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "app/node/node.h"
#include "app/node/node_capacity.h"
#include "app/node/node_life.h"
#include "app/node/node_probe.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_watch.h"
#include "app/settings/settings.h"
#include "app/web/web.h"
#include "app/web/web_link.h"
#include "base/clock.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/tls/tls.h"
#include "engine/port/xdp_guard.h"
#include "sig/transport/transport.h"

/* Which sources the SIP ports accept before parsing: base/guard.h with the node's settings. */

/* Extensions with several phones, and parties of calls that never registered. */
enum { PHONES_OF_A_REGISTRATION = 2, PARTIES_OF_A_CALL = 2 };

/* For how long input could not be read completely: a socket that is not empty yet or, as
 * connections do not tell, a whole round of the loop with many messages. A short round may be late
 * for other work of the machine. */
static uint64_t sip_behind_ns(struct node *n, uint64_t now_ns)
{
	uint64_t since_ns = transport_behind_since_ns(n->sip->transport);
	uint64_t behind = since_ns && since_ns < now_ns ? now_ns - since_ns : 0;

	if (n->round->messages++ == 0)
		n->round->since_ns = now_ns;
	return behind > n->round->last_ns ? behind : n->round->last_ns;
}

void node_on_message(const struct sip_hop *from, struct bytes message, void *arg)
{
	struct node *n = arg;
	struct instant now = clock_instant();

	if (!node_probe_takes(n, from, message))
		node_shards_receive(n, from, message, sip_behind_ns(n, now.ns), now);
	node_on_passed(from, false, 0, message, NULL, n);
}

static void node_on_connection_closed(const struct sip_hop *hop, void *arg)
{
	struct node *n = arg;
	struct answer a = { .kind = ANSWER_CONNECTION_CLOSED, .hop = *hop };

	answers_add(&n->shards->answers, &a);
}

static void node_on_connection_refused(const struct sip_hop *hop, const char *detail, void *arg)
{
	struct node *n = arg;
	struct answer a = { .kind = ANSWER_CERTIFICATE, .hop = *hop, .detail = detail };

	answers_add(&n->shards->answers, &a);
}

void node_on_send_error(const struct sip_hop *to, int error, void *arg)
{
	struct node *n = arg;
	struct answer a = { .kind = ANSWER_SEND_FAILED, .error = error, .hop = *to };

	node_probe_failed(n, to, error);
	answers_add(&n->shards->answers, &a);
}

static uint32_t phones(const struct node *n)
{
	uint64_t most = (uint64_t)n->settings->limits.registrations * PHONES_OF_A_REGISTRATION +
			(uint64_t)n->capacity->calls_max * PARTIES_OF_A_CALL;

	return most < UINT32_MAX / 16 ? (uint32_t)most : UINT32_MAX / 16;
}

/* Trust rules over UDP:
 * a trusted server in front of the node is accepted at once, even during a flood. */
static void trust_addresses(struct node *n)
{
	static struct guard_trusted list[SHARD_TRUSTED_MAX];
	const struct settings_sip *sip = &n->settings->sip;
	struct shard_trusted rule;
	const char *key, *why;
	uint32_t count = 0;

	for (uint32_t i = 0; i < sip->trusted_count; i++) {
		if (settings_trusted_read(&rule, n->settings, &sip->trusted[i], &key, &why) ||
		    rule.certificate || (rule.transports && !(rule.transports & 1U << SIP_UDP)))
			continue;
		list[count].net = rule.net;
		list[count].net.port = rule.port;
		list[count++].bits = rule.bits;
	}
	if (!guard_trust(n->sip->guard, list, count)) {
		LOG_INFO("sip", 0,
			 "in a flood, addresses of large networks in sip.trusted are strangers up "
			 "to their first message");
	}
}

/* A phone may be silent for as long as its registration lives. */
#define IDLE_GRACE_NS (60 * NS_PER_S)

/* What SIP connections are given: how long they may be idle, and how long they are waited for. */
static uint64_t node_sip_idle_ns(const struct node *n)
{
	return n->settings->sip.registration_expires_max + IDLE_GRACE_NS;
}

void node_guard_configure(struct node *n)
{
	struct guard_limits limits;

	static_assert(sizeof(limits.per_s) == sizeof(n->settings->limits.sip_per_s), "by class");
	memcpy(limits.per_s, n->settings->limits.sip_per_s, sizeof(limits.per_s));
	guard_configure(n->sip->guard, &limits, node_sip_idle_ns(n));
	trust_addresses(n);
}

static int listen_everywhere(const struct node *n)
{
	int err = 0;

	for (uint32_t i = 0; i < n->settings->network_count; i++) {
		const struct settings_network *network = &n->settings->networks[i];
		struct addr local = network->bind;

		for (uint32_t p = 0; !err && p < network->sip_port_count; p++) {
			local.port = (uint16_t)network->sip_ports[p];
			err = xdp_guard_listen(n->sip->kernel, &local);
		}
	}
	return err;
}

/* Without the privilege all is as before but what a flood costs. */
static void kernel_open(struct node *n)
{
	char why[XDP_WHY_MAX];

	if (xdp_guard_open(&n->sip->kernel, guard_sets(phones(n)), why)) {
		LOG_INFO("sip", 0, "floods are dropped in the process, not in the kernel",
			 LOG_STR("reason", why));
		n->sip->kernel = NULL;
	} else if (listen_everywhere(n)) {
		LOG_WARN("sip", 0, "some SIP ports are not guarded where frames come in");
	}
}

int node_guard_open(struct node *n)
{
	struct guard_kernel kernel;
	int err;

	kernel_open(n);
	if (n->sip->kernel)
		kernel = xdp_guard_kernel(n->sip->kernel);
	err = guard_open(&n->sip->guard, phones(n), node_sip_idle_ns(n), &n->rand,
			 n->sip->kernel ? &kernel : NULL);
	if (!err)
		node_guard_configure(n);
	return err;
}

void node_guard_know(struct node *n, const struct sip_hop *hop)
{
	if (hop->transport == SIP_UDP)
		guard_know(n->sip->guard, &hop->remote, clock_now_ns());
}

static void know(const struct sip_hop *hop, void *arg)
{
	node_guard_know(arg, hop);
}

void node_guard_restore(struct node *n)
{
	uint32_t cursor = 0;
	const struct shard *core;

	while ((core = node_core_next(n, &cursor)))
		shard_hops(core, know, n);
	locations_hops(n->common.locations, know, n);
}

void node_guard_close(struct node *n)
{
	guard_close(n->sip->guard);
	n->sip->guard = NULL;
	xdp_guard_close(n->sip->kernel);
	n->sip->kernel = NULL;
}

/* The web listener of a node, and what ties its WebSockets to SIP. */

static int node_link_open(struct node *n)
{
	const struct transport_handlers handlers = { .receive = node_on_message,
						     .error = node_on_send_error,
						     .closed = node_on_connection_closed,
						     .refused = node_on_connection_refused,
						     .arg = n };
	struct transport_provider provider;
	int err;

	if (settings_web_local(n->settings, n->sip->tls != NULL) == UINT32_MAX ||
	    !n->capacity->websockets_max)
		return 0;
	err = web_link_open(&n->web->link, n->capacity->websockets_max, &handlers,
			    &n->shards->validity);
	if (err) {
		LOG_ERROR("node", 0, "cannot set up SIP over WebSocket",
			  LOG_STR("error", strerror(-err)));
		return err;
	}
	provider = web_link_provider(n->web->link);
	transport_provide(n->sip->transport, &provider);
	return 0;
}

/* A thread of its own as well, so that nothing at the other listener delays it. */
static int health_open(struct node *n)
{
	struct web_settings settings = {
		.bind = n->settings->http.health_bind,
		.health = &n->web->health,
		.per_source = n->settings->limits.connections_per_source,
	};

	settings.bind.port = (uint16_t)n->settings->http.health_port;
	return web_open(&n->web->health_web, &settings);
}

/* The same: a slow disk delays only clients that fetch a file or a record page. Their links are
 * secrets that do not expire: for TLS alone. */
static int files_open(struct node *n, const struct tls_settings *tls)
{
	const struct settings_recordings *r = &n->settings->recordings;
	struct web_settings settings = {
		.bind = n->settings->http.bind,
		.files = &n->web->files,
		.tls = tls,
		.per_source = n->settings->limits.connections_per_source,
		.handshakes_per_source = { NODE_HANDSHAKES_OF_SOURCE_PER_S,
					   n->settings->limits.connections_per_source },
	};
	int err = 0;

	static_assert(sizeof(n->web->files.folder) == sizeof(r->folder), "copied whole");
	static_assert((int)WEB_FILE_KEY_LEN == (int)KEYS_LEN, "a key of its own");
	memcpy(n->web->files.folder, r->folder, sizeof(n->web->files.folder));
	keys_derive(&n->keys, "tandem recording link 1", n->web->files.key);
	settings.bind.port = (uint16_t)r->port;
	if (r->port && tls)
		err = n->hooks->pages_open(n);
	settings.asks = n->web->pages.asks;
	settings.page_key = n->web->pages.key;
	if (!err && r->port)
		err = web_open(&n->web->files_web, &settings);
	return err;
}

/* The pages of http.port until it is open in full, with SIP. */
static int pages_open(struct node *n)
{
	static struct tls_settings tls;
	const struct settings_http *http = &n->settings->http;
	struct web_settings settings = {
		.bind = http->bind,
		.health = &n->web->health,
		.tls = http->tls ? &tls : NULL,
		.per_source = n->settings->limits.connections_per_source,
		.handshakes_per_source = { NODE_HANDSHAKES_OF_SOURCE_PER_S,
					   n->settings->limits.connections_per_source },
	};

	settings_to_tls(n->settings, &tls);
	settings.bind.port = (uint16_t)http->port;
	return web_open(&n->web->http, &settings);
}

void node_web_open_early(struct node *n)
{
	const struct settings_http *http = &n->settings->http;

	if (http->health_port && !n->web->health_web)
		(void)!health_open(n);
	else if (!http->health_port && http->port && !n->web->http)
		(void)!pages_open(n);
}

static struct stream_rate requests_rate(uint32_t per_s)
{
	return (struct stream_rate){ .per_s = per_s, .burst = 2 * per_s };
}

static void api_terms(const struct settings_http *http, struct web_api_terms *out)
{
	_Static_assert(SETTINGS_ORIGINS_MAX <= (int)WEB_CORS_MAX, "all have room");
	*out = (struct web_api_terms){ .cors_count = http->cors_origin_count,
				       .per_token = requests_rate(http->requests_per_token),
				       .per_source = requests_rate(http->requests_per_source) };
	memcpy(out->cors, http->cors_origins, sizeof(http->cors_origins));
}

int node_web_open(struct node *n)
{
	static struct tls_settings tls;
	const struct settings_http *http = &n->settings->http;
	struct web_api_terms terms;
	struct web_settings settings = {
		.bind = http->bind,
		.api_terms = &terms,
		.health = http->health_port ? NULL : &n->web->health,
		.tls = http->tls ? &tls : NULL,
		.local = (uint16_t)settings_web_local(n->settings, n->sip->tls != NULL),
		.places = n->capacity->websockets_max,
		.per_source = n->settings->limits.connections_per_source,
		.handshakes_per_source = { NODE_HANDSHAKES_OF_SOURCE_PER_S,
					   n->settings->limits.connections_per_source },
		.idle_ns = node_sip_idle_ns(n),
		.patience_ns = NODE_SIP_PATIENCE_NS,
		.origins = http->origins,
		.origin_count = http->origin_count,
	};
	int err = http->health_port && !n->web->health_web ? health_open(n) : 0;

	api_terms(http, &terms);
	web_close(n->web->http); /* that of a start that took long: it has no SIP */
	n->web->http = NULL;
	settings_to_tls(n->settings, &tls);
	if (!err)
		err = files_open(n, settings.tls);
	if (err || !http->port)
		return err;
	settings.bind.port = (uint16_t)http->port;
	err = node_link_open(n);
	settings.link = n->web->link;
	/* a token in the clear belongs to any eavesdropper */
	if (http->tls || addr_is_loopback(&http->bind))
		settings.door = n->web->door;
	else
		LOG_INFO("node", 0, "no HTTP API: it needs http.tls, or http.bind on this machine");
	return err ? err : web_open(&n->web->http, &settings);
}

void node_web_reload(struct node *n)
{
	const struct settings_http *http = &n->settings->http;

	struct web_api_terms terms;

	if (!n->web->http)
		return;
	api_terms(http, &terms);
	web_origins_reload(n->web->http, http->origins, http->origin_count);
	web_api_reload(n->web->http, &terms);
}

void node_web_close(struct node *n)
{
	web_close(n->web->http);
	web_close(n->web->health_web);
	web_close(n->web->files_web);
	n->web->http = n->web->health_web = n->web->files_web = NULL;
	n->hooks->pages_close(n);
	if (n->sip->transport)
		transport_provide(n->sip->transport, NULL);
	web_link_close(n->web->link);
	n->web->link = NULL;
}

enum {
	EXPIRES_SOON_DAYS = 14,
	/* TLS handshakes, 0.25 ms each (P-256): a quarter of the thread; 3000 phones take 3 s */
	HANDSHAKES_PER_S = 1000,
	HANDSHAKES_BURST = 100,
};

static void warn_expiry(const struct node *n)
{
	int days = tls_days_left(n->sip->tls);

	if (days < EXPIRES_SOON_DAYS) {
		LOG_WARN("tls", 0, "the certificate expires soon, or has expired",
			 LOG_INT("days_left", days),
			 LOG_STR("file", n->settings->tls.own.certificate));
	}
}

static bool certificate_is_there(const struct settings_tls *tls)
{
	return access(tls->own.certificate, F_OK) == 0 || access(tls->own.key, F_OK) == 0;
}

int node_tls_open(struct node *n)
{
	static struct tls_settings settings;
	char error[TLS_ERROR_MAX];

	if (!settings_wants_tls(n->settings))
		return NODE_EXIT_OK;
	if (n->settings->tls.is_preset && !certificate_is_there(&n->settings->tls)) {
		if (n->settings->http.tls) {
			LOG_ERROR("tls", 0, "http.tls: there is no certificate",
				  LOG_STR("file", n->settings->tls.own.certificate));
			return NODE_EXIT_CONFIG;
		}
		LOG_WARN("tls", 0,
			 "no certificate, so no TLS: tandemctl init makes one, or give "
			 "tls.certificate and tls.key",
			 LOG_STR("file", n->settings->tls.own.certificate));
		return NODE_EXIT_OK;
	}
	settings_to_tls(n->settings, &settings);
	if (tls_open(&n->sip->tls, &settings, error)) {
		LOG_ERROR("tls", 0, "the certificates cannot be used", LOG_STR("error", error));
		return NODE_EXIT_CONFIG;
	}
	warn_expiry(n);
	return NODE_EXIT_OK;
}

void node_tls_reload(struct node *n)
{
	static struct tls_settings settings;
	char error[TLS_ERROR_MAX];

	if (!n->sip->tls)
		return;
	settings_to_tls(n->settings, &settings);
	if (tls_reload(n->sip->tls, &settings, error)) {
		LOG_ERROR("tls", 0, "the new certificates cannot be used: the old ones stay",
			  LOG_STR("error", error),
			  LOG_STR("next", "put usable files there, and reload"));
		health_set_reason(&n->web->health, HEALTH_RELOAD, error);
		return;
	}
	warn_expiry(n);
	if (n->web->http && n->settings->http.tls)
		web_tls_reload(n->web->http, &settings);
	if (n->web->files_web && n->settings->http.tls)
		web_tls_reload(n->web->files_web, &settings);
	LOG_INFO("tls", 0, "certificates read again");
}

void node_add_domains(const struct node *n, struct shard_settings *shard)
{
	uint32_t first = shard->domain_count;

	static_assert((int)TLS_NAME_MAX == (int)SHARD_DOMAIN_MAX, "one kind of name");
	if (n->sip->tls)
		shard->domain_count +=
			tls_names(n->sip->tls, shard->domains + first, SHARD_DOMAINS_MAX - first);
}

void node_listeners_tenants(struct node *n, struct shard_settings *shard)
{
	for (uint32_t i = 0; i < shard->local_count; i++) {
		struct shard_local *l = &shard->locals[i];
		const char *name = n->settings->networks[l->network].tenant;
		uint16_t tenant;

		if (!name[0] || sip_transport_is_web(l->transport))
			continue;
		tenant = tenants_claim(n->common.tenants, bytes_str(name));
		assert(tenant != TENANT_NONE); /* they are the first, and few */
		tenants_hold(n->common.tenants, tenant, TENANT_LISTENERS);
		l->tenant = tenant + 1;
	}
}

/* In the order of shard_settings.locals: hop.local is the index into both. */
static uint32_t listeners_of(struct node *n, struct transport_listener *out)
{
	static const uint8_t no_key[DIGEST_KEY_LEN];
	static struct shard_settings shard;

	static_assert((int)SHARD_LOCALS_MAX <= (int)SIP_LISTENERS_MAX, "all of them fit");
	settings_to_shard(n->settings, no_key, n->sip->tls != NULL, &shard);
	for (uint32_t i = 0; i < shard.local_count; i++) {
		bool web = sip_transport_is_web(shard.locals[i].transport); /* the node's own */

		out[i].transport = shard.locals[i].transport;
		out[i].bind = shard.locals[i].bind;
		out[i].later = !web && node_network_shard(n, shard.locals[i].network);
		n->sip->local_networks[i] = shard.locals[i].network;
		n->sip->local_binds[i] = shard.locals[i].bind;
		n->sip->local_transports[i] = shard.locals[i].transport;
		n->sip->local_shards[i] =
			web ? 0 : (uint16_t)n->settings->networks[shard.locals[i].network].shard;
	}
	n->sip->local_count = shard.local_count;
	return shard.local_count;
}

static bool sip_certified(void *arg, const struct sip_hop *hop, const char *domain)
{
	const struct node *n = arg;

	return n->sip->transport && transport_is_certified(n->sip->transport, hop, domain);
}

struct shard_certified node_sip_certified(struct node *n)
{
	return (struct shard_certified){ .arg = n, .is = sip_certified };
}

int node_sip_open(struct node *n)
{
	struct transport_listener listeners[SHARD_LOCALS_MAX] = { 0 };
	const struct transport_settings settings = {
		.listeners = listeners,
		.count = listeners_of(n, listeners),
		.dscp = (uint8_t)n->settings->media.dscp_sip,
		.tls = n->sip->tls,
		.names = n->common.names,
		.guard = n->sip->guard,
		.validity = &n->shards->validity,
		.filter_fd = n->sip->kernel ? xdp_guard_filter(n->sip->kernel) : 0,
		.limits = { .connections = n->capacity->connections_max,
			    .connections_per_source = n->settings->limits.connections_per_source,
			    .idle_ns = node_sip_idle_ns(n),
			    .patience_ns = NODE_SIP_PATIENCE_NS,
			    .handshakes = { HANDSHAKES_PER_S, HANDSHAKES_BURST },
			    .handshakes_per_source = { NODE_HANDSHAKES_OF_SOURCE_PER_S,
						       n->settings->limits
							       .connections_per_source } },
	};
	const struct transport_handlers handlers = { .receive = node_on_message,
						     .error = node_on_send_error,
						     .closed = node_on_connection_closed,
						     .refused = node_on_connection_refused,
						     .arg = n };

	return transport_open(&n->sip->transport, &settings, &handlers);
}
