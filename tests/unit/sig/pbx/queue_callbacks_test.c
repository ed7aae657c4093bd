/* SPDX-License-Identifier: Apache-2.0 */
/* docs/adr/0179: callbacks in the lines of queues: their places, which one is next, when it is over; and random histories in which two nodes
 * that have the same documents never choose differently. */
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "sig/pbx/queue/callbacks.h"
#include "tests/unit/test.h"

enum {
	ACME = 1,
	START = 1000000,
	RING_MS = 30000,
	RETRY_MS = 60000,
	HISTORIES = 200,
	STEPS = 120,
	NUMBERS = 6
};

#define SALES BYTES_LIT("sales")

static bool free_of(void *arg, const struct queue_agent *a)
{
	(void)a;
	return *(bool *)arg;
}

static bool any_time(void *arg, const struct queue *q, const struct queue_callback *b)
{
	(void)q;
	return !arg || !bytes_is(bytes_str(arg), b->number);
}

static struct queues *office(enum callback_rule rule)
{
	struct queues *x = queues_create();
	struct queue_terms t = { .tenant = ACME,
				 .name = "sales",
				 .callback = { .rule = (uint8_t)rule,
					       .tries = 2,
					       .ring_s = RING_MS / 1000,
					       .retry_s = RETRY_MS / 1000,
					       .most = 10,
					       .keep_h = 1 } };
	int err;

	assert_non_null(x);
	assert_null(queue_members_parse(&t, BYTES_LIT("1011")));
	assert_int_equal(queues_put(x, &t), 0);
	assert_non_null(
		queues_agent_put(x, ACME, BYTES_LIT("1011"), AGENT_READY, BYTES_LIT(""), &err));
	return x;
}

static struct queue_callback *asks(struct queues *x, const char *number, uint64_t joined,
				   uint8_t tries, uint64_t called)
{
	struct queue_caller place = { .tenant = ACME, .queue = "sales", .joined_utc_ms = joined };
	struct queue_callback b = { .tries = tries,
				    .created_utc_ms = START,
				    .called_utc_ms = called };

	(void)snprintf(b.number, sizeof(b.number), "%s", number);
	assert_int_equal(queues_callback_put(x, &place, &b), 0);
	return queues_callback(x, ACME, SALES, bytes_str(number))->callback;
}

static void waits(struct queues *x, uint64_t call, uint64_t joined)
{
	const struct queue_caller c = {
		.call = call, .tenant = ACME, .queue = "sales", .joined_utc_ms = joined
	};

	assert_int_equal(queues_caller_put(x, &c), 0);
}

static const char *next_at(struct queues *x, uint64_t now, const char *but)
{
	struct queue_caller *c = queue_callback_choose(x, queues_find(x, ACME, SALES), now,
						       any_time, (void *)(uintptr_t)but);

	return c ? c->callback->number : "";
}

static bool picks(struct queues *x, uint64_t now, bool callback, bool is_free,
		  struct queue_match *m)
{
	return callback ? queues_pick_callback(x, ACME, now, free_of, &is_free, m)
			: queues_pick(x, ACME, now, free_of, &is_free, m);
}

/* He stands among the callers, and has the agent whom they would get. */
static void test_place(void **state)
{
	struct queues *x = office(CALLBACK_AGENT);
	struct queue_match m;

	(void)state;
	waits(x, 7, 200);
	waits(x, 5, 50);
	asks(x, "1001", 100, 0, 0);
	assert_int_equal(queue_position(queues_callback(x, ACME, SALES, BYTES_LIT("1001"))), 2);
	assert_int_equal(queue_position(queues_caller(x, 7)), 3);
	assert_int_equal(queues_first(x, ACME)->call, 5);
	assert_string_equal(next_at(x, START, NULL), "1001");
	assert_true(picks(x, START, false, true, &m) && m.caller->call == 5);
	assert_false(picks(x, START, true, true, &m)); /* the agent is for call 5 */
	queues_caller_delete(x, 5);
	assert_false(picks(x, START, false, true, &m)); /* the agent is for him, not for call 7 */
	assert_false(picks(x, START, true, false, &m));
	assert_true(picks(x, START + 1000, true, true, &m) &&
		    !strcmp(m.caller->callback->number, "1001"));
	m.caller->rings = true;
	assert_true(picks(x, START + 1000, false, true, &m) && m.caller->call == 7);
	assert_int_equal(asks(x, "1001", 100, 1, START)->tries, 1); /* the same one */
	assert_int_equal(queues_find(x, ACME, SALES)->callbacks, 1);
	queues_callback_delete(x, ACME, SALES, BYTES_LIT("1001"));
	assert_null(queues_callback(x, ACME, SALES, BYTES_LIT("1001")));
	assert_int_equal(queues_find(x, ACME, SALES)->callbacks, 0);
	queues_free(x);
}

/* A callback that nobody begins holds up the callers behind it for a moment alone. */
static void test_owed(void **state)
{
	struct queues *x = office(CALLBACK_AGENT);
	struct queue_match m;
	uint64_t at;

	(void)state;
	asks(x, "1001", 100, 0, 0);
	waits(x, 7, 200);
	assert_string_equal(next_at(x, START, NULL), "1001");
	for (at = 0; !picks(x, START + at, false, true, &m); at += 100)
		assert_true(at <= 3 * QUEUE_OWED_MS);
	assert_int_equal(m.caller->call, 7);
	assert_true(at >= QUEUE_OWED_MS);
	queues_free(x);
}

/* One at a time, each again behind its pause; the time of one that is not due stops nobody. */
static void test_one_at_a_time(void **state)
{
	struct queues *x = office(CALLBACK_AGENT);
	struct queue_callback *first;

	(void)state;
	first = asks(x, "1001", 100, 0, 0);
	asks(x, "1002", 200, 0, 0);
	assert_string_equal(next_at(x, START, "1001"), "1002");
	assert_string_equal(next_at(x, START, NULL), "1001");
	first->until_utc_ms = START + CALLBACK_BEGINS_MS; /* begun here */
	first->call = 1;
	assert_string_equal(next_at(x, START, NULL), "");
	first->call = 0;
	assert_string_equal(next_at(x, START, NULL), "1002");
	first = asks(x, "1001", 100, 1, START); /* another node calls him */
	assert_string_equal(next_at(x, START + 1, NULL), "");
	assert_true(callback_is_called(&queues_find(x, ACME, SALES)->terms.callback, first,
				       START + RING_MS));
	assert_string_equal(next_at(x, START + RING_MS + CALLBACK_RINGS_MORE_MS, NULL), "1002");
	first->is_made = true; /* here, and the call is over */
	assert_string_equal(next_at(x, START + 1, NULL), "1002");
	assert_string_equal(next_at(x, START + RING_MS + RETRY_MS - 1, "1002"), "");
	assert_string_equal(next_at(x, START + RING_MS + RETRY_MS, NULL), "1001");
	first = asks(x, "1001", 100, 1,
		     START + 5); /* another try: that it was made here means nothing */
	assert_true(
		callback_is_called(&queues_find(x, ACME, SALES)->terms.callback, first, START + 6));
	queues_free(x);
}

static void test_over(void **state)
{
	struct queues *x = office(CALLBACK_AGENT);
	const struct callback_terms *t = &queues_find(x, ACME, SALES)->terms.callback;
	struct queue_callback *b = asks(x, "1001", 100, 2, START);

	(void)state;
	assert_null(callback_over(t, b, START + 1));
	assert_string_equal(callback_over(t, b, START + RING_MS + CALLBACK_RINGS_MORE_MS),
			    "unanswered");
	b = asks(x, "1001", 100, 1, START);
	assert_null(callback_over(t, b, START + 3599999));
	b->call = 1;
	assert_null(callback_over(t, b, START + 3600000)); /* he may answer */
	b->call = 0;
	assert_string_equal(callback_over(t, b, START + 3600000), "expired");
	queues_callback_over(x, ACME, SALES, BYTES_LIT("1001"), "answered");
	queues_callback_over(x, ACME, SALES, BYTES_LIT("1001"), "served");
	queues_callback_over(x, ACME, SALES, BYTES_LIT("1002"), "served");
	assert_string_equal(callback_over(t, b, START + 1), "answered");
	assert_string_equal(next_at(x, START + RING_MS + RETRY_MS, NULL), "");
	assert_non_null(queues_callback(x, ACME, SALES, BYTES_LIT("1001")));
	assert_null(queues_callback(x, ACME + 1, SALES, BYTES_LIT("1001")));
	queues_delete(x, ACME, SALES); /* it can be found, and so deleted */
	queues_callback_delete(x, ACME, SALES, BYTES_LIT("1001"));
	assert_null(queues_any(x, ACME, SALES));
	queues_free(x);
}

/* Two nodes begin the same try, each with the agent for a call of its own. Each keeps its own until
 * one of them learns that it has lost; then both have the other one's call. */
static void test_rivals(void **state)
{
	enum { UNTIL = START + RING_MS };
	struct queues *nodes[2] = { office(CALLBACK_AGENT), office(CALLBACK_AGENT) };
	struct queue_agent_word w = { .holds = true, .until_utc_ms = UNTIL };
	struct queue_agent *a[2];

	(void)state;
	for (int n = 0; n < 2; n++) {
		a[n] = queues_agent(nodes[n], ACME, BYTES_LIT("1011"));
		asks(nodes[n], "1001", 100, 0, 0)->call = 10 + (uint64_t)n;
		agent_hold(nodes[n], a[n], 10 + (uint64_t)n, UNTIL);
	}
	for (int n = 0; n < 2; n++) {
		w.by = 11 - (uint64_t)n;
		assert_int_equal(queues_hear_agent(nodes[n], ACME, BYTES_LIT("1011"),
						   (uint64_t)(2 - n), &w, START),
				 0);
		assert_true(agent_is_of(a[n], 10 + (uint64_t)n));
	}
	queue_callback_release(nodes[1], queues_find(nodes[1], ACME, SALES),
			       queues_callback(nodes[1], ACME, SALES, BYTES_LIT("1001"))->callback);
	w = (struct queue_agent_word){ .by = 11 };
	assert_int_equal(queues_hear_agent(nodes[0], ACME, BYTES_LIT("1011"), 2, &w, START), 0);
	assert_true(agent_is_of(a[0], 10) && a[0]->until_utc_ms == UNTIL);
	assert_true(a[1]->call == 10 && a[1]->process == 1 && a[1]->until_utc_ms == UNTIL);
	w = (struct queue_agent_word){ .by = 12, .holds = true, .until_utc_ms = UNTIL + RING_MS };
	assert_int_equal(queues_hear_agent(nodes[0], ACME, BYTES_LIT("1011"), 2, &w, UNTIL), 0);
	assert_true(a[0]->call == 12 && a[0]->process == 2); /* the former is over */
	queues_free(nodes[0]);
	queues_free(nodes[1]);
}

/* Whose callback is gone keeps no agent, while his phone rings on. Once he is reached, the agents
 * of that call are his. */
static void test_gone(void **state)
{
	(void)state;
	for (int reached = 0; reached < 2; reached++) {
		struct queues *x = office(CALLBACK_AGENT);
		struct queue_agent *a = queues_agent(x, ACME, BYTES_LIT("1011"));
		struct queue_callback *b = asks(x, "1001", 100, 0, 0);

		a->until_utc_ms = START - 1; /* his wrap-up */
		asks(x, "1002", 100, 0, 0);
		queues_callback_delete(x, ACME, SALES, BYTES_LIT("1002")); /* it had nobody */
		assert_int_equal(a->until_utc_ms, START - 1);
		b->call = 9;
		agent_hold(x, a, b->call, START + RING_MS);
		if (reached)
			b->call = 0;
		queues_callback_delete(x, ACME, SALES, BYTES_LIT("1001"));
		assert_int_equal(a->call, reached ? 9 : 0);
		assert_int_equal(a->until_utc_ms, reached ? START + RING_MS : 0);
		queues_free(x);
	}
}

/* When nobody waits before him, and somebody is ready. */
static void test_turn(void **state)
{
	struct queues *x = office(CALLBACK_TURN);
	struct queue_match m;
	int err;

	(void)state;
	waits(x, 5, 50);
	asks(x, "1001", 100, 0, 0);
	waits(x, 7, 200);
	assert_string_equal(next_at(x, START, NULL), "");
	queues_caller_delete(x, 5);
	assert_string_equal(next_at(x, START, NULL), "1001");
	assert_true(picks(x, START, false, true, &m) && m.caller->call == 7);
	assert_false(picks(x, START, true, true, &m));
	assert_non_null(
		queues_agent_put(x, ACME, BYTES_LIT("1011"), AGENT_NOT_READY, BYTES_LIT(""), &err));
	assert_string_equal(next_at(x, START, NULL), "");
	queues_free(x);
}

/* Two nodes have the same documents, in whatever order these came: the same one is next. */
static void test_random(void **state)
{
	struct rand_source r;

	(void)state;
	rand_open_seed(&r, 189);
	for (int h = 0; h < HISTORIES; h++) {
		struct queues *nodes[2] = { office(CALLBACK_AGENT), office(CALLBACK_AGENT) };
		uint64_t now = START;

		for (int s = 0; s < STEPS; s++) {
			char number[DIAL_NUMBER_MAX];
			uint32_t of = rand_below(&r, NUMBERS), joined = rand_below(&r, 5);
			uint8_t tries = (uint8_t)rand_below(&r, 3);
			uint64_t called = tries ? now - rand_below(&r, 2 * RETRY_MS) : 0;
			bool gone = !rand_below(&r, 3);

			(void)snprintf(number, sizeof(number), "10%02u", (unsigned)of);
			for (int n = 0; n < 2; n++) {
				if (gone)
					queues_callback_delete(nodes[n], ACME, SALES,
							       bytes_str(number));
				else
					asks(nodes[n], number, joined, tries, called);
			}
			now += rand_below(&r, RETRY_MS);
			assert_string_equal(next_at(nodes[0], now, NULL),
					    next_at(nodes[1], now, NULL));
			for (int n = 0; n < 2; n++) {
				const struct queue *q = queues_find(nodes[n], ACME, SALES);
				struct queue_walk w = queue_walk(q);
				struct queue_caller *c;
				uint32_t compete = 0, all = 0;

				while ((c = queue_walk_next(&w)) != NULL) {
					compete += !c->rings;
					all++;
				}
				assert_true(compete <= 1);
				assert_int_equal(all, q->callbacks);
			}
		}
		queues_free(nodes[0]);
		queues_free(nodes[1]);
	}
}

/* ---- what a node does ---- */

struct office_node {
	bool has_call, is_answered;
	const char *why; /* its callbacks end for that; NULL: expired */
	uint32_t begun, ended;
};

static uint64_t node_call_of(void *arg, const char *id)
{
	(void)arg;
	return strlen(id);
}

static bool node_has_call(void *arg, uint64_t call)
{
	const struct office_node *n = arg;

	return n->has_call && call;
}

static bool node_is_answered(void *arg, uint64_t call)
{
	const struct office_node *n = arg;

	return n->is_answered && call;
}

static bool node_agent_is_idle(void *arg, const struct queue_agent *a)
{
	(void)arg;
	(void)a;
	return true;
}

static bool node_is_time(void *arg, const struct queue *q, const struct queue_callback *b)
{
	(void)arg;
	(void)q;
	(void)b;
	return true;
}

static void node_begin(void *arg, const struct queue_caller *c, const char *id)
{
	struct office_node *n = arg;

	(void)id;
	assert_int_equal(c->callback->tries, 1);
	n->begun++;
}

static void node_end(void *arg, const struct queue_caller *c, const char *id, const char *why)
{
	struct office_node *n = arg;

	(void)c;
	(void)id;
	assert_string_equal(why, n->why ? n->why : "expired");
	n->ended++;
}

/* A process that did not make the last try has its call: it makes no other one while that is there. */
static void test_taken_back(void **state)
{
	struct queues *x = office(CALLBACK_AGENT);
	struct office_node n = { .has_call = true };
	const struct callback_host h = { node_is_time,     node_agent_is_idle,
					 node_call_of,     node_has_call,
					 node_is_answered, node_begin,
					 node_end,         &n };
	const struct queue_callback *b = asks(x, "1001", 100, 1, START);
	uint64_t due = START + RING_MS + RETRY_MS;

	(void)state;
	queues_callbacks_turn(x, &h, due + 1);
	assert_true(b->is_made && b->call);
	queues_callbacks_turn(x, &h, due + 3600000);
	assert_int_equal(n.begun + n.ended, 0);
	n.has_call = false;
	queues_callbacks_turn(x, &h, due + 2);
	queues_callbacks_turn(x, &h, due + 3);
	assert_int_equal(n.begun, 1);
	assert_int_equal(n.ended, 0);
	queues_callback_lost(x, b->call);
	assert_int_equal(b->call, 0);
	queues_callbacks_turn(x, &h, due + 4);
	queues_callbacks_turn(x, &h, due + 5);
	assert_int_equal(n.begun + n.ended, 1); /* a command about it is under way */
	queues_callbacks_turn(x, &h, START + 3600000);
	assert_int_equal(n.ended, 1);
	queues_free(x);
}

/* The process that made the try died before it could delete the document: its successor does. */
static void test_answered_before_the_kill(void **state)
{
	struct queues *x = office(CALLBACK_AGENT);
	struct office_node n = { .has_call = true, .is_answered = true, .why = "answered" };
	const struct callback_host h = { node_is_time,     node_agent_is_idle,
					 node_call_of,     node_has_call,
					 node_is_answered, node_begin,
					 node_end,         &n };
	const struct queue_callback *b = asks(x, "1001", 100, 1, START);
	uint64_t due = START + RING_MS + RETRY_MS;

	(void)state;
	queues_callbacks_turn(x, &h, due + 1);
	queues_callbacks_turn(x, &h, due + 2);
	assert_int_equal(n.ended, 1);
	assert_int_equal(n.begun, 0);
	assert_int_equal(b->call, 0); /* no agent of the call is free */
	n.has_call = false;           /* the store does not answer yet */
	queues_callbacks_turn(x, &h, due + CALLBACK_BEGINS_MS + 2);
	assert_int_equal(n.ended, 2);
	assert_int_equal(n.begun, 0);
	queues_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_owed),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_over),
		cmocka_unit_test(test_rivals),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_turn),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_taken_back),
		cmocka_unit_test(test_answered_before_the_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
