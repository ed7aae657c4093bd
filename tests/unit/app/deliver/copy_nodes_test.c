/* SPDX-License-Identifier: Apache-2.0 */
/* Which nodes there are, and which of them has, or had, the copies of this one. */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "app/deliver/process.h"

enum { SELF = 0x20, NOW_MS = 5000 };

struct seen {
	uint64_t id;
	bool alive;
};

static int setup(void **state)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	p->terms.copies.id = SELF;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

#define NODES_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* As the node says. */
static void told(struct process *p, const struct seen *list, size_t n)
{
	json_t *nodes = json_array();

	for (size_t i = 0; i < n; i++) {
		char id[17], address[32];

		(void)snprintf(id, sizeof(id), "%016llx", (unsigned long long)list[i].id);
		(void)snprintf(address, sizeof(address), "192.0.2.%u:5070",
			       (unsigned)(list[i].id & 0xff));
		assert_int_equal(json_array_append_new(nodes, json_pack("{s:s, s:s, s:b}", "id", id,
									"address", address, "alive",
									(int)list[i].alive)),
				 0);
	}
	process_copies_nodes(p, nodes);
	json_decref(nodes);
}

static uint64_t neighbour(struct process *p)
{
	const struct process_node *n = process_copies_neighbour(p);

	return n ? n->id : 0;
}

static uint64_t former(struct process *p, uint64_t now_ms)
{
	const struct process_node *n = process_copies_former(p, now_ms);

	return n ? n->id : 0;
}

static void next_behind_itself(void **state)
{
	static const struct seen ALL[] = {
		{ 0x10, true }, { SELF, true }, { 0x40, true }, { 0x30, true }
	};
	static const struct seen FEWER[] = {
		{ 0x10, true }, { SELF, true }, { 0x40, false }, { 0x30, false }
	};
	struct process *p = *state;

	assert_int_equal(neighbour(p), 0);
	assert_false(process_copies_sees_itself(p));
	told(p, ALL, COUNT_OF(ALL));
	assert_true(process_copies_sees_itself(p));
	assert_int_equal(neighbour(p), 0x30);
	told(p, FEWER, COUNT_OF(FEWER)); /* behind the last one is the first */
	assert_int_equal(neighbour(p), 0x10);
	told(p, FEWER + 1, 1);
	assert_int_equal(neighbour(p), 0);
	assert_true(process_copies_sees_itself(p));
	told(p, FEWER, 1);
	assert_false(process_copies_sees_itself(p));
}

/* Three failures in turn, and it is the one behind that: in the end the first one again. */
static void another_one_after_failures(void **state)
{
	static const struct seen ALL[] = {
		{ 0x10, true }, { SELF, true }, { 0x30, true }, { 0x40, true }
	};
	static const uint64_t wants[] = {
		0x30, 0x30, 0x30, 0x40, 0x40, 0x40, 0x10, 0x10, 0x10, 0x30
	};
	struct process *p = *state;

	told(p, ALL, COUNT_OF(ALL));
	for (size_t i = 0; i < COUNT_OF(wants); i++) {
		p->copies.failures = (unsigned)i;
		assert_int_equal(neighbour(p), wants[i]);
	}
}

/* Whoever may have copies of before: not this node, nor who is to have them, nor who is gone or was asked already. */
static void former_ones(void **state)
{
	static const struct seen ALL[] = {
		{ 0x10, true }, { SELF, true }, { 0x30, true }, { 0x40, true }, { 0x50, false }
	};
	struct process *p = *state;

	assert_int_equal(former(p, NOW_MS), 0);
	told(p, ALL, COUNT_OF(ALL));
	p->copies.to = 0x30;
	assert_int_equal(former(p, NOW_MS), 0x10);
	process_copies_node(&p->copies, 0x10)->clear = true;
	assert_int_equal(former(p, NOW_MS), 0x40);
	process_copies_node(&p->copies, 0x40)->clear_ms = NOW_MS + 1; /* it failed a moment ago */
	assert_int_equal(former(p, NOW_MS), 0);
	assert_int_equal(former(p, NOW_MS + 1), 0x40);
	process_copies_node(&p->copies, 0x50)->alive = true; /* it came back */
	assert_int_equal(former(p, NOW_MS), 0x50);
	p->copies.to = 0x50;
	assert_int_equal(former(p, NOW_MS), 0x30); /* which was the neighbour before */
}

/* Since when one is gone. */
static void gone_since(void **state)
{
	static const struct seen BOTH[] = { { SELF, true }, { 0x30, true } };
	struct process *p = *state;
	struct process_node *node;
	uint64_t gone_ms;

	told(p, BOTH, 2);
	node = process_copies_node(&p->copies, 0x30);
	assert_true(node->alive);
	assert_int_equal(node->address.port, 5070);
	assert_int_equal(node->gone_ms, 0);
	told(p, BOTH, 1);
	gone_ms = node->gone_ms;
	assert_false(node->alive);
	assert_true(gone_ms > 0);
	told(p, BOTH, 1);
	assert_int_equal(node->gone_ms, gone_ms);
	told(p, BOTH, 2);
	assert_int_equal(node->gone_ms, 0);
}

/* What is no node is left out, and so are more than there is room for. */
static void not_nodes(void **state)
{
	static const char *const bad[] = {
		"[{}]",
		"[7]",
		"[{\"id\":\"30\",\"address\":\"192.0.2.1:5\",\"alive\":true}]",
		"[{\"id\":\"00000000000000xx\",\"address\":\"192.0.2.1:5\",\"alive\":true}]",
		"[{\"id\":\"000000000000003000\",\"address\":\"192.0.2.1:5\",\"alive\":true}]",
		"[{\"id\":30,\"address\":\"192.0.2.1:5\",\"alive\":true}]",
	};
	static const char *const dead[] = {
		"[{\"id\":\"0000000000000030\",\"alive\":true}]",
		"[{\"id\":\"0000000000000030\",\"address\":\"nowhere\",\"alive\":true}]",
		"[{\"id\":\"0000000000000030\",\"address\":\"192.0.2.1\",\"alive\":true}]",
		"[{\"id\":\"0000000000000030\",\"address\":\"192.0.2.1:5\",\"alive\":1}]",
	};
	struct process *p = *state;
	struct seen many[PROCESS_NODES_MAX + 1];

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		json_t *list = json_loads(bad[i], 0, NULL);

		assert_non_null(list);
		process_copies_nodes(p, list);
		json_decref(list);
		assert_int_equal(p->copies.count, 0);
	}
	for (size_t i = 0; i < COUNT_OF(dead); i++) {
		json_t *list = json_loads(dead[i], 0, NULL);

		assert_non_null(list);
		process_copies_nodes(p, list);
		json_decref(list);
		assert_int_equal(p->copies.count, 1);
		assert_int_equal(neighbour(p), 0);
	}
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = (struct seen){ 0x100 + i, true };
	told(p, many, COUNT_OF(many));
	assert_int_equal(p->copies.count, PROCESS_NODES_MAX);
	assert_int_equal(neighbour(p), 0x100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODES_TEST(next_behind_itself), NODES_TEST(another_one_after_failures),
		NODES_TEST(former_ones),        NODES_TEST(gone_since),
		NODES_TEST(not_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
