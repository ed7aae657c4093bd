/* SPDX-License-Identifier: Apache-2.0 */
/* Links between nodes that break, and what needs them. Drawn from a source of its own: other stories stay as they were. */
#include "tests/sim/scenario.h"

enum {
	TO_MS = 120000,
	CALLS_TO_MS = 90000,
	BREAKS_MAX = 12,
	CUTS_MAX = 5,
	CUT_MS = 6000,
	JOINS_MAX = 5,
	SLOW = 60,
};

static uint64_t between_ms(struct sim *s, uint32_t low, uint32_t high)
{
	return (low + rand_below(&s->links.rand, high - low)) * NS_PER_MS;
}

static bool chance(struct sim *s, uint32_t permille)
{
	return rand_below(&s->links.rand, 1000) < permille;
}

static void two_nodes(struct sim *s, uint32_t *from, uint32_t *to)
{
	*from = rand_below(&s->links.rand, s->node_count);
	*to = (*from + 1 + rand_below(&s->links.rand, s->node_count - 1)) % s->node_count;
}

/* ---- what breaks ---- */

static void on_break(struct sim *s, const struct event *e)
{
	if (!s->calm)
		link_break(s, e->who, (uint32_t)e->a);
}

/* The network lets TCP alone not through: that is no partition for leases. */
static void on_cut(struct sim *s, const struct event *e)
{
	if (!s->calm || !e->b)
		link_cut(s, e->who, (uint32_t)e->a, e->b);
}

static void plan_breaks(struct sim *s)
{
	uint32_t count = chance(s, 600) ? rand_below(&s->links.rand, BREAKS_MAX) : 0, from, to;

	while (count--) {
		two_nodes(s, &from, &to);
		sim_after(s, between_ms(s, 2000, TO_MS), on_break, from, to, 0);
	}
}

static void plan_cuts(struct sim *s)
{
	uint32_t count = chance(s, 400) ? rand_below(&s->links.rand, CUTS_MAX) : 0, from, to;

	while (count--) {
		uint64_t at = between_ms(s, 2000, TO_MS), ns = between_ms(s, 100, CUT_MS);

		two_nodes(s, &from, &to);
		sim_after(s, at, on_cut, from, to, true);
		sim_after(s, at + ns, on_cut, from, to, false);
	}
}

/* ---- joins of calls of two nodes ---- */

static bool call_of_node(const struct sim *s, const struct node *n, uint64_t *out)
{
	struct call_view v;

	for (uint32_t i = 0; i < n->shard_count; i++) {
		uint32_t cursor = 0;

		if (n->shards[i].core && node_shard_is_owner(n, &n->shards[i]) &&
		    shard_call_next(n->shards[i].core, &cursor, &v)) {
			*out = v.call;
			return true;
		}
	}
	(void)s;
	return false;
}

/* By command, of any two nodes that have calls. */
static void on_join(struct sim *s, const struct event *e)
{
	uint64_t calls[NODES_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->node_count; i++)
		count += call_of_node(s, &s->nodes[(e->who + i) % s->node_count], &calls[count]);
	if (count > 1)
		node_join(s, calls[0], (enum shard_leg)(1 + e->a), calls[1],
			  (enum shard_leg)(1 + e->b));
}

static void plan_joins(struct sim *s)
{
	uint32_t count = chance(s, 500) ? rand_below(&s->links.rand, JOINS_MAX) : 0;

	while (count--) {
		uint64_t at = between_ms(s, 4000, CALLS_TO_MS);
		uint32_t who = rand_below(&s->links.rand, s->node_count);
		uint32_t legs = rand_below(&s->links.rand, 4);

		sim_after(s, at, on_join, who, legs & 1, legs >> 1);
	}
}

void scenario_links(struct sim *s)
{
	if (chance(s, 300))
		s->links.slow = rand_below(&s->links.rand, SLOW);
	plan_breaks(s);
	plan_cuts(s);
	plan_joins(s);
}
