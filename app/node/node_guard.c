/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the SIP ports listen to before anything is parsed: base/guard.h with the settings of a node. */
#include "app/node/node.h"
#include "base/clock.h"
#include "base/guard.h"
#include "base/log.h"
#include "engine/port/xdp_guard.h"
#include "sig/transport/transport.h"

/* Extensions with several phones, and parties of calls that never registered. */
enum { PHONES_OF_A_REGISTRATION = 2, PARTIES_OF_A_CALL = 2 };

static uint32_t phones(const struct node *n)
{
	uint64_t most = (uint64_t)n->settings.limits.registrations * PHONES_OF_A_REGISTRATION +
			(uint64_t)n->calls_max * PARTIES_OF_A_CALL;

	return most < UINT32_MAX / 16 ? (uint32_t)most : UINT32_MAX / 16;
}

/* Rules of trust that hold over UDP: a server in front of the node is heard at once, whoever floods it. */
static void trust_addresses(struct node *n)
{
	static struct guard_trusted list[SHARD_TRUSTED_MAX];
	const struct settings_sip *sip = &n->settings.sip;
	struct shard_trusted rule;
	const char *key, *why;
	uint32_t count = 0;

	for (uint32_t i = 0; i < sip->trusted_count; i++) {
		if (settings_trusted_read(&rule, &n->settings, &sip->trusted[i], &key, &why) ||
		    rule.certificate || (rule.transports && !(rule.transports & 1U << SIP_UDP)))
			continue;
		list[count].net = rule.net;
		list[count].net.port = rule.port;
		list[count++].bits = rule.bits;
	}
	if (!guard_trust(n->guard, list, count)) {
		LOG_INFO("sip", 0,
			 "in a flood, addresses of large networks in sip.trusted are strangers up "
			 "to their first message");
	}
}

void node_guard_configure(struct node *n)
{
	struct guard_limits limits;

	static_assert(sizeof(limits.per_s) == sizeof(n->settings.limits.sip_per_s), "by class");
	memcpy(limits.per_s, n->settings.limits.sip_per_s, sizeof(limits.per_s));
	guard_configure(n->guard, &limits, node_sip_idle_ns(n));
	trust_addresses(n);
}

static int listen_everywhere(const struct node *n)
{
	int err = 0;

	for (uint32_t i = 0; i < n->settings.network_count; i++) {
		const struct settings_network *network = &n->settings.networks[i];
		struct addr local = network->bind;

		for (uint32_t p = 0; !err && p < network->sip_port_count; p++) {
			local.port = (uint16_t)network->sip_ports[p];
			err = xdp_guard_listen(n->kernel, &local);
		}
	}
	return err;
}

/* Without the privilege all is as before but what a flood costs. */
static void kernel_open(struct node *n)
{
	char why[XDP_WHY_MAX];

	if (xdp_guard_open(&n->kernel, guard_sets(phones(n)), why)) {
		LOG_INFO("sip", 0, "floods are dropped in the process, not in the kernel",
			 LOG_STR("reason", why));
		n->kernel = NULL;
	} else if (listen_everywhere(n)) {
		LOG_WARN("sip", 0, "some SIP ports are not guarded where frames come in");
	}
}

int node_guard_open(struct node *n)
{
	struct guard_kernel kernel;
	int err;

	kernel_open(n);
	if (n->kernel)
		kernel = xdp_guard_kernel(n->kernel);
	err = guard_open(&n->guard, phones(n), node_sip_idle_ns(n), &n->rand,
			 n->kernel ? &kernel : NULL);
	if (!err)
		node_guard_configure(n);
	return err;
}

void node_guard_know(struct node *n, const struct sip_hop *hop)
{
	if (hop->transport == SIP_UDP)
		guard_know(n->guard, &hop->remote, clock_now_ns());
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
	locations_hops(n->locations, know, n);
}

void node_guard_close(struct node *n)
{
	guard_close(n->guard);
	n->guard = NULL;
	xdp_guard_close(n->kernel);
	n->kernel = NULL;
}
