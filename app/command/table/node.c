/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their cluster, and the table itself. */
#include "app/command/table/table.h"
#include "base/log.h"

static const struct command_arg g_node_args[] = { NODE_ARG, END };

static const struct command_arg g_drain_args[] = {
	NODE_ARG,
	ON_ARG("false: it takes new calls again, as by node.undrain."),
	END,
};

static const struct command_arg g_take_args[] = {
	{ .name = "shard",
	  .type = ARG_U64,
	  .required = true,
	  .min = 1,
	  .max = UINT16_MAX,
	  .help = "Number of the shard." },
	NODE_ARG,
	END,
};

static const struct command_arg g_rebalance_args[] = {
	{ .name = "dry",
	  .type = ARG_BOOL,
	  .preset = "false",
	  .help = "true: says what would be moved, and moves nothing." },
	NODE_ARG,
	END,
};

static const struct command_arg g_remove_args[] = {
	{ .name = "name",
	  .type = ARG_STRING,
	  .required = true,
	  .min = 1,
	  .max = 63,
	  .help = "Name of the node that is gone, or its 16 digits (cluster.status)." },
	NODE_ARG,
	END,
};

static const struct command_arg g_level_args[] = {
	{ .name = "level",
	  .type = ARG_ENUM,
	  .names = g_log_levels,
	  .help = "New level, until the next reload or start; without it the present one is "
		  "told." },
	END,
};

static const struct command_arg g_help_args[] = {
	{ .name = "command",
	  .type = ARG_STRING,
	  .charset = CHARSET_NAME,
	  .min = 1,
	  .max = 63,
	  .help = "Only this command, or those that begin so: call." },
	END,
};

const struct command g_node_commands[] = {
	{ "node.status", COMMAND_FOR_OPERATOR, g_node_args, "Shows how a node is.",
	  "name, realm (of passwords), shard, version, uptime_ms, status, reasons, redis, epoch, "
	  "counts and limits",
	  BY(command_node_status) },
	{ "node.drain", COMMAND_FOR_OPERATOR, g_drain_args,
	  "Takes no new calls (503 with Retry-After, /readyz says so); calls go on. In a cluster "
	  "other nodes are asked to take its shards, with all calls. Until node.undrain or the "
	  "next start.",
	  "draining, calls", BY(command_node_drain), .off = "node.undrain" },
	{ "node.undrain", COMMAND_FOR_OPERATOR, g_node_args, "Takes new calls again.",
	  "draining, calls", BY(command_node_undrain) },
	{ "shard.take", COMMAND_FOR_OPERATOR, g_take_args,
	  "Asks the node that has a shard of the cluster to give it to this one, with all its "
	  "calls. "
	  "The answer does not wait for that: the log says when it is live. conflict: this node "
	  "has "
	  "it, or is about to.",
	  "shard, holder", BY(command_shard_take) },
	{ "cluster.status", COMMAND_FOR_OPERATOR, g_node_args,
	  "Shows a cluster as a node of it sees it.",
	  "name and id (of the node that answers), lease_ms, replicas (cluster.replicas), "
	  "redis_connected, "
	  "leases_connected (the link that asks the replicas), nodes (a list: name, id, address, "
	  "state, "
	  "shards; state: self, heard, unheard: Redis says that it lives, silent, left: it "
	  "stopped or was removed) and shards (a list: shard, home: it is of this node, state: "
	  "live: this node has "
	  "it, waiting, lost; owner, epoch, named: who may claim it, age_ms: since its last "
	  "renewal, as "
	  "far as this node has seen; and where it is live: valid_ms: for so long it may speak; "
	  "null: it never falls "
	  "silent, kept, why_not_kept: redis_away, redis_cluster: with Redis Cluster "
	  "no replica is asked, no_link, replicas, live_utc_ms: since then)",
	  BY(command_cluster_status) },
	{ "cluster.rebalance", COMMAND_FOR_OPERATOR, g_rebalance_args,
	  "Spreads the shards of a cluster evenly over the nodes that are heard and take calls: "
	  "first those go home that are elsewhere, then whoever has most gives to whoever has "
	  "fewest. Shards at home stay there. As few are moved as can be, by shard.take: all calls "
	  "go along. The answer does not wait for that: the log of this node says what was moved, "
	  "and dry=true what is left. conflict: no other node is heard, no node takes calls, or "
	  "one does not say which shards are its own. busy: one is under way.",
	  "dry, moves (a list: shard, from and to: nodes by name, why: home, drains: from takes no "
	  "calls, even) and unowned (numbers of shards that no node which is heard has: they are "
	  "left as they are)",
	  BY(command_cluster_rebalance) },
	{ "node.remove", COMMAND_FOR_OPERATOR, g_remove_args,
	  "Says that a node of the cluster is gone for good, which was killed or lost: no lease "
	  "names "
	  "it any more, so that those that are left need not wait for it. A node that stops says "
	  "so "
	  "itself. Of one that has left, the line in Redis is removed. conflict: it lives.",
	  "name, id", BY(command_node_remove) },
	{ "log.level", COMMAND_FOR_OPERATOR, g_level_args, "Shows or sets the level of the log.",
	  "level", BY(command_log_level) },
	{ "help", COMMAND_FOR_READER, g_help_args, "Shows this table.",
	  "a list: name, for, help, result, arguments", BY(command_help) },
	{ .name = NULL },
};
