/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong, and what operators do. */
#include "tests/sim/scenario.h"

enum { TROUBLE_TO_MS = 130000, ASSERTED_MS = 4000 };

static void on_down(struct sim *s, const struct event *e)
{
	(void)e;
	store_down(s);
}

static void on_forget(struct sim *s, const struct event *e)
{
	store_forget(s, e->a);
}

/* All was told again by now. */
static void on_asserted(struct sim *s, const struct event *e)
{
	(void)e;
	check_all_stored(s);
}

static void on_link_broken(struct sim *s, const struct event *e)
{
	(void)e;
	for (uint32_t i = 0; s->store.down && i < s->node_count; i++)
		node_health(&s->nodes[i], false);
}

static void on_up(struct sim *s, const struct event *e)
{
	(void)e;
	store_up(s);
}

static void on_link_back(struct sim *s, const struct event *e)
{
	(void)e;
	for (uint32_t i = 0; i < s->node_count; i++) {
		if (!store_is_away(&s->nodes[i]))
			node_health(&s->nodes[i], true);
	}
}

static void on_vanish(struct sim *s, const struct event *e)
{
	phone_vanish(s, &s->phones.list[e->who], e->a);
}

static void on_drop(struct sim *s, const struct event *e)
{
	net_drop(s, &s->phones.list[e->who]);
}

static void on_return(struct sim *s, const struct event *e)
{
	phone_return(s, &s->phones.list[e->who]);
}

static void on_operator(struct sim *s, const struct event *e)
{
	struct node_calls cursor = { 0 };
	struct call_view v;

	(void)e;
	if (node_call_next(s, &cursor, &v))
		node_hangup(s, v.call);
}

static void on_command(struct sim *s, const struct event *e)
{
	struct node_calls cursor = { 0 };
	struct call_view v;
	uint64_t skip = sim_between(s, 0, 2);

	while (node_call_next(s, &cursor, &v)) {
		if (skip-- == 0) {
			node_command(s, v.call, e->a);
			return;
		}
	}
}

static void plan_commands(struct sim *s)
{
	uint64_t count = sim_between(s, 1, 8);

	while (count--) {
		uint64_t at = sim_between_ms(s, 5000, 80000);

		sim_after(s, at, on_command, 0, sim_between(s, 0, ORDER_WHATS - 1), 0);
	}
}

static void plan_outage(struct sim *s)
{
	uint64_t at = sim_between_ms(s, 1000, TROUBLE_TO_MS - 20000);
	uint64_t notice = sim_between_ms(s, 0, 50);
	uint64_t length = sim_between_ms(s, 100, 10000);
	uint64_t forgets = sim_chance(s, 300) ? sim_between_ms(s, 100, 20000) : 0;

	sim_after(s, at, forgets ? on_forget : on_down, 0, forgets, 0);
	sim_after(s, at + notice, on_link_broken, 0, 0, 0);
	sim_after(s, at + length, on_up, 0, 0, 0);
	sim_after(s, at + length + ASSERTED_MS * NS_PER_MS, on_asserted, 0, 0, 0);
	sim_after(s, at + length + sim_between_ms(s, 1, 300), on_link_back, 0, 0, 0);
}

static void on_clock(struct sim *s, const struct event *e)
{
	s->nodes[e->who].utc_step_ms += (int64_t)e->a;
	s->totals.steps++;
	trace_line(s, "node: the clock is set by %lld ms", (long long)(int64_t)e->a);
}

/* Mostly a little, sometimes so far that registrations run out, or never do. */
static void plan_clock(struct sim *s)
{
	uint64_t count = sim_between(s, 1, 3);

	while (count--) {
		uint64_t most = sim_chance(s, 700) ? 3000 : 7200000;
		int64_t ms = (int64_t)sim_between(s, 1, most);
		bool back = sim_chance(s, 500);

		sim_after(s, sim_between_ms(s, 1000, 100000), on_clock, 0,
			  (uint64_t)(back ? -ms : ms), 0);
	}
}

void scenario_trouble(struct sim *s)
{
	if (sim_chance(s, 100))
		plan_clock(s);
	if (sim_chance(s, 200))
		scenario_originate(s);
	if (sim_chance(s, 250))
		plan_outage(s);
	if (sim_chance(s, 150)) {
		uint32_t who = (uint32_t)sim_between(s, 0, s->phones.count - 1);
		uint64_t at = sim_between_ms(s, 3000, 70000);
		bool icmp = sim_chance(s, 500);

		sim_after(s, at, on_vanish, who, icmp, 0);
		if (sim_chance(s, 600))
			sim_after(s, at + sim_between_ms(s, 500, 50000), on_return, who, 0, 0);
	}
	if (sim_chance(s, 200)) {
		uint32_t who = (uint32_t)sim_between(s, 0, s->phones.count - 1);

		sim_after(s, sim_between_ms(s, 3000, 70000), on_drop, who, 0, 0);
	}
	if (sim_chance(s, 250))
		plan_commands(s);
	if (sim_chance(s, 60))
		sim_after(s, sim_between_ms(s, 5000, 80000), on_operator, 0, 0, 0);
}
