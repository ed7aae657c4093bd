/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "cluster/roster.h"

#define S UINT64_C(1000000000)

/* Whoever acks and whoever consents have a node in common, in each size. */
static void test_quorums(void **state)
{
	(void)state;
	for (uint32_t count = 1; count <= MEMBERS_MAX; count++) {
		struct members m = { { 2, 3, 4 }, count };
		uint32_t voters = 0;

		for (uint64_t id = 1; id <= 5; id++)
			voters += members_votes(&m, 1, id);
		assert_int_equal(voters, count < MEMBERS_MAX ? count + 1 : count);
		/* two claims, unless one is alone: then Redis decides */
		assert_true(count == 1 || 2 * members_consents(&m) > voters);
		/* a claim and the owner: it is one of those that vote, or does not */
		assert_true(members_acks(&m) + members_consents(&m) + (voters > count) > voters);
	}
}

static void test_acked_until(void **state)
{
	static const struct {
		uint32_t count;
		uint64_t sent[MEMBERS_MAX], until;
	} rows[] = {
		{ 0, { 9, 9, 9 }, 0 },	{ 1, { 0, 9, 9 }, 0 },	 { 1, { 5, 9, 9 }, 105 },
		{ 2, { 5, 0, 9 }, 105 }, { 2, { 5, 7, 9 }, 107 }, { 3, { 5, 0, 0 }, 0 },
		{ 3, { 5, 9, 7 }, 107 }, { 3, { 9, 5, 7 }, 107 }, { 3, { 5, 5, 9 }, 105 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct members m = { { 2, 3, 4 }, row->count };

		assert_int_equal(members_acked_until(&m, row->sent, 100), row->until);
	}
}

static void expect(const struct members *m, const char *ids)
{
	assert_int_equal(m->count, strlen(ids));
	for (uint32_t i = 0; i < m->count; i++)
		assert_int_equal(m->ids[i], ids[i] - '0');
}

static void test_next(void **state)
{
	struct member nodes[] = { { 2, 10 * S, false },
				  { 3, 10 * S, false },
				  { 4, 10 * S, false },
				  { 5, 10 * S, false } };
	struct members now = { 0 }, next;

	(void)state;
	members_next(&next, &now, nodes, 0, 10 * S);
	expect(&next, "");
	members_next(&next, &now, nodes, 2, 10 * S);
	expect(&next, "23");
	members_next(&next, &now, nodes, 4, 10 * S);
	expect(&next, "234");
	now = next;
	nodes[1].received_ns = 7 * S + 1;
	members_next(&next, &now, nodes, 4, 10 * S);
	expect(&next, "234");
	members_next(&next, &now, nodes, 4, 10 * S + 1);
	expect(&next, "245");
	/* nobody is there in its place */
	members_next(&next, &now, nodes, 3, 10 * S + 1);
	expect(&next, "243");
	nodes[0].leaving = true;
	members_next(&next, &now, nodes, 4, 10 * S + 1);
	expect(&next, "453");
}

/* Who leaves goes at once, also the last one. Who is only not heard stays. */
static void test_next_leaving(void **state)
{
	struct member nodes[] = { { 2, 10 * S, false }, { 3, 10 * S, true }, { 4, 10 * S, false } };
	struct members now = { { 2, 3 }, 2 }, next;

	(void)state;
	members_next(&next, &now, nodes, 2, 10 * S);
	expect(&next, "2");
	members_next(&next, &now, nodes, 3, 10 * S);
	expect(&next, "24");
	members_next(&next, &now, nodes, 2, 20 * S);
	expect(&next, "2");
	nodes[0].leaving = true;
	members_next(&next, &now, nodes, 2, 10 * S);
	expect(&next, "");
	now = (struct members){ { 2, 3, 4 }, 3 };
	members_next(&next, &now, nodes, 3, 20 * S);
	expect(&next, "4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quorums),
		cmocka_unit_test(test_acked_until),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_next_leaving),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
