/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "sig/sip/hop.h"

#define STREAM ((UINT64_C(77) << 32) | 4711)
#define WEB    ((UINT64_C(1) << 63) | (UINT64_C(9) << 17) | 3)

static struct hop_edges g_edges;

static int setup(void **state)
{
	(void)state;
	g_edges = (struct hop_edges){ .self = 1 };
	return 0;
}

static uint64_t put(uint64_t process, uint64_t connection)
{
	return hop_edge_put(&g_edges, &(struct hop_edge){ process, connection });
}

static void test_names_lead_back(void **state)
{
	static const uint64_t connections[] = { STREAM, WEB };
	struct hop_edge edge;

	(void)state;
	for (uint64_t process = 2; process < 5; process++) {
		for (size_t i = 0; i < COUNT_OF(connections); i++) {
			uint64_t name = put(process, connections[i]);

			assert_true(hop_is_edge(name) && name == put(process, connections[i]));
			assert_true(hop_edge_get(&g_edges, name, &edge));
			assert_true(edge.process == process && edge.connection == connections[i]);
		}
	}
	assert_true(put(2, STREAM) != put(3, STREAM));
	assert_true(put(2, STREAM) != put(2, WEB));
}

static void test_own_ones_stay_as_they_are(void **state)
{
	struct hop_edge edge;

	(void)state;
	assert_true(put(1, STREAM) == STREAM && put(1, WEB) == WEB);
	assert_true(hop_edge_get(&g_edges, STREAM, &edge));
	assert_true(edge.process == 1 && edge.connection == STREAM);
	assert_false(hop_edge_get(&g_edges, 0, &edge));
}

static void test_what_cannot_be_named(void **state)
{
	struct hop_edge edge;

	(void)state;
	assert_true(put(2, 0) == 0 && put(0, STREAM) == 0);
	assert_true(put(2, UINT64_C(1) << 32 | UINT32_MAX) == 0);
	assert_true(put(2, UINT64_C(1) << 63 | UINT64_C(1) << 60) == 0);
	assert_true(put(2, put(3, STREAM)) == 0);
	assert_true(hop_edge_put(NULL, &(struct hop_edge){ 2, STREAM }) == 0);
	assert_false(hop_edge_get(NULL, STREAM, &edge));
	g_edges.self = 0;
	assert_false(hop_edge_get(&g_edges, STREAM, &edge));
}

/* A message for the eldest goes to a process that has no such connection from there. */
static void test_eldest_makes_room(void **state)
{
	uint64_t first = put(2, STREAM);
	struct hop_edge edge;

	(void)state;
	for (uint64_t i = 0; i < HOP_EDGES_MAX; i++)
		(void)put(3 + i, STREAM);
	assert_true(hop_edge_get(&g_edges, first, &edge));
	assert_true(edge.process == 2 + HOP_EDGES_MAX);
	assert_true(hop_edge_get(&g_edges, put(3 + HOP_EDGES_MAX - 2, STREAM), &edge));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_names_lead_back, setup),
		cmocka_unit_test_setup(test_own_ones_stay_as_they_are, setup),
		cmocka_unit_test_setup(test_what_cannot_be_named, setup),
		cmocka_unit_test_setup(test_eldest_makes_room, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
