/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/queries.h"

#include "tests/unit/test.h"

static struct tickets g_tickets;
static struct queries g_queries = { .tickets = &g_tickets };
static int g_ended;
static struct query g_last;

static void on_done(const struct query *q, void *arg)
{
	(void)arg;
	g_ended++;
	g_last = *q;
}

static struct query *begin(uint32_t flows)
{
	struct query *q = queries_open(&g_queries);

	assert_non_null(q);
	for (uint32_t i = 0; i < flows; i++)
		q->flows[q->count++].id = (struct flow_id){ .slot = i, .generation = 5 };
	g_ended = 0;
	return q;
}

static void stats(uint32_t slot, uint32_t generation, uint64_t packets)
{
	struct media_event event = { .kind = MEDIA_FLOW_STATS, .id = { slot, generation } };

	event.stats.packets_in = packets;
	queries_event(&g_queries, &event);
}

static void test_all_answer(void **state)
{
	(void)state;
	queries_start(&g_queries, begin(2), 1000, on_done, NULL);
	stats(0, 4, 1); /* an earlier use of the port */
	stats(7, 5, 1);
	stats(1, 5, 11);
	assert_int_equal(g_ended, 0);
	stats(0, 5, 10);
	assert_int_equal(g_ended, 1);
	assert_int_equal(g_last.flows[0].stats.packets_in, 10);
	assert_int_equal(g_last.flows[1].stats.packets_in, 11);
	assert_int_equal(tickets_next_ns(&g_tickets), UINT64_MAX);
}

static void test_deadline(void **state)
{
	(void)state;
	queries_start(&g_queries, begin(2), 1000, on_done, NULL);
	stats(1, 5, 11);
	assert_int_equal(tickets_next_ns(&g_tickets), 1000);
	tickets_expire(&g_tickets, 999);
	assert_int_equal(g_ended, 0);
	tickets_expire(&g_tickets, 1000);
	assert_int_equal(g_ended, 1);
	assert_false(g_last.flows[0].answered);
	assert_true(g_last.flows[1].answered);
	stats(0, 5, 10); /* late */
	assert_int_equal(g_ended, 1);
}

static void test_nothing_to_wait_for(void **state)
{
	(void)state;
	queries_start(&g_queries, begin(0), 1000, on_done, NULL);
	assert_int_equal(g_ended, 1);
}

static void test_two_ask_for_the_same_flow(void **state)
{
	struct query *a = begin(1), *b = begin(1);

	(void)state;
	queries_start(&g_queries, a, 1000, on_done, NULL);
	queries_start(&g_queries, b, 1000, on_done, NULL);
	stats(0, 5, 1);
	assert_int_equal(g_ended, 2);
}

static void test_full(void **state)
{
	(void)state;
	for (int i = 0; i < QUERIES_MAX; i++)
		queries_start(&g_queries, begin(1), 1000, on_done, NULL);
	assert_null(queries_open(&g_queries));
	tickets_expire(&g_tickets, UINT64_MAX);
	assert_int_equal(g_queries.used, 0);
}

static struct ticket g_waits[4];
static char g_late[16];

/* The second one ends the third, and waits again. */
static void on_late(struct ticket *t)
{
	size_t i = (size_t)(t - g_waits);

	g_late[strlen(g_late)] = (char)('0' + i);
	ticket_end(t);
	if (i == 1) {
		ticket_end(&g_waits[2]);
		ticket_wait(&g_tickets, t, 5, on_late);
	}
}

static void test_tickets(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_waits); i++)
		ticket_wait(&g_tickets, &g_waits[i], 10 + i, on_late);
	assert_int_equal(tickets_next_ns(&g_tickets), 10);
	tickets_expire(&g_tickets, 10);
	assert_string_equal(g_late, "0");
	ticket_end(&g_waits[0]); /* again */
	tickets_expire(&g_tickets, UINT64_MAX);
	assert_string_equal(g_late, "013");
	assert_int_equal(tickets_next_ns(&g_tickets), 5);
	ticket_end(&g_waits[1]);
	assert_int_equal(tickets_next_ns(&g_tickets), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_answer),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_nothing_to_wait_for),
		cmocka_unit_test(test_two_ask_for_the_same_flow),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_tickets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
