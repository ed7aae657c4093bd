/* SPDX-License-Identifier: Apache-2.0 */
/* A shard goes from one node that lives to another one. */
#include <glob.h>

#include "tests/unit/cluster/node.h"

static struct {
	uint64_t by;
	unsigned times;
} g_wanted;

static void on_wanted(uint64_t by, void *arg)
{
	(void)arg;
	g_wanted.by = by;
	g_wanted.times++;
}

/* Leases that are renewed each 100 ms. a: has the shard; b: does not. */
static void open_both(struct node *a, struct node *b, struct server *s)
{
	memset(&g_wanted, 0, sizeof(g_wanted));
	server_dir(s);
	server_start(s, NULL);
	node_open(a, s,
		  &(struct node_settings){
			  .name = "a", .incarnation = 1, .lease_ms = 300, .wanted = on_wanted });
	store_acquire(a->store, node_done, a);
	NODE_EXPECT(a, "o");
	node_open(b, s,
		  &(struct node_settings){
			  .name = "b", .incarnation = 2, .lease_ms = 300, .spool = "b" });
}

static void close_both(struct node *a, struct node *b, struct server *s)
{
	node_close(a);
	node_close(b);
	server_stop(s);
}

static bool is_wanted(void *arg)
{
	(void)arg;
	return g_wanted.times != 0;
}

static bool is_connected(void *arg)
{
	return redis_is_connected(((struct node *)arg)->redis);
}

static void want(struct node *b)
{
	assert_true(drive(b->redis, 10000, is_connected, b));
	store_lease_request(b->store);
	store_acquire(b->store, node_done, b);
	NODE_EXPECT(b, "c"); /* not yet */
}

static void give(struct node *a, uint64_t to, const char *answer)
{
	do {
		a->n = 0;
		store_lease_give(a->store, to, node_done, a);
		(void)drive(a->redis, 10000, node_has_answered, &(struct node_goal){ a, 1 });
	} while (a->answers[0] == 'r'); /* it is being renewed */
	assert_string_equal(a->answers, answer);
	a->n = 0;
}

static void test_wanted_and_given(void **state)
{
	struct server s;
	struct node a, b;

	(void)state;
	open_both(&a, &b, &s);
	want(&b);
	assert_true(drive(a.redis, 10000, is_wanted, &a));
	assert_int_equal(g_wanted.by, 0xb);
	give(&a, g_wanted.by, "o");
	assert_false(store_is_healthy(a.store));
	node_save(&a, 42, 1, "late");
	NODE_EXPECT(&a, "f");
	store_acquire(b.store, node_done, &b);
	NODE_EXPECT(&b, "o");
	assert_int_equal(store_epoch(b.store), 3);
	assert_string_equal(server_ask(&s, "HGET td:{s17}:lease node"), "b");
	assert_string_equal(server_ask(&s, "HEXISTS td:{s17}:lease wanting"), "0");
	/* it is watched like any other: its owner lives */
	store_acquire(a.store, node_done, &a);
	NODE_EXPECT(&a, "c");
	assert_string_equal(store_holder(a.store)->node, "b");
	close_both(&a, &b, &s);
}

/* Whom it names may claim it: not one word of the next owner without their knowing. It leaves its place to the one before. */
static void test_given_with_names(void **state)
{
	const struct members named = { .count = 2, .ids = { 0xb, 0xc } };
	struct server s;
	struct node a, b;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&a, &s,
		  &(struct node_settings){
			  .name = "a", .incarnation = 1, .lease_ms = 300, .wanted = on_wanted });
	store_acquire(a.store, node_done, &a);
	NODE_EXPECT(&a, "o");
	store_lease_name(a.store, &named);
	node_open(&b, &s,
		  &(struct node_settings){ .name = "b",
					   .incarnation = 2,
					   .lease_ms = 300,
					   .spool = "b",
					   .keeps_names = true });
	memset(&g_wanted, 0, sizeof(g_wanted));
	want(&b);
	assert_true(drive(a.redis, 10000, is_wanted, &a));
	give(&a, g_wanted.by, "o");
	store_acquire(b.store, node_done, &b);
	NODE_EXPECT(&b, "o");
	assert_int_equal(store_lease_named(b.store)->count, 2);
	assert_int_equal(store_lease_named(b.store)->ids[0], 0xa);
	assert_int_equal(store_lease_named(b.store)->ids[1], 0xc);
	close_both(&a, &b, &s);
}

/* Whoever wanted it said so once: it may be gone by now. */
static void test_wanted_once(void **state)
{
	struct server s;
	struct node a, b;
	const char *renewal;
	char before[32];

	(void)state;
	open_both(&a, &b, &s);
	want(&b);
	assert_true(drive(a.redis, 10000, is_wanted, &a));
	for (int i = 0; i < 3; i++) {
		(void)snprintf(before, sizeof(before), "%s",
			       server_ask(&s, "HGET td:{s17}:lease renewal"));
		do {
			(void)drive(a.redis, 20, never, NULL);
			renewal = server_ask(&s, "HGET td:{s17}:lease renewal");
		} while (!strcmp(renewal, before));
	}
	assert_int_equal(g_wanted.times, 1);
	close_both(&a, &b, &s);
}

/* Redis does not know that one: nothing is written, and the owner takes it again. */
static void test_given_to_nobody(void **state)
{
	struct server s;
	struct node a, b;

	(void)state;
	open_both(&a, &b, &s);
	give(&a, 0xc, "c");
	assert_false(store_is_healthy(a.store));
	(void)server_ask(&s, "HSET td:{s17}:lease wanting [1]");
	store_acquire(a.store, node_done, &a);
	NODE_EXPECT(&a, "o");
	give(&a, 0xc, "c");
	store_acquire(a.store, node_done, &a);
	NODE_EXPECT(&a, "o");
	assert_string_equal(server_ask(&s, "HGET td:{s17}:lease node"), "a");
	close_both(&a, &b, &s);
}

/* It was given to somebody who has died since: it is taken like that of any dead node. */
static void test_given_to_the_dead(void **state)
{
	struct server s;
	struct node a, b;

	(void)state;
	open_both(&a, &b, &s);
	want(&b);
	assert_true(drive(a.redis, 10000, is_wanted, &a));
	give(&a, g_wanted.by, "o");
	node_close(&b);
	store_acquire(a.store, node_done, &a);
	NODE_EXPECT(&a, "c");
	(void)drive(a.redis, 340, never, NULL);
	store_acquire(a.store, node_done, &a);
	NODE_EXPECT(&a, "o");
	node_close(&a);
	server_stop(&s);
}

struct spooled {
	struct node *node;
	const struct server *server;
};

/* Meanwhile the shard is never one that may be given. */
static bool spool_is_gone(void *arg)
{
	const struct spooled *sp = arg;
	char pattern[80];
	glob_t found;
	int waits;

	(void)snprintf(pattern, sizeof(pattern), "%s/spool/*.cdr", sp->server->dir);
	waits = glob(pattern, 0, NULL, &found) == 0;
	globfree(&found);
	assert_false(waits && store_lease_may_be_given(sp->node->store));
	return !waits;
}

static bool may_be_given(void *arg)
{
	return store_lease_may_be_given(((struct node *)arg)->store);
}

/* A call whose end waits on the disk of the owner would come to life again at the next one. */
static void test_not_with_ends_in_the_spool(void **state)
{
	struct server s;
	struct node a;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&a, &s,
		  &(struct node_settings){ .name = "a", .incarnation = 1, .deadline_ms = 200 });
	store_acquire(a.store, node_done, &a);
	NODE_EXPECT(&a, "o");
	node_save(&a, 42, 1, "first");
	NODE_EXPECT(&a, "o");
	assert_true(drive(a.redis, 10000, may_be_given, &a));
	server_signal(&s, SIGSTOP);
	node_end(&a, 42);
	NODE_EXPECT(&a, "o"); /* it is on the disk */
	server_signal(&s, SIGCONT);
	assert_true(drive(a.redis, 10000, spool_is_gone, &(struct spooled){ &a, &s }));
	assert_true(drive(a.redis, 10000, may_be_given, &a));
	node_without_server(&a, &s);
}

static void is_offered(struct node *a, struct node *b, bool leaves, bool offers)
{
	(void)drive(a->redis, 100, never, NULL);
	store_acquire(b->store, node_done, b);
	NODE_EXPECT(b, "c");
	assert_int_equal(store_holder(b->store)->leaves, leaves);
	assert_int_equal(store_holder(b->store)->offers, offers);
}

static void test_offered(void **state)
{
	struct server s;
	struct node a, b;

	(void)state;
	open_both(&a, &b, &s);
	want(&b);
	assert_false(store_holder(b.store)->leaves || store_holder(b.store)->offers);
	store_lease_offer(a.store, 0xb);
	is_offered(&a, &b, true, true);
	store_lease_offer(a.store, 0xc); /* to another one */
	is_offered(&a, &b, true, false);
	store_lease_offer(a.store, 0);
	is_offered(&a, &b, false, false);
	close_both(&a, &b, &s);
}

enum { PEEKED = 200 };

struct peeked {
	struct node node;
	uint32_t seen[PEEKED + 1];
	uint32_t others;
};

static void on_peeked(struct bytes record, void *arg)
{
	struct peeked *p = arg;
	uint64_t call = 0;

	if (bytes_u64(record, &call) || call > PEEKED)
		p->others++;
	else
		p->seen[call]++;
}

/* Before it is given: no lease is asked for, and nothing happens to what is broken. */
static void test_peeked(void **state)
{
	static struct peeked p;
	struct server s;
	struct node a, *b = &p.node;
	char text[8];

	(void)state;
	memset(&p, 0, sizeof(p));
	open_both(&a, b, &s);
	for (uint64_t call = 1; call <= PEEKED; call++) {
		(void)snprintf(text, sizeof(text), "%u", (unsigned)call);
		store_call_save(a.store, call, 1, bytes_str(text), NULL, NULL);
	}
	for (int i = 0; i < 500 && strcmp(server_ask(&s, "HLEN td:{s17}:rec"), "200") != 0; i++)
		assert_false(drive(a.redis, 20, never, NULL));
	(void)server_ask(&s, "HSET td:{s17}:rec %s nonsense", node_id(7));
	assert_true(drive(b->redis, 10000, is_connected, b));
	store_peek_calls(b->store, on_peeked, node_done, &p);
	NODE_EXPECT(b, "o");
	assert_true(b->version >= PEEKED - 1);
	for (uint32_t call = 1; call <= PEEKED; call++)
		assert_int_equal(p.seen[call] > 0, call != 7);
	assert_int_equal(p.others, 0);
	assert_string_equal(server_ask(&s, "HGET td:{s17}:rec %s", node_id(7)), "nonsense");
	assert_false(store_is_healthy(b->store));
	assert_true(store_is_healthy(a.store));
	store_peek_calls(b->store, on_peeked, node_done, &p); /* it ends amid that */
	node_close(b);
	assert_string_equal(b->answers, "u");
	node_close(&a);
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wanted_and_given),
		cmocka_unit_test(test_wanted_once),
		cmocka_unit_test(test_given_to_nobody),
		cmocka_unit_test(test_offered),
		cmocka_unit_test(test_peeked),
		cmocka_unit_test(test_given_to_the_dead),
		cmocka_unit_test(test_given_with_names),
		cmocka_unit_test(test_not_with_ends_in_the_spool),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
