/* SPDX-License-Identifier: Apache-2.0 */
/* docs/adr/0165: the lines of queues and the choice of agents, over random histories against a plain second opinion. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "sig/pbx/queue/queues.h"
#include "tests/unit/test.h"

enum { ACME = 1, ZETA = 2, AGENTS = 5, HISTORIES = 60, STEPS = 200, CALLS = 12 };

struct office {
	struct queues *x;
	bool busy[AGENTS];
	bool wraps[AGENTS];     /* until he says that he is ready */
	bool without_login;     /* queues that are put */
	uint16_t age_s, tier_s; /* of queues that are put */
};

static const char *const numbers[AGENTS] = { "1001", "1002", "1003", "1004", "1005" };

static bool agent_idle(void *arg, const struct queue_agent *a)
{
	const struct office *o = arg;

	return !o->busy[a->number[3] - '1'];
}

static void put_queue(struct office *o, const char *name, enum queue_strategy strategy,
		      const char *members)
{
	struct queue_terms t = { .tenant = ACME, .strategy = (uint8_t)strategy };

	(void)snprintf(t.name, sizeof(t.name), "%s", name);
	assert_null(queue_members_parse(&t, bytes_str(members)));
	assert_null(queue_skills_parse(&t, BYTES_LIT("1001:40,1002:90,1003:65,1009:100")));
	t.skill_min = 70;
	t.skill_fall = 10;
	t.skill_fall_s = 1;
	t.priority_age_s = o->age_s;
	t.tier_s = o->tier_s;
	t.without_login = o->without_login;
	if (t.tier_s)
		assert_null(queue_tiers_parse(&t, BYTES_LIT("1002:3,1003:2,1004:9")));
	assert_int_equal(queues_put(o->x, &t), 0);
}

static struct queue_agent *agent_is(struct office *o, const char *number, enum agent_state state)
{
	int err;
	struct queue_agent *a =
		queues_agent_put(o->x, ACME, bytes_str(number), state, BYTES_LIT(""), &err);

	assert_non_null(a);
	return a;
}

static void joins(struct office *o, uint64_t call, const char *queue, uint64_t joined,
		  uint8_t priority)
{
	struct queue_caller c = {
		.call = call, .tenant = ACME, .joined_utc_ms = joined, .priority = priority
	};

	(void)snprintf(c.queue, sizeof(c.queue), "%s", queue);
	assert_int_equal(queues_caller_put(o->x, &c), 0);
}

static int office_setup(void **state)
{
	struct office *o = calloc(1, sizeof(*o));

	*state = o;
	o->x = queues_create();
	return !o->x;
}

static int office_teardown(void **state)
{
	struct office *o = *state;

	queues_free(o->x);
	free(o);
	return 0;
}

/* The agents that ring for the next caller, as one text. */
static const char *picked(struct office *o, uint64_t now)
{
	static char text[64];
	struct queue_match m;
	size_t n = 0;

	text[0] = '\0';
	if (!queues_pick(o->x, ACME, now, agent_idle, o, &m))
		return "";
	n += (size_t)snprintf(text, sizeof(text), "%u:", (unsigned)m.caller->call);
	for (uint8_t i = 0; i < m.count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? "," : "",
				      m.agents[i]->number);
	queues_caller(o->x, m.caller->call)->rings = true;
	queue_reserve(o->x, &m, now + 1000);
	return text;
}

static void members_are_parsed(void **state)
{
	struct queue_terms t = { 0 };

	(void)state;
	assert_null(queue_members_parse(&t, BYTES_LIT("1001, 1002")));
	assert_int_equal(t.count, 2);
	assert_string_equal(t.members[1].number, "1002");
	assert_null(queue_members_parse(&t, BYTES_LIT("")));
	assert_int_equal(t.count, 0);
	assert_non_null(queue_members_parse(&t, BYTES_LIT("1001,1001")));
	assert_non_null(queue_members_parse(&t, BYTES_LIT("1001,,1002")));
	assert_non_null(queue_members_parse(&t, BYTES_LIT("10 01")));
	assert_non_null(queue_members_parse(&t, BYTES_LIT("12345678901234567890123456789012")));
	assert_non_null(queue_members_parse(&t, BYTES_LIT("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,"
							  "17,18,19,20,21,22,23,24,25,26,27,28,"
							  "29,30,31,32,33")));
}

static void skills_are_parsed(void **state)
{
	static const char *const wrong[] = { "1001",          "1001:",          "1001:101",
					     "1001:-1",       "10 01:5",        ":5",
					     "1001:5,1001:6", "1001:5,,1002:6", "1001:5:6",
					     "1001:x",        "1001:1, 1001:2" };
	struct queue_terms t = { .strategy = QUEUE_SKILL };

	(void)state;
	assert_null(queue_members_parse(&t, BYTES_LIT("1001,1002,1003")));
	assert_null(queue_skills_parse(&t, BYTES_LIT("1003:100, 1001:7,4711:3")));
	assert_int_equal(t.skills[0], 7);
	assert_int_equal(t.skills[1], 0);
	assert_int_equal(t.skills[2], 100);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_non_null(queue_skills_parse(&t, bytes_str(wrong[i])));
	assert_null(queue_skills_parse(&t, BYTES_LIT("")));
	assert_int_equal(t.skills[2], 0);
	t.skill_min = 70;
	t.skill_fall = 30;
	t.skill_fall_s = 20;
	assert_int_equal(queue_skill_wanted(&t, 19999), 70);
	assert_int_equal(queue_skill_wanted(&t, 20000), 40);
	assert_int_equal(queue_skill_wanted(&t, 59999), 10);
	assert_int_equal(queue_skill_wanted(&t, 60000), 0);
	assert_int_equal(queue_skill_wanted(&t, UINT64_MAX), 0);
	t.skill_fall = 0;
	assert_int_equal(queue_skill_wanted(&t, UINT64_MAX), 70);
	t.strategy = QUEUE_IN_ORDER;
	assert_int_equal(queue_skill_wanted(&t, 0), 0);
}

/* 1001 has 40, 1002 90, 1003 65; callers ask for 70, and for 10 less each second. */
static void skill_falls(void **state)
{
	struct office *o = *state;
	struct queue *q;

	put_queue(o, "sales", QUEUE_SKILL, "1001,1002,1003");
	q = queues_find(o->x, ACME, BYTES_LIT("sales"));
	for (int k = 0; k < 3; k++)
		(void)agent_is(o, numbers[k], AGENT_READY);
	joins(o, 1, "sales", 1000, 0);
	joins(o, 2, "sales", 1500, 0);
	joins(o, 3, "sales", 1600, 5); /* he is first, and asks for more than who came before */
	assert_string_equal(picked(o, 1700), "3:1002");
	assert_string_equal(picked(o, 1999), "");
	o->busy[1] = o->busy[2] = true;
	assert_int_equal(queue_next_utc_ms(o->x, q, 1000, 1999), 2000);
	o->busy[2] = false;
	(void)queues_agent_changed(o->x, ACME, BYTES_LIT("1003"));
	assert_string_equal(picked(o, 2000), "1:1003");
	o->busy[2] = true;
	assert_string_equal(picked(o, 4499), "");
	assert_int_equal(queue_next_utc_ms(o->x, q, 1500, 4000), 4500);
	assert_string_equal(picked(o, 4500), "2:1001");
}

static void strategies_choose(void **state)
{
	static const struct {
		enum queue_strategy strategy;
		const char *first, *second;
	} rows[] = {
		{ QUEUE_LONGEST_IDLE, "1:1003", "2:1001" },
		{ QUEUE_ROUND_ROBIN, "1:1002", "2:1003" },
		{ QUEUE_RING_ALL, "1:1001,1002,1003", "" },
		{ QUEUE_FEWEST_CALLS, "1:1002", "2:1003" },
		{ QUEUE_IN_ORDER, "1:1001", "2:1002" },
		{ QUEUE_SKILL, "1:1002", "" },
		{ QUEUE_LEAST_TALK, "1:1003", "2:1002" },
	};
	struct office *o = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct queue_agent *a[3];

		put_queue(o, "sales", rows[i].strategy, "1001,1002,1003");
		for (int k = 0; k < 3; k++) {
			a[k] = agent_is(o, numbers[k], AGENT_READY);
			agent_release(o->x, a[k], a[k]->call, 0);
		}
		a[0]->spoke_utc_ms = 200;
		a[1]->spoke_utc_ms = 300;
		a[2]->spoke_utc_ms = 100;
		a[0]->calls = 5;
		a[1]->calls = 1;
		a[2]->calls = 2;
		a[0]->talk_ms = 9000;
		a[1]->talk_ms = 8000;
		a[2]->talk_ms = 7000;
		joins(o, 1, "sales", 10, 0);
		joins(o, 2, "sales", 20, 0);
		assert_string_equal(picked(o, 1000), rows[i].first);
		assert_string_equal(picked(o, 1000), rows[i].second);
		queues_caller_delete(o->x, 1);
		queues_caller_delete(o->x, 2);
	}
}

/* Who logs out and in again has spoken as long as before, and is not rung until he has caught up. Where there is no room he is forgotten. */
static void figures_outlive_a_logout(void **state)
{
	struct office *o = *state;
	struct queue_agent *a;
	uint32_t count;
	int err;

	put_queue(o, "sales", QUEUE_LEAST_TALK, "1001,1002");
	for (int k = 0; k < 2; k++) {
		a = agent_is(o, numbers[k], AGENT_READY);
		agent_hold(o->x, a, 1, 5000);
		a->calls++;
		agent_wrap(o->x, a, 1, 1000, 0, k ? 5000 : 9000);
	}
	queues_agent_delete(o->x, ACME, BYTES_LIT("1001"));
	assert_int_equal(queue_agents(o->x, queues_find(o->x, ACME, BYTES_LIT("sales")), false), 1);
	a = agent_is(o, "1001", AGENT_READY);
	assert_int_equal(a->talk_ms, 9000);
	assert_int_equal(a->calls, 1);
	joins(o, 2, "sales", 10, 0);
	assert_string_equal(picked(o, 2000), "2:1002");
	queues_agent_delete(o->x, ACME, BYTES_LIT("1001"));
	for (count = 0; count < 2 * QUEUE_AGENTS_MAX; count++) {
		char number[16];

		(void)snprintf(number, sizeof(number), "9%u", count);
		if (!queues_agent_put(o->x, ACME, bytes_str(number), AGENT_READY, BYTES_LIT(""),
				      &err))
			break;
	}
	assert_int_equal(err, -ENOSPC);
	assert_null(queues_agent(o->x, ACME, BYTES_LIT("1001")));
	assert_non_null(queues_agent(o->x, ACME, BYTES_LIT("1002")));
}

/* The queue of an extension: who is logged out takes its calls, and those of no other queue. */
static void members_without_login(void **state)
{
	struct office *o = *state;
	struct queue_terms t = { .tenant = ACME, .name = "own", .without_login = true };
	struct queue *q;

	assert_null(queue_members_parse(&t, BYTES_LIT("1001")));
	assert_int_equal(queues_put(o->x, &t), 0);
	put_queue(o, "sales", QUEUE_IN_ORDER, "1001");
	q = queues_find(o->x, ACME, BYTES_LIT("own"));
	assert_int_equal(queue_agents(o->x, q, false), 1);
	assert_int_equal(queue_agents(o->x, q, true), 1);
	joins(o, 1, "sales", 10, 0);
	joins(o, 2, "own", 20, 0);
	o->busy[0] = true;
	assert_string_equal(picked(o, 1000), "");
	o->busy[0] = false;
	assert_string_equal(picked(o, 1000 + QUEUE_BUSY_MS), "2:1001");
	queues_caller_delete(o->x, 2);
	agent_release(o->x, queues_agent(o->x, ACME, BYTES_LIT("1001")), 2, 3000);
	joins(o, 3, "own", 30, 0);
	assert_int_equal(queue_next_utc_ms(o->x, q, 30, 2000), 3000);
	(void)agent_is(o, "1001", AGENT_NOT_READY);
	assert_int_equal(queue_agents(o->x, q, true), 0);
	assert_string_equal(picked(o, 4000), "");
	queues_agent_delete(o->x, ACME, BYTES_LIT("1001"));
	assert_string_equal(picked(o, 4000), "3:1001");
	queues_caller_delete(o->x, 3);
	(void)agent_is(o, "1001", AGENT_READY);
	agent_release(o->x, queues_agent(o->x, ACME, BYTES_LIT("1001")), 3, 0);
	assert_string_equal(picked(o, 9000), "1:1001");
}

/* However often the members of such a queue change, nobody stays behind; who is in another one is made
 * anew. */
static void members_without_login_go(void **state)
{
	struct office *o = *state;
	struct queue_terms t = { .tenant = ACME, .name = "own", .without_login = true }, other;

	assert_null(queue_members_parse(&t, BYTES_LIT("1001,1002")));
	other = t;
	memcpy(other.name, "two", 4);
	assert_int_equal(queues_put(o->x, &t) | queues_put(o->x, &other), 0);
	assert_int_equal(queue_agents(o->x, queues_find(o->x, ACME, BYTES_LIT("own")), true), 2);
	assert_int_equal(queue_agents(o->x, queues_find(o->x, ACME, BYTES_LIT("two")), true), 2);
	assert_null(queue_members_parse(&t, BYTES_LIT("1003")));
	assert_int_equal(queues_put(o->x, &t), 0);
	assert_int_equal(queue_agents(o->x, queues_find(o->x, ACME, BYTES_LIT("own")), true), 1);
	assert_int_equal(queues_agent_count(o->x), 1);
	assert_int_equal(queue_agents(o->x, queues_find(o->x, ACME, BYTES_LIT("two")), true), 2);
	assert_int_equal(queues_agent_count(o->x), 3);
	queues_delete(o->x, ACME, BYTES_LIT("two"));
	queues_delete(o->x, ACME, BYTES_LIT("own"));
	assert_int_equal(queues_agent_count(o->x), 0);
}

/* The turn goes round, whoever is rung meanwhile. */
static void turns_go_round(void **state)
{
	static const char *const want[] = { "1:1001", "2:1002", "3:1003", "4:1001" };
	struct office *o = *state;

	put_queue(o, "sales", QUEUE_ROUND_ROBIN, "1001,1002,1003");
	for (int k = 0; k < 3; k++)
		(void)agent_is(o, numbers[k], AGENT_READY);
	for (uint64_t call = 1; call <= COUNT_OF(want); call++) {
		joins(o, call, "sales", call, 0);
		assert_string_equal(picked(o, call * 2000), want[call - 1]);
	}
}

/* Agents of a later tier ring for who has waited longer; no tier without a ready agent is waited
 * for; and of those who may, the first tier rings. */
static void tiers_are_asked_later(void **state)
{
	struct office *o = *state;
	struct queue *q;

	o->tier_s = 10;
	put_queue(o, "sales", QUEUE_LONGEST_IDLE, "1004,1003,1002,1001");
	q = queues_find(o->x, ACME, BYTES_LIT("sales"));
	(void)agent_is(o, "1003", AGENT_READY); /* 2 */
	(void)agent_is(o, "1004", AGENT_READY); /* 9 */
	(void)agent_is(o, "1001", AGENT_READY); /* 1 */
	o->busy[0] = o->busy[2] = true;
	joins(o, 1, "sales", 100000, 0);
	assert_string_equal(picked(o, 109999), "");
	assert_int_equal(queue_next_utc_ms(o->x, q, 100000, 109999), 110000);
	assert_string_equal(picked(o, 119999), ""); /* 1003 speaks */
	assert_string_equal(picked(o, 120000), "1:1004");
	assert_int_equal(queue_next_utc_ms(o->x, q, 100000, 120000),
			 121000);                   /* 1004 rings until then */
	(void)agent_is(o, "1001", AGENT_NOT_READY); /* nobody waits for tier 1 any more */
	joins(o, 2, "sales", 130000, 0);
	assert_string_equal(picked(o, 130000), "");
	o->busy[2] = false;
	(void)queues_agent_changed(o->x, ACME, BYTES_LIT("1003"));
	assert_string_equal(picked(o, 130000), "2:1003");
	(void)agent_is(o, "1001", AGENT_READY);
	o->busy[0] = false;
	(void)queues_agent_changed(o->x, ACME, BYTES_LIT("1001"));
	joins(o, 3, "sales", 100000, 0);
	assert_string_equal(picked(o, 140000), "3:1001"); /* all may: 1004 was idle as long */
	assert_int_equal(queue_next_utc_ms(o->x, q, 100000, 140000), 141000);
}

/* In one line two keep their order; over lines who waits for long comes before more priority. */
static void priority_grows(void **state)
{
	struct office *o = *state;

	put_queue(o, "help", QUEUE_IN_ORDER, "1001");
	o->age_s = 10;
	put_queue(o, "sales", QUEUE_IN_ORDER, "1001");
	joins(o, 1, "sales", 100000, 0);
	joins(o, 2, "sales", 120000, 2);
	joins(o, 3, "sales", 120001, 2);
	joins(o, 4, "help", 100000, 5);
	joins(o, 5, "sales", 105000, 1); /* as who has come 10 s earlier, without priority */
	joins(o, 6, "help", 100000, 4);
	assert_int_equal(queue_position(queues_caller(o->x, 5)), 1);
	assert_int_equal(queue_position(queues_caller(o->x, 1)), 2);
	assert_int_equal(queue_position(queues_caller(o->x, 2)), 3);
	(void)agent_is(o, "1001", AGENT_READY);
	assert_string_equal(picked(o, 140000), "4:1001");
	assert_string_equal(picked(o, 152000), "5:1001");
	assert_string_equal(picked(o, 154000), "1:1001");
	o->age_s = 0;
	put_queue(o, "sales", QUEUE_IN_ORDER, "1001"); /* who waits is in the order of now */
	assert_int_equal(queue_position(queues_caller(o->x, 2)), 1);
	assert_int_equal(queue_position(queues_caller(o->x, 1)), 4);
}

/* Who logs in again, or says that he is ready, does not rest any more; who rings goes on. */
static void rest_ends_with_its_epoch(void **state)
{
	struct office *o = *state;
	struct queue_agent *a = agent_is(o, "1001", AGENT_READY);

	put_queue(o, "sales", QUEUE_IN_ORDER, "1001");
	queue_agent_set_epoch(a, 1, 0, 0);
	a->until_utc_ms = 5000;
	a->wraps = true;
	joins(o, 1, "sales", 1, 0);
	queue_agent_set_epoch(a, 1, 0, 0); /* the same document again */
	assert_string_equal(picked(o, 1000), "");
	queue_agent_set_epoch(a, 2, 0, 0);
	assert_false(a->wraps);
	assert_string_equal(picked(o, 1000), "1:1001");
	queue_agent_set_epoch(a, 3, 0, 0);
	joins(o, 2, "sales", 2, 0);
	assert_string_equal(picked(o, 1000), "");
}

/* His document says that he wraps up: until then, or until it says otherwise, and his call has him no
 * longer, whoever told of it; a call that he has by then keeps him. */
static void wraps_up_with_its_epoch(void **state)
{
	struct office *o = *state;
	struct queue_agent *a = agent_is(o, "1001", AGENT_READY);
	const struct queue_agent_word late = {
		.by = 9, .holds = true, .epoch = 1, .until_utc_ms = 90000
	};

	put_queue(o, "sales", QUEUE_IN_ORDER, "1001");
	queue_agent_set_epoch(a, 1, 0, 0);
	assert_int_equal(queues_hear_agent(o->x, ACME, BYTES_LIT("1001"), 7, &late, 1), 0);
	assert_int_equal(a->call, 9);
	queue_agent_set_epoch(a, 2, 9, 5000);
	assert_int_equal(queues_hear_agent(o->x, ACME, BYTES_LIT("1001"), 7, &late, 1), 0);
	assert_true(a->wraps && !a->call && !a->process);
	joins(o, 1, "sales", 1, 0);
	assert_string_equal(picked(o, 4999), "");
	assert_string_equal(picked(o, 5000), "1:1001");
	queue_agent_set_epoch(a, 3, 9, 90000); /* late: the next call has him */
	assert_true(!a->wraps && agent_is_of(a, 1) && a->until_utc_ms == 6000);
	agent_wrap(o->x, a, 1, 7000, AGENT_UNTIL_READY, 100);
	joins(o, 2, "sales", 2, 0);
	assert_string_equal(picked(o, UINT64_MAX - 1), "");
	queue_agent_set_epoch(a, 4, 1, AGENT_UNTIL_READY);
	assert_string_equal(picked(o, UINT64_MAX - 1), "");
	queue_agent_set_epoch(a, 5, 1, 0);
	assert_string_equal(picked(o, 8000), "2:1001");
}

/* Priority, then time; and a caller whom nobody can take stops nobody behind him. */
static void order_is_kept(void **state)
{
	struct office *o = *state;

	put_queue(o, "sales", QUEUE_IN_ORDER, "1001");
	put_queue(o, "help", QUEUE_IN_ORDER, "1002");
	(void)agent_is(o, "1002", AGENT_READY);
	joins(o, 3, "sales", 30, 0);
	joins(o, 1, "sales", 10, 0);
	joins(o, 2, "sales", 20, 5);
	joins(o, 9, "help", 90, 0);
	assert_int_equal(queue_position(queues_caller(o->x, 2)), 1);
	assert_int_equal(queue_position(queues_caller(o->x, 1)), 2);
	assert_int_equal(queue_position(queues_caller(o->x, 3)), 3);
	assert_int_equal(queue_position(queues_caller(o->x, 9)), 1);
	assert_string_equal(picked(o, 100), "9:1002");
	assert_string_equal(picked(o, 100), "");
	(void)agent_is(o, "1001", AGENT_READY);
	assert_string_equal(picked(o, 100), "2:1001");
	assert_int_equal(queues_find(o->x, ACME, BYTES_LIT("sales"))->waiting, 3);
}

/* What a document says now changes no agent, no caller and no figure. */
static void documents_change(void **state)
{
	struct office *o = *state;
	struct queue_agent *a;

	put_queue(o, "sales", QUEUE_IN_ORDER, "1001,1002");
	a = agent_is(o, "1001", AGENT_READY);
	joins(o, 1, "sales", 10, 0);
	assert_string_equal(picked(o, 100), "1:1001");
	put_queue(o, "sales", QUEUE_RING_ALL, "1002");
	assert_int_equal(a->call, 1);
	assert_int_equal(a->state, AGENT_READY);
	assert_int_equal(queues_find(o->x, ACME, BYTES_LIT("sales"))->waiting, 1);
	queues_delete(o->x, ACME, BYTES_LIT("sales"));
	assert_string_equal(picked(o, 100), "");
	put_queue(o, "sales", QUEUE_RING_ALL, "1002");
	assert_int_equal(queues_find(o->x, ACME, BYTES_LIT("sales"))->waiting, 1);
	queues_caller_delete(o->x, 1);
	assert_int_equal(queues_find(o->x, ACME, BYTES_LIT("sales"))->waiting, 0);
	assert_null(queues_find(o->x, ZETA, BYTES_LIT("sales")));
	assert_null(queues_agent(o->x, ZETA, BYTES_LIT("1001")));
	queues_agent_delete(o->x, ACME, BYTES_LIT("1001"));
	assert_null(queues_agent(o->x, ACME, BYTES_LIT("1001")));
}

static void waits_are_estimated(void **state)
{
	struct office *o = *state;
	struct queues_counts counts;
	struct queue *q;

	put_queue(o, "sales", QUEUE_IN_ORDER, "1001");
	q = queues_find(o->x, ACME, BYTES_LIT("sales"));
	joins(o, 1, "sales", 10, 0);
	joins(o, 2, "sales", 20, 0);
	assert_int_equal(queue_wait_ms(q, 2), 0);
	queue_count(o->x, q, true, 5000, 10000);
	assert_int_equal(queue_wait_ms(q, 2), 0);
	queue_count(o->x, q, true, 7000, 40000);
	assert_int_equal(queue_wait_ms(q, 1), 30000);
	assert_int_equal(queue_wait_ms(q, 2), 60000);
	queue_count(o->x, q, false, 1000, 41000);
	assert_int_equal(q->answered, 2);
	assert_int_equal(q->left, 1);
	assert_int_equal(q->wait_ms, 12000);
	queues_delete(o->x, ACME, BYTES_LIT("sales"));
	queues_caller(o->x, 2)->process = 7; /* it waits at another node */
	(void)agent_is(o, "1001", AGENT_READY);
	(void)agent_is(o, "1002", AGENT_NOT_READY);
	queues_count(o->x, &counts);
	assert_int_equal(counts.answered, 2);
	assert_int_equal(counts.left, 1);
	assert_int_equal(counts.wait_ms, 12000);
	assert_int_equal(counts.waiting, 1);
	assert_int_equal(counts.agents, 2);
	assert_int_equal(counts.ready, 1);
}

static bool agent_counted(void *arg, const struct queue_agent *a)
{
	++*(uint32_t *)arg;
	return a->number[3] == '2';
}

/* Who has a call is not looked at with each pick: when his calls change, or after a while. */
static void busy_agents_are_left(void **state)
{
	struct office *o = *state;
	struct queue_match m;
	uint32_t asked = 0;

	put_queue(o, "sales", QUEUE_IN_ORDER, "1001");
	(void)agent_is(o, "1001", AGENT_READY);
	joins(o, 1, "sales", 10, 0);
	for (int i = 0; i < 10; i++)
		assert_false(queues_pick(o->x, ACME, 100, agent_counted, &asked, &m));
	assert_int_equal(asked, 1);
	assert_int_equal(queues_agent_changed(o->x, ACME, BYTES_LIT("1001"))->call, 1);
	assert_false(queues_pick(o->x, ACME, 100, agent_counted, &asked, &m));
	assert_int_equal(asked, 2);
	assert_false(queues_pick(o->x, ACME, 100 + QUEUE_BUSY_MS, agent_counted, &asked, &m));
	assert_int_equal(asked, 3);
	assert_null(queues_agent_changed(o->x, ACME, BYTES_LIT("1009")));
}

/* Tens of thousands wait at other nodes, which tell of them again and again; it was seconds when each was put into its place anew. */
static void many_wait_elsewhere(void **state)
{
	enum { MANY = 20000 };
	struct office *o = *state;
	struct queue_walk walk;
	struct queue_match m;

	put_queue(o, "sales", QUEUE_IN_ORDER, "1001,1002");
	for (int round = 0; round < 3; round++) {
		for (uint64_t call = 1; call <= MANY; call++) {
			struct queue_caller c = { .call = call,
						  .tenant = ACME,
						  .queue = "sales",
						  .process = 7,
						  .joined_utc_ms = call };

			assert_int_equal(queues_hear_caller(o->x, &c, false), 0);
		}
	}
	walk = queue_walk(queues_find(o->x, ACME, BYTES_LIT("sales")));
	for (uint64_t call = 1; call <= MANY; call++)
		assert_int_equal(queue_walk_next(&walk)->call, call);
	assert_null(queue_walk_next(&walk));
	assert_null(queues_first(o->x, ACME));
	joins(o, MANY + 1, "sales", 5, 0);
	assert_int_equal(queue_position(queues_caller(o->x, MANY + 1)), 6);
	(void)agent_is(o, "1002", AGENT_READY);
	assert_false(queues_pick(o->x, ACME, 100, agent_idle, o, &m)); /* it is another one's */
	queues_delete(o->x, ACME, BYTES_LIT("sales"));
	put_queue(o, "sales", QUEUE_IN_ORDER, "1001");
	assert_int_equal(queues_find(o->x, ACME, BYTES_LIT("sales"))->waiting, MANY + 1);
}

/* ---- random histories ---- */

static uint64_t urgency(const struct office *o, const struct queue_caller *c, uint64_t now)
{
	const struct queue *q = queues_find(o->x, ACME, bytes_str(c->queue));

	return c->priority * 1000 + (q && q->terms.priority_age_s ? now - c->joined_utc_ms : 0);
}

static bool is_first(const struct office *o, const struct queue_caller *a,
		     const struct queue_caller *b, uint64_t now)
{
	return urgency(o, a, now) != urgency(o, b, now) ? urgency(o, a, now) > urgency(o, b, now)
	       : a->joined_utc_ms != b->joined_utc_ms   ? a->joined_utc_ms < b->joined_utc_ms
							: a->call < b->call;
}

static bool queue_has(const struct queue *q, struct bytes number)
{
	bool found = false;

	for (uint8_t i = 0; q && i < q->terms.count; i++)
		found |= bytes_is(number, q->terms.members[i].number);
	return found;
}

/* He takes calls of that queue: logged in and ready, or logged out where that need not be. */
static bool agent_takes(const struct office *o, const struct queue *q, const char *number)
{
	const struct queue_agent *a = queues_agent(o->x, ACME, bytes_str(number));
	enum agent_state state = a ? (enum agent_state)a->state : AGENT_OUT;

	return state == AGENT_READY || (state == AGENT_OUT && q->terms.without_login);
}

static bool agent_may(const struct office *o, const struct queue *q, const char *number,
		      uint64_t now)
{
	const struct queue_agent *a = queues_agent(o->x, ACME, bytes_str(number));
	int at = number[3] - '1';

	return agent_takes(o, q, number) && !o->busy[at] && !o->wraps[at] &&
	       (!a || a->until_utc_ms <= now);
}

/* Tiers with a ready agent before that one. */
static uint64_t tiers_before(struct office *o, const struct queue *q, uint8_t tier)
{
	bool ready[QUEUE_TIERS_MAX + 1] = { false };
	uint64_t n = 0;

	for (uint8_t i = 0; i < q->terms.count; i++) {
		if (agent_takes(o, q, q->terms.members[i].number))
			ready[q->terms.tiers[i] ? q->terms.tiers[i] : 1] = true;
	}
	for (uint8_t i = 1; i < tier; i++)
		n += ready[i];
	return n;
}

static bool caller_has_agent(struct office *o, const struct queue_caller *c, uint64_t now)
{
	const struct queue *q = queues_find(o->x, ACME, bytes_str(c->queue));

	for (uint8_t i = 0; q && i < q->terms.count; i++) {
		if (q->terms.tier_s && tiers_before(o, q, q->terms.tiers[i]) >
					       (now - c->joined_utc_ms) / (q->terms.tier_s * 1000U))
			continue;
		if (q->terms.skills[i] >= queue_skill_wanted(&q->terms, now - c->joined_utc_ms) &&
		    agent_may(o, q, q->terms.members[i].number, now))
			return true;
	}
	return false;
}

/* Of all callers that wait the first one with a free agent; NULL: none. */
static const struct queue_caller *expected(struct office *o, uint64_t now)
{
	const struct queue_caller *best = NULL;

	for (uint64_t call = 1; call <= CALLS; call++) {
		const struct queue_caller *c = queues_caller(o->x, call);

		if (c && !c->rings && caller_has_agent(o, c, now) &&
		    (!best || is_first(o, c, best, now)))
			best = c;
	}
	return best;
}

/* Everybody who can be served is, each by agents of his own queue, none of them another's. */
static void serve(struct office *o, uint64_t now)
{
	struct queue_match m;
	const struct queue_caller *want;

	while ((want = expected(o, now)) != NULL) {
		const struct queue *q = queues_find(o->x, ACME, bytes_str(want->queue));

		assert_true(queues_pick(o->x, ACME, now, agent_idle, o, &m));
		assert_ptr_equal(m.caller, want);
		assert_true(m.count);
		for (uint8_t i = 0; i < m.count; i++) {
			assert_true(queue_has(q, bytes_str(m.agents[i]->number)));
			assert_true(agent_may(o, q, m.agents[i]->number, now));
			for (uint8_t k = 0; k < i; k++)
				assert_ptr_not_equal(m.agents[i], m.agents[k]);
		}
		queues_caller(o->x, want->call)->rings = true;
		queue_reserve(o->x, &m, now + 500);
	}
	assert_false(queues_pick(o->x, ACME, now, agent_idle, o, &m));
}

/* Another process finds the callers in any order: each has his place again. */
static void taken_over(struct office *o, struct rand_source *r)
{
	uint32_t before[CALLS + 1] = { 0 };
	struct queue_caller kept[CALLS + 1] = { 0 };
	uint64_t from = 1 + rand_below(r, CALLS);

	for (uint64_t call = 1; call <= CALLS; call++) {
		const struct queue_caller *c = queues_caller(o->x, call);

		if (c) {
			kept[call] = *c;
			before[call] = queue_position(c);
		}
	}
	for (uint64_t call = 1; call <= CALLS; call++)
		queues_caller_delete(o->x, call);
	for (uint64_t i = 0; i < CALLS; i++) {
		uint64_t call = 1 + (from + i * 5) % CALLS;

		if (kept[call].call)
			assert_int_equal(queues_caller_put(o->x, &kept[call]), 0);
	}
	for (uint64_t call = 1; call <= CALLS; call++) {
		if (kept[call].call)
			assert_int_equal(queue_position(queues_caller(o->x, call)), before[call]);
	}
}

/* His call is over, and he wraps up until he is told of as ready. */
static void wraps_up(struct office *o, struct rand_source *r, uint32_t at, uint64_t now)
{
	struct queue_agent *a = queues_agent(o->x, ACME, bytes_str(numbers[at]));

	if (!a)
		return;
	if (o->wraps[at]) {
		queue_agent_set_epoch(a, a->epoch + 1, 0, 0);
		o->wraps[at] = false;
	} else if (a->call) {
		a->calls++; /* as who answers one */
		agent_wrap(o->x, a, a->call, now, AGENT_UNTIL_READY, rand_below(r, 500));
		o->wraps[at] = true;
	}
}

static void random_step(struct office *o, struct rand_source *r, uint64_t now)
{
	static const char *const names[] = { "sales", "help", "desk" };
	static const char *const members[] = { "1001,1002", "1002,1003,1004", "1005,1001,1003" };
	uint64_t call = 1 + rand_below(r, CALLS);
	uint32_t at = rand_below(r, AGENTS), k = rand_below(r, 3);
	struct queue_agent *a = queues_agent(o->x, ACME, bytes_str(numbers[at]));

	switch (rand_below(r, 11)) {
	case 0:
	case 1:
	case 2:
		if (!queues_caller(o->x, call))
			joins(o, call, names[k], now - rand_below(r, 4) * 400,
			      (uint8_t)rand_below(r, 3));
		break;
	case 3:
		queues_caller_delete(o->x, call); /* answered, or given up */
		break;
	case 4:
		o->busy[at] = !o->busy[at];
		(void)queues_agent_changed(o->x, ACME, bytes_str(numbers[at]));
		break;
	case 5:
		(void)agent_is(o, numbers[at], (enum agent_state)rand_below(r, AGENT_STATES));
		break;
	case 6:
		if (a && a->call)
			agent_release(o->x, a, a->call, now + rand_below(r, 3) * 100);
		break;
	case 7:
		o->age_s = (uint16_t)rand_below(r, 2);
		o->tier_s = (uint16_t)rand_below(r, 2);
		o->without_login = rand_below(r, 2);
		put_queue(o, names[k], (enum queue_strategy)rand_below(r, QUEUE_STRATEGIES),
			  members[k]);
		break;
	case 8:
	case 9:
		wraps_up(o, r, at, now);
		break;
	default:
		taken_over(o, r);
		break;
	}
	if (queues_caller(o->x, call))
		queues_caller(o->x, call)->rings = false;
}

static void random_histories(void **state)
{
	struct office *o = *state;
	struct rand_source r;

	rand_open_seed(&r, 68);
	for (int i = 0; i < HISTORIES; i++) {
		queues_free(o->x);
		*o = (struct office){ .x = queues_create() };
		put_queue(o, "sales", QUEUE_LONGEST_IDLE, "1001,1002");
		for (int k = 0; k < AGENTS; k++)
			(void)agent_is(o, numbers[k], AGENT_READY);
		for (uint64_t now = 2000; now < 2000 + STEPS; now++) {
			random_step(o, &r, now);
			serve(o, now);
		}
	}
}

#define QUEUE_TEST(fn) cmocka_unit_test_setup_teardown(fn, office_setup, office_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_parsed),
		cmocka_unit_test(skills_are_parsed),
		QUEUE_TEST(skill_falls),
		QUEUE_TEST(tiers_are_asked_later),
		QUEUE_TEST(priority_grows),
		QUEUE_TEST(rest_ends_with_its_epoch),
		QUEUE_TEST(wraps_up_with_its_epoch),
		QUEUE_TEST(strategies_choose),
		QUEUE_TEST(figures_outlive_a_logout),
		QUEUE_TEST(members_without_login),
		QUEUE_TEST(members_without_login_go),
		QUEUE_TEST(turns_go_round),
		QUEUE_TEST(order_is_kept),
		QUEUE_TEST(documents_change),
		QUEUE_TEST(waits_are_estimated),
		QUEUE_TEST(busy_agents_are_left),
		QUEUE_TEST(many_wait_elsewhere),
		QUEUE_TEST(random_histories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
