/* SPDX-License-Identifier: Apache-2.0 */
/* Lamps of some runs. They are drawn from a source of their own, so other stories stay as they were. */
#include "tests/sim/scenario.h"

/* No seed of seeds.txt has any: what those showed stays. */
#define LAMPS_SOURCE UINT64_C(0x6c616de688)

enum { SOME_WATCH = 250, LAMPS_MOST = 5, FROM_MS = 2000, TO_MS = 90000, OFF_MS = 60000 };

static void on_off(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];
	struct blf_watch *l = p->alive ? lamp_of(s, p) : NULL;

	if (l && l->manner == LAMP_KEEPS)
		lamp_end(s, l);
}

/* b: its time */
static void on_lamp(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];

	if (p->alive)
		(void)blf_watch_begin(s, p, (uint32_t)(e->a >> 8), (uint32_t)e->b,
				      (enum lamp_manner)(e->a & 0xff));
}

/* One with a connection goes between nodes and leaves its dialogs behind; one that asks who the node is refuses what it is told. */
static bool may_watch(const struct sim *s, const struct phone *p)
{
	return !s->phones.asks[p->index] &&
	       (s->node_count == 1 || s->links.on || p->transport == SIP_UDP);
}

static void plan_lamp(struct sim *s, struct rand_source *r)
{
	uint32_t who = rand_below(r, s->phones.count);
	uint64_t at = (FROM_MS + rand_below(r, TO_MS)) * NS_PER_MS;
	uint32_t extension = rand_below(r, s->phones.extension_count), dice = rand_below(r, 10);
	uint32_t expires_s = rand_below(r, 2) ? 60 + rand_below(r, 60) : 600;
	enum lamp_manner manner = dice < 7 ? LAMP_KEEPS : dice < 9 ? LAMP_RUNS_OUT : LAMP_FETCHES;
	uint64_t off = at + (1 + rand_below(r, OFF_MS)) * NS_PER_MS;

	if (!may_watch(s, &s->phones.list[who]))
		return;
	sim_after(s, at, on_lamp, who, (uint64_t)extension << 8 | manner, expires_s);
	if (rand_below(r, 3) == 0)
		sim_after(s, off, on_off, who, 0, 0);
}

void scenario_lamps(struct sim *s)
{
	struct rand_source r;
	uint32_t count;

	rand_open_seed(&r, s->seed ^ LAMPS_SOURCE);
	if (rand_below(&r, 1000) >= SOME_WATCH)
		return;
	for (count = 1 + rand_below(&r, LAMPS_MOST); count; count--)
		plan_lamp(s, &r);
}
