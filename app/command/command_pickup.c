/* SPDX-License-Identifier: Apache-2.0 */
/* A call that rings at one extension is to ring at another one, which takes it. */
#include <errno.h>

#include "app/command/command_handlers.h"
#include "app/node/node.h"
#include "sig/model/call_order.h"

/* By how the number of who takes it is called here. */
static void pickup_end(struct command_run *run, const struct shard_order *by, int err)
{
	if (err != -ENXIO && err != -ELOOP && err != -EHOSTUNREACH)
		command_order_end(run, by, err);
	else if (!command_order_refused(run, by, err))
		return;
	else if (err == -ENXIO)
		command_fail(run, COMMAND_NOT_FOUND, "by", "there is no such extension");
	else
		command_fail(run, COMMAND_CONFLICT, "by",
			     err == -ELOOP ? "it was rung for this call before"
					   : "nobody there can be rung: the call rings on");
}

static bool pickup_find(struct command_run *run, struct pick_news *news)
{
	uint16_t tenant = tenants_find(run->node->tenants, bytes_str(run->tenant));
	uint32_t cursor = 0;
	struct shard *core = node_core_next(run->node, &cursor);

	*news = (struct pick_news){ .status = 404, .text = "this node has no shard" };
	if (core)
		shard_picks(core, tenant, command_value(run, "by")->text,
			    command_value(run, "extension")->text, news);
	if (!news->call)
		command_fail(run, news->status == 404 ? COMMAND_NOT_FOUND : COMMAND_CONFLICT,
			     "extension", "%s", news->text);
	return news->call != 0;
}

void command_call_pickup(struct command_run *run)
{
	struct pick_news news;
	struct shard_order by;
	struct call_order order = { .kind = ORDER_PICK,
				    .to = command_value(run, "by")->text,
				    .by = &by };

	if (pickup_find(run, &news) && command_order_begin(run, &by))
		pickup_end(run, &by,
			   shard_call_order(node_core(run->node, news.call), news.call, &order,
					    clock_instant()));
}
