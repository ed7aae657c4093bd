/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's orders to the keeper, and its answers: which floating addresses are here, refused or
 * standing, the media sockets it holds, the kernel's backstop. A shard goes on when all its
 * addresses have been answered, whether they could be moved or not. node_shard_life.c claims and
 * leaves addresses with the shard's life; SIP listens at the networks of live shards alone.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "app/keeper/keeper.h"
#include "app/node/node.h"
#include "app/node/node_cluster.h"
#include "app/node/node_keeper.h"
#include "app/node/node_media.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/settings/settings.h"
#include "base/log.h"
#include "base/metric.h"
#include "sig/transport/transport.h"

/* Networks with addresses that move with a shard: its owner in the cluster listens there. */

bool node_is_clustered(const struct node *n)
{
	return n->settings->cluster.listen.family != ADDR_NONE;
}

uint16_t node_network_shard(const struct node *n, uint32_t network)
{
	const struct settings_network *at = &n->settings->networks[network];

	return at->floating ? (uint16_t)at->shard : 0;
}

static void listen_at(struct node *n, uint32_t local, bool live)
{
	if (!live)
		transport_unlisten(n->sip->transport, local);
	else if (transport_listen(n->sip->transport, local))
		LOG_WARN("node", 0, "SIP is not heard at a floating network: trying again",
			 LOG_STR("network",
				 n->settings->networks[n->sip->local_networks[local]].name));
}

void node_shards_listen(struct node *n)
{
	for (uint32_t i = 0; n->sip->transport && i < n->sip->local_count; i++) {
		uint16_t number = node_network_shard(n, n->sip->local_networks[i]);

		if (number)
			listen_at(n, i, node_shard_find(n, number) != NULL);
	}
}

static struct {
	metric_id here, standing, refused, hooked, up, withheld[EGRESS_KIND_COUNT];
	metric_id runs[HOOK_RESULTS];
	uint64_t shown[EGRESS_KIND_COUNT]; /* of withheld */
} g_keeper_metrics;

void node_keeper_setup(void)
{
#define ADDRESSES(state)                                                                      \
	metric_register(METRIC_GAUGE, "tandem_floating_addresses", "state=\"" state "\"",     \
			"Floating addresses of the node's shards: here (added by the node), " \
			"standing (the machine has them anyhow), hooked (not added, but "     \
			"cluster.address_hook is told), or refused.")
	g_keeper_metrics.here = ADDRESSES("here");
	g_keeper_metrics.standing = ADDRESSES("standing");
	g_keeper_metrics.refused = ADDRESSES("refused");
	g_keeper_metrics.hooked = ADDRESSES("hooked");
#undef ADDRESSES
#define WITHHELD(kind, text)                                                    \
	g_keeper_metrics.withheld[kind] =                                       \
		metric_register(METRIC_COUNTER, "tandem_withheld_frames_total", \
				"kind=\"" text "\"",                            \
				"Frames from floating addresses that the "      \
				"kernel withheld, as their leases were past.")
	WITHHELD(EGRESS_UDP, "udp");
	WITHHELD(EGRESS_TCP, "tcp");
	WITHHELD(EGRESS_ICMP, "icmp");
	WITHHELD(EGRESS_ARP, "arp");
	WITHHELD(EGRESS_NDP, "ndp");
	WITHHELD(EGRESS_OTHER, "other");
#undef WITHHELD
#define RUNS(result, text)                                                        \
	g_keeper_metrics.runs[result] =                                           \
		metric_register(METRIC_COUNTER, "tandem_address_hook_runs_total", \
				"result=\"" text "\"",                            \
				"Runs of cluster.address_hook: done (exit "       \
				"status 0), failed, late (killed), or not_run.")
	RUNS(HOOK_DONE, "done");
	RUNS(HOOK_FAILED, "failed");
	RUNS(HOOK_LATE, "late");
	RUNS(HOOK_NOT_RUN, "not_run");
#undef RUNS
	g_keeper_metrics.up = metric_register(
		METRIC_GAUGE, "tandem_keeper_up", NULL,
		"1 while there is the process that has floating addresses and media sockets.");
}

void node_keeper_metrics(const struct node *n)
{
	uint32_t of[FLOATING_HOOKED + 1] = { 0 };

	for (uint32_t i = 0; i < n->settings->network_count; i++)
		of[n->cluster->keeper.of[i]]++;
	metric_set(g_keeper_metrics.here, of[FLOATING_HERE]);
	metric_set(g_keeper_metrics.standing, of[FLOATING_STANDING]);
	metric_set(g_keeper_metrics.refused, of[FLOATING_REFUSED]);
	metric_set(g_keeper_metrics.hooked, of[FLOATING_HOOKED]);
	metric_set(g_keeper_metrics.up, n->cluster->keeper.process && !n->cluster->keeper.dead);
	for (uint32_t kind = 0; n->cluster->keeper.backstop.withheld && kind < EGRESS_KIND_COUNT;
	     kind++) {
		uint64_t now =
			egress_withheld(&n->cluster->keeper.backstop, (enum egress_kind)kind);

		metric_add(g_keeper_metrics.withheld[kind], now - g_keeper_metrics.shown[kind]);
		g_keeper_metrics.shown[kind] = now;
	}
}

/* ---- life ---- */

static struct node_shard *shard_of_network(struct node *n, uint32_t network)
{
	uint16_t number = node_network_shard(n, network);

	for (uint32_t i = 0; number && i < n->shards->count; i++) {
		if (n->shards->list[i].number == number)
			return &n->shards->list[i];
	}
	return NULL;
}

static uint32_t addresses_that_float(struct node *n, struct keeper_address out[SHARD_NETWORKS_MAX])
{
	uint32_t count = 0;

	static_assert((int)XDP_NAME_MAX <= (int)KEEPER_INTERFACE_MAX, "copied whole");
	for (uint32_t i = 0; i < n->settings->network_count; i++) {
		const struct settings_network *at = &n->settings->networks[i];
		const struct node_shard *s = shard_of_network(n, i);
		struct keeper_address *to = &out[count];

		if (!s)
			continue;
		count++;
		*to = (struct keeper_address){ .ip = at->bind,
					       .place = node_shard_place(s),
					       .shard = s->number };
		memcpy(to->interface, at->interface, sizeof(at->interface));
	}
	return count;
}

void node_keeper_start(struct node *n)
{
	struct keeper_address addresses[SHARD_NETWORKS_MAX];
	struct keeper_settings s = { .dir = n->settings->node.state_dir,
				     .addresses = addresses,
				     .beside = n->settings->cluster.listen,
				     .node = n->settings->node.name };
	int err;

	s.count = node_is_clustered(n) ? addresses_that_float(n, addresses) : 0;
	s.flows = settings_port_pairs(n->settings);
	s.hook = n->settings->cluster.address_hook[0] ? n->settings->cluster.address_hook : NULL;
	err = keeper_fork(&n->cluster->keeper.process, &s);
	if (err) {
		LOG_ERROR("node", 0,
			  "cannot start the process that has addresses and media sockets",
			  LOG_STR("error", strerror(-err)));
		return;
	}
	err = s.count ? keeper_hold_memory() : 0;
	if (err)
		LOG_WARN("node", 0, "the end of the node is seen late: its memory is freed before",
			 LOG_STR("error", strerror(-err)));
}

/* The keeper has had time since this process began. */
#define SOCKETS_PATIENCE_NS NS_PER_S

int node_keeper_sockets(struct node *n)
{
	return sockets_open(&n->cluster->keeper.sockets,
			    keeper_sockets_fd(n->cluster->keeper.process),
			    settings_port_pairs(n->settings));
}

void node_keeper_sockets_receive(struct node *n)
{
	uint32_t flows = sockets_await_left(&n->cluster->keeper.sockets, SOCKETS_PATIENCE_NS);

	if (flows)
		LOG_INFO("node", 0, "media sockets of the process before are here",
			 LOG_U64("flows", flows));
}

/* As with sockets. */
#define REMAINS_PATIENCE_NS NS_PER_S

void node_keeper_remains_await(struct node *n, struct remains *out)
{
	if (n->cluster->keeper.process && !n->cluster->keeper.left_received)
		keeper_remains_await(n->cluster->keeper.process, &n->cluster->keeper.left,
				     REMAINS_PATIENCE_NS);
	*out = n->cluster->keeper.left;
	n->cluster->keeper.left = (struct remains){ .fd_count = 0 };
	n->cluster->keeper.left_received = true;
}

void node_keeper_remain(struct node *n)
{
	uint32_t change = engine_remains_change(n->media->engine);
	struct remains r;
	int err;

	engine_remains(n->media->engine, &r);
	err = n->cluster->keeper.process ? keeper_remain(n->cluster->keeper.process, &r) : 0;
	remains_close(&r);
	n->cluster->keeper.remains_sent =
		err == -EAGAIN ? change - 1 : change; /* when it has room */
	if (err && err != -EAGAIN)
		LOG_WARN("node", 0,
			 "what the kernel forwards would end with this process: it cannot be held",
			 LOG_STR("error", strerror(-err)));
}

void node_keeper_round(struct node *n)
{
	if (n->media->engine &&
	    engine_remains_change(n->media->engine) != n->cluster->keeper.remains_sent)
		node_keeper_remain(n);
}

void node_keeper_stop(struct node *n)
{
	sockets_close(&n->cluster->keeper.sockets);
	keeper_close(n->cluster->keeper.process);
	remains_close(&n->cluster->keeper.left);
	n->cluster->keeper.process = NULL;
	egress_close(&n->cluster->keeper.backstop);
}

void node_keeper_gone(struct node *n, const struct addr *peer, struct bytes datagram)
{
	if (n->cluster->keeper.process) /* what it cannot take now is repeated in a second */
		(void)!keeper_gone(n->cluster->keeper.process, peer, datagram);
}

/* ---- answers of the keeper ---- */

static void refusal_log(struct node *n, const struct keeper_answer *a)
{
	if (a->error == -EPERM && n->cluster->keeper.refusal_logged)
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
	n->cluster->keeper.refusal_logged |= a->error == -EPERM;
}

static void taken_log(struct node *n, const struct keeper_answer *a)
{
	if (a->error)
		refusal_log(n, a);
	else if (!a->standing && !a->hooked)
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
	if (a->hooked)
		return FLOATING_HOOKED;
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

	taken_log(n, a);
	for (uint32_t i = 0; i < n->settings->network_count; i++) {
		struct node_shard *of = shard_of_network(n, i);

		if (!of || !addr_ip_eq(&n->settings->networks[i].bind, &a->address))
			continue;
		n->cluster->keeper.of[i] = floating_of(a);
		s = of;
	}
	if (s)
		address_answered(s);
}

/* Addresses stay where they are, also when their shards go. */
static void on_died(struct node *n)
{
	LOG_ERROR(
		"node", 0,
		"the process that has floating addresses and media sockets is gone: addresses stay "
		"where they are until the node is started again");
	n->cluster->keeper.dead = true;
	for (uint32_t i = 0; i < n->shards->count; i++) {
		struct node_shard *s = &n->shards->list[i];

		while (s->addresses_asked)
			address_answered(s);
	}
}

/* Before any address is here: nothing that may be sent is withheld. */
static void on_backstop(struct node *n, const struct keeper_answer *a)
{
	int err = egress_join(&n->cluster->keeper.backstop, a->fds, a->fd_count);

	if (err) {
		LOG_ERROR("node", 0, "the times of leases cannot be told to the kernel",
			  LOG_STR("error", strerror(-err)));
		return;
	}
	validity_follow(&n->shards->validity, egress_valid, &n->cluster->keeper.backstop);
	LOG_INFO("node", 0,
		 "the kernel withholds what is said from floating addresses past a lease");
}

/* Too late, or it will be asked for. */
static void on_remains(struct node *n, const struct keeper_answer *a)
{
	struct remains left;

	keeper_answer_remains(a, &left);
	if (n->cluster->keeper.left_received)
		remains_close(&left);
	else
		n->cluster->keeper.left = left;
	n->cluster->keeper.left_received = true;
}

static void on_keeper(const struct keeper_answer *a, void *arg)
{
	struct node *n = arg;

	switch (a->event) {
	case KEEPER_BACKSTOP:
		on_backstop(n, a);
		return;
	case KEEPER_REMAINS:
		on_remains(n, a);
		return;
	case KEEPER_TAKEN:
		on_taken(n, a);
		return;
	case KEEPER_LEFT:
		if (a->error)
			LOG_ERROR("node", 0, "a floating address cannot be deleted",
				  LOG_ADDR("address", &a->address),
				  LOG_STR("error", strerror(-a->error)));
		return;
	case KEEPER_HOOKED:
		if (a->error >= 0 && a->error < HOOK_RESULTS)
			metric_add(g_keeper_metrics.runs[a->error], 1);
		return;
	case KEEPER_DIED:
		on_died(n);
		return;
	}
}

int node_keeper_watch(struct node *n)
{
	return n->cluster->keeper.process ? keeper_watch(n->cluster->keeper.process, on_keeper, n)
					  : 0;
}

/* ---- orders ---- */

void node_addresses_claim(struct node_shard *s, node_shard_fn *done)
{
	struct node *n = s->node;

	s->addressed = done;
	s->addresses_asked = 1;
	for (uint32_t i = 0; n->cluster->keeper.process && i < n->settings->network_count; i++) {
		const struct settings_network *at = &n->settings->networks[i];

		if (node_network_shard(n, i) == s->number &&
		    !keeper_claim(n->cluster->keeper.process, &at->bind, at->interface))
			s->addresses_asked++;
	}
	address_answered(s);
}

void node_addresses_leave(struct node_shard *s)
{
	struct node *n = s->node;

	s->addresses_asked = 0;
	for (uint32_t i = 0; n->cluster->keeper.process && i < n->settings->network_count; i++) {
		if (node_network_shard(n, i) != s->number)
			continue;
		n->cluster->keeper.of[i] = FLOATING_REMOTE;
		if (keeper_leave(n->cluster->keeper.process, &n->settings->networks[i].bind) &&
		    !n->cluster->keeper.dead)
			LOG_ERROR("node", 0, "a floating address cannot be deleted",
				  LOG_STR("network", n->settings->networks[i].name));
	}
}
