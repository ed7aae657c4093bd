/* SPDX-License-Identifier: Apache-2.0 */
/* The table of quotas: limits, rates, and that nobody is pushed out. */
#include "sig/host/quota.h"

#include "base/clock.h"
#include "sig/host/share.h"
#include "tests/unit/test.h"

struct desk {
	struct quota *q;
	struct quota_host host;
	struct quota_settings settings;
	struct rand_source rand;
	struct quota_refusal why;
	uint64_t now_ns;
};

static int setup(void **state)
{
	struct desk *d = calloc(1, sizeof(*d));

	d->settings = (struct quota_settings){
		.limits = { [QUOTA_EXTENSION] = { .of = { 3, 5, 8, 2, 1 } },
			    [QUOTA_SOURCE] = { .of = { 6, 0, 0, 0, 0 } } },
		.capacity = { 100, 1000, 100 },
		.share = 90,
	};
	d->now_ns = 1000 * NS_PER_S;
	rand_open_seed(&d->rand, 1);
	assert_int_equal(quota_open(&d->q, &d->settings, &d->rand), 0);
	d->host = quota_of(d->q);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct desk *d = *state;

	quota_close(d->q);
	free(d);
	return 0;
}

static struct quota_party party_of(struct desk *d, enum quota_kind kind, const char *user,
				   const char *source)
{
	struct quota_name name = { .kind = kind, .user = bytes_str(user) };

	assert_int_equal(addr_parse(&name.source, bytes_str(source)), 0);
	return quota_party(&d->host, &name, d->now_ns);
}

static struct quota_party phone(struct desk *d, const char *user, const char *source)
{
	return party_of(d, QUOTA_EXTENSION, user, source);
}

static bool take(struct desk *d, const struct quota_party *p, enum quota_item item)
{
	return quota_acquire(&d->host, p, item, false, d->now_ns, &d->why);
}

static uint32_t take_all(struct desk *d, const struct quota_party *p, enum quota_item item)
{
	uint32_t n = 0;

	while (n < 10000 && take(d, p, item))
		n++;
	return n;
}

static void an_extension_has_its_own(void **state)
{
	struct desk *d = *state;
	struct quota_party a = phone(d, "1001", "192.0.2.1"), b = phone(d, "1002", "192.0.2.1");

	assert_int_equal(take_all(d, &a, QUOTA_CALLS), 3);
	assert_int_equal(d->why.kind, QUOTA_EXTENSION);
	assert_int_equal(d->why.item, QUOTA_CALLS);
	assert_true(d->why.wait_s > 0);
	assert_int_equal(take_all(d, &a, QUOTA_TXNS), 5);
	assert_int_equal(take_all(d, &b, QUOTA_CALLS), 3);
	quota_release(&d->host, &a, QUOTA_CALLS);
	assert_int_equal(take_all(d, &a, QUOTA_CALLS), 1);
}

/* Two tenants have a 1001 each: what one holds or has spent is nothing of the other's. */
static void equal_names_of_tenants_lie_apart(void **state)
{
	struct desk *d = *state;
	struct quota_name name = { .kind = QUOTA_EXTENSION, .user = BYTES_LIT("1001") };
	const char *sources[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3" }; /* they pay, too */
	struct quota_party tenants[COUNT_OF(sources)];

	for (uint16_t i = 0; i < COUNT_OF(tenants); i++) {
		name.tenant = i;
		assert_int_equal(addr_parse(&name.source, bytes_str(sources[i])), 0);
		tenants[i] = quota_party(&d->host, &name, d->now_ns);
		assert_int_equal(take_all(d, &tenants[i], QUOTA_CALLS), 3);
		assert_int_equal(d->why.kind, QUOTA_EXTENSION);
		assert_int_equal(take_all(d, &tenants[i], QUOTA_CALL_RATE), 2 * QUOTA_BURST_S);
	}
	quota_release(&d->host, &tenants[1], QUOTA_CALLS);
	assert_false(take(d, &tenants[0], QUOTA_CALLS));
	assert_false(take(d, &tenants[2], QUOTA_CALLS));
	assert_true(take(d, &tenants[1], QUOTA_CALLS));
}

/* Two extensions of one address have 3 each, and 6 together; a third one has none, elsewhere it has. */
static void a_source_bounds_all_of_it(void **state)
{
	struct desk *d = *state;
	const char *users[] = { "1001", "1002", "1003" };
	uint32_t n = 0;
	struct quota_party p;

	for (size_t i = 0; i < COUNT_OF(users); i++) {
		p = phone(d, users[i], i ? "2001:db8::1" : "2001:db8::ffff:1:2");
		n += take_all(d, &p, QUOTA_CALLS);
	}
	assert_int_equal(n, 6);
	assert_int_equal(d->why.kind, QUOTA_SOURCE);
	p = phone(d, "1003", "2001:db8:0:1::1");
	assert_int_equal(take_all(d, &p, QUOTA_CALLS), 3);
}

/* What was refused for one entry is charged to none. */
static void refused_is_not_charged(void **state)
{
	struct desk *d = *state;
	struct quota_party a = phone(d, "1001", "192.0.2.1"), b = phone(d, "1002", "192.0.2.1"),
			   c = phone(d, "1003", "192.0.2.1");

	(void)take_all(d, &a, QUOTA_CALLS);
	for (int i = 0; i < 100; i++)
		assert_false(take(d, &a, QUOTA_CALLS));
	assert_int_equal(take_all(d, &b, QUOTA_CALLS), 3);
	assert_false(take(d, &c, QUOTA_CALLS)); /* by its source */
	quota_release(&d->host, &a, QUOTA_CALLS);
	assert_true(take(d, &c, QUOTA_CALLS));
}

static void rates_refill(void **state)
{
	struct desk *d = *state;
	struct quota_party a = phone(d, "1001", "192.0.2.1");

	assert_int_equal(take_all(d, &a, QUOTA_CALL_RATE), 2 * QUOTA_BURST_S);
	assert_int_equal(d->why.wait_s, 1);
	d->now_ns += NS_PER_S;
	assert_int_equal(take_all(d, &a, QUOTA_CALL_RATE), 2);
	assert_int_equal(take_all(d, &a, QUOTA_REGISTER_RATE), QUOTA_BURST_S);
	d->now_ns += 100 * NS_PER_S;
	assert_int_equal(take_all(d, &a, QUOTA_CALL_RATE), 2 * QUOTA_BURST_S);
}

/* A peer without limits has its share of the node, and others the rest; its rule may say otherwise. */
static void a_peer_never_has_all(void **state)
{
	struct desk *d = *state;
	struct quota_party a = party_of(d, QUOTA_PEER, "sbc", "192.0.2.1"), b;
	struct quota_name name = {
		.kind = QUOTA_PEER, .user = BYTES_LIT("other"), .calls = 7, .calls_per_s = 1
	};

	assert_int_equal(take_all(d, &a, QUOTA_CALLS), 90);
	assert_int_equal(take_all(d, &a, QUOTA_PORTS), 90);
	assert_int_equal(take_all(d, &a, QUOTA_CALL_RATE), 10000);
	b = quota_party(&d->host, &name, d->now_ns);
	assert_int_equal(take_all(d, &b, QUOTA_CALLS), 7);
	assert_int_equal(take_all(d, &b, QUOTA_CALL_RATE), QUOTA_BURST_S);
	assert_int_equal(d->why.kind, QUOTA_PEER);
}

static void of_few_places_one_may_have_all(void **state)
{
	struct desk *d = *state;
	struct quota_settings small = { .capacity = { 2, 1, 11 }, .share = 90 };
	struct quota_party p;

	quota_close(d->q);
	assert_int_equal(quota_open(&d->q, &small, &d->rand), 0);
	d->host = quota_of(d->q);
	p = party_of(d, QUOTA_PEER, "sbc", "192.0.2.1");
	assert_int_equal(take_all(d, &p, QUOTA_CALLS), 2);
	assert_int_equal(take_all(d, &p, QUOTA_TXNS), 1);
	assert_int_equal(take_all(d, &p, QUOTA_PORTS), 10);
}

static void always_is_counted_and_never_refused(void **state)
{
	struct desk *d = *state;
	struct quota_party a = phone(d, "1001", "192.0.2.1");

	for (int i = 0; i < 20; i++)
		assert_true(quota_acquire(&d->host, &a, QUOTA_CALLS, true, d->now_ns, &d->why));
	assert_false(take(d, &a, QUOTA_CALLS));
	for (int i = 0; i < 18; i++)
		quota_release(&d->host, &a, QUOTA_CALLS);
	assert_int_equal(take_all(d, &a, QUOTA_CALLS), 1);
}

static void settings_change(void **state)
{
	struct desk *d = *state;
	struct quota_party a = phone(d, "1001", "192.0.2.1");

	assert_int_equal(take_all(d, &a, QUOTA_CALLS), 3);
	d->settings.limits[QUOTA_EXTENSION].of[QUOTA_CALLS] = 4;
	d->settings.capacity[QUOTA_CALLS] = 1; /* stays what it was */
	quota_configure(d->q, &d->settings);
	assert_int_equal(take_all(d, &a, QUOTA_CALLS), 1);
	d->settings.limits[QUOTA_EXTENSION].of[QUOTA_CALLS] = 2;
	quota_configure(d->q, &d->settings);
	quota_release(&d->host, &a, QUOTA_CALLS);
	assert_false(take(d, &a, QUOTA_CALLS));
}

/* 100,000 other sources and users: who has a call, and who has spent its calls, is still known. */
static void nobody_is_pushed_out(void **state)
{
	struct desk *d = *state;
	struct quota_party held = phone(d, "1001", "192.0.2.1"),
			   spent = phone(d, "1002", "192.0.2.2");
	char user[16], source[32];

	assert_int_equal(take_all(d, &held, QUOTA_CALLS), 3);
	assert_int_equal(take_all(d, &spent, QUOTA_CALL_RATE), 2 * QUOTA_BURST_S);
	for (unsigned i = 0; i < 100000; i++) {
		struct quota_party p;

		(void)snprintf(user, sizeof(user), "x%u", i);
		(void)snprintf(source, sizeof(source), "10.%u.%u.%u", i >> 16, i >> 8 & 255,
			       i & 255);
		p = phone(d, user, source);
		(void)take(d, &p, QUOTA_CALL_RATE); /* each owes something */
	}
	held = phone(d, "1001", "192.0.2.1");
	assert_false(take(d, &held, QUOTA_CALLS));
	spent = phone(d, "1002", "192.0.2.2");
	assert_false(take(d, &spent, QUOTA_CALL_RATE));
	for (int i = 0; i < 3; i++)
		quota_release(&d->host, &held, QUOTA_CALLS);
}

/* After what they owed is paid there is room for as many others, each with its own. */
static void room_comes_back(void **state)
{
	struct desk *d = *state;
	struct quota_party p;
	char user[16];

	for (unsigned round = 0; round < 3; round++) {
		uint32_t own = 0;

		for (unsigned i = 0; i < 200; i++) {
			(void)snprintf(user, sizeof(user), "%u-%u", round, i);
			p = party_of(d, QUOTA_PEER, user, "192.0.2.1");
			own += take(d, &p, QUOTA_CALLS);
			quota_release(&d->host, &p, QUOTA_CALLS);
		}
		assert_int_equal(own, 200);
	}
}

static void without_a_table_nothing_is_limited(void **state)
{
	const struct quota_host none = { 0 };
	struct quota_name name = { .kind = QUOTA_SOURCE };
	struct quota_party p = quota_party(&none, &name, 1);
	struct quota_refusal why;

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_true(quota_acquire(&none, &p, QUOTA_CALLS, false, 1, &why));
	quota_release(&none, &p, QUOTA_CALLS);
}

/* ---- over nodes (sig/host/share.h) ---- */

struct nodes {
	struct tenants *tenants;
	struct shares *shares[2];
	struct desk *desks[2];
};

static int nodes_setup(void **state)
{
	static const struct hash_key key = { 1, 2 };
	static const uint64_t processes[] = { 7, 9 };
	struct nodes *n = calloc(1, sizeof(*n));

	assert_int_equal(tenants_open(&n->tenants, &key), 0);
	for (int i = 0; i < 2; i++) {
		void *desk;

		assert_int_equal(setup(&desk), 0);
		n->desks[i] = desk;
		n->desks[i]->settings.limits[QUOTA_EXTENSION].of[QUOTA_CALLS] = 4;
		quota_configure(n->desks[i]->q, &n->desks[i]->settings);
		assert_int_equal(shares_open(&n->shares[i], n->tenants, 16), 0);
		shares_nodes(n->shares[i], processes[i], processes, 2);
		quota_share(n->desks[i]->q, n->shares[i]);
	}
	*state = n;
	return 0;
}

static int nodes_teardown(void **state)
{
	struct nodes *n = *state;

	for (int i = 0; i < 2; i++) {
		void *desk = n->desks[i];

		(void)teardown(&desk);
		shares_close(n->shares[i]);
	}
	tenants_close(n->tenants);
	free(n);
	return 0;
}

/* What they tell each other comes. */
static void nodes_talk(struct nodes *n)
{
	struct share_word word;

	for (int i = 0; i < 4; i++) {
		while (shares_next(n->shares[i % 2], &word)) {
			word.process = i % 2 ? 9 : 7;
			shares_hear(n->shares[1 - i % 2], &word);
		}
	}
	for (int i = 0; i < 2; i++)
		n->desks[i]->now_ns += NS_PER_S;
}

static bool calls(struct nodes *n, int node)
{
	struct quota_party p = phone(n->desks[node], "1001", "192.0.2.1");
	bool took = take(n->desks[node], &p, QUOTA_CALLS);

	nodes_talk(n);
	return took;
}

static void hangs_up(struct nodes *n, int node)
{
	struct quota_party p = phone(n->desks[node], "1001", "192.0.2.1");

	quota_release(&n->desks[node]->host, &p, QUOTA_CALLS);
}

/* A password has as many calls at two nodes as at one, wherever it has them; another one has its own. */
static void over_two_nodes(void **state)
{
	struct nodes *n = *state;
	struct quota_party other;

	for (int i = 0; i < 3; i++)
		assert_true(calls(n, 0));
	assert_false(calls(n, 0)); /* the other node keeps one, until then */
	assert_true(calls(n, 0));
	assert_false(calls(n, 1));
	assert_int_equal(n->desks[1]->why.item, QUOTA_CALLS);
	assert_true(n->desks[1]->why.wait_s);
	other = phone(n->desks[1], "1002", "192.0.2.2");
	assert_true(take(n->desks[1], &other, QUOTA_CALLS));
	hangs_up(n, 0);
	nodes_talk(n);
	assert_true(calls(n, 1));
	assert_false(calls(n, 0));
	assert_false(calls(n, 1));
}

/* Who hears nobody has its part; what must not be refused is not, and counts. */
static void nobody_is_heard(void **state)
{
	struct nodes *n = *state;
	struct desk *d = n->desks[0];
	struct quota_party p = phone(d, "1001", "192.0.2.1");

	assert_true(take(d, &p, QUOTA_CALLS));
	assert_true(take(d, &p, QUOTA_CALLS));
	assert_false(take(d, &p, QUOTA_CALLS));
	assert_true(quota_acquire(&d->host, &p, QUOTA_CALLS, true, d->now_ns, &d->why));
	assert_int_equal(quota_held(d->q, QUOTA_EXTENSION, QUOTA_CALLS), 3);
	assert_true(calls(n, 1)); /* and is not asked for what it has not */
	assert_false(calls(n, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_extension_has_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(equal_names_of_tenants_lie_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(a_source_bounds_all_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_is_not_charged, setup, teardown),
		cmocka_unit_test_setup_teardown(rates_refill, setup, teardown),
		cmocka_unit_test_setup_teardown(a_peer_never_has_all, setup, teardown),
		cmocka_unit_test_setup_teardown(of_few_places_one_may_have_all, setup, teardown),
		cmocka_unit_test_setup_teardown(always_is_counted_and_never_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(settings_change, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_is_pushed_out, setup, teardown),
		cmocka_unit_test_setup_teardown(room_comes_back, setup, teardown),
		cmocka_unit_test(without_a_table_nothing_is_limited),
		cmocka_unit_test_setup_teardown(over_two_nodes, nodes_setup, nodes_teardown),
		cmocka_unit_test_setup_teardown(nobody_is_heard, nodes_setup, nodes_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
