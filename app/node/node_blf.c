/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries the messages of sig/remote between nodes: which users are watched where, and their
 * states. It gives sig/remote the list of live processes, divides cluster-wide limits among the
 * known nodes (sig/host/share.h), and sends by node_edge.c. Messages may be lost; new processes
 * are told everything again.
 */

#include "app/node/node_blf.h"

#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_cluster.h"
#include "app/node/node_edge.h"
#include "app/node/node_life.h"
#include "base/clock.h"
#include "base/metric.h"
#include "sig/shard/shared_tables.h"

static struct {
	metric_id asked, told, heard, refused, asking, views, held, share_asked, share_gave,
		share_got, share_neighbours;
} g_blf_metrics;

void node_blf_setup(void)
{
#define BLF(what)                                                                               \
	metric_register(                                                                        \
		METRIC_COUNTER, "tandem_cluster_watched_total", "result=\"" what "\"",          \
		"Users that are watched across nodes: asked for, reported to others, received " \
		"from others, and refused, as the message was invalid or too many came.")
	g_blf_metrics.asked = BLF("asked");
	g_blf_metrics.told = BLF("reported");
	g_blf_metrics.heard = BLF("received");
	g_blf_metrics.refused = BLF("refused");
#undef BLF
#define BLF(what)                                                                                 \
	metric_register(METRIC_GAUGE, "tandem_cluster_watched", "of=\"" what "\"",                \
			"Users that other nodes watch and this one tells of (others), those of "  \
			"which others have told (here), and those with calls that no node tells " \
			"of now, as their shard is being taken over (held).")
	g_blf_metrics.asking = BLF("others");
	g_blf_metrics.views = BLF("here");
	g_blf_metrics.held = BLF("held");
#undef BLF
#define SHARES(what)                                                                           \
	metric_register(METRIC_COUNTER, "tandem_cluster_shares_total", "result=\"" what "\"",  \
			"Parts of limits of users that hold over all nodes: asked for, given " \
			"to others, and got.")
	g_blf_metrics.share_asked = SHARES("asked");
	g_blf_metrics.share_gave = SHARES("gave");
	g_blf_metrics.share_got = SHARES("got");
	g_blf_metrics.share_neighbours = metric_register(
		METRIC_GAUGE, "tandem_cluster_shares_remembered", "",
		"Limits and other processes of nodes, with which parts were given or got.");
#undef SHARES
}

static struct remote_watch *blf_of(const struct node *n)
{
	return n->common.shared_tables ? n->common.shared_tables->remote : NULL;
}

static void blf_send(void *arg, uint64_t process, struct bytes outcome)
{
	struct node *n = arg;
	struct channel_to to[ROSTER_NODES_MAX];
	uint32_t count = 1;

	if (!process)
		count = claimant_processes(n->cluster->claimant, to, ROSTER_NODES_MAX);
	else if (!claimant_process(n->cluster->claimant, process, to))
		return;
	for (uint32_t i = 0; i < count; i++)
		node_edge_on_message(n, &to[i], outcome);
}

static bool blf_is_alive(void *arg, uint64_t process)
{
	const struct node *n = arg;
	struct channel_to to;

	return claimant_process(n->cluster->claimant, process, &to);
}

static uint32_t blf_others(void *arg)
{
	const struct node *n = arg;
	struct channel_to to[ROSTER_NODES_MAX];

	return claimant_processes(n->cluster->claimant, to, ROSTER_NODES_MAX);
}

int node_blf_open(struct node *n)
{
	const struct shard_remote with = { .send = blf_send,
					   .is_attached = blf_is_alive,
					   .others = blf_others,
					   .picked = n->hooks->picked,
					   .answered = n->hooks->answered,
					   .arg = n };

	n->common.shared_tables->shares = n->common.shares;
	return n->cluster->edge ? shard_remote_open(n->common.shared_tables, &with) : 0;
}

void node_blf_on_message(struct node *n, uint64_t process, struct bytes outcome)
{
	if (blf_of(n))
		shard_on_remote(n->common.shared_tables, process, outcome, clock_instant());
}

void node_blf_flush(struct node *n)
{
	struct remote_item item = { .kind = REMOTE_SHARE };

	if (!blf_of(n) || n->life->phase != NODE_RUNNING)
		return;
	while (n->common.shares && shares_next(n->common.shares, &item.share))
		remote_watch_send(blf_of(n), item.share.process, &item);
	remote_watch_flush(blf_of(n));
}

/* Limits are divided among nodes that are alive, as last read from Redis,
 * even if this node does not hear them. */
static void shares_note_processes(struct node *n)
{
	uint64_t id, self, processes[SHARE_NODES_MAX];
	struct claimant_node other;
	uint32_t count = 1;

	claimant_self(n->cluster->claimant, &id, &self);
	processes[0] = self;
	for (uint32_t i = 0;
	     claimant_node(n->cluster->claimant, i, &other) && count < SHARE_NODES_MAX; i++) {
		if (other.node.id != id && (other.alive || other.heard) &&
		    !roster_has_left(&other.node))
			processes[count++] = other.node.incarnation;
	}
	shares_nodes(n->common.shares, self, processes, count);
}

/* New processes do not know yet who is watched here. */
static void blf_note_processes(struct node *n)
{
	struct channel_to to[ROSTER_NODES_MAX];
	uint32_t count = claimant_processes(n->cluster->claimant, to, ROSTER_NODES_MAX);
	uint64_t heard = 0;

	while (count)
		heard += to[--count].incarnation;
	if (heard != n->cluster->blf.heard)
		shard_remote_joined(n->common.shared_tables);
	n->cluster->blf.heard = heard;
}

void node_blf_expire(struct node *n, uint64_t now_ns)
{
	if (!blf_of(n) || n->life->phase != NODE_RUNNING || n->cluster->blf.next_ns > now_ns)
		return;
	n->cluster->blf.next_ns = now_ns + NS_PER_S;
	blf_note_processes(n);
	if (n->common.shares) {
		shares_note_processes(n);
		shares_expire(n->common.shares, now_ns);
	}
	shard_remote_second(n->common.shared_tables, now_ns);
}

uint64_t node_blf_next_ns(const struct node *n)
{
	return blf_of(n) && n->life->phase == NODE_RUNNING ? n->cluster->blf.next_ns : UINT64_MAX;
}

void node_blf_metrics(const struct node *n)
{
	struct remote_watch_counts now;
	struct share_counts shares;

	if (!blf_of(n))
		return;
	remote_watch_counts(blf_of(n), &now);
	metric_add(g_blf_metrics.asked, now.asked);
	metric_add(g_blf_metrics.told, now.told);
	metric_add(g_blf_metrics.heard, now.heard);
	metric_add(g_blf_metrics.refused, now.refused);
	metric_set(g_blf_metrics.asking, now.asking);
	metric_set(g_blf_metrics.views, now.views);
	metric_set(g_blf_metrics.held, now.held);
	if (!n->common.shares)
		return;
	shares_counts(n->common.shares, &shares);
	metric_add(g_blf_metrics.share_asked, shares.asked);
	metric_add(g_blf_metrics.share_gave, shares.gave);
	metric_add(g_blf_metrics.share_got, shares.got);
	metric_set(g_blf_metrics.share_neighbours, shares.neighbours);
}
