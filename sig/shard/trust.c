/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/shard/trust.h"

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
