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

struct owned {
	struct node *node;
	char line[ROSTER_TEXT_MAX], place[TWIN_PLACE_MAX];
};

static void on_own(const struct store_own_answer *said, void *arg)
{
	struct owned *o = arg;

	(void)!bytes_cstr(said->line, o->line, sizeof(o->line));
	(void)!bytes_cstr(said->place, o->place, sizeof(o->place));
	node_done(said->result, 0, 0, o->node);
}

static void own_put(struct owned *o, uint64_t incarnation, uint64_t beat, const char *seen,
		    const char *answer)
{
	const struct identity identity = { .place = "p", .where = "host:/dir" };
	const struct roster_node node = { .id = 0xa,
					  .beat = beat,
					  .incarnation = incarnation,
					  .address = "192.0.2.1:7",
					  .name = "a" };
	const struct store_own own = { .node = &node,
				       .identity = &identity,
				       .seen = bytes_str(seen ? seen : ""),
				       .look = !seen };

	store_node_own(o->node->shared, &own, on_own, o);
	NODE_EXPECT(o->node, answer);
}

/* Nobody writes over the line of another process unless he has seen it. */
static void test_own(void **state)
{
	struct server s;
	struct node n;
	struct owned o = { .node = &n };
	struct found f = { .node = &n };
	char seen[ROSTER_TEXT_MAX];

	(void)state;
	node_with_server(&n, &s);
	own_put(&o, 1, 0, NULL, "o");
	assert_string_equal(o.line, "");
	own_put(&o, 1, 1, "", "o");
	own_put(&o, 1, 2, "", "o");
	own_put(&o, 2, 1, NULL, "o");
	assert_string_equal(o.line, "1 2 0000000000000001 192.0.2.1:7 - a");
	assert_string_equal(o.place, "0000000000000001 p host:/dir");
	memcpy(seen, o.line, sizeof(seen));
	own_put(&o, 2, 1, "", "c");
	assert_string_equal(o.line, seen);
	own_put(&o, 1, 3, "", "o");
	own_put(&o, 2, 1, seen, "c"); /* it has a beat more */
	own_put(&o, 2, 1, o.line, "o");
	own_put(&o, 1, 4, "", "c");
	assert_string_equal(o.line, "1 1 0000000000000002 192.0.2.1:7 - a");
	assert_string_equal(o.place, "0000000000000002 p host:/dir");
	(void)server_ask(&s, "HSET td:{nodes} 000000000000000a nonsense");
	own_put(&o, 1, 5, "", "o");
	read_all(&f, "o");
	assert_true(f.count == 1 && f.last.beat == 5 && f.last.incarnation == 1);
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
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
