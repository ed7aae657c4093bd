/* SPDX-License-Identifier: Apache-2.0 */
/* The command capacity.list. Each node says what it uses now, by the counts that its metrics have
 * too, and the limits that it refuses by. Nothing is kept, so nothing can be of another time. */

#include "app/command/command_nodes.h"
#include "app/command/commands.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/capacity/capacity.h"
#include "app/node/node.h"
#include "app/node/node_capacity.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/settings/settings.h"
#include "sig/transport/transport.h"

static void capacity_add(json_t *list, const struct node *n, const char *what, uint64_t used,
			 uint64_t max, bool shared)
{
	if (max)
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:I, s:I, s:f, s:b}", "node", n->settings->node.name,
				  "what", what, "used", (json_int_t)used, "max", (json_int_t)max,
				  "percent", (double)(used * 1000 / max) / 10, "shared", shared));
}

static uint32_t capacity_connections(const struct node *n, enum sip_transport one,
				     enum sip_transport other)
{
	return transport_connections(n->sip->transport, one) +
	       transport_connections(n->sip->transport, other);
}

static void capacity_here(struct command_run *run)
{
	const struct node *n = run->node;
	const struct settings_limits *limits = &n->settings->limits;
	const struct mirror *mirror = &n->api.documents->keep.mirror;
	uint64_t pairs = settings_port_pairs(n->settings);
	json_t *list = json_array();
	struct shard_counts c;

	node_counts(n, &c);
	capacity_add(list, n, "calls", c.calls, n->capacity->calls_max, false);
	capacity_add(list, n, "transactions", c.txns, limits->transactions, false);
	capacity_add(list, n, "port_pairs", pairs > c.ports_free ? pairs - c.ports_free : 0, pairs,
		     false);
	capacity_add(list, n, "connections", capacity_connections(n, SIP_TCP, SIP_TLS),
		     n->capacity->connections_max, false);
	capacity_add(list, n, "websockets", capacity_connections(n, SIP_WS, SIP_WSS),
		     n->capacity->websockets_max, false);
	capacity_add(list, n, "registrations", c.aors, limits->registrations, true);
	capacity_add(list, n, "extensions", extensions_count(n->api.extensions),
		     limits->registrations, true);
	capacity_add(list, n, "sessions", mirror_count_of_kind(mirror, BYTES_LIT("session")),
		     document_places(n, &g_session_documents), true);
	capacity_add(list, n, "tokens", mirror_count_of_kind(mirror, BYTES_LIT("token")),
		     document_places(n, &g_token_documents), true);
	command_answer(run, list);
}

void command_capacity_list(struct command_run *run)
{
	command_nodes_request(run, capacity_here);
}
