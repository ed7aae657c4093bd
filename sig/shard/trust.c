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

/* The longest prefix that has its source, and 1; 0: none has. */
static unsigned source_bits(const struct shard_settings *settings, const struct trunk_settings *t,
			    const struct sip_hop *hop)
{
	const struct shard_trusted all = {
		.certificate = t->certificate,
		.transports = (uint8_t)((t->transport ? 1U << (t->transport - 1) : 0) & UINT8_MAX),
	};
	unsigned best = 0;

	if (!t->source_count && t->listener.family != ADDR_NONE)
		return transport_fits(&all, hop) && (!all.certificate || hop->certified);
	for (uint8_t i = 0; i < t->source_count; i++) {
		const struct shard_trusted *rule = &t->sources[i];

		if (rule->bits >= best && is_for(settings, rule, hop) &&
		    (!rule->certificate || hop->certified))
			best = rule->bits + 1U;
	}
	return best;
}

/* On all nodes the same one comes first. */
static bool comes_first(const struct shard_settings *settings, const struct trunk_settings *a,
			const struct trunk_settings *b)
{
	int order = strcmp(tenants_name(settings->tenants, a->tenant),
			   tenants_name(settings->tenants, b->tenant));

	return order ? order < 0 : strcmp(a->name, b->name) < 0;
}

uint16_t trust_trunk(const struct shard_settings *settings, const struct sip_hop *hop)
{
	const struct trunk_settings *found = NULL;
	uint16_t best = TRUNK_NONE;
	unsigned most = 0;

	for (uint16_t i = 0; trunks_next(settings->trunks, &i); i++) {
		const struct trunk_settings *t = trunks_settings(settings->trunks, i);
		unsigned bits;

		if (!trunks_has(settings->trunks, i) || !comes_to(settings, t, hop))
			continue;
		bits = source_bits(settings, t, hop);
		if (!bits || bits < most || (bits == most && !comes_first(settings, t, found)))
			continue;
		most = bits;
		best = i;
		found = t;
	}
	return best;
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
