/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a hop falls under a rule of trust: by its network, transport, address, port and certificate. Pure. */
#ifndef SIG_SHARD_TRUST_H
#define SIG_SHARD_TRUST_H

#include "sig/host/trunk.h"
#include "sig/shard/shard.h"

/* The first rule that fits, or NULL. Never over a WebSocket: its address may be that of a proxy on this machine, and its page anybody's. */
const struct shard_trusted *trust_find(const struct shard_settings *settings,
				       const struct sip_hop *hop);
/* The trunk whose request came by that hop: of those that it fits the one with the longest prefix; by its listener alone last. TRUNK_NONE. */
uint16_t trust_trunk(const struct shard_settings *settings, const struct sip_hop *hop);
/* The hop may be one of that trunk's: by its sources, its listener or an address of its servers, whichever way calls go; any, where nothing
 * but a name is said of where it is. */
bool trust_is_of_trunk(const struct shard_settings *settings, uint16_t trunk,
		       const struct sip_hop *hop);
/* A rule would fit, but the connection has shown no certificate. Of a hop that no rule fits. */
bool trust_misses_certificate(const struct shard_settings *settings, const struct sip_hop *hop);

#endif
