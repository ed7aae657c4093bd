/* SPDX-License-Identifier: Apache-2.0 */
/* Phones call one room, at all nodes, often in the same moment: `sim --rooms`. */
#include <string.h>

#include "tests/sim/scenario.h"

#define PATIENCE_NS (45 * NS_PER_S) /* the store's silence, and copies of what was lost */
enum { BURSTS_MAX = 5, BURST_FROM_MS = 2000, BURST_TO_MS = 70000, APART_MS = 3000 };

/* What may keep an answer back for long. */
static uint64_t troubles(const struct sim *s)
{
	const struct totals *t = &s->totals;

	return t->crashes + t->outages + t->fences + t->lost_alone + t->taken + t->stood +
	       t->vanished + t->moves + t->links.broken + t->links.failed + t->saves_failed;
}

static void on_patience(struct sim *s, const struct event *e)
{
	const struct phone *p = &s->phones.list[e->who];
	struct phone_call *c = p->calls[e->a];

	if (c->state != PC_CALLING || c->wants_cancel)
		return;
	if (e->b == troubles(s))
		check_fail(s, "%s: nobody answers for the room", c->call_id);
	else if (p->alive)
		phone_hang_up(s, c);
}

static void on_gives_up(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];

	if (p->alive && p->calls[e->a]->state == PC_CALLING)
		phone_hang_up(s, p->calls[e->a]);
}

static void on_room(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];
	const char *to = s->seed % 8 == 5 && e->who % 3 == 2 ? PHONE_FACTORY : PHONE_ROOM;
	struct phone_call *c = p->alive ? phone_dial(s, p, to, e->b) : NULL;

	if (!c)
		return;
	sim_after(s, PATIENCE_NS, on_patience, p->index, c->index, troubles(s));
	if (sim_chance(s, 150))
		sim_after(s, sim_between_ms(s, 0, 60), on_gives_up, p->index, c->index, 0);
}

bool scenario_has_room_forwards(const struct sim *s)
{
	return s->seed % 8 == 6;
}

/* Each way to a room, of a list and by itself. */
void scenario_room_forwards(struct sim *s)
{
	struct shard_forward *f = s->phones.forward;

	if (!scenario_has_room_forwards(s))
		return;
	(void)bytes_cstr(BYTES_LIT(PHONE_ROOM), f[0].busy, sizeof(f->busy));
	(void)bytes_cstr(BYTES_LIT("1002," PHONE_ROOM), f[0].no_answer, sizeof(f->no_answer));
	(void)bytes_cstr(BYTES_LIT(PHONE_ROOM), f[1].unreachable, sizeof(f->unreachable));
	(void)bytes_cstr(BYTES_LIT(PHONE_FACTORY), f[1].no_answer, sizeof(f->no_answer));
	(void)bytes_cstr(BYTES_LIT(PHONE_ROOM), f[2].always, sizeof(f->always));
}

void scenario_rooms(struct sim *s)
{
	uint64_t bursts = sim_between(s, 1, BURSTS_MAX);

	while (bursts--) {
		uint64_t at = sim_between_ms(s, BURST_FROM_MS, BURST_TO_MS);
		uint64_t apart = sim_chance(s, 600) ? 3 : APART_MS;

		for (uint32_t i = 0; i < s->phones.count; i++) {
			uint64_t later = sim_between(s, 0, apart * 10) * NS_PER_MS / 10;

			if (sim_chance(s, 700))
				sim_after(s, at + later, on_room, i, 0, sim_chance(s, 150));
		}
	}
}
