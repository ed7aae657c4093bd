/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system of many nodes on virtual time. Leases are the real machines (leases.h); calls and phones are counts at the prices that
 * docs/benchmarks.md has. Nodes are killed, Redis fails over, and all nodes are replaced one after the other. What it says is JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/leases_state.h"
#include "tests/sim/sim.h"

#define PHASE_NS (60 * NS_PER_S)
#define GONE_NS  (3 * NS_PER_S) /* so that others have time to take its shards */
#define AWAY_NS  (2 * NS_PER_S) /* a failover by Sentinel */

enum {
	CALL_TAKE_US = 208, /* 4,800 calls/s: bench takeover */
	KILL_EVERY_S = 4,
	LOST_MS = 500, /* of writes, at a failover */
	CALL_S = 180,
	REFRESH_S = 600,
	SUBSCRIBERS_A_CALL = 25, /* 8 % of them are in a call: docs/guides/sizing.md */
	STREAMS = 30,            /* percent of phones: over TCP, TLS or WebSockets */
	CALL_WRITES = 6,         /* a call is saved five times and ends once: bench calls */
	CALL_MESSAGES = 14,      /* of both its parties, 100 and 18x among them */
	REGISTER_MESSAGES = 4,   /* with a challenge */
	BACK_S = 30,             /* phones connect again within that: RFC 5626 4.5 */
	HOME_S = 6,              /* a node that is back asks for its shards again, */
	HOME_TIMES = 2,
	NEXT_S = 8,    /* until the next one is replaced */
	UPGRADE_S = 2, /* a process ends and the next one begins */
};

enum phase { PHASE_CALM, PHASE_KILLS, PHASE_FAILOVER, PHASE_UPGRADE, PHASES };

/* Of a phase; most: in its worst second. */
struct model_load {
	uint64_t writes, writes_most, messages, messages_most, lease_commands, said, seconds;
};

struct model {
	const struct model_way *way;
	enum phase phase;
	uint64_t phones, backs;              /* backs: that connect again, in all */
	uint64_t back_rate[BACK_S], back_at; /* a second from now on */
	uint64_t said_again;
	struct model_load load[PHASES];
	uint64_t commands, said, moved; /* until now; moved: shards */
	uint32_t upgraded;
	uint64_t upgrade_ns;
	struct leases_totals at[PHASES + 1]; /* when it begins */
};

static struct model g_model;

/* ---- loads ---- */

static void add(struct model_load *l, uint64_t writes, uint64_t messages)
{
	l->writes += writes;
	l->messages += messages;
	l->writes_most = writes > l->writes_most ? writes : l->writes_most;
	l->messages_most = messages > l->messages_most ? messages : l->messages_most;
	l->seconds++;
}

/* Their connections ended with the shard's node: its phones come within BACK_S. */
static void phones_come_back(struct model *m, uint64_t shards)
{
	uint64_t all = m->phones / (m->way->nodes * m->way->shards) * shards * STREAMS / 100;

	m->backs += all;
	for (uint32_t i = 0; i < BACK_S; i++)
		m->back_rate[i] += all / BACK_S;
}

static void on_second(struct sim *s, const struct event *e)
{
	struct model *m = &g_model;
	const struct leases_totals *t = leases_totals(s);
	struct model_load *l = &m->load[m->phase];
	uint64_t set_up = m->way->calls / CALL_S, refreshes = m->phones / REFRESH_S;
	uint64_t back = m->back_rate[m->back_at];
	uint64_t leases = t->commands - m->commands;

	(void)e;
	phones_come_back(m, t->back + t->handed - m->moved);
	m->moved = t->back + t->handed;
	m->back_rate[m->back_at] = 0;
	m->back_at = (m->back_at + 1) % BACK_S;
	add(l, set_up * CALL_WRITES + refreshes + back + leases,
	    set_up * CALL_MESSAGES + (refreshes + back) * REGISTER_MESSAGES);
	l->lease_commands += leases;
	l->said += t->said - m->said;
	m->commands = t->commands;
	m->said = t->said;
	sim_after(s, NS_PER_S, on_second, 0, 0, 0);
}

/* ---- what happens ---- */

static void phase_begin(struct sim *s, enum phase phase)
{
	g_model.at[phase] = *leases_totals(s);
	g_model.phase = phase;
}

/* e->a: how often it has asked */
static void on_home(struct sim *s, const struct event *e)
{
	uint32_t before = leases_count(s, e->who);

	if (before < g_model.way->shards)
		leases_come_home(s, e->who);
	if (e->a < HOME_TIMES)
		sim_after(s, HOME_S * NS_PER_S, on_home, e->who, e->a + 1, 0);
}

static void on_start(struct sim *s, const struct event *e)
{
	leases_start(s, e->who);
	sim_after(s, NS_PER_S, on_home, e->who, 0, 0);
}

static void on_kill(struct sim *s, const struct event *e)
{
	uint32_t who = rand_below(&s->leases->rand, g_model.way->nodes);

	if (e->a == 0)
		phase_begin(s, PHASE_KILLS);
	leases_kill(s, who, false);
	sim_after(s, GONE_NS, on_start, who, 0, 0);
	if ((e->a + 2) * KILL_EVERY_S * NS_PER_S <= PHASE_NS)
		sim_after(s, KILL_EVERY_S * NS_PER_S, on_kill, 0, e->a + 1, 0);
}

/* All that Redis may have lost is said again: calls, and where phones are. */
static void on_back(struct sim *s, const struct event *e)
{
	(void)e;
	leases_redis_back(s);
	g_model.said_again = g_model.way->calls + g_model.phones;
}

static void on_failover(struct sim *s, const struct event *e)
{
	(void)e;
	phase_begin(s, PHASE_FAILOVER);
	leases_redis_away(s, LOST_MS * NS_PER_MS);
	sim_after(s, AWAY_NS, on_back, 0, 0, 0);
}

static void on_upgrade(struct sim *s, const struct event *e);

/* e->who: node */
static void on_upgraded(struct sim *s, const struct event *e)
{
	struct model *m = &g_model;

	on_start(s, e);
	m->upgraded++;
	if (e->who + 1 < m->way->nodes)
		sim_after(s, NEXT_S * NS_PER_S, on_upgrade, e->who + 1, 0, 0);
	else
		m->upgrade_ns += s->now_ns;
}

/* It drains: others of those that know its shards ask for them, each for another one. Then it goes. */
static void on_upgrade(struct sim *s, const struct event *e)
{
	struct model *m = &g_model;

	if (e->who == 0 && e->a == 0) {
		phase_begin(s, PHASE_UPGRADE);
		m->upgrade_ns -= s->now_ns;
	}
	if (leases_count(s, e->who)) {
		leases_drain(s, e->who);
		sim_after(s, 100 * NS_PER_MS, on_upgrade, e->who, 1, 0);
		return;
	}
	leases_kill(s, e->who, false);
	sim_after(s, UPGRADE_S * NS_PER_S, on_upgraded, e->who, 0, 0);
}

static void on_end(struct sim *s, const struct event *e)
{
	(void)e;
	if (!leases_are_held(s))
		check_fail(s, "a shard has no owner");
	s->end_ns = s->now_ns;
	g_model.at[PHASES] = *leases_totals(s);
}

static void plan(struct sim *s)
{
	uint64_t upgrade_ns = (uint64_t)g_model.way->nodes * 20 * NS_PER_S;

	sim_after(s, NS_PER_S, on_second, 0, 0, 0);
	sim_after(s, PHASE_NS, on_kill, 0, 0, 0);
	sim_after(s, 2 * PHASE_NS + 10 * NS_PER_S, on_failover, 0, 0, 0);
	sim_after(s, 3 * PHASE_NS, on_upgrade, 0, 0, 0);
	s->end_ns = 3 * PHASE_NS + upgrade_ns;
	sim_after(s, s->end_ns, on_end, 0, 0, 0);
}

/* ---- what it says ---- */

static double per(uint64_t sum, uint64_t n, double unit)
{
	return n ? (double)sum / (double)n / unit : 0;
}

static void load_print(const char *name, const struct model_load *l, const char *end)
{
	(void)printf("  \"%s\": {\"seconds\": %" PRIu64 ", \"redis_commands_s\": %.0f, "
		     "\"redis_commands_s_most\": %" PRIu64 ", \"of_leases_s\": %.0f, "
		     "\"between_nodes_s\": %.0f, \"sip_s\": %.0f, \"sip_s_most\": %" PRIu64 "}%s\n",
		     name, l->seconds, per(l->writes, l->seconds, 1), l->writes_most,
		     per(l->lease_commands, l->seconds, 1), per(l->said, l->seconds, 1),
		     per(l->messages, l->seconds, 1), l->messages_most, end);
}

static void report(void)
{
	const struct model *m = &g_model;
	const struct leases_totals *end = &m->at[PHASES], *kills = &m->at[PHASE_FAILOVER];

	(void)printf("{\n  \"nodes\": %u, \"known_to\": %u, \"shards\": %u, \"calls\": %" PRIu64
		     ", \"subscribers\": %" PRIu64 ",\n",
		     m->way->nodes, m->way->watched, m->way->nodes * m->way->shards, m->way->calls,
		     m->phones);
	(void)printf("  \"kills\": %" PRIu64 ", \"takeover_s\": %.2f, \"takeover_s_most\": %.2f,\n",
		     kills->kills, per(kills->back_ns, kills->back, 1e9),
		     (double)kills->back_max_ns / 1e9);
	(void)printf("  \"upgraded\": %u, \"upgrade_s\": %.0f, \"handed\": %" PRIu64
		     ", \"hand_over_s\": %.2f, \"hand_over_s_most\": %.2f,\n",
		     m->upgraded, m->upgraded == m->way->nodes ? (double)m->upgrade_ns / 1e9 : 0,
		     end->handed, per(end->handed_ns, end->handed, 1e9),
		     (double)end->handed_max_ns / 1e9);
	(void)printf("  \"registered_again\": %" PRIu64 ", \"said_again_behind_failover\": %" PRIu64
		     ",\n",
		     m->backs, m->said_again);
	load_print("calm", &m->load[PHASE_CALM], ",");
	load_print("kill_each_4_s", &m->load[PHASE_KILLS], ",");
	load_print("redis_failover", &m->load[PHASE_FAILOVER], ",");
	load_print("rolling_upgrade", &m->load[PHASE_UPGRADE], "");
	(void)printf("}\n");
}

bool model_run(const struct model_way *way)
{
	const struct leases_settings set = { .nodes = way->nodes,
					     .places = way->nodes * way->shards,
					     .watched = way->watched,
					     .length_ns = NS_PER_S,
					     .calls = way->calls,
					     .call_us = CALL_TAKE_US };
	struct sim *s = malloc(sizeof(*s));
	bool ok;

	if (!s)
		return false;
	g_model = (struct model){ .way = way, .phones = way->calls * SUBSCRIBERS_A_CALL };
	leases_alone(s, 1, &set, false);
	plan(s);
	leases_run_to_end(s);
	ok = s->check.broken[0] == '\0';
	report();
	if (!ok)
		(void)printf("%s\n", s->check.broken);
	sim_close(s);
	free(s);
	return ok;
}
