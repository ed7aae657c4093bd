/* SPDX-License-Identifier: Apache-2.0 */
/* docs/adr/0165: the line of queues over three nodes. Their messages take their time. Random histories with kills, take-overs and lost calls
 * are compared with a model that knows all. Then the messages as octets. */
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "sig/feature/queue/line.h"
#include "tests/unit/test.h"

enum {
	ACME = 1,
	NODES = 3,
	AGENTS = 4,
	CALLS = 10,
	MESSAGES = 4096,
	HISTORIES = 300,
	STEPS = 300,
	RING_MS = 20000,
	TAKEN_MS = 1000,
};
#define GONE UINT64_C(0x1234567) /* a call that no node has */

static const char *const numbers[AGENTS] = { "1001", "1002", "1003", "1004" };

enum { NONE, WAITS, RINGS, TALKS };

struct truth {
	int state, node, agent; /* node: -1 while nobody has it */
	struct queue_caller c;
	const char *queue;
};

struct world {
	struct side {
		struct world *w;
		int at;
		struct queues *x; /* NULL: it is down */
		uint64_t process;
	} sides[NODES];
	struct message {
		int from, to;
		uint64_t process;
		size_t n;
		uint8_t octets[LINE_MESSAGE_MAX];
	} * messages;
	int count;
	struct truth calls[CALLS + 1];
	struct {
		uint64_t call, until;
	} claims[AGENTS];
	uint64_t now, processes, ids;
	bool disturbed; /* not all is told yet */
	struct rand_source r;
};

static uint32_t below(struct world *w, uint32_t n)
{
	return rand_below(&w->r, n);
}

/* ---- what is said takes its time ---- */

static void say(const struct side *s, const struct writer *said)
{
	struct world *w = s->w;

	assert_false(said->overflow);
	for (int to = 0; to < NODES; to++) {
		struct message *m = &w->messages[w->count];

		if (to == s->at || !w->sides[to].x)
			continue;
		assert_true(w->count < MESSAGES);
		*m = (struct message){ s->at, to, s->process, said->n, { 0 } };
		memcpy(m->octets, said->p, said->n);
		w->count++;
	}
}

static void on_caller(void *arg, const struct queue_caller *c, bool gone)
{
	uint8_t space[LINE_MESSAGE_MAX];
	struct writer said = writer_over(space, sizeof(space));

	line_add_caller(&said, "acme", c, gone);
	say(arg, &said);
}

static void on_agent(void *arg, const struct queue_agent *a, const struct queue_agent_word *word)
{
	uint8_t space[LINE_MESSAGE_MAX];
	struct writer said = writer_over(space, sizeof(space));

	line_add_agent(&said, "acme", a->number, word);
	say(arg, &said);
}

struct hearing {
	struct queues *x;
	uint64_t process, now;
};

static void hear_caller(void *arg, struct bytes tenant, struct queue_caller *c, bool gone)
{
	const struct hearing *h = arg;

	assert_true(bytes_is(tenant, "acme"));
	c->tenant = ACME;
	c->process = h->process;
	assert_int_equal(queues_hear_caller(h->x, c, gone), 0);
}

static void hear_agent(void *arg, struct bytes tenant, struct bytes number,
		       const struct queue_agent_word *word)
{
	const struct hearing *h = arg;

	assert_true(bytes_is(tenant, "acme"));
	assert_int_equal(queues_hear_agent(h->x, ACME, number, h->process, word, h->now), 0);
}

/* The oldest of one of the links. */
static void deliver(struct world *w, int i)
{
	const struct message *m = &w->messages[i];
	struct message one;

	for (int k = 0; k < i; k++) {
		if (w->messages[k].from == m->from && w->messages[k].to == m->to) {
			i = k;
			break;
		}
	}
	one = w->messages[i];
	memmove(&w->messages[i], &w->messages[i + 1],
		(size_t)(--w->count - i) * sizeof(*w->messages));
	if (w->sides[one.to].x) {
		struct hearing h = { w->sides[one.to].x, one.process, w->now };
		const struct line_readers readers = { hear_caller, hear_agent, &h };

		assert_int_equal(line_read(bytes_mem(one.octets, one.n), &readers), 0);
	}
}

static void deliver_all(struct world *w)
{
	while (w->count)
		deliver(w, 0);
}

static bool is_there(void *arg, uint64_t process)
{
	const struct world *w = arg;

	for (int i = 0; i < NODES; i++) {
		if (w->sides[i].x && w->sides[i].process == process)
			return true;
	}
	return false;
}

/* ---- nodes ---- */

static void documents(struct queues *x)
{
	static const char *const names[] = { "sales", "help" };
	static const char *const members[] = { "1001,1002,1003", "1003,1004" };
	int err;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct queue_terms t = { .tenant = ACME, .strategy = QUEUE_IN_ORDER };

		(void)snprintf(t.name, sizeof(t.name), "%s", names[i]);
		assert_null(queue_members_parse(&t, bytes_str(members[i])));
		assert_int_equal(queues_put(x, &t), 0);
	}
	for (int i = 0; i < AGENTS; i++) {
		struct queue_agent *a = queues_agent_put(x, ACME, bytes_str(numbers[i]),
							 AGENT_READY, BYTES_LIT(""), &err);

		assert_non_null(a);
		queue_agent_set_epoch(a, 1, 0, 0);
	}
}

static bool has_calls(void *arg, uint64_t call)
{
	(void)arg;
	return call != GONE;
}

static void starts(struct world *w, int at)
{
	struct side *s = &w->sides[at];
	const struct queues_listener listener = { on_caller, on_agent, s };

	*s = (struct side){ w, at, queues_create(), ++w->processes };
	assert_non_null(s->x);
	documents(s->x);
	queues_listen(s->x, &listener);
	w->disturbed = true;
}

static void second(struct world *w, bool all)
{
	const struct queues_around around = { is_there, has_calls, w };

	w->now += 1000;
	for (int i = 0; i < NODES; i++) {
		if (w->sides[i].x)
			queues_second(w->sides[i].x, all, &around);
	}
	deliver_all(w);
}

static void killed(struct world *w, int at)
{
	queues_free(w->sides[at].x);
	w->sides[at].x = NULL;
	w->disturbed = true;
	for (int i = w->count; i-- > 0;) {
		if (w->messages[i].from == at || w->messages[i].to == at) {
			memmove(&w->messages[i], &w->messages[i + 1],
				(size_t)(w->count - i - 1) * sizeof(*w->messages));
			w->count--;
		}
	}
	for (int call = 1; call <= CALLS; call++) {
		if (w->calls[call].node == at)
			w->calls[call].node = -1;
	}
}

static int up(struct world *w)
{
	int at = (int)below(w, NODES);

	while (!w->sides[at].x)
		at = (at + 1) % NODES;
	return at;
}

/* ---- calls ---- */

static struct truth *of_call(struct world *w, uint64_t id)
{
	for (int call = 1; call <= CALLS; call++) {
		if (w->calls[call].state != NONE && w->calls[call].c.call == id)
			return &w->calls[call];
	}
	return NULL;
}

static bool is_idle(void *arg, const struct queue_agent *a)
{
	const struct world *w = arg;

	for (int call = 1; call <= CALLS; call++) {
		const struct truth *t = &w->calls[call];

		if (t->state == TALKS && !strcmp(numbers[t->agent], a->number))
			return false;
	}
	return true;
}

static void call_is_put(struct world *w, struct truth *t, int at)
{
	struct queue_caller c = t->c;

	t->node = at;
	c.rings = t->state == RINGS;
	if (t->state == TALKS)
		return;
	if (c.rings)
		agent_hold(w->sides[at].x,
			   queues_agent(w->sides[at].x, ACME, bytes_str(numbers[t->agent])), c.call,
			   w->now + RING_MS);
	assert_int_equal(queues_caller_put(w->sides[at].x, &c), 0);
}

static bool is_first(const struct queue_caller *a, const struct queue_caller *b)
{
	return a->priority != b->priority             ? a->priority > b->priority
	       : a->joined_utc_ms != b->joined_utc_ms ? a->joined_utc_ms < b->joined_utc_ms
						      : a->call < b->call;
}

static bool takes(const char *queue, int agent)
{
	return strcmp(queue, "sales") ? agent >= 2 : agent <= 2;
}

static bool is_free(struct world *w, int agent)
{
	for (int call = 1; call <= CALLS; call++) {
		if (w->calls[call].state >= RINGS && w->calls[call].agent == agent)
			return false;
	}
	return true;
}

/* Returns the next waiting caller behind that one, or NULL. */
static const struct truth *next_of(struct world *w, const struct truth *behind)
{
	const struct truth *next = NULL;

	for (int call = 1; call <= CALLS; call++) {
		const struct truth *t = &w->calls[call];

		if (t->state == WAITS && t->node >= 0 && (!behind || is_first(&behind->c, &t->c)) &&
		    (!next || is_first(&t->c, &next->c)))
			next = t;
	}
	return next;
}

/* Returns the agent that a caller gets when all before him have had their choice; AGENTS if there is none. */
static int due_agent(struct world *w, const struct truth *of)
{
	bool taken[AGENTS + 1] = { false };
	const struct truth *t = NULL;
	int agent = AGENTS;

	while (t != of && (t = next_of(w, t)) != NULL) {
		agent = 0;
		while (agent < AGENTS &&
		       (taken[agent] || !takes(t->queue, agent) || !is_free(w, agent)))
			agent++;
		taken[agent] = true;
	}
	return agent;
}

/* What a call does that looks who is next (sig/pbx/queue/wait.c). sure: all nodes know all. */
static bool serves(struct world *w, int at, bool sure)
{
	struct queues *x = w->sides[at].x;
	struct queue_match m;
	struct truth *t;
	int agent = 0;

	if (!queues_pick(x, ACME, w->now, is_idle, w, &m))
		return false;
	assert_int_equal(m.caller->process, 0);
	t = of_call(w, m.caller->call);
	assert_non_null(t);
	assert_int_equal(t->state, WAITS);
	assert_int_equal(t->node, at);
	while (strcmp(numbers[agent], m.agents[0]->number) != 0)
		agent++;
	queue_reserve(x, &m, w->now + RING_MS);
	if (w->claims[agent].until > w->now && w->claims[agent].call != t->c.call) {
		assert_false(sure);
		queues_caller_waits(x, t->c.call);
		agent_release(x, m.agents[0], t->c.call, w->now + TAKEN_MS);
		return true;
	}
	w->claims[agent].call = t->c.call;
	w->claims[agent].until = w->now + RING_MS;
	assert_true(is_free(w, agent)); /* nobody else rings or has him */
	if (sure)
		assert_int_equal(agent, due_agent(w, t));
	t->state = RINGS;
	t->agent = agent;
	return true;
}

/* The agent of the call neither rings nor talks any more. */
static void is_freed(struct world *w, const struct truth *t, bool talked)
{
	struct queues *x = w->sides[t->node].x;
	struct queue_agent *a = queues_agent(x, ACME, bytes_str(numbers[t->agent]));

	w->claims[t->agent].until = 0;
	if (talked)
		agent_wrap(x, a, t->c.call, w->now, 0, 1000);
	else
		agent_release(x, a, t->c.call, w->now);
}

static void joins(struct world *w, struct truth *t)
{
	static const char *const names[] = { "sales", "help" };

	*t = (struct truth){ .state = WAITS, .queue = names[below(w, 2)] };
	t->c = (struct queue_caller){ .call = ++w->ids,
				      .tenant = ACME,
				      .priority = (uint8_t)below(w, 2),
				      .joined_utc_ms = w->now - below(w, 3) };
	(void)snprintf(t->c.queue, sizeof(t->c.queue), "%s", t->queue);
	call_is_put(w, t, up(w));
}

static void hangs_up(struct world *w, struct truth *t)
{
	if (t->state >= RINGS)
		is_freed(w, t, t->state == TALKS);
	queues_caller_delete(w->sides[t->node].x, t->c.call);
	t->state = NONE;
}

static void is_answered(struct world *w, struct truth *t)
{
	t->state = TALKS;
	queues_caller_delete(w->sides[t->node].x, t->c.call);
}

static void nobody_answers(struct world *w, struct truth *t)
{
	queues_caller_waits(w->sides[t->node].x, t->c.call);
	is_freed(w, t, false);
	t->state = WAITS;
}

static void random_call(struct world *w, struct truth *t)
{
	if (t->state == NONE)
		joins(w, t);
	else if (t->node < 0)
		call_is_put(w, t, up(w)); /* a successor has it */
	else if (t->state == WAITS || below(w, 3) == 0)
		below(w, 4) ? (void)0 : hangs_up(w, t);
	else if (t->state == RINGS)
		below(w, 3) ? is_answered(w, t) : nobody_answers(w, t);
	else
		hangs_up(w, t);
}

static void random_step(struct world *w)
{
	int at = (int)below(w, NODES), others = 0;

	w->now += below(w, 3);
	switch (below(w, 40)) {
	case 0:
		for (int i = 0; i < NODES; i++)
			others += i != at && w->sides[i].x;
		if (w->sides[at].x && others)
			killed(w, at);
		else if (!w->sides[at].x)
			starts(w, at);
		break;
	case 1:
		second(w, true);
		break;
	default:
		random_call(w, &w->calls[1 + below(w, CALLS)]);
		for (uint32_t k = below(w, 6); k > 0 && w->count; k--)
			deliver(w, (int)below(w, (uint32_t)w->count));
		break;
	}
	at = up(w);
	while (below(w, 2) && serves(w, at, false))
		;
}

/* ---- what holds when all is said ---- */

/* A node has the line as it is. */
static void line_is_true(struct world *w, const struct queues *x)
{
	uint32_t cursor = 0;
	struct queue *q;
	int count = 0;

	while ((q = queues_next(x, &cursor)) != NULL) {
		const struct queue_caller *c, *before = NULL;
		struct queue_walk walk = queue_walk(q);

		for (; (c = queue_walk_next(&walk)) != NULL; before = c, count++) {
			const struct truth *t = of_call(w, c->call);

			assert_non_null(t);
			assert_true(t->state == WAITS || t->state == RINGS);
			assert_int_equal(c->rings, t->state == RINGS);
			assert_true(!before || is_first(before, c));
		}
	}
	for (int call = 1; call <= CALLS; call++)
		count -= w->calls[call].state == WAITS || w->calls[call].state == RINGS;
	assert_int_equal(count, 0);
}

/* Without kills nodes agree as soon as all is heard. */
static void agree(struct world *w)
{
	deliver_all(w);
	for (int at = 0; at < NODES && !w->disturbed; at++) {
		const struct queues *x = w->sides[at].x;

		line_is_true(w, x);
		for (int call = 1; call <= CALLS; call++) {
			const struct truth *t = &w->calls[call];

			if (t->state == RINGS)
				assert_int_equal(
					queues_agent(x, ACME, bytes_str(numbers[t->agent]))->call,
					t->c.call);
		}
	}
}

/* All calls have a node again, but for some that are lost. No agent stays reserved, each agent serves, and
 * no caller was overtaken. */
static void settles(struct world *w)
{
	bool any = true;

	for (int at = 0; at < NODES; at++) {
		if (!w->sides[at].x)
			starts(w, at);
	}
	for (int call = 1; call <= CALLS; call++) {
		struct truth *t = &w->calls[call];

		if (t->node < 0 && t->state != NONE && below(w, 3) == 0)
			t->state = NONE;
		else if (t->node < 0 && t->state != NONE)
			call_is_put(w, t, up(w));
		if (t->state == RINGS)
			is_answered(w, t);
	}
	deliver_all(w);
	for (int i = 0; i < RING_MS / 1000 + 1; i++)
		second(w, i == 0);
	while (any) {
		any = false;
		for (int at = 0; at < NODES; at++) {
			any |= serves(w, at, true);
			deliver_all(w);
			line_is_true(w, w->sides[at].x);
		}
	}
	for (int call = 1; call <= CALLS; call++) {
		const struct truth *t = &w->calls[call];

		for (int agent = 0; t->state == WAITS && agent < AGENTS; agent++)
			assert_false(takes(t->queue, agent) && is_free(w, agent));
	}
	w->disturbed = false;
}

static void random_histories(void **state)
{
	(void)state;
	for (uint64_t history = 1; history <= HISTORIES; history++) {
		struct world *w = calloc(1, sizeof(*w));

		assert_non_null(w);
		w->messages = calloc(MESSAGES, sizeof(*w->messages));
		assert_non_null(w->messages);
		w->now = 1000000;
		rand_open_seed(&w->r, history);
		for (int at = 0; at < NODES; at++)
			starts(w, at);
		second(w, true);
		second(w, true);
		for (int i = 1; i <= STEPS; i++) {
			random_step(w);
			if (i % 5 == 0)
				agree(w);
			if (i % 50 == 0)
				settles(w);
		}
		for (int at = 0; at < NODES; at++)
			queues_free(w->sides[at].x);
		free(w->messages);
		free(w);
	}
}

/* A node loses a call with its shard, and hears no more of it: it holds nobody by it. */
static struct world *two_nodes(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->messages = calloc(MESSAGES, sizeof(*w->messages));
	assert_non_null(w->messages);
	w->now = 1000000;
	rand_open_seed(&w->r, 1);
	starts(w, 0);
	starts(w, 1);
	second(w, true);
	second(w, true);
	return w;
}

static void nobody_is_held(struct world *w, const char *number)
{
	for (int at = 0; at < 2; at++) {
		struct queues *x = w->sides[at].x;

		assert_int_equal(queues_agent(x, ACME, bytes_str(number))->call, 0);
		queues_free(x);
	}
	free(w->messages);
	free(w);
}

static void lost_calls_hold_nobody(void **state)
{
	struct world *w = two_nodes();
	struct truth *t = &w->calls[1];
	struct queues *x;

	(void)state;
	joins(w, t);
	deliver_all(w);
	assert_true(serves(w, t->node, true));
	is_answered(w, t);
	deliver_all(w);
	x = w->sides[t->node].x;
	queues_caller_release(x, t->c.call);
	agent_lose(x, queues_agent(x, ACME, bytes_str(numbers[t->agent])), t->c.call);
	for (int i = 0; i < RING_MS / 1000; i++)
		second(w, false);
	nobody_is_held(w, numbers[t->agent]);
}

/* ... however often he is told of. */
static void talk_counts_once_at_each_node(void **state)
{
	struct world *w = two_nodes();
	struct queue_agent *a = queues_agent(w->sides[0].x, ACME, bytes_str(numbers[0]));
	struct queue_agent *b = queues_agent(w->sides[1].x, ACME, bytes_str(numbers[0]));

	(void)state;
	for (uint64_t call = 1; call < 3; call++) {
		agent_hold(w->sides[0].x, a, call, w->now + 1000);
		agent_wrap(w->sides[0].x, a, call, ++w->now, 0, 7000);
		agent_hold(w->sides[0].x, a, GONE - 1, w->now + 1000);
		second(w, true);
		second(w, true);
		assert_int_equal(a->talk_ms, call * 7000);
		assert_int_equal(b->talk_ms, call * 7000);
		agent_release(w->sides[0].x, a, GONE - 1, 0);
	}
	deliver_all(w);
	nobody_is_held(w, numbers[0]);
}

/* Whatever its clock says until when: the wall's clock may be set back. */
static void calls_that_are_gone_hold_nobody(void **state)
{
	struct world *w = two_nodes();
	struct queues *x = w->sides[0].x;
	struct queue_agent *a = queues_agent(x, ACME, bytes_str(numbers[0]));

	(void)state;
	agent_hold(x, a, GONE, w->now + 3600000);
	deliver_all(w);
	assert_true(queues_agent(w->sides[1].x, ACME, bytes_str(numbers[0]))->call == GONE);
	for (int i = 0; i < QUEUE_ROUND_S; i++)
		second(w, false);
	assert_int_equal(a->until_utc_ms, 0);
	nobody_is_held(w, numbers[0]);
}

/* ---- octets ---- */

static void count_caller(void *arg, struct bytes tenant, struct queue_caller *c, bool gone)
{
	(void)tenant;
	(void)c;
	(void)gone;
	++*(int *)arg;
}

static void count_agent(void *arg, struct bytes tenant, struct bytes number,
			const struct queue_agent_word *word)
{
	(void)tenant;
	(void)number;
	(void)word;
	++*(int *)arg;
}

static void what_is_not_understood(void **state)
{
	const struct queue_caller callers[] = {
		{ .queue = "sales" },
		{ .call = 1 },
		{ .call = 1, .queue = "sales", .priority = QUEUE_PRIORITY_MAX + 1 },
	};
	const struct queue_agent_word words[] = {
		{ .holds = true },
		{ .by = 1, .holds = true, .wraps = true },
	};
	uint8_t space[2 * LINE_MESSAGE_MAX];
	int told = 0;
	const struct line_readers readers = { count_caller, count_agent, &told };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(callers) + COUNT_OF(words) + 2; i++) {
		const struct queue_agent_word good = { .by = 1 };
		struct writer w = writer_over(space, sizeof(space));

		line_add_agent(&w, "acme", "1001", &good); /* is not told, either */
		if (i < COUNT_OF(callers))
			line_add_caller(&w, "acme", &callers[i], false);
		else if (i < COUNT_OF(callers) + COUNT_OF(words))
			line_add_agent(&w, "acme", "1001", &words[i - COUNT_OF(callers)]);
		else
			line_add_agent(&w, i % 2 ? "" : "acme", i % 2 ? "1001" : "", &good);
		assert_int_not_equal(line_read(writer_done(&w), &readers), 0);
	}
	assert_int_not_equal(line_read(BYTES_LIT("\xff"), &readers), 0);
	assert_int_equal(told, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_histories),
		cmocka_unit_test(lost_calls_hold_nobody),
		cmocka_unit_test(calls_that_are_gone_hold_nobody),
		cmocka_unit_test(talk_counts_once_at_each_node),
		cmocka_unit_test(what_is_not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
