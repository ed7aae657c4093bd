/* SPDX-License-Identifier: Apache-2.0 */
/* Long lists take turns: none is longer than its millisecond, and what is listed is the newest, whatever happens between two turns. */
#include "app/command/command_walk.h"

#include <stdlib.h>

#include "app/node/node.h"
#include "base/clock.h"
#include "tests/unit/test.h"

enum { ENTRIES_MAX = 2000, ENDED = 0 };
#define LOOK_NS (10 * 1000) /* of one entry, so that a turn has a hundred */
enum { LOOKS_OF_A_TURN = 150 };

static struct {
	uint64_t utc_ms[ENTRIES_MAX]; /* by place; ENDED: nobody is there */
	uint32_t count, looks;
	json_t *answers[2];
	uint32_t answered;
} g_rig;

static void on_answer(json_t *answer, void *arg)
{
	char *text = command_answer_text(answer);

	(void)arg;
	assert_non_null(text);
	g_rig.answers[g_rig.answered] = json_loads(text, 0, NULL);
	assert_non_null(g_rig.answers[g_rig.answered++]);
	free(text);
}

static bool look(const struct command_run *run, const struct command_span *span,
		 struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	uint64_t until_ns = clock_now_ns() + LOOK_NS;

	(void)run;
	g_rig.looks++;
	while (clock_now_ns() < until_ns)
		;
	while (at->place < g_rig.count && g_rig.utc_ms[at->place] == ENDED)
		at->place++;
	if (at->place >= g_rig.count)
		return false;
	out->utc_ms = g_rig.utc_ms[at->place];
	(void)snprintf(out->key, sizeof(out->key), "%04u", at->place);
	out->wanted = command_span_has(span, out->utc_ms);
	out->json = show && out->wanted
			    ? json_pack("[i, I]", (int)at->place, (json_int_t)out->utc_ms)
			    : NULL;
	at->place++;
	return true;
}

static void walk_start_at(struct node *n, uint64_t limit, const char *cursor)
{
	struct command_run *run = calloc(1, sizeof(*run));
	struct command_error error;
	json_t *args = json_pack("{s:I, s:s*}", "limit", (json_int_t)limit, "cursor", cursor);

	assert_non_null(run);
	run->command = command_find(BYTES_LIT("call.list"));
	run->node = n;
	run->done = on_answer;
	run->list = calloc(1, sizeof(*run->list));
	assert_int_equal(list_open(run->list, run->command, args, &error), 0);
	json_decref(args);
	command_walk_start(run, look);
}

static void walk_start(struct node *n, uint64_t limit)
{
	walk_start_at(n, limit, NULL);
}

static uint32_t turn(struct node *n)
{
	g_rig.looks = 0;
	command_walks_round(n);
	assert_true(g_rig.looks <= LOOKS_OF_A_TURN);
	return g_rig.looks;
}

static void setup(uint32_t count)
{
	memset(&g_rig, 0, sizeof(g_rig));
	g_rig.count = count;
	for (uint32_t i = 0; i < count; i++)
		g_rig.utc_ms[i] = 1 + (i * 7919) % count; /* each time once, in no order */
}

static void assert_row(json_t *answer, size_t i, json_int_t utc_ms)
{
	json_t *row = json_array_get(json_object_get(answer, "result"), i);

	assert_int_equal(json_integer_value(json_array_get(row, 1)), utc_ms);
}

/* Two at once have half of the time each. */
static void test_turns(void **state)
{
	struct node *n = calloc(1, sizeof(*n));
	uint32_t turns = 0;

	(void)state;
	assert_non_null(n);
	setup(ENTRIES_MAX);
	walk_start(n, 100);
	walk_start(n, 3);
	assert_int_equal(g_rig.looks, 0);
	while (n->api.walks) {
		(void)turn(n);
		turns++;
	}
	assert_true(turns > 2 * ENTRIES_MAX / LOOKS_OF_A_TURN);
	assert_int_equal(g_rig.answered, 2);
	assert_int_equal(json_array_size(json_object_get(g_rig.answers[0], "result")) +
				 json_array_size(json_object_get(g_rig.answers[1], "result")),
			 103);
	for (size_t a = 0; a < 2; a++) {
		json_t *result = json_object_get(g_rig.answers[a], "result");

		for (size_t i = 0; i < json_array_size(result); i++)
			assert_row(g_rig.answers[a], i, (json_int_t)(ENTRIES_MAX - i));
		json_decref(g_rig.answers[a]);
	}
	free(n);
}

static uint32_t place_of(uint64_t utc_ms)
{
	uint32_t i = 0;

	while (g_rig.utc_ms[i] != utc_ms)
		i++;
	return i;
}

/* Between the look at all and the last row. */
static void test_what_happens_meanwhile(void **state)
{
	struct node *n = calloc(1, sizeof(*n));
	uint32_t looked = 0, again;

	(void)state;
	assert_non_null(n);
	setup(ENTRIES_MAX);
	walk_start(n, 1000);
	while (looked <= ENTRIES_MAX)
		looked += turn(n);
	assert_non_null(n->api.walks);
	g_rig.utc_ms[place_of(1500)] = ENDED;
	again = place_of(1100);
	g_rig.utc_ms[again] = 5000; /* a phone has registered again: it stays where it was */
	while (n->api.walks)
		(void)turn(n);
	assert_int_equal(json_array_size(json_object_get(g_rig.answers[0], "result")), 999);
	assert_row(g_rig.answers[0], 0, 2000);
	assert_row(g_rig.answers[0], 499, 1501);
	assert_row(g_rig.answers[0], 500, 1499);
	assert_row(g_rig.answers[0], 899, 5000);
	assert_row(g_rig.answers[0], 998, 1001);
	json_decref(g_rig.answers[0]);
	free(n);
}

/* What comes and goes between two pages moves no other row. */
static void test_pages(void **state)
{
	struct node *n = calloc(1, sizeof(*n));
	char cursor[LIST_CURSOR_MAX] = "";
	json_int_t want = 500;

	(void)state;
	assert_non_null(n);
	setup(500);
	do {
		json_t *result;

		g_rig.answered = 0;
		walk_start_at(n, 120, cursor[0] ? cursor : NULL);
		while (n->api.walks)
			(void)turn(n);
		result = json_object_get(g_rig.answers[0], "result");
		for (size_t i = 0; i < json_array_size(result); i++, want--) {
			if (want == 200)
				want--;
			assert_row(g_rig.answers[0], i, want);
		}
		(void)snprintf(
			cursor, sizeof(cursor), "%.*s", LIST_CURSOR_MAX - 1,
			json_is_string(json_object_get(g_rig.answers[0], "next"))
				? json_string_value(json_object_get(g_rig.answers[0], "next"))
				: "");
		json_decref(g_rig.answers[0]);
		if (g_rig.count == 500)
			g_rig.utc_ms[place_of(200)] = ENDED;
		g_rig.utc_ms[g_rig.count++] = 3000;
	} while (cursor[0]);
	assert_int_equal(want, 0);
	assert_int_equal(g_rig.count, 505);
	free(n);
}

static void test_none_and_a_stop(void **state)
{
	struct node *n = calloc(1, sizeof(*n));

	(void)state;
	assert_non_null(n);
	setup(0);
	walk_start(n, 1);
	(void)turn(n);
	assert_int_equal(json_array_size(json_object_get(g_rig.answers[0], "result")), 0);
	json_decref(g_rig.answers[0]);
	setup(ENTRIES_MAX);
	walk_start(n, 1);
	(void)turn(n);
	command_walks_drop(n);
	assert_null(n->api.walks);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(g_rig.answers[0], "error"), "code")),
			    "unavailable");
	json_decref(g_rig.answers[0]);
	free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_what_happens_meanwhile),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_none_and_a_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
