/* SPDX-License-Identifier: Apache-2.0 */
/* Leases alone: seeds of troubles. */
#include <string.h>

#include "tests/sim/leases_state.h"
#include "tests/sim/sim.h"

#define LENGTH_NS NS_PER_S
#define CALM_NS   (60 * NS_PER_S)
#define AGAIN_NS  (CALM_NS + 20 * NS_PER_S) /* by then each shard has an owner, */
#define END_NS    (CALM_NS + 30 * NS_PER_S) /* and until then it stays so */

enum { NODES = 3, FAULTS_MAX = 24, FROM_MS = 3000, LONG_MS = 8000 };

enum fault {
	FAULT_KILL,
	FAULT_LEAVE,
	FAULT_STAND,
	FAULT_CUT,
	FAULT_CUT_ASKS,
	FAULT_CUT_ANSWERS,
	FAULT_PART,
	FAULT_PART_ONE_WAY,
	FAULT_REDIS,
	FAULTS,
};

static uint64_t between_ms(struct sim *s, uint32_t low, uint32_t high)
{
	return (low + rand_below(&s->leases->rand, high - low)) * NS_PER_MS;
}

/* e->who: node; a: another one, by now */
static void on_mended(struct sim *s, const struct event *e)
{
	struct lease_node *n = &s->leases->nodes[e->who];

	switch ((enum fault)e->b) {
	case FAULT_KILL:
	case FAULT_LEAVE:
		leases_start(s, e->who);
		break;
	case FAULT_CUT:
	case FAULT_CUT_ASKS:
	case FAULT_CUT_ANSWERS:
		if (n->asks_cut || n->answers_cut)
			leases_cut(s, e->who, false, false);
		break;
	case FAULT_PART:
		leases_part(s, (uint32_t)e->a, e->who, false);
		leases_part(s, e->who, (uint32_t)e->a, false);
		break;
	case FAULT_PART_ONE_WAY:
		leases_part(s, e->who, (uint32_t)e->a, false);
		break;
	case FAULT_REDIS:
		if (s->leases->away)
			leases_redis_back(s);
		break;
	case FAULT_STAND:
	case FAULTS:
		break;
	}
}

/* Whom the last one leaves is alone: that one names nobody, and never falls silent (docs/adr/0018). */
static uint32_t leases_up(const struct sim *s)
{
	uint32_t up = 0;

	for (uint32_t i = 0; i < s->leases->set.nodes; i++)
		up += s->leases->nodes[i].up;
	return up;
}

static void fault_begin(struct sim *s, enum fault fault, uint32_t who, uint32_t other, uint64_t ns)
{
	switch (fault) {
	case FAULT_KILL:
		leases_kill(s, who, lease_chance(s, 600));
		break;
	case FAULT_LEAVE:
		if (leases_up(s) > 2)
			leases_leave(s, who);
		break;
	case FAULT_STAND:
		leases_stand(s, who, ns);
		if (s->sabotage == SABOTAGE_NOTICE)
			leases_notice(s, who);
		break;
	case FAULT_CUT:
	case FAULT_CUT_ASKS:
	case FAULT_CUT_ANSWERS:
		leases_cut(s, who, fault != FAULT_CUT_ANSWERS, fault != FAULT_CUT_ASKS);
		break;
	case FAULT_PART:
		leases_part(s, other, who, true);
		leases_part(s, who, other, true);
		break;
	case FAULT_PART_ONE_WAY:
		leases_part(s, who, other, true);
		break;
	case FAULT_REDIS:
		leases_redis_away(s, lease_chance(s, 500) ? between_ms(s, 100, 10000) : 0);
		break;
	case FAULTS:
		break;
	}
}

static void on_fault(struct sim *s, const struct event *e)
{
	uint32_t nodes = s->leases->set.nodes, who = rand_below(&s->leases->rand, nodes);
	uint32_t other = (who + 1 + rand_below(&s->leases->rand, nodes - 1)) % nodes;
	enum fault fault = (enum fault)rand_below(&s->leases->rand, FAULTS);
	uint64_t ns = lease_chance(s, 500) ? between_ms(s, 10, 1500) : between_ms(s, 1000, LONG_MS);

	(void)e;
	fault_begin(s, fault, who, other, ns);
	sim_after(s, ns, on_mended, who, other, fault);
}

/* All faults end. */
static void on_calm(struct sim *s, const struct event *e)
{
	struct leases *l = s->leases;

	(void)e;
	trace_line(s, "(no more trouble from here)");
	leases_calm(s);
	for (uint32_t i = 0; i < l->set.nodes; i++) {
		l->nodes[i].stands_until_ns = 0;
		leases_start(s, i);
	}
}

static void on_held(struct sim *s, const struct event *e)
{
	(void)e;
	if (leases_are_held(s))
		return;
	leases_tell(s);
	check_fail(s, "a shard has no owner, long after the last trouble");
}

/* One draw after the other: compilers differ in the order of arguments. */
static void plan_messages(struct sim *s)
{
	struct rand_source *rand = &s->leases->rand;
	uint32_t lost, twice, late;

	if (!lease_chance(s, 500))
		return;
	late = rand_below(rand, 100);
	twice = rand_below(rand, 300);
	lost = rand_below(rand, 300);
	leases_trouble(s, lost, twice, late);
}

static void seed_plan(struct sim *s)
{
	uint32_t count = rand_below(&s->leases->rand, FAULTS_MAX);

	plan_messages(s);
	while (count--)
		sim_after(s, between_ms(s, FROM_MS, CALM_NS / NS_PER_MS - LONG_MS), on_fault, 0, 0,
			  0);
	sim_after(s, CALM_NS, on_calm, 0, 0, 0);
	sim_after(s, AGAIN_NS, on_held, 0, 0, 0);
	sim_after(s, END_NS - NS_PER_MS, on_held, 0, 0, 0);
	s->end_ns = END_NS;
}

void leases_alone(struct sim *s, uint64_t seed, const struct leases_settings *set, bool story)
{
	memset(s, 0, sizeof(*s));
	s->seed = seed;
	s->trace.keep = story;
	leases_open(s, set);
}

static void totals_note(struct sim *s)
{
	const struct leases_totals *t = leases_totals(s);

	s->totals.taken = t->taken;
	s->totals.crashes = t->kills;
	s->totals.outages = t->cuts + t->forgets;
	s->totals.sent = t->said;
	s->totals.virtual_ns = s->now_ns;
}

void leases_run_to_end(struct sim *s)
{
	struct event e;

	while (s->check.broken[0] == '\0' && queue_take(&s->queue, &e)) {
		if (e.ns <= s->end_ns) {
			s->now_ns = e.ns;
			e.fire(s, &e);
		}
		text_clear(&e.data);
	}
}

bool leases_run(struct sim *s, uint64_t seed, const struct sim_way *way)
{
	uint32_t nodes = way->nodes ? way->nodes : NODES;

	leases_alone(
		s, seed,
		&(struct leases_settings){
			.nodes = nodes, .places = nodes, .watched = nodes, .length_ns = LENGTH_NS },
		way->story);
	s->sabotage = way->sabotage;
	seed_plan(s);
	leases_run_to_end(s);
	totals_note(s);
	return s->check.broken[0] == '\0';
}
