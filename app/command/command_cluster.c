/* SPDX-License-Identifier: Apache-2.0 */
/* What operators see of a cluster, and say to it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/node/claimant.h"
#include "app/node/node.h"

enum { NODE_ID_TEXT = 17 };

static void node_id_write(char out[NODE_ID_TEXT], uint64_t id)
{
	(void)snprintf(out, NODE_ID_TEXT, "%016" PRIx64, id);
}

static bool node_is(const struct roster_node *node, struct bytes name)
{
	char id[NODE_ID_TEXT];

	node_id_write(id, node->id);
	return bytes_is(name, id) || bytes_is(name, node->name);
}

/* A node that was set up anew may have the name of one that is gone: that one is meant. */
static bool node_find(const struct claimant *c, struct bytes name, struct claimant_node *out)
{
	struct claimant_node node;
	bool found = false;

	for (uint32_t i = 0; claimant_node(c, i, &node); i++) {
		if (!node_is(&node.node, name) || (found && (node.alive || node.heard)))
			continue;
		*out = node;
		found = true;
	}
	return found;
}

void command_node_remove(struct command_run *run)
{
	struct bytes name = command_value(run, "name")->text;
	const struct claimant *c = run->node->claimant;
	struct claimant_node found;
	char id[NODE_ID_TEXT];

	if (!redis_is_connected(run->node->redis)) {
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis is away");
	} else if (!node_find(c, name, &found)) {
		command_fail(run, COMMAND_NOT_FOUND, "name", "no node of the cluster is " BYTES_FMT,
			     BYTES_ARG(name));
	} else if (found.alive || found.heard) {
		command_fail(run, COMMAND_CONFLICT, "name",
			     "node %s lives, or did ten seconds ago: stop it", found.node.name);
	} else {
		claimant_remove(run->node->claimant, &found.node);
		node_id_write(id, found.node.id);
		command_answer(run, json_pack("{s:s, s:s}", "name", found.node.name, "id", id));
	}
}
