/* SPDX-License-Identifier: Apache-2.0 */
#include "app/node/node_rebalance.h"

#include <assert.h>
#include <string.h>

#include "app/node/node.h"
#include "base/log.h"
#include "cluster/peer/claims.h"
#include "cluster/peer/peers.h"

#define MOVE_BEAT_NS  (50 * NS_PER_MS)
#define MOVE_AGAIN_NS (500 * NS_PER_MS) /* what was asked may be lost */
#define MOVE_LIMIT_NS \
	(15 *         \
	 NS_PER_S) /* a node asks for 5 s, and its owner may be about to begin a move of its own */

/* ---- what there is ---- */

static bool shard_is_home_at(const struct node *n, uint64_t id, uint64_t self,
			     const struct node_shard *s)
{
	const struct standing *of = id == self ? NULL : claimant_standing(n->claimant, id);

	return id == self ? s->home : of && standing_is_home(of, s->number);
}

/* When it last said so; 0: it does not run there. Who has just given it may still seem to. */
static uint64_t shard_runs_at(const struct node *n, uint64_t id, uint64_t self, uint16_t number,
			      uint64_t now_ns)
{
	const struct standing *of = id == self ? NULL : claimant_standing(n->claimant, id);

	if (id != self)
		return of ? standing_runs(of, number, now_ns) : 0;
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].number == number)
			return n->shards[i].state == NODE_SHARD_LIVE ? now_ns : 0;
	}
	return 0;
}

static void plan_add_node(const struct node *n, struct rebalance_plan *out,
			  const struct claimant_node *node, uint64_t self, uint64_t now_ns)
{
	const struct standing *of = NULL;
	struct balance *b = &out->balance;
	bool takes = !node_leaves(n);

	if (node->node.id != self) {
		of = claimant_standing(n->claimant, node->node.id);
		takes = of && !standing_drains(of, now_ns);
	}
	if (b->node_count == BALANCE_NODES_MAX)
		return;
	out->nodes[b->node_count] = *node;
	if (node->node.id != self && !of)
		out->silent = out->nodes[b->node_count].node.name;
	out->any_takes |= takes;
	b->takes[b->node_count++] = takes;
}

/* Nodes in the order of their ids: the same plan twice is the same. */
static void plan_nodes(const struct node *n, struct rebalance_plan *out, uint64_t self,
		       uint64_t now_ns)
{
	struct claimant_node node, next;
	uint64_t last = 0;

	do {
		next.node.id = UINT64_MAX;
		for (uint32_t i = 0; claimant_node(n->claimant, i, &node); i++) {
			if ((node.heard || node.node.id == self) && node.node.id > last &&
			    node.node.id < next.node.id)
				next = node;
		}
		last = next.node.id;
		if (last != UINT64_MAX)
			plan_add_node(n, out, &next, self, now_ns);
	} while (last != UINT64_MAX);
}

static void plan_shard(const struct node *n, struct rebalance_plan *out, const struct node_shard *s,
		       uint64_t self, uint64_t now_ns)
{
	struct balance *b = &out->balance;
	struct balance_shard *shard = &b->shards[b->shard_count++];
	uint64_t newest_ns = 0;

	*shard = (struct balance_shard){ s->number, BALANCE_NOBODY, BALANCE_NOBODY };
	for (uint32_t i = b->node_count; i-- > 0;) {
		uint64_t id = out->nodes[i].node.id;
		uint64_t runs_ns = shard_runs_at(n, id, self, s->number, now_ns);

		if (runs_ns > newest_ns) {
			newest_ns = runs_ns;
			shard->owner = i;
		}
	}
	/* two nodes have it in their files: at home with each */
	for (uint32_t i = 0; i < b->node_count; i++) {
		if (shard_is_home_at(n, out->nodes[i].node.id, self, s) &&
		    (shard->home == BALANCE_NOBODY || shard->owner == i))
			shard->home = i;
	}
}

void node_rebalance_plan(const struct node *n, struct rebalance_plan *out)
{
	uint64_t self, incarnation, now_ns = clock_now_ns();

	static_assert((int)NODE_SHARDS_MAX <= (int)BALANCE_SHARDS_MAX &&
			      (int)ROSTER_NODES_MAX <= (int)BALANCE_NODES_MAX,
		      "all of them fit");
	memset(out, 0, sizeof(*out));
	claimant_self(n->claimant, &self, &incarnation);
	plan_nodes(n, out, self, now_ns);
	for (uint32_t i = 0; i < n->shard_count; i++)
		plan_shard(n, out, &n->shards[i], self, now_ns);
	out->count = balance_plan(&out->balance, out->moves);
}

/* ---- what is done ---- */

void node_rebalance_begin(struct node *n, const struct rebalance_plan *plan)
{
	struct node_rebalance *r = &n->rebalance;

	assert(!r->count);
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct balance_move *m = &plan->moves[i];

		r->moves[i] = (struct node_move){ .shard = m->shard,
						  .from = plan->nodes[m->from].node.id,
						  .to = plan->nodes[m->to].node.id };
	}
	r->count = plan->count;
	r->next_ns = 0;
	if (r->count)
		LOG_INFO("node", 0, "shards are spread over the nodes by command",
			 LOG_U64("moves", r->count));
}

static bool move_meets(const struct node_move *a, const struct node_move *b)
{
	return a->from == b->from || a->from == b->to || a->to == b->from || a->to == b->to;
}

static bool move_may_begin(const struct node_rebalance *r, const struct node_move *move)
{
	for (uint32_t i = 0; i < r->count; i++) {
		if (r->moves[i].state == MOVE_ASKED && move_meets(&r->moves[i], move))
			return false;
	}
	return true;
}

static void move_ask(struct node *n, const struct node_move *move, uint64_t self)
{
	if (move->to != self) {
		claimant_let_take(n->claimant, move->to, move->shard);
		return;
	}
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].number == move->shard)
			node_shard_told_to_want(&n->shards[i]);
	}
}

static void move_end(struct node_move *move, bool done)
{
	move->state = MOVE_OVER;
	if (done)
		LOG_INFO("node", 0, "a shard was moved by command", LOG_U64("shard", move->shard));
	else
		LOG_WARN("node", 0,
			 "a shard was not moved in time: look at the logs of both nodes, and say "
			 "cluster.rebalance again",
			 LOG_U64("shard", move->shard));
}

static void move_turn(struct node *n, struct node_move *move, uint64_t self, uint64_t now_ns)
{
	if (move->state == MOVE_WAITS && move_may_begin(&n->rebalance, move)) {
		move->state = MOVE_ASKED;
		move->until_ns = now_ns + MOVE_LIMIT_NS;
	}
	if (move->state != MOVE_ASKED)
		return;
	if (shard_runs_at(n, move->to, self, move->shard, now_ns)) {
		move_end(move, true);
	} else if (now_ns >= move->until_ns) {
		move_end(move, false);
	} else if (now_ns >= move->again_ns) {
		move->again_ns = now_ns + MOVE_AGAIN_NS;
		move_ask(n, move, self);
	}
}

void node_rebalance_expire(struct node *n, uint64_t now_ns)
{
	struct node_rebalance *r = &n->rebalance;
	uint64_t self, incarnation;
	bool any = false;

	if (!r->count || now_ns < r->next_ns || n->phase != NODE_RUNNING)
		return;
	r->next_ns = now_ns + MOVE_BEAT_NS;
	claimant_self(n->claimant, &self, &incarnation);
	for (uint32_t i = 0; i < r->count; i++) {
		move_turn(n, &r->moves[i], self, now_ns);
		any |= r->moves[i].state != MOVE_OVER;
	}
	if (!any)
		r->count = 0;
}

uint64_t node_rebalance_next_ns(const struct node *n)
{
	return n->rebalance.count && n->phase == NODE_RUNNING ? n->rebalance.next_ns : UINT64_MAX;
}
