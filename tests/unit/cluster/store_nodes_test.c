/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cluster/node.h"

struct found {
	struct node *node;
	struct roster_node last;
	unsigned count, alive;
};

static void on_node(const struct roster_node *node, bool alive, void *arg)
{
	struct found *f = arg;

	f->last = *node;
	f->count++;
	f->alive += alive;
}

static void on_read(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct found *f = arg;

	node_done(result, key, version, f->node);
}

static void read_all(struct found *f, const char *answer)
{
	f->count = f->alive = 0;
	store_nodes_read(f->node->shared, on_node, on_read, f);
	NODE_EXPECT(f->node, answer);
}

static void test_put_read_remove(void **state)
{
	struct roster_node own = { .id = 0xa,
				   .beat = 1,
				   .address = "192.0.2.1:7",
				   .name = "a",
				   .shards = { 17 },
				   .shard_count = 1 };
	struct server s;
	struct node n;
	struct found f = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	store_node_put(n.shared, &own, node_done, &n);
	own.id = 0xb;
	store_node_put(n.shared, &own, node_done, &n);
	NODE_EXPECT(&n, "oo");
	read_all(&f, "o");
	assert_true(n.version == 2 && f.count == 2 && f.alive == 2);
	assert_string_equal(f.last.name, "a");
	assert_int_equal(f.last.shards[0], 17);
	store_node_remove(n.shared, 0xb, node_done, &n);
	NODE_EXPECT(&n, "o");
	read_all(&f, "o");
	assert_true(f.count == 1 && f.last.id == 0xa);
	node_without_server(&n, &s);
}

/* Anybody may have written it. */
static void test_hostile(void **state)
{
	static const char *const texts[] = { "", "x", "1 1 1 1 1 1", "2 later",
					     "1 1 0000000000000001" };
	const struct roster_node own = { .id = 0xa, .address = "192.0.2.1:7", .name = "a" };
	struct server s;
	struct node n;
	struct found f = { .node = &n };

	(void)state;
	node_with_server(&n, &s);
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		(void)server_ask(&s, "HSET td:{nodes} 000000000000000%d %s", (int)i + 1, texts[i]);
		read_all(&f, "o");
		assert_int_equal(f.count, 0);
	}
	(void)server_ask(&s, "DEL td:{nodes}");
	(void)server_ask(&s, "SET td:{nodes} x");
	read_all(&f, "r");
	store_node_put(n.shared, &own, node_done, &n);
	NODE_EXPECT(&n, "r");
	/* it is set aside */
	store_shared_keys_check(n.shared, node_done, &n);
	NODE_EXPECT(&n, "o");
	store_node_put(n.shared, &own, node_done, &n);
	NODE_EXPECT(&n, "o");
	read_all(&f, "o");
	assert_int_equal(f.count, 1);
	node_without_server(&n, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_read_remove),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
