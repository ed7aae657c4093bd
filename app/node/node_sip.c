/* SPDX-License-Identifier: Apache-2.0 */
/* The SIP ports of a node, and its certificates. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "app/node/node.h"
#include "app/web/web.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/tls/tls.h"
#include "engine/port/xdp_guard.h"
#include "sig/transport/transport.h"

/* A phone may be silent for as long as its registration lives. */
#define IDLE_GRACE_NS (60 * NS_PER_S)

enum {
	EXPIRES_SOON_DAYS = 14,
	/* TLS handshakes: at 0.25 ms each (P-256) a quarter of the control thread, and 3000 phones that come back at once are served in 3 s. */
	HANDSHAKES_PER_S = 1000,
	HANDSHAKES_BURST = 100,
};

static void warn_expiry(const struct node *n)
{
	int days = tls_days_left(n->tls);

	if (days < EXPIRES_SOON_DAYS) {
		LOG_WARN("tls", 0, "the certificate expires soon, or has expired",
			 LOG_INT("days_left", days),
			 LOG_STR("file", n->settings.tls.own.certificate));
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

	if (!settings_wants_tls(&n->settings))
		return NODE_EXIT_OK;
	if (n->settings.tls.is_preset && !certificate_is_there(&n->settings.tls)) {
		if (n->settings.http.tls) {
			LOG_ERROR("tls", 0, "http.tls: there is no certificate",
				  LOG_STR("file", n->settings.tls.own.certificate));
			return NODE_EXIT_CONFIG;
		}
		LOG_WARN("tls", 0,
			 "no certificate, so no TLS: tandemctl init makes one, or give "
			 "tls.certificate and tls.key",
			 LOG_STR("file", n->settings.tls.own.certificate));
		return NODE_EXIT_OK;
	}
	settings_to_tls(&n->settings, &settings);
	if (tls_open(&n->tls, &settings, error)) {
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

	if (!n->tls)
		return;
	settings_to_tls(&n->settings, &settings);
	if (tls_reload(n->tls, &settings, error)) {
		LOG_ERROR("tls", 0, "the new certificates cannot be used: the old ones stay",
			  LOG_STR("error", error),
			  LOG_STR("next", "put usable files there, and reload"));
		health_say(&n->health, HEALTH_RELOAD, error);
		return;
	}
	warn_expiry(n);
	if (n->web && n->settings.http.tls)
		web_tls_reload(n->web, &settings);
	if (n->files_web && n->settings.http.tls)
		web_tls_reload(n->files_web, &settings);
	LOG_INFO("tls", 0, "certificates read again");
}

void node_add_domains(const struct node *n, struct shard_settings *shard)
{
	uint32_t first = shard->domain_count;

	static_assert((int)TLS_NAME_MAX == (int)SHARD_DOMAIN_MAX, "one kind of name");
	if (n->tls)
		shard->domain_count +=
			tls_names(n->tls, shard->domains + first, SHARD_DOMAINS_MAX - first);
}

void node_listeners_tenants(struct node *n, struct shard_settings *shard)
{
	for (uint32_t i = 0; i < shard->local_count; i++) {
		struct shard_local *l = &shard->locals[i];
		const char *name = n->settings.networks[l->network].tenant;
		uint16_t tenant;

		if (!name[0] || sip_transport_is_web(l->transport))
			continue;
		tenant = tenants_claim(n->tenants, bytes_str(name));
		assert(tenant != TENANT_NONE); /* they are the first, and few */
		tenants_hold(n->tenants, tenant, TENANT_LISTENERS);
		l->tenant = tenant + 1;
	}
}

/* In the order of shard_settings.locals: hop.local is the index into both. */
static uint32_t listeners_of(struct node *n, struct transport_listener *out)
{
	static const uint8_t no_key[DIGEST_KEY_LEN];
	static struct shard_settings shard;

	static_assert((int)SHARD_LOCALS_MAX <= (int)SIP_LISTENERS_MAX, "all of them fit");
	settings_to_shard(&n->settings, no_key, n->tls != NULL, &shard);
	for (uint32_t i = 0; i < shard.local_count; i++) {
		bool web = sip_transport_is_web(shard.locals[i].transport); /* the node's own */

		out[i].transport = shard.locals[i].transport;
		out[i].bind = shard.locals[i].bind;
		out[i].later = !web && node_network_shard(n, shard.locals[i].network);
		n->local_networks[i] = shard.locals[i].network;
		n->local_binds[i] = shard.locals[i].bind;
		n->local_transports[i] = shard.locals[i].transport;
		n->local_shards[i] =
			web ? 0 : (uint16_t)n->settings.networks[shard.locals[i].network].shard;
	}
	n->local_count = shard.local_count;
	return shard.local_count;
}

uint64_t node_sip_idle_ns(const struct node *n)
{
	return n->settings.sip.registration_expires_max + IDLE_GRACE_NS;
}

static bool sip_certified(void *arg, const struct sip_hop *hop, const char *domain)
{
	const struct node *n = arg;

	return n->sip && transport_is_certified(n->sip, hop, domain);
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
		.dscp = (uint8_t)n->settings.media.dscp_sip,
		.tls = n->tls,
		.names = n->names,
		.guard = n->guard,
		.validity = &n->validity,
		.filter_fd = n->kernel ? xdp_guard_filter(n->kernel) : 0,
		.limits = { .connections = n->connections_max,
			    .connections_per_source = n->settings.limits.connections_per_source,
			    .idle_ns = node_sip_idle_ns(n),
			    .patience_ns = NODE_SIP_PATIENCE_NS,
			    .handshakes = { HANDSHAKES_PER_S, HANDSHAKES_BURST },
			    .handshakes_per_source = { NODE_HANDSHAKES_OF_SOURCE_PER_S,
						       n->settings.limits
							       .connections_per_source } },
	};
	const struct transport_handlers handlers = { .receive = node_on_message,
						     .error = node_on_send_error,
						     .closed = node_on_connection_closed,
						     .refused = node_on_connection_refused,
						     .arg = n };

	return transport_open(&n->sip, &settings, &handlers);
}
