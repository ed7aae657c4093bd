/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/trust.h"

#include <string.h>

enum { TRUST_TRANSPORTS = 1U << SIP_UDP | 1U << SIP_TCP | 1U << SIP_TLS };

static bool transport_fits(const struct shard_trusted *t, const struct sip_hop *hop)
{
	unsigned allowed = t->transports ? t->transports : TRUST_TRANSPORTS;

	return (allowed & TRUST_TRANSPORTS & 1U << hop->transport) != 0 &&
	       (!t->certificate || hop->transport == SIP_TLS);
}

static bool network_fits(const struct shard_settings *settings, const struct shard_trusted *t,
			 const struct sip_hop *hop)
{
	return !t->network || (hop->local < settings->local_count &&
			       settings->locals[hop->local].network + 1 == t->network);
}

/* But for a certificate. */
static bool is_for(const struct shard_settings *settings, const struct shard_trusted *t,
		   const struct sip_hop *hop)
{
	return transport_fits(t, hop) && network_fits(settings, t, hop) &&
	       (!t->port || t->port == hop->remote.port) &&
	       addr_is_within(&hop->remote, &t->net, t->bits);
}

/* ---- trunks ---- */

static bool comes_to(const struct shard_settings *settings, const struct trunk_settings *t,
		     const struct sip_hop *hop)
{
	const struct shard_local *l =
		hop->local < settings->local_count ? &settings->locals[hop->local] : NULL;

	if (t->listener.family != ADDR_NONE &&
	    (!l || (!addr_eq(&l->bind, &t->listener) && !addr_eq(&l->advertise, &t->listener))))
		return false;
	return !t->network[0] || (l && !strcmp(settings->networks[l->network].name, t->network));
}

/* RFC 5922 7.4: whom tls.ca vouches for may still be another one. */
static bool is_named(const struct shard_settings *settings, const struct trunk_settings *t,
		     const struct sip_hop *hop)
{
	const struct shard_certified *c = &settings->certified;

	return !t->certificate_name[0] || (c->is && c->is(c->arg, hop, t->certificate_name));
}

/* Its address fits. */
static bool comes_by(const struct shard_settings *settings, const struct shard_trusted *rule,
		     uint16_t trunk, const struct sip_hop *hop)
{
	const struct trunk_settings *t = trunks_settings(settings->trunks, trunk);

	return transport_fits(rule, hop) && network_fits(settings, rule, hop) &&
	       (!rule->port || rule->port == hop->remote.port) &&
	       (!rule->certificate || hop->certified) && comes_to(settings, t, hop) &&
	       is_named(settings, t, hop);
}

uint16_t trust_trunk(const struct shard_settings *settings, const struct sip_hop *hop)
{
	const struct shard_trusted *rule;
	struct trunk_cursor cursor = { 0 };
	uint16_t trunk;

	while ((rule = trunks_source_next(settings->trunks, &hop->remote, &cursor, &trunk))) {
		if (comes_by(settings, rule, trunk, hop))
			return trunk;
	}
	return TRUNK_NONE;
}

static bool source_fits(const struct shard_settings *settings, uint16_t trunk,
			const struct sip_hop *hop)
{
	const struct trunk_settings *t = trunks_settings(settings->trunks, trunk);
	const struct shard_trusted any = { .certificate = t->certificate };

	for (uint8_t i = 0; i < t->source_count; i++) {
		if (addr_is_within(&hop->remote, &t->sources[i].net, t->sources[i].bits) &&
		    comes_by(settings, &t->sources[i], trunk, hop))
			return true;
	}
	return !t->source_count && t->listener.family != ADDR_NONE &&
	       comes_by(settings, &any, trunk, hop);
}

bool trust_is_of_trunk(const struct shard_settings *settings, uint16_t trunk,
		       const struct sip_hop *hop)
{
	const struct trunk_settings *t = trunks_settings(settings->trunks, trunk);
	bool named, is;

	if (!t)
		return false;
	named = !t->server_count;
	is = source_fits(settings, trunk, hop);
	for (uint8_t i = 0; i <= t->server_count; i++) {
		const struct sip_place *place = i ? &t->servers[i - 1] : &t->proxy;
		struct addr at;

		if (!place->host[0])
			continue;
		if (addr_parse(&at, bytes_str(place->host)))
			named = true;
		else
			is |= addr_ip_eq(&at, &hop->remote);
	}
	return is || (named && !t->source_count && t->listener.family == ADDR_NONE);
}

const struct shard_trusted *trust_find(const struct shard_settings *settings,
				       const struct sip_hop *hop)
{
	for (uint32_t i = 0; i < settings->trusted_count; i++) {
		const struct shard_trusted *t = &settings->trusted[i];

		if (is_for(settings, t, hop) && (!t->certificate || hop->certified))
			return t;
	}
	return NULL;
}

bool trust_misses_certificate(const struct shard_settings *settings, const struct sip_hop *hop)
{
	for (uint32_t i = 0; i < settings->trusted_count; i++) {
		const struct shard_trusted *t = &settings->trusted[i];

		if (t->certificate && !hop->certified && is_for(settings, t, hop))
			return true;
	}
	return false;
}
