/* SPDX-License-Identifier: Apache-2.0 */
/* Conferences: of a number that is called one is open, whichever nodes it is called at (docs/adr/0059). */
#include <inttypes.h>

#include "tests/sim/sim.h"

#define TOGETHER_NS (15 * NS_PER_S)

struct open_room {
	uint64_t id;
	uint32_t count;
};

/* Who is in one that is apart knows that others may be elsewhere. A process that has lost its shard, and does not know, has the same one. */
static void room_count(const struct shard *core, struct open_room *open)
{
	struct room_view v;
	uint32_t cursor = 0;

	while (core && shard_conference_next(core, &cursor, &v)) {
		if (!v.number[0] || !v.members || v.apart || v.room == open->id)
			continue;
		open->id = v.room;
		open->count++;
	}
}

/* Whoever opens a conference then cannot know of others. */
static bool store_is_missed(const struct sim *s)
{
	bool missed = false;

	for (uint32_t i = 0; i < s->node_count; i++)
		missed |= s->nodes[i].degraded;
	return missed;
}

static bool is_told_plainly(const struct sim *s)
{
	return s->script && !s->totals.outages;
}

/* A shard that is taken goes on with its own, as does a process that does not know yet that it has lost it. Then they are told. */
static bool is_too_long(const struct sim *s)
{
	return s->check.apart_ns && s->now_ns - s->check.apart_ns > TOGETHER_NS;
}

void check_rooms(struct sim *s)
{
	struct open_room open = { 0 };

	for (uint32_t i = 0; i < s->node_count; i++) {
		const struct node *n = &s->nodes[i];

		for (uint32_t k = 0; n->settings.rooms && k < n->shard_count; k++)
			room_count(n->shards[k].fenced ? NULL : n->shards[k].core, &open);
	}
	if (open.count < 2 || store_is_missed(s))
		s->check.apart_ns = 0;
	else if (!s->check.apart_ns)
		s->check.apart_ns = s->now_ns;
	if (open.count > 1 && (is_told_plainly(s) || is_too_long(s)))
		check_fail(s, "%u conferences of one number are open, %" PRIx64 " is one",
			   open.count, open.id);
}
