/* SPDX-License-Identifier: Apache-2.0 */
#include "app/node/node_keeper.h"

#include <errno.h>
#include <string.h>

#include "app/keeper/keeper.h"
#include "app/node/node.h"
#include "base/log.h"
#include "base/metric.h"

static struct {
	metric_id here, standing, refused, up;
} g_metrics;

void node_keeper_setup(void)
{
#define ADDRESSES(state)                                                                      \
	metric_register(METRIC_GAUGE, "tandem_floating_addresses", "state=\"" state "\"",     \
			"Floating addresses of the node's shards: here (added by the node), " \
			"standing (the machine has them anyhow), or refused.")
	g_metrics.here = ADDRESSES("here");
	g_metrics.standing = ADDRESSES("standing");
	g_metrics.refused = ADDRESSES("refused");
#undef ADDRESSES
	g_metrics.up = metric_register(METRIC_GAUGE, "tandem_keeper_up", NULL,
				       "1 while there is the process that moves addresses.");
}

void node_keeper_metrics(const struct node *n)
{
	uint32_t of[FLOATING_REFUSED + 1] = { 0 };

	for (uint32_t i = 0; i < n->settings.network_count; i++)
		of[n->keeper.of[i]]++;
	metric_set(g_metrics.here, of[FLOATING_HERE]);
	metric_set(g_metrics.standing, of[FLOATING_STANDING]);
	metric_set(g_metrics.refused, of[FLOATING_REFUSED]);
	metric_set(g_metrics.up, n->keeper.process && !n->keeper.dead);
}

/* ---- life ---- */

static uint32_t addresses_that_float(const struct node *n, struct addr out[SHARD_NETWORKS_MAX])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->settings.network_count; i++) {
		if (node_network_shard(n, i))
			out[count++] = n->settings.networks[i].bind;
	}
	return count;
}

void node_keeper_start(struct node *n)
{
	struct addr addresses[SHARD_NETWORKS_MAX];
	struct keeper_settings s = { .dir = n->settings.node.state_dir,
				     .addresses = addresses,
				     .beside = n->settings.cluster.listen };
	int err;

	s.count = addresses_that_float(n, addresses);
	if (!node_is_clustered(n) || !s.count)
		return;
	err = keeper_fork(&n->keeper.process, &s);
	if (err)
		LOG_ERROR("node", 0, "cannot start the process that moves addresses",
			  LOG_STR("error", strerror(-err)));
}

void node_keeper_stop(struct node *n)
{
	keeper_close(n->keeper.process);
	n->keeper.process = NULL;
}

void node_keeper_notice(struct node *n, const struct addr *peer, struct bytes datagram)
{
	if (n->keeper.process) /* what it does not take now it is told in a second */
		(void)!keeper_notice(n->keeper.process, peer, datagram);
}

/* ---- what it answers ---- */

static void refusal_say(struct node *n, const struct keeper_answer *a)
{
	if (a->error == -EPERM && n->keeper.refusal_said)
		return;
	if (a->error == -EPERM)
		LOG_WARN("node", 0,
			 "floating addresses are not moved: the node was started without "
			 "CAP_NET_ADMIN or CAP_NET_RAW (deploy/tandem-cluster.conf)");
	else if (a->error == -ENODEV)
		LOG_ERROR("node", 0,
			  "a floating address has no interface here: give "
			  "networks[].interface",
			  LOG_ADDR("address", &a->address));
	else
		LOG_ERROR("node", 0, "a floating address cannot be added",
			  LOG_ADDR("address", &a->address), LOG_STR("error", strerror(-a->error)));
	n->keeper.refusal_said |= a->error == -EPERM;
}

static void taken_say(struct node *n, const struct keeper_answer *a)
{
	if (a->error)
		refusal_say(n, a);
	else if (!a->standing)
		LOG_INFO("node", 0, "a floating address is here", LOG_ADDR("address", &a->address),
			 LOG_STR("interface", a->interface));
	if (a->may_flip)
		LOG_WARN("node", 0,
			 "neighbours may take a floating address for this node's when it is not: "
			 "set net.ipv4.conf.all.arp_announce=2",
			 LOG_STR("interface", a->interface));
}

static enum node_floating floating_of(const struct keeper_answer *a)
{
	if (a->error)
		return FLOATING_REFUSED;
	return a->standing ? FLOATING_STANDING : FLOATING_HERE;
}

/* The last one lets the shard go on. */
static void address_answered(struct node_shard *s)
{
	if (s->addresses_asked && --s->addresses_asked == 0)
		s->addressed(s);
}

static void on_taken(struct node *n, const struct keeper_answer *a)
{
	struct node_shard *s = NULL;

	taken_say(n, a);
	for (uint32_t i = 0; i < n->settings.network_count; i++) {
		uint16_t number = node_network_shard(n, i);

		if (!number || !addr_ip_eq(&n->settings.networks[i].bind, &a->address))
			continue;
		n->keeper.of[i] = floating_of(a);
		for (uint32_t k = 0; k < n->shard_count; k++)
			s = n->shards[k].number == number ? &n->shards[k] : s;
	}
	if (s)
		address_answered(s);
}

/* Addresses stay where they are, also when their shards go. */
static void on_died(struct node *n)
{
	LOG_ERROR(
		"node", 0,
		"the process that moves addresses is gone: they stay where they are until the node "
		"is started again");
	n->keeper.dead = true;
	for (uint32_t i = 0; i < n->shard_count; i++) {
		struct node_shard *s = &n->shards[i];

		while (s->addresses_asked)
			address_answered(s);
	}
}

static void on_keeper(const struct keeper_answer *a, void *arg)
{
	struct node *n = arg;

	switch (a->event) {
	case KEEPER_TAKEN:
		on_taken(n, a);
		return;
	case KEEPER_LEFT:
		if (a->error)
			LOG_ERROR("node", 0, "a floating address cannot be deleted",
				  LOG_ADDR("address", &a->address),
				  LOG_STR("error", strerror(-a->error)));
		return;
	case KEEPER_DIED:
		on_died(n);
		return;
	}
}

int node_keeper_watch(struct node *n)
{
	return n->keeper.process ? keeper_watch(n->keeper.process, on_keeper, n) : 0;
}

/* ---- orders ---- */

void node_addresses_take(struct node_shard *s, node_shard_fn *done)
{
	struct node *n = s->node;

	s->addressed = done;
	s->addresses_asked = 1;
	for (uint32_t i = 0; n->keeper.process && i < n->settings.network_count; i++) {
		const struct settings_network *at = &n->settings.networks[i];

		if (node_network_shard(n, i) == s->number &&
		    !keeper_take(n->keeper.process, &at->bind, at->interface))
			s->addresses_asked++;
	}
	address_answered(s);
}

void node_addresses_leave(struct node_shard *s)
{
	struct node *n = s->node;

	s->addresses_asked = 0;
	for (uint32_t i = 0; n->keeper.process && i < n->settings.network_count; i++) {
		if (node_network_shard(n, i) != s->number)
			continue;
		n->keeper.of[i] = FLOATING_ELSEWHERE;
		if (keeper_leave(n->keeper.process, &n->settings.networks[i].bind) &&
		    !n->keeper.dead)
			LOG_ERROR("node", 0, "a floating address cannot be deleted",
				  LOG_STR("network", n->settings.networks[i].name));
	}
}
