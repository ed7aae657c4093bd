/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/balance.h"

#include <assert.h>

/* What is planned so far: who has each shard then, and so how many each node has. */
struct balance_work {
	const struct balance *b;
	uint32_t has[BALANCE_NODES_MAX];
	uint32_t owner[BALANCE_SHARDS_MAX];
	enum balance_why why[BALANCE_SHARDS_MAX];
};

static bool balance_takes(const struct balance *b, uint32_t node)
{
	return node != BALANCE_NOBODY && b->takes[node];
}

/* It is to be at its home, whoever has more. */
static bool is_at_home(const struct balance *b, uint32_t shard)
{
	return balance_takes(b, b->shards[shard].home);
}

static uint32_t node_with_fewest(const struct balance_work *w)
{
	uint32_t best = BALANCE_NOBODY;

	for (uint32_t i = 0; i < w->b->node_count; i++) {
		if (w->b->takes[i] && (best == BALANCE_NOBODY || w->has[i] < w->has[best]))
			best = i;
	}
	return best;
}

/* The shard that goes next for evenness, of whoever has most of those that may go. BALANCE_SHARDS_MAX: none may. */
static uint32_t shard_of_most(const struct balance_work *w)
{
	uint32_t best = BALANCE_SHARDS_MAX;

	for (uint32_t i = 0; i < w->b->shard_count; i++) {
		if (w->owner[i] == BALANCE_NOBODY || is_at_home(w->b, i))
			continue;
		if (best == BALANCE_SHARDS_MAX || w->has[w->owner[i]] > w->has[w->owner[best]])
			best = i;
	}
	return best;
}

static void balance_put(struct balance_work *w, uint32_t shard, uint32_t to, enum balance_why why)
{
	if (w->owner[shard] != to)
		w->why[shard] = why;
	w->owner[shard] = to;
	w->has[to]++;
}

static void balance_begin(struct balance_work *w)
{
	const struct balance *b = w->b;

	for (uint32_t i = 0; i < b->shard_count; i++) {
		const struct balance_shard *s = &b->shards[i];

		w->owner[i] = s->owner;
		if (s->owner == BALANCE_NOBODY)
			continue;
		if (is_at_home(b, i))
			balance_put(w, i, s->home, BALANCE_HOME);
		else if (b->takes[s->owner])
			w->has[s->owner]++;
	}
}

static void leave_who_drains(struct balance_work *w)
{
	for (uint32_t i = 0; i < w->b->shard_count; i++) {
		if (w->owner[i] != BALANCE_NOBODY && !w->b->takes[w->owner[i]])
			balance_put(w, i, node_with_fewest(w), BALANCE_DRAINS);
	}
}

/* Each turn brings the two nearer to each other, so there is an end. */
static void level(struct balance_work *w)
{
	for (;;) {
		uint32_t to = node_with_fewest(w), shard = shard_of_most(w);

		if (shard == BALANCE_SHARDS_MAX || w->has[w->owner[shard]] < w->has[to] + 2)
			return;
		w->has[w->owner[shard]]--;
		balance_put(w, shard, to, BALANCE_EVEN);
	}
}

uint32_t balance_plan(const struct balance *b, struct balance_move out[BALANCE_SHARDS_MAX])
{
	struct balance_work w = { .b = b };
	uint32_t n = 0;

	assert(b->node_count <= BALANCE_NODES_MAX && b->shard_count <= BALANCE_SHARDS_MAX);
	if (node_with_fewest(&w) == BALANCE_NOBODY)
		return 0;
	balance_begin(&w);
	leave_who_drains(&w);
	level(&w);
	for (uint32_t i = 0; i < b->shard_count; i++) {
		if (w.owner[i] != b->shards[i].owner)
			out[n++] = (struct balance_move){ b->shards[i].number, b->shards[i].owner,
							  w.owner[i], w.why[i] };
	}
	return n;
}
