/* SPDX-License-Identifier: Apache-2.0 */
/* A call that rings at one extension is to ring at another one, which takes it. */
#include <errno.h>

#include "app/command/command_far.h"
#include "app/command/command_handlers.h"
#include "app/node/node.h"
#include "base/clock.h"
#include "sig/model/call_order.h"
#include "sig/sip/id.h"

/* By how the number of who takes it is called here. */
static void pickup_end(struct command_run *run, const struct shard_order *by, int err)
{
	if (err != -ENXIO && err != -ELOOP && err != -EHOSTUNREACH)
		command_order_end(run, by, err);
	else if (!command_order_refused(run, by, err))
		return;
	else if (err == -ENXIO)
		command_fail(run, COMMAND_NOT_FOUND, "by", COMMAND_NO_EXTENSION);
	else
		command_fail(run, COMMAND_CONFLICT, "by",
			     err == -ELOOP ? "it was rung for this call before"
					   : "nobody there can be rung: the call rings on");
}

static void pickup_refuse(struct command_run *run, const struct pick_news *news)
{
	command_fail(run, news->status == 404 ? COMMAND_NOT_FOUND : COMMAND_CONFLICT, "extension",
		     "%s", news->text);
}

static void pickup_order(struct command_run *run, uint64_t call)
{
	struct shard_order by;
	struct call_order order = { .kind = ORDER_PICK,
				    .to = command_value(run, "by")->text,
				    .by = &by };

	if (command_order_begin(run, &by))
		pickup_end(run, &by,
			   shard_call_order(node_core(run->node, call), call, &order,
					    clock_instant()));
}

static struct command_pick pickup_of(const struct command_run *run)
{
	return (struct command_pick){
		.tenant = tenants_find(run->node->tenants, bytes_str(run->tenant)),
		.by = command_value(run, "by")->text,
		.of = command_value(run, "extension")->text,
	};
}

/* Of the shards of this node: that call, or any (0). */
static void pickup_look(const struct command_run *run, uint64_t call, struct pick_news *news)
{
	const struct command_pick pick = pickup_of(run);
	uint32_t cursor = 0;
	const struct shard *core = node_core_next(run->node, &cursor);

	*news = (struct pick_news){ .status = 404, .text = "this node has no shard" };
	if (core)
		shard_pick_of(core, pick.tenant, pick.by, pick.of, call, news);
}

/* What was said of a call here may be past. */
static void pickup_here(struct command_run *run, uint64_t call)
{
	struct pick_news news;

	pickup_look(run, call, &news);
	if (news.call)
		pickup_order(run, news.call);
	else
		pickup_refuse(run, &news);
}

static void pickup_told(struct command_run *run, const struct park_news *told)
{
	if (told->told == PARK_TAKEN)
		command_fail(run, COMMAND_CONFLICT, "extension", "somebody else takes the call");
	else if (told->told != PARK_OK)
		command_fail(run, COMMAND_NOT_FOUND, "extension", "nobody calls there");
	else if (node_shard_find(run->node, id_shard(told->owner)))
		pickup_here(run, told->owner);
	else
		command_move(run, told->owner);
}

/* The one that rings longest on all nodes. */
static void pickup_any(struct command_run *run)
{
	const struct command_pick pick = pickup_of(run);
	uint32_t cursor = 0;
	struct shard *core = node_core_next(run->node, &cursor);
	struct pick_news news;

	pickup_look(run, 0, &news);
	if (news.may && command_far_pick(run, core, &pick, pickup_told))
		return;
	if (news.call)
		pickup_order(run, news.call);
	else
		pickup_refuse(run, &news);
}

void command_call_pickup(struct command_run *run)
{
	uint64_t call;

	if (!command_value(run, "call")->given)
		pickup_any(run);
	else if (command_call_id(run, &call))
		pickup_here(run, call);
}
