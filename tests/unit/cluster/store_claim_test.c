/* SPDX-License-Identifier: Apache-2.0 */
/* Shards of others: what is seen of their leases, and claims. */
#include "tests/unit/cluster/node.h"

/* A machine that stands still for a second must not end it. */
enum { LENGTH_MS = 2400 };

struct seen {
	struct node *node;
	struct store_lease last;
	uint16_t shard;
};

static void on_seen(uint16_t shard, const struct store_lease *seen, void *arg)
{
	struct seen *out = arg;

	out->last = *seen;
	out->shard = shard;
	node_done(seen->result, shard, 0, out->node);
}

static bool is_connected(void *arg)
{
	return redis_is_connected(((struct node *)arg)->redis);
}

static void look(struct node *n, struct seen *out, const char *answer)
{
	out->node = n;
	assert_true(drive(n->redis, 10000, is_connected, n));
	store_lease_look(n->shared, NODE_SHARD, 77, on_seen, out);
	NODE_EXPECT(n, answer);
	assert_int_equal(out->shard, NODE_SHARD);
}

static struct store_claim claim_of(const struct claim_lease *seen)
{
	return (struct store_claim){
		.shard = NODE_SHARD,
		.seen = *seen,
		.identity = { .id = "b", .place = "b", .where = "host:/b" },
		.grant = { .epoch = { seen->epoch.counter + 1, 9 },
			   .renewal = seen->renewal + 1,
			   .named = { .ids = { 10, UINT64_MAX }, .count = 2 } },
		.length_ns = NS_PER_S,
	};
}

static void claim(struct node *n, const struct claim_lease *seen, const char *answer)
{
	struct store_claim c = claim_of(seen);

	store_lease_claim(n->shared, &c, node_done, n);
	NODE_EXPECT(n, answer);
}

/* The owner renews: the claim is refused. The owner is gone: it counts, and the owner carries out nothing more. */
static void test_claimed(void **state)
{
	struct server s;
	struct node a, b;
	struct seen seen;

	(void)state;
	node_with_server(&a, &s);
	node_open(&b, &s, &(struct node_settings){ .name = "b", .incarnation = 9, .spool = "b" });
	look(&b, &seen, "o");
	assert_true(seen.last.lease.epoch.counter == 1 && seen.last.lease.epoch.incarnation == 1);
	assert_true(seen.last.lease.owner == 0xa && seen.last.lease.renewal &&
		    seen.last.lease.history);
	assert_int_equal(seen.last.lease.named.count, 0);
	assert_int_equal(seen.last.length_ns, 30 * NS_PER_S);
	assert_string_equal(seen.last.where, "host:/a");
	(void)server_ask(&s, "HINCRBY td:{s17}:lease renewal 1");
	claim(&b, &seen.last.lease, "c");
	look(&b, &seen, "o");
	claim(&b, &seen.last.lease, "o");
	assert_true(b.version);
	node_save(&a, 42, 1, "late");
	NODE_EXPECT(&a, "f");
	look(&b, &seen, "o");
	assert_true(seen.last.lease.epoch.counter == 2 && seen.last.lease.owner == 0xb);
	assert_true(seen.last.lease.named.count == 2 && seen.last.lease.named.ids[1] == UINT64_MAX);
	node_close(&a);
	node_close(&b);
	server_stop(&s);
}

/* Another process of Redis answers, with the same lease: what was seen of the one before says nothing. */
static void test_another_history(void **state)
{
	struct server s;
	struct node n;
	struct seen before, after;

	(void)state;
	node_with_server(&n, &s);
	look(&n, &before, "o");
	server_kill(&s);
	(void)drive(n.redis, 10000, node_is_degraded, &n);
	server_start(&s, NULL);
	assert_true(drive(n.redis, 10000, node_is_healthy, &n));
	look(&n, &after, "o");
	assert_true(before.last.lease.history != after.last.lease.history);
	before.last.lease.renewal = after.last.lease.renewal;
	claim(&n, &before.last.lease, "c");
	node_without_server(&n, &s);
}

/* A note is left, which looks the same until the lease is lost once more; and may be claimed. */
static void test_missing(void **state)
{
	struct server s;
	struct node n;
	struct seen seen;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&n, &s, &(struct node_settings){ .name = "b", .incarnation = 9 });
	look(&n, &seen, "o");
	assert_true(seen.last.lease.epoch.counter == 0 && seen.last.lease.owner == 0 &&
		    seen.last.lease.renewal == 77);
	(void)server_ask(&s, "HSET td:{s17}:lease renewal 78");
	claim(&n, &seen.last.lease, "c");
	(void)server_ask(&s, "DEL td:{s17}:lease");
	claim(&n, &seen.last.lease, "c");
	look(&n, &seen, "o");
	claim(&n, &seen.last.lease, "o");
	assert_string_equal(server_ask(&s, "GET td:{s17}:fence"), "1.0000000000000009.0");
	node_without_server(&n, &s);
}

/* Anybody may have written it. */
static void test_hostile(void **state)
{
	static const struct {
		const char *field, *value, *answer;
	} rows[] = {
		{ "named", "000000000000000", "r" },
		{ "named", "0000000000000001 000000000000000", "r" },
		{ "named", "0000000000000001 0000000000000001", "r" },
		{ "named", "0000000000000000", "r" },
		{ "named", "0000000000000001x0000000000000002", "r" },
		{ "named", "", "o" },
		{ "counter", "99999999999999999999999999", "o" },
		{ "counter", "-1", "o" },
		{ "incarnation", "zz", "o" },
		{ "renewal", "many", "o" },
		{ "renewal", "99999999999999999999999999", "o" },
		{ "owner", "x.y.z", "o" },
		{ "owner", "0.", "o" },
		{ "length", "-5", "o" },
		{ "node", "", "o" },
	};
	struct server s;
	struct node n;
	struct seen seen;

	(void)state;
	node_with_server(&n, &s);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		(void)server_ask(&s, "HSET td:{s17}:lease %s %s", rows[i].field, rows[i].value);
		look(&n, &seen, rows[i].answer);
	}
	(void)server_ask(&s, "HDEL td:{s17}:lease named");
	look(&n, &seen, "o");
	claim(&n, &seen.last.lease, "o"); /* whatever it holds can be claimed */
	(void)server_ask(&s, "DEL td:{s17}:lease");
	(void)server_ask(&s, "LPUSH td:{s17}:lease x");
	look(&n, &seen, "r");
	node_without_server(&n, &s);
}

/* ---- a shard that was claimed ---- */

static struct store_claim_report g_told;
static unsigned g_tells;

static void on_tell(const struct store_claim_report *tell, void *arg)
{
	(void)arg;
	g_told = *tell;
	g_tells++;
}

static bool tells_again(void *arg)
{
	return g_tells > *(unsigned *)arg;
}

static bool is_past(void *arg)
{
	return store_lease_is_past(((struct node *)arg)->store);
}

/* The claim of b counts: it opens the shard as its own, saves, and renews what the claim wrote. */
static void test_granted(void **state)
{
	struct server s;
	struct node a, b;
	struct seen seen;
	struct store_claim c;
	unsigned before;

	(void)state;
	node_with_server(&a, &s);
	look(&a, &seen, "o");
	c = claim_of(&seen.last.lease);
	c.grant.named = (struct members){ .ids = { 10 }, .count = 1 };
	c.grant.sent_ns = clock_now_ns();
	store_lease_claim(a.shared, &c, node_done, &a);
	NODE_EXPECT(&a, "o");
	node_open(&b, &s,
		  &(struct node_settings){ .name = "b",
					   .incarnation = 1,
					   .lease_ms = LENGTH_MS,
					   .spool = "b",
					   .tell = on_tell,
					   .grant = &c.grant });
	assert_int_equal(store_epoch(b.store), 2);
	assert_int_equal(b.healthy, 0); /* who opens it knows */
	assert_true(drive(b.redis, 10000, node_is_healthy, &b));
	node_save(&b, 42, 1, "mine");
	NODE_EXPECT(&b, "o");
	before = g_tells;
	assert_true(drive(b.redis, 10000, tells_again, &before));
	assert_true(g_told.shard == NODE_SHARD && g_told.epoch.counter == 2 &&
		    g_told.named.ids[0] == 10 && !g_told.before.count);
	assert_int_equal(b.degraded, 0);
	node_save(&a, 42, 2, "late");
	NODE_EXPECT(&a, "f");
	node_close(&a);
	node_close(&b);
	server_stop(&s);
}

/* Redis loses it. Its owner says it again, so nobody else who waits for it takes it meanwhile: not before it was missing for longer than its
 * owner would be silent, and never one that named others. */
static void test_lost(void **state)
{
	static const char *const names[] = { "", "000000000000000a" };
	struct server s;
	struct node b;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&b, &s,
		  &(struct node_settings){ .name = "b", .incarnation = 2, .lease_ms = 400 });
	for (size_t i = COUNT_OF(names); i-- > 0;) {
		const char *named = names[i];

		(void)server_ask(&s,
				 "HSET td:{s17}:lease node a incarnation 000000000000000f counter "
				 "7 link 1 fence 7.000000000000000f.1 identity aa place p where w "
				 "owner 000000000000000a.000000000000000f renewal %u length 400 "
				 "named %s",
				 5 + (unsigned)i, named);
		for (unsigned ask = 0; ask < 4; ask++) {
			store_acquire(b.store, node_done, &b);
			NODE_EXPECT(&b, ask == 3 && !*named ? "o" : "c");
			nap_ms(ask < 2 ? 10 : 500);
			if (ask == 0)
				(void)server_ask(&s, "DEL td:{s17}:lease td:{s17}:fence");
		}
	}
	node_close(&b);
	server_stop(&s);
}

/* Redis stands still: acks keep it alive, and without them it is past. A claim of its own opens it again. */
static void test_acked_then_past(void **state)
{
	struct server s;
	struct node n;
	struct lease_grant grant = { .epoch = { 9, 4 }, .renewal = 1000 };
	const struct members named = { .ids = { 10 }, .count = 1 };
	uint64_t until_ns;
	unsigned before;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&n, &s,
		  &(struct node_settings){
			  .name = "a", .incarnation = 1, .lease_ms = LENGTH_MS, .tell = on_tell });
	store_acquire(n.store, node_done, &n);
	NODE_EXPECT(&n, "o");
	store_lease_name(n.store, &named);
	while (!strstr(server_ask(&s, "HGET td:{s17}:lease named"), "a"))
		assert_false(drive(n.redis, 50, is_past, &n));
	assert_false(drive(n.redis, 100, is_past, &n)); /* its answer is here */
	server_signal(&s, SIGSTOP);
	until_ns = clock_now_ns() + 3 * LENGTH_MS / 2 * NS_PER_MS;
	while (clock_now_ns() < until_ns) {
		before = g_tells;
		assert_true(drive(n.redis, 10000, tells_again, &before));
		store_lease_on_ack(n.store, 10, g_told.told_ns);
		assert_false(store_lease_is_past(n.store));
	}
	assert_true(drive(n.redis, 10000, is_past, &n));
	server_signal(&s, SIGCONT);
	nap_ms(50);
	grant.sent_ns = clock_now_ns();
	(void)server_ask(&s, "HSET td:{s17}:lease counter 9 incarnation 0000000000000004 fence "
			     "9.0000000000000004.0");
	(void)server_ask(&s, "SET td:{s17}:fence 9.0000000000000004.0");
	store_lease_claimed(n.store, &grant); /* while a renewal is still to be answered */
	assert_true(drive(n.redis, 10000, node_is_healthy, &n));
	assert_int_equal(store_epoch(n.store), 9);
	node_close(&n);
	server_stop(&s);
}

static void load(struct node *n)
{
	n->n = 0;
	store_load_calls(n->store, node_each, node_done, n);
	NODE_EXPECT(n, "o");
}

/* The node stands still amid the calls that it reads, or at their end: another one may have had them since, and have changed them. */
static void test_past_as_it_loads(void **state)
{
	struct server s;
	struct node n;
	struct lease_grant grant = { .epoch = { 9, 4 }, .renewal = 1000 };
	const struct members named = { .ids = { 10 }, .count = 1 };

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&n, &s,
		  &(struct node_settings){
			  .name = "a", .incarnation = 1, .lease_ms = LENGTH_MS, .tell = on_tell });
	store_acquire(n.store, node_done, &n);
	NODE_EXPECT(&n, "o");
	store_lease_name(n.store, &named);
	load(&n);
	assert_true(store_lease_lasts(n.store));
	nap_ms(LENGTH_MS + 100);
	assert_false(store_lease_is_past(n.store)); /* it has not looked at the clock */
	assert_false(store_lease_lasts(n.store));
	assert_true(drive(n.redis, 10000, is_past, &n));
	assert_false(store_lease_lasts(n.store));
	n.n = 0;
	store_acquire(n.store, node_done, &n);
	NODE_EXPECT(&n, "r"); /* it does not wait beside the claim */
	grant.sent_ns = clock_now_ns();
	(void)server_ask(&s, "HSET td:{s17}:lease counter 9 incarnation 0000000000000004 fence "
			     "9.0000000000000004.0");
	store_lease_claimed(n.store, &grant);
	assert_true(drive(n.redis, 10000, node_is_healthy, &n));
	assert_int_equal(store_epoch(n.store), 9);
	assert_false(store_lease_lasts(n.store)); /* what was read is of before */
	load(&n);
	assert_true(store_lease_lasts(n.store));
	node_close(&n);
	server_stop(&s);
}

/* Redis has forgotten it, and whoever had the shard before goes on. */
static void test_past_and_another_renews(void **state)
{
	const struct members named = { .ids = { 10 }, .count = 1 };
	const struct lease_epoch before = { 0, 9 };
	struct server s;
	struct node n;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&n, &s,
		  &(struct node_settings){
			  .name = "a", .incarnation = 1, .lease_ms = 400, .tell = on_tell });
	store_acquire(n.store, node_done, &n);
	NODE_EXPECT(&n, "o");
	store_lease_name(n.store, &named);
	store_lease_renewed(n.store, before);
	assert_false(store_is_fenced(n.store));
	server_signal(&s, SIGSTOP);
	assert_true(drive(n.redis, 10000, is_past, &n));
	store_lease_renewed(n.store, store_lease_epoch(n.store));
	assert_false(store_is_fenced(n.store));
	store_lease_renewed(n.store, before);
	assert_true(store_is_fenced(n.store));
	server_signal(&s, SIGCONT);
	node_close(&n);
	server_stop(&s);
}

/* ---- a Redis that has forgotten ---- */

static const struct lease_epoch NEWER = { 5, 0x9 };

static void acquire(struct node *n, const char *answer)
{
	n->n = 0;
	store_acquire(n->store, node_done, n);
	NODE_EXPECT(n, answer);
}

/* It shows a lease of the process before in the same directory, but another node had the shard since: it may live. */
static void test_forgotten(void **state)
{
	struct server s;
	struct node a, b;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&a, &s, &(struct node_settings){ .name = "a", .incarnation = 1 });
	acquire(&a, "o");
	node_close(&a);
	node_open(&b, &s,
		  &(struct node_settings){
			  .name = "a", .incarnation = 2, .lease_ms = 300, .spool = "b" });
	(void)server_ask(&s, "HSET td:{s17}:lease length 300");
	store_lease_known(b.store, NEWER, true);
	acquire(&b, "c");
	nap_ms(350);
	acquire(&b, "c"); /* its owner may be valid by acks of those it names */
	store_lease_known(b.store, NEWER, false);
	acquire(&b, "o");
	assert_int_equal(store_epoch(b.store), 6);
	node_close(&b);
	server_stop(&s);
}

/* Of the process before in the same directory. They may claim it, so it may speak for one length. */
static void test_keeps_names(void **state)
{
	struct server s;
	struct node a;

	(void)state;
	for (int keeps = 0; keeps < 2; keeps++) {
		server_dir(&s);
		server_start(&s, NULL);
		node_open(&a, &s, &(struct node_settings){ .name = "a", .incarnation = 1 });
		acquire(&a, "o");
		node_close(&a);
		(void)server_ask(&s, "HSET td:{s17}:lease named 0000000000000007");
		node_open(&a, &s,
			  &(struct node_settings){
				  .name = "a", .incarnation = 2, .keeps_names = keeps });
		acquire(&a, "o");
		assert_int_equal(store_lease_named(a.store)->count, keeps);
		assert_string_equal(server_ask(&s, "HGET td:{s17}:lease named"),
				    keeps ? "0000000000000007" : "");
		node_close(&a);
		server_stop(&s);
	}
}

/* The same, and the lease is of this very process, which another one has fenced. */
static void test_own_forgotten(void **state)
{
	struct server s;
	struct node a;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&a, &s,
		  &(struct node_settings){ .name = "a", .incarnation = 1, .lease_ms = 300 });
	acquire(&a, "o");
	store_lease_known(a.store, NEWER, false);
	assert_true(store_is_fenced(a.store));
	acquire(&a, "c");
	nap_ms(350);
	acquire(&a, "o");
	assert_int_equal(store_epoch(a.store), 6);
	node_close(&a);
	server_stop(&s);
}

/* It has nothing: what is missing is watched. */
static void test_all_forgotten(void **state)
{
	struct server s;
	struct node a;

	(void)state;
	server_dir(&s);
	server_start(&s, NULL);
	node_open(&a, &s,
		  &(struct node_settings){ .name = "a", .incarnation = 1, .lease_ms = 300 });
	store_lease_known(a.store, NEWER, false);
	acquire(&a, "c");
	assert_string_equal(server_ask(&s, "HGET td:{s17}:lease counter"), "0");
	acquire(&a, "c");
	nap_ms(350);
	acquire(&a, "o");
	assert_int_equal(store_epoch(a.store), 6);
	node_close(&a);
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claimed),
		cmocka_unit_test(test_another_history),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_granted),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_acked_then_past),
		cmocka_unit_test(test_past_as_it_loads),
		cmocka_unit_test(test_past_and_another_renews),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_keeps_names),
		cmocka_unit_test(test_own_forgotten),
		cmocka_unit_test(test_all_forgotten),
	};

	return cmocka_run_group_tests(tests, loop_setup, loop_teardown);
}
