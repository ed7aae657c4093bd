/* SPDX-License-Identifier: Apache-2.0 */
/* Three nodes, a Redis and a network, as small as they can be, on virtual time. Never do two of them own a shard. */
#include "tests/unit/test.h"

#include <errno.h>

#include "base/clock.h"
#include "cluster/peer/claims.h"

enum { NODES = 3, QUEUE = 256, SHARD = 9, OTHER_SHARD = 10 };
#define LENGTH_NS NS_PER_S
#define TICK_NS   (10 * NS_PER_MS)
#define START_NS  (100 * NS_PER_S)

struct node {
	uint64_t id;
	bool dead, alone; /* alone: hears nobody, and nobody it */
	struct lease lease;
	struct claims *claims;
	bool looks, claimed;
	struct claim claim;
};

struct letter {
	uint64_t from, to;
	struct peer_item item;
};

static struct node g_nodes[NODES];
static struct letter g_letters[QUEUE];
static uint32_t g_letter_count, g_looks;
static struct claim_lease g_redis;
static bool g_redis_away, g_claims_wait;
static uint64_t g_now_ns;

/* ---- a node ---- */

static bool valid(const struct node *n)
{
	uint64_t until_ns = atomic_load_explicit(&n->lease.valid_until_ns, memory_order_relaxed);

	return !n->dead && g_now_ns <= until_ns &&
	       (n->lease.state == LEASE_HELD || n->lease.state == LEASE_DOUBT);
}

static void on_look(uint16_t shard, void *arg)
{
	assert_int_equal(shard, SHARD);
	assert_false(((struct node *)arg)->looks);
	((struct node *)arg)->looks = true;
	g_looks++;
}

static void on_claim(uint16_t shard, const struct claim *c, void *arg)
{
	struct node *n = arg;

	assert_int_equal(shard, SHARD);
	assert_false(n->claimed);
	n->claimed = true;
	n->claim = *c;
}

static void named_told(struct claims *c, const struct lease *l)
{
	const struct peer_item told = { .kind = PEER_OWNED,
					.shard = SHARD,
					.epoch = l->epoch,
					.named = l->named,
					.sent_ns = l->told_ns };
	const struct members nobody = { 0 };

	claims_notify(c, &told, l->wanted_ns ? &l->wanted : &nobody, l->wanted_ns ? 0 : l->renewal);
}

static void lease_event(struct node *n, struct lease_event event)
{
	unsigned actions = lease_step(&n->lease, &event, g_now_ns);
	bool ask = actions & (LEASE_SEND_RENEW | LEASE_SEND_ASSERT);
	bool own = n->lease.epoch.counter == g_redis.epoch.counter && n->id == g_redis.owner;

	if (actions & LEASE_ANNOUNCE)
		named_told(n->claims, &n->lease);
	if (!ask)
		return;
	if (!g_redis_away && own) {
		g_redis.renewal = n->lease.renewal;
		g_redis.named = n->lease.wanted_ns ? n->lease.wanted : n->lease.named;
	}
	lease_event(n, (struct lease_event){ .type = g_redis_away ? LEASE_UNKNOWN
						     : own        ? LEASE_GRANTED
								  : LEASE_SEEN,
					     .epoch = g_redis.epoch,
					     .answer = true,
					     .kept = true });
}

static void on_owned(uint16_t shard, const struct claim *c, void *arg)
{
	struct node *n = arg;

	assert_int_equal(shard, SHARD);
	lease_name(&n->lease, &c->named, g_now_ns);
	lease_event(n, (struct lease_event){ .type = LEASE_CLAIMED,
					     .epoch = c->next,
					     .renewal = c->seen.renewal + 1,
					     .sent_ns = c->asked_ns });
}

static bool on_owning(uint16_t shard, void *arg)
{
	return shard == SHARD && valid(arg);
}

static void on_alive(uint16_t shard, uint64_t from, uint64_t sent_ns, void *arg)
{
	assert_int_equal(shard, SHARD);
	lease_event(arg,
		    (struct lease_event){ .type = LEASE_ACK, .from = from, .sent_ns = sent_ns });
}

static void on_seen(uint16_t shard, struct lease_epoch epoch, void *arg)
{
	assert_int_equal(shard, SHARD);
	lease_event(arg, (struct lease_event){ .type = LEASE_SEEN, .epoch = epoch });
}

static void on_renewed(uint16_t shard, struct lease_epoch epoch, void *arg)
{
	assert_int_equal(shard, SHARD);
	lease_event(arg, (struct lease_event){ .type = LEASE_RENEWED, .epoch = epoch });
}

static void on_say(uint64_t to, const struct peer_item *item, void *arg)
{
	struct node *n = arg;

	assert_true(to >= 1 && to <= NODES && to != n->id);
	if (n->alone || g_nodes[to - 1].alone || g_nodes[to - 1].dead)
		return;
	assert_true(g_letter_count < QUEUE);
	g_letters[g_letter_count++] = (struct letter){ n->id, to, *item };
}

static const struct claims_handlers HANDLERS = { on_look,  on_claim, on_owned,   on_owning,
						 on_alive, on_seen,  on_renewed, on_say };

static void node_start(struct node *n, uint64_t incarnation)
{
	n->dead = n->alone = n->looks = n->claimed = false;
	assert_int_equal(claims_open(&n->claims, n->id, incarnation, LENGTH_NS, &HANDLERS, n), 0);
	assert_int_equal(claims_watch(n->claims, SHARD, g_now_ns), 0);
	lease_open(&n->lease, incarnation, LENGTH_NS);
	lease_event(n, (struct lease_event){ .type = LEASE_LINK_UP });
}

static void node_kill(struct node *n)
{
	n->dead = true;
	claims_close(n->claims);
	n->claims = NULL;
}

/* ---- the world ---- */

static void redis_answer(struct node *n)
{
	const struct claim *c = &n->claim;

	if (n->claimed && !g_claims_wait) {
		bool won = !g_redis_away && c->seen.renewal == g_redis.renewal &&
			   c->seen.epoch.counter == g_redis.epoch.counter;

		n->claimed = false;
		if (won)
			g_redis = (struct claim_lease){ 1, c->next, n->id, c->seen.renewal + 1,
							c->next_named };
		claims_answered(n->claims, SHARD, won, true, g_now_ns);
	}
	if (n->looks) {
		n->looks = false;
		claims_looked(n->claims, SHARD, g_redis_away ? NULL : &g_redis, g_now_ns);
	}
}

static void letters_deliver(void)
{
	static struct letter letters[QUEUE];
	uint32_t count = g_letter_count;

	memcpy(letters, g_letters, sizeof(letters));
	g_letter_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct node *to = &g_nodes[letters[i].to - 1];

		if (!to->dead)
			claims_item(to->claims, &letters[i].item, letters[i].from, g_now_ns);
	}
}

static struct node *owner(void)
{
	struct node *found = NULL;

	for (uint32_t i = 0; i < NODES; i++) {
		assert_true(!found || !valid(&g_nodes[i]));
		if (valid(&g_nodes[i]))
			found = &g_nodes[i];
	}
	return found;
}

static void tick(void)
{
	g_now_ns += TICK_NS;
	letters_deliver();
	for (uint32_t i = 0; i < NODES; i++) {
		struct node *n = &g_nodes[i];

		if (n->dead)
			continue;
		redis_answer(n);
		lease_event(n, (struct lease_event){ .type = LEASE_TIMER });
		claims_beat(n->claims, g_now_ns);
		(void)owner();
	}
}

static void run(uint64_t ns)
{
	for (uint64_t end_ns = g_now_ns + ns; g_now_ns < end_ns;)
		tick();
}

/* How long until somebody else owns it. */
static uint64_t run_until_owned(void)
{
	uint64_t since_ns = g_now_ns;

	while (!owner() && g_now_ns < since_ns + 30 * LENGTH_NS)
		tick();
	assert_non_null(owner());
	return g_now_ns - since_ns;
}

/* The first node owns it, the others are named and have heard that. */
static int setup(void **state)
{
	static const struct members named = { { 2, 3 }, 2 };
	struct node *first = &g_nodes[0];

	(void)state;
	g_now_ns = START_NS;
	g_letter_count = 0;
	g_redis_away = g_claims_wait = false;
	g_redis = (struct claim_lease){ 1, { 4, 0xa }, 1, 0, { { 2, 3 }, 2 } };
	for (uint32_t i = 0; i < NODES; i++) {
		g_nodes[i] = (struct node){ .id = i + 1 };
		node_start(&g_nodes[i], 0xa + i);
	}
	lease_name(&first->lease, &named, g_now_ns);
	lease_event(first, (struct lease_event){ .type = LEASE_CLAIMED,
						 .epoch = { 4, 0xa },
						 .sent_ns = g_now_ns });
	run(3 * LENGTH_NS);
	assert_ptr_equal(owner(), first);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < NODES; i++)
		claims_close(g_nodes[i].claims);
	return 0;
}

static void test_killed(void **state)
{
	(void)state;
	node_kill(&g_nodes[0]);
	assert_null(owner());
	assert_in_range(run_until_owned(), LENGTH_NS / 2, 5 * LENGTH_NS / 2);
	assert_int_equal(g_redis.epoch.counter, 5);
	assert_int_equal(g_redis.owner, owner()->id);
	/* it comes back, and takes part: who has it keeps it */
	node_start(&g_nodes[0], 0xaa);
	run(5 * LENGTH_NS);
	assert_int_equal(g_redis.owner, owner()->id);
	assert_int_equal(g_redis.epoch.counter, 5);
	node_kill(owner());
	assert_in_range(run_until_owned(), LENGTH_NS / 2, 5 * LENGTH_NS / 2);
}

static void keeper_says(uint64_t to)
{
	static const struct peer_item dead = { .kind = PEER_DEAD,
					       .shard = SHARD,
					       .epoch = { 4, 0xa } };

	claims_item(g_nodes[to - 1].claims, &dead, 0, g_now_ns);
}

/* Its keeper says so, to one of them at least: nobody waits. */
static void test_notice(void **state)
{
	(void)state;
	node_kill(&g_nodes[0]);
	keeper_says(2);
	assert_in_range(run_until_owned(), 0, LENGTH_NS / 4);
	keeper_says(3);
	keeper_says(2);
	run(5 * LENGTH_NS);
	assert_int_equal(owner()->id, 2);
	assert_int_equal(g_redis.epoch.counter, 5);
}

/* By the acks of the others it may speak on, and nobody claims. */
static void test_redis_away(void **state)
{
	(void)state;
	g_redis_away = true;
	run(5 * LENGTH_NS);
	assert_int_equal(owner()->id, 1);
	g_redis_away = false;
	run(5 * LENGTH_NS);
	assert_int_equal(owner()->id, 1);
	assert_int_equal(g_redis.epoch.counter, 4);
}

static void lease_lapses(struct node *n)
{
	g_redis_away = n->alone = true;
	run(2 * LENGTH_NS);
	assert_int_equal(n->lease.state, LEASE_LAPSED);
}

/* Whose lease is past hears from Redis that another one had it since, however that one ended: what it has in its memory is old. */
static void test_another_had_it(void **state)
{
	static const struct claim_lease other = { 1, { 5, 0xb }, 2, 0, { { 1, 3 }, 2 } };
	struct node *n = &g_nodes[0];

	(void)state;
	lease_lapses(n);
	claims_looked(n->claims, SHARD, &g_redis, g_now_ns);
	assert_int_equal(n->lease.state, LEASE_LAPSED);
	claims_looked(n->claims, SHARD, &other, g_now_ns);
	assert_int_equal(n->lease.state, LEASE_FENCED);
}

static void redis_shows(struct node *n, struct claim_lease *lease, uint64_t renewal,
			enum lease_state state)
{
	lease->renewal = renewal;
	claims_looked(n->claims, SHARD, lease, g_now_ns);
	assert_int_equal(n->lease.state, state);
}

/* ... or sees that whoever had it before goes on, as Redis has forgotten what was since. A lease that nobody renews says nothing. */
static void test_one_of_before_has_it(void **state)
{
	struct claim_lease before = { 1, { 2, 0xb }, 2, 0, { { 1, 3 }, 2 } };
	struct claim_lease note = { 1, { 0 }, 0, 0, { { 0 }, 0 } };
	struct node *n = &g_nodes[0];

	(void)state;
	lease_lapses(n);
	redis_shows(n, &note, 1, LEASE_LAPSED);
	redis_shows(n, &note, 2, LEASE_LAPSED);
	redis_shows(n, &before, 7, LEASE_LAPSED);
	before.history++; /* of another Redis */
	redis_shows(n, &before, 8, LEASE_LAPSED);
	before.epoch.counter++; /* of the next process there */
	redis_shows(n, &before, 9, LEASE_LAPSED);
	before.epoch.incarnation++;
	redis_shows(n, &before, 10, LEASE_LAPSED);
	redis_shows(n, &before, 10, LEASE_LAPSED);
	redis_shows(n, &before, 11, LEASE_FENCED);
}

/* ... or from another node, where Redis has forgotten it. */
static void test_news_of_another(void **state)
{
	static const struct peer_item outcome = { .kind = PEER_NEWER,
						  .shard = SHARD,
						  .epoch = { 5, 0xb },
						  .named = { { 1, 3 }, 2 },
						  .record = 2 };
	struct node *n = &g_nodes[0];

	(void)state;
	lease_lapses(n);
	claims_item(n->claims, &outcome, 3, g_now_ns);
	assert_int_equal(n->lease.state, LEASE_FENCED);
}

/* Redis went back to before the third node was named, and the owner is gone. Who was named before knows, and whoever starts then hears it. */
static void test_newest_names(void **state)
{
	static const struct members first = { { 2 }, 1 };
	struct claim_lease before = g_redis;

	(void)state;
	before.named = first;
	before.renewal = 1;
	node_kill(&g_nodes[0]);
	node_kill(&g_nodes[2]);
	g_redis = before;
	node_start(&g_nodes[2], 0xcc);
	assert_in_range(run_until_owned(), LENGTH_NS, 8 * LENGTH_NS);
}

/* ... and an owner whose lease is past knows whom it has named. */
static void test_knows_its_names(void **state)
{
	const struct claim *c = claims_of(g_nodes[0].claims, SHARD);

	(void)state;
	assert_int_equal(c->named.count, 2);
	assert_int_equal(c->renewed, g_nodes[0].lease.renewal);
}

/* Who learns of a newer list tells those who vote by it. */
static void test_passes_names_on(void **state)
{
	const struct claim *c = claims_of(g_nodes[1].claims, SHARD);
	const struct peer_item newer = { .kind = PEER_NAMES,
					 .shard = SHARD,
					 .epoch = c->heard,
					 .named = { { 3 }, 1 },
					 .record = 1,
					 .sent_ns = c->renewed + 5 };
	uint32_t before = g_letter_count, passed = 0;

	(void)state;
	claims_item(g_nodes[1].claims, &newer, 1, g_now_ns);
	for (uint32_t i = before; i < g_letter_count; i++) {
		const struct letter *l = &g_letters[i];

		assert_int_equal(l->item.kind, PEER_NAMES);
		assert_int_equal(l->item.sent_ns, newer.sent_ns);
		passed += l->to == 3 && l->item.named.count == 1;
	}
	assert_int_equal(passed, 1);
}

/* Cut off from the others it goes on by Redis; from both it is silent before another one speaks. */
static void test_cut_off(void **state)
{
	(void)state;
	g_nodes[0].alone = true;
	run(5 * LENGTH_NS);
	assert_int_equal(owner()->id, 1);
	node_kill(&g_nodes[1]);
	run(5 * LENGTH_NS);
	assert_int_equal(owner()->id, 1);
}

/* Looks are few, and none is asked for while one is under way. */
static void test_looks(void **state)
{
	uint32_t before = g_looks;

	(void)state;
	run(10 * LENGTH_NS);
	assert_in_range(g_looks - before, 2 * 25, 2 * 31);
}

static void test_room(void **state)
{
	struct claims *c = g_nodes[1].claims;

	(void)state;
	for (uint16_t i = 0; i < CLAIMS_MAX - 1; i++)
		assert_int_equal(claims_watch(c, (uint16_t)(OTHER_SHARD + i), g_now_ns), 0);
	assert_int_equal(claims_watch(c, 60000, g_now_ns), -ENOSPC);
	assert_int_equal(claims_watch(c, OTHER_SHARD, g_now_ns), 0); /* it is watched */
	claims_unwatch(c, OTHER_SHARD);
	assert_null(claims_of(c, OTHER_SHARD));
	assert_int_equal(claims_watch(c, 60000, g_now_ns), 0);
	assert_non_null(claims_of(c, 60000));
	for (uint16_t i = 1; i < CLAIMS_MAX - 1; i++)
		claims_unwatch(c, (uint16_t)(OTHER_SHARD + i));
	claims_unwatch(c, 60000);
	claims_looked(c, 60000, NULL, g_now_ns); /* what was under way is passed over */
	claims_answered(c, 60000, true, true, g_now_ns);
	node_kill(&g_nodes[0]);
	(void)run_until_owned();
}

/* An answer that comes when the claim was given up, and another one is asked for: it is not that one's. */
static void test_answer_of_before(void **state)
{
	struct node *n = &g_nodes[1];
	uint64_t asked_ns;

	(void)state;
	g_claims_wait = true;
	node_kill(&g_nodes[0]);
	node_kill(&g_nodes[2]);
	n->claim.asked_ns = 0;
	keeper_says(2);
	run(LENGTH_NS / 10);
	asked_ns = claims_of(n->claims, SHARD)->asked_ns;
	claims_item(
		n->claims,
		&(struct peer_item){ .kind = PEER_CONSENTED, .shard = SHARD, .sent_ns = asked_ns },
		3, g_now_ns);
	assert_true(n->claimed);
	while (claims_of(n->claims, SHARD)->asked_ns == asked_ns)
		tick();
	asked_ns = claims_of(n->claims, SHARD)->asked_ns;
	claims_item(
		n->claims,
		&(struct peer_item){ .kind = PEER_CONSENTED, .shard = SHARD, .sent_ns = asked_ns },
		3, g_now_ns);
	assert_int_equal(claims_of(n->claims, SHARD)->state, CLAIM_CLAIM);
	claims_answered(n->claims, SHARD, true, true, g_now_ns);
	assert_false(valid(n));
	/* and the next one counts */
	g_claims_wait = n->claimed = false;
	(void)owner();
	while (claims_of(n->claims, SHARD)->asked_ns == asked_ns)
		tick();
	asked_ns = claims_of(n->claims, SHARD)->asked_ns;
	claims_item(
		n->claims,
		&(struct peer_item){ .kind = PEER_CONSENTED, .shard = SHARD, .sent_ns = asked_ns },
		3, g_now_ns);
	run(2 * TICK_NS);
	assert_true(valid(n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_redis_away, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_had_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_of_before_has_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_news_of_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newest_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_knows_its_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_passes_names_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_looks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answer_of_before, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
