/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/command_handlers.h"
#include "app/node/node.h"

static const char *const g_move_whys[] = {
	[BALANCE_HOME] = "home", [BALANCE_DRAINS] = "drains", [BALANCE_EVEN] = "even"
};

static json_t *moves_json(const struct rebalance_plan *plan)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < plan->count; i++) {
		const struct balance_move *m = &plan->moves[i];

		(void)json_array_append_new(
			list, json_pack("{s:I, s:s, s:s, s:s}", "shard", (json_int_t)m->shard,
					"from", plan->nodes[m->from].node.name, "to",
					plan->nodes[m->to].node.name, "why", g_move_whys[m->why]));
	}
	return list;
}

static json_t *unowned_json(const struct rebalance_plan *plan)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < plan->balance.shard_count; i++) {
		const struct balance_shard *s = &plan->balance.shards[i];

		if (s->owner == BALANCE_NOBODY)
			(void)json_array_append_new(list, json_integer(s->number));
	}
	return list;
}

/* Before anything is planned. True: the run has failed. */
static bool rebalance_is_refused(struct command_run *run)
{
	const struct node *n = run->node;

	if (!n->claimant)
		command_fail(run, COMMAND_CONFLICT, NULL,
			     "the node is in no cluster: see cluster.listen");
	else if (n->drain.ends)
		command_fail(run, COMMAND_CONFLICT, "node",
			     "this node is about to stop: ask another one");
	else if (!redis_is_connected(n->redis))
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "Redis is away, and no shard is given without it: try again when it "
			     "is back");
	else if (!node_hand_is_possible(n))
		command_fail(run, COMMAND_CONFLICT, NULL,
			     "no other node is heard: start one, or see cluster.status");
	else
		return false;
	return true;
}

static bool plan_is_refused(struct command_run *run, const struct rebalance_plan *plan, bool dry)
{
	if (plan->silent)
		command_fail(run, COMMAND_CONFLICT, NULL,
			     "node %s has not said yet which shards are its own: try again in a "
			     "second; if it never does, its program is an earlier one: replace it",
			     plan->silent);
	else if (!plan->any_takes)
		command_fail(run, COMMAND_CONFLICT, NULL,
			     "no node takes calls: say node.undrain to one of them");
	else if (!dry && run->node->rebalance.count)
		command_fail(run, COMMAND_BUSY, NULL,
			     "shards are being moved by an earlier command: the log says when "
			     "each is");
	else
		return false;
	return true;
}

void command_cluster_rebalance(struct command_run *run)
{
	static struct rebalance_plan plan; /* the control thread's */
	struct node *n = run->node;
	bool dry = false;

	if (rebalance_is_refused(run))
		return;
	command_take_bool(run, "dry", &dry);
	node_rebalance_plan(n, &plan);
	if (plan_is_refused(run, &plan, dry))
		return;
	if (!dry)
		node_rebalance_begin(n, &plan);
	command_answer(run, json_pack("{s:b, s:o, s:o}", "dry", dry, "moves", moves_json(&plan),
				      "unowned", unowned_json(&plan)));
}
