/* SPDX-License-Identifier: Apache-2.0 */
/* The row of capacities in the list of features, with its command. */

#include "app/command/table/table.h"
#include "app/feature/capacity/capacity.h"

static const struct command_arg g_capacity_args[] = { NODE_ARG, END };

static const struct command g_capacity_commands[] = {
	{ "capacity.list", COMMAND_FOR_OPERATOR, g_capacity_args,
	  "Lists what the nodes use of what they have room for: what would be exhausted first "
	  "comes "
	  "first. Calls, transactions, pairs of media ports and connections are of a node; "
	  "registrations, extensions, sessions and tokens are known to each node of a cluster, so "
	  "the node with the least room bounds them.",
	  "a list: node, what (calls, transactions, port_pairs, connections, websockets, "
	  "registrations, extensions, sessions, tokens), used, max, percent, shared (each node has "
	  "all of the cluster)",
	  BY(command_capacity_list), .columns = "node,what,used,max,percent",
	  LISTS("node,what", "percent", true, "node,what,used,max,percent,shared") },
	{ .name = NULL },
};

const struct app_feature g_capacity_feature = { .name = "capacity",
						.commands = g_capacity_commands };
