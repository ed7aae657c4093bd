/* SPDX-License-Identifier: Apache-2.0 */
/* The ring groups of all tenants of a node: one table for its shards, which documents fill
 * (sig/host/groups.h). It opens before the shards, and is closed behind them. */

#include "sig/host/groups.h"
#include "sig/shard/hooks.h"
#include "sig/shard/shared_tables.h"

static int groups_node_opened(struct shard_shared_tables *c)
{
	return groups_open(&c->groups);
}

static void groups_node_closed(struct shard_shared_tables *c)
{
	groups_close(c->groups);
}

const struct shard_hooks group_hooks = {
	.node_opened = groups_node_opened,
	.node_closed = groups_node_closed,
};
