/* SPDX-License-Identifier: Apache-2.0 */
/* Several nodes, or shards of a node. What happens to them is drawn from a source of its own, so other stories stay as they were. */
#include "tests/sim/scenario.h"

enum {
	TO_MS = 120000,
	CALLS_TO_MS = 90000,
	MOVES_MAX = 6,
	JOINS_MAX = 4,
	CRASHES = 500,
	EFFECTS = 200
};

static bool is_alone(const struct sim *s)
{
	return s->node_count == 1 && s->shard_count == 1;
}

static uint64_t between_ms(struct sim *s, uint32_t low, uint32_t high)
{
	return (low + rand_below(&s->cluster, high - low)) * NS_PER_MS;
}

static bool chance(struct sim *s, uint32_t permille)
{
	return rand_below(&s->cluster, 1000) < permille;
}

uint32_t scenario_node(struct sim *s)
{
	return s->node_count > 1 ? rand_below(&s->cluster, s->node_count) : 0;
}

/* ---- phones that move ---- */

static void on_go(struct sim *s, const struct event *e)
{
	phone_go(s, &s->phones.list[e->who], (uint32_t)e->a);
}

static void plan_moves(struct sim *s)
{
	uint32_t count = chance(s, 700) ? rand_below(&s->cluster, MOVES_MAX) : 0;

	while (s->node_count > 1 && count--)
		sim_after(s, between_ms(s, 2000, TO_MS), on_go,
			  rand_below(&s->cluster, s->phones.count),
			  rand_below(&s->cluster, s->node_count), 0);
}

/* ---- calls of two shards ---- */

static void on_join(struct sim *s, const struct event *e)
{
	node_join_any(&s->nodes[e->who], &s->cluster);
}

static void plan_joins(struct sim *s)
{
	uint32_t count = chance(s, 500) ? rand_below(&s->cluster, JOINS_MAX) : 0;

	while (s->shard_count > 1 && count--)
		sim_after(s, between_ms(s, 4000, CALLS_TO_MS), on_join,
			  rand_below(&s->cluster, s->node_count), 0, 0);
}

/* ---- nodes ---- */

static void plan_crashes(struct sim *s)
{
	for (uint32_t i = 1; i < s->node_count; i++) {
		s->nodes[i].crashes_left = rand_below(&s->cluster, 3);
		if (chance(s, CRASHES))
			s->nodes[i].crash_in = 1 + rand_below(&s->cluster, EFFECTS);
	}
}

void scenario_cluster(struct sim *s)
{
	if (is_alone(s))
		return;
	plan_moves(s);
	plan_joins(s);
	plan_crashes(s);
}
