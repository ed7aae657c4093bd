/* SPDX-License-Identifier: Apache-2.0 */
/* The account codes of all tenants of a node: one table for its shards, which documents fill
 * (sig/host/accounts.h). It opens before the shards, and is closed behind them. */

#include "sig/host/accounts.h"
#include "sig/shard/hooks.h"
#include "sig/shard/shared_tables.h"

static int accounts_node_opened(struct shard_shared_tables *c)
{
	return accounts_open(&c->accounts);
}

static void accounts_node_closed(struct shard_shared_tables *c)
{
	accounts_close(c->accounts);
}

const struct shard_hooks account_hooks = {
	.node_opened = accounts_node_opened,
	.node_closed = accounts_node_closed,
};
