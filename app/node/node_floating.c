/* SPDX-License-Identifier: Apache-2.0 */
/* Networks whose addresses are a shard's: whoever of the cluster runs it listens there. */
#include "app/node/node.h"
#include "base/log.h"
#include "sig/transport/transport.h"

bool node_is_clustered(const struct node *n)
{
	return n->settings.cluster.listen.family != ADDR_NONE;
}

uint16_t node_network_shard(const struct node *n, uint32_t network)
{
	const struct settings_network *at = &n->settings.networks[network];

	return at->floating ? (uint16_t)at->shard : 0;
}

static void listen_at(struct node *n, uint32_t local, bool live)
{
	if (!live)
		transport_unlisten(n->sip, local);
	else if (transport_listen(n->sip, local))
		LOG_WARN("node", 0, "SIP is not heard at a floating network: trying again",
			 LOG_STR("network", n->settings.networks[n->local_networks[local]].name));
}

void node_shards_listen(struct node *n)
{
	for (uint32_t i = 0; n->sip && i < n->local_count; i++) {
		uint16_t number = node_network_shard(n, n->local_networks[i]);

		if (number)
			listen_at(n, i, node_shard_find(n, number) != NULL);
	}
}
