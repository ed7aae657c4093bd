/* SPDX-License-Identifier: Apache-2.0 */
/* A limit over several nodes: messages between them are lost, late and there twice, and nodes come and go. */
#include "sig/host/share.h"

#include "base/clock.h"
#include "base/rand.h"
#include "tests/unit/test.h"

enum { NODES = 4, LIMIT = 20, MINUTES_MS = 120 * 60000, LATE_MAX = 256 };

/* A message on its way; from: the node that sent it. */
struct late {
	struct share_word word;
	uint32_t from, to;
	uint64_t at_ns;
};

struct net {
	struct tenants *tenants;
	struct shares *nodes[NODES];
	uint64_t used[NODES];
	uint64_t processes[NODES];
	uint32_t count;
	uint64_t id, now_ns;
	struct late late[LATE_MAX];
	uint32_t late_count;
	struct rand_source rand;
	uint32_t lost;   /* of a hundred */
	bool cut[NODES]; /* it hears nobody, and nobody hears it */
};

static void net_know(struct net *n)
{
	for (uint32_t i = 0; i < n->count; i++)
		shares_nodes(n->nodes[i], n->processes[i], n->processes, n->count);
}

static void net_open(struct net *n, uint32_t count, uint64_t seed)
{
	static const struct hash_key key = { 1, 2 };

	*n = (struct net){ .count = count, .now_ns = NS_PER_S };
	rand_open_seed(&n->rand, seed);
	assert_int_equal(tenants_open(&n->tenants, &key), 0);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(shares_open(&n->nodes[i], n->tenants, 16), 0);
		n->processes[i] = rand_u64_from(&n->rand) | 1;
	}
	net_know(n);
	n->id = share_id(n->nodes[0], SHARE_CALLS, TENANT_DEFAULT, BYTES_LIT("1001"), 0);
}

static void net_close(struct net *n)
{
	for (uint32_t i = 0; i < n->count; i++)
		shares_close(n->nodes[i]);
	tenants_close(n->tenants);
}

static uint32_t chance(struct net *n, uint32_t of)
{
	return (uint32_t)(rand_u64_from(&n->rand) % of);
}

static void net_send_one(struct net *n, uint32_t from, uint32_t to, const struct share_word *word)
{
	if (from == to || n->cut[from] || n->cut[to] || chance(n, 100) < n->lost ||
	    n->late_count == LATE_MAX)
		return;
	n->late[n->late_count++] = (struct late){
		.word = *word, .from = from, .to = to, .at_ns = n->now_ns + chance(n, 3) * NS_PER_MS
	};
}

static void net_send(struct net *n)
{
	struct share_word word;

	for (uint32_t i = 0; i < n->count; i++) {
		while (shares_next(n->nodes[i], &word)) {
			for (uint32_t to = 0; to < n->count; to++) {
				if (!word.process || word.process == n->processes[to])
					net_send_one(n, i, to, &word);
				if (n->lost && chance(n, 4) == 0) /* there twice */
					net_send_one(n, i, to, &word);
			}
		}
	}
}

/* In any order. */
static void net_hear(struct net *n)
{
	for (uint32_t i = n->late_count; i-- > 0;) {
		struct late l = n->late[i];

		if (l.at_ns > n->now_ns)
			continue;
		n->late[i] = n->late[--n->late_count];
		if (l.word.process && l.word.process != n->processes[l.to])
			continue; /* a process before */
		l.word.process = n->processes[l.from];
		shares_hear(n->nodes[l.to], &l.word);
	}
}

static void net_wait_ms(struct net *n, uint32_t ms)
{
	while (ms--) {
		n->now_ns += NS_PER_MS;
		net_send(n);
		net_hear(n);
	}
}

/* As the node does each second. */
static void net_day(struct net *n)
{
	n->now_ns += 24 * 3600 * NS_PER_S;
	for (uint32_t i = 0; i < n->count; i++)
		shares_expire(n->nodes[i], n->now_ns);
}

static bool takes(struct net *n, uint32_t node, uint64_t limit)
{
	if (n->used[node] >= share_of(n->nodes[node], n->id, limit, n->used[node], n->now_ns))
		return false;
	share_note(n->nodes[node], n->id, ++n->used[node]);
	return true;
}

static void gives(struct net *n, uint32_t node)
{
	share_note(n->nodes[node], n->id, --n->used[node]);
}

static uint64_t net_used(const struct net *n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n->count; i++)
		sum += n->used[i];
	return sum;
}

static uint32_t takes_all(struct net *n, uint32_t node, uint64_t limit)
{
	uint32_t took = 0;

	for (int tries = 0; tries < 100; tries++) {
		took += takes(n, node, limit);
		net_wait_ms(n, 10);
	}
	return took;
}

/* A stolen password gets no more than the limit, at however many nodes it calls at once. */
static void all_at_once(void **state)
{
	(void)state;
	for (uint32_t count = 1; count <= NODES; count++) {
		struct net n;

		net_open(&n, count, count);
		for (int round = 0; round < 100; round++) {
			for (uint32_t i = 0; i < count; i++)
				(void)takes(&n, i, LIMIT);
			net_wait_ms(&n, 10);
		}
		assert_int_equal(net_used(&n), LIMIT);
		net_close(&n);
	}
}

/* Whoever calls at one node alone has all of it, and then another has. */
static void goes_where_it_is_needed(void **state)
{
	struct net n;

	(void)state;
	for (uint32_t count = 2; count <= NODES; count++) {
		net_open(&n, count, 7);
		for (int round = 0; round < 3; round++) {
			for (uint32_t i = 0; i < count; i++) {
				assert_int_equal(takes_all(&n, i, LIMIT), LIMIT);
				while (n.used[i])
					gives(&n, i);
			}
		}
		net_close(&n);
	}
}

/* ... at once, where it calls no faster than they answer; but for the one that each of them keeps for whoever comes there. */
static void is_asked_for_ahead(void **state)
{
	struct net n;

	(void)state;
	net_open(&n, 2, 3);
	for (int i = 0; i < LIMIT - 1; i++) {
		assert_true(takes(&n, 0, LIMIT));
		net_wait_ms(&n, 3);
	}
	assert_true(takes(&n, 1, LIMIT));
	gives(&n, 1);
	assert_false(takes(&n, 0, LIMIT)); /* once: it is asked for then */
	net_wait_ms(&n, 3);
	assert_true(takes(&n, 0, LIMIT));
	assert_false(takes(&n, 0, LIMIT));
	net_close(&n);
}

/* Who was refused may come as soon as somebody elsewhere has hung up. */
static void is_call_back(void **state)
{
	struct net n;

	(void)state;
	net_open(&n, 2, 5);
	assert_int_equal(takes_all(&n, 0, LIMIT), LIMIT);
	assert_false(takes(&n, 1, LIMIT));
	net_wait_ms(&n, 3000);
	gives(&n, 0);
	net_wait_ms(&n, 3);
	assert_true(takes(&n, 1, LIMIT));
	assert_false(takes(&n, 0, LIMIT));
	net_close(&n);
}

/* ... also where the node that had it did not see the other one at that moment. */
static void comes_back_unseen(void **state)
{
	struct net n;

	(void)state;
	net_open(&n, 2, 5);
	assert_int_equal(takes_all(&n, 0, LIMIT), LIMIT);
	assert_false(takes(&n, 1, LIMIT));
	net_wait_ms(&n, 100);
	shares_nodes(n.nodes[0], n.processes[0], n.processes, 1);
	gives(&n, 0);
	net_wait_ms(&n, 100);
	net_know(&n);
	shares_expire(n.nodes[0], n.now_ns);
	net_wait_ms(&n, 100);
	assert_true(takes(&n, 1, LIMIT));
	net_close(&n);
}

/* Two devices of a user have a call each, of two. */
static void of_two_one_each(void **state)
{
	struct net n;

	(void)state;
	net_open(&n, 2, 5);
	assert_true(takes(&n, 0, 2));
	net_wait_ms(&n, 300);
	assert_true(takes(&n, 1, 2));
	net_wait_ms(&n, 300);
	assert_false(takes(&n, 0, 2));
	assert_false(takes(&n, 1, 2));
	net_close(&n);
}

/* Who hears nobody has its part. */
static void alone(void **state)
{
	struct net n;

	(void)state;
	net_open(&n, 3, 9);
	n.cut[0] = n.cut[1] = n.cut[2] = true;
	for (uint32_t i = 0; i < 3; i++)
		(void)takes_all(&n, i, LIMIT);
	assert_int_equal(net_used(&n), LIMIT);
	n.cut[0] = n.cut[1] = n.cut[2] = false;
	while (n.used[2])
		gives(&n, 2);
	assert_true(takes_all(&n, 0, LIMIT) >= LIMIT / 3);
	assert_true(net_used(&n) <= LIMIT);
	net_close(&n);
}

/* With less than one for each node each has one. */
static void less_than_nodes(void **state)
{
	struct net n;

	(void)state;
	net_open(&n, 3, 11);
	for (uint32_t i = 0; i < 3; i++)
		(void)takes_all(&n, i, 2);
	assert_int_equal(net_used(&n), 3);
	net_close(&n);
	assert_int_equal(share_of(NULL, 1, 5, 0, 0), 5);
}

/* A process that is gone takes along what it was given, and what it gave is there again; its calls are another's by then. */
static void a_node_dies(void **state)
{
	struct net n;

	(void)state;
	net_open(&n, 3, 13);
	assert_int_equal(takes_all(&n, 2, LIMIT), LIMIT);
	n.used[0] += n.used[2]; /* taken over */
	share_note(n.nodes[0], n.id, n.used[0]);
	n.used[2] = 0;
	shares_close(n.nodes[2]);
	n.count = 2;
	net_know(&n);
	assert_int_equal(takes_all(&n, 0, LIMIT) + takes_all(&n, 1, LIMIT), 0);
	while (n.used[0])
		gives(&n, 0);
	assert_int_equal(takes_all(&n, 1, LIMIT), LIMIT);
	assert_int_equal(takes_all(&n, 0, LIMIT), 0);
	net_close(&n);
}

/* Whatever becomes of messages, and whoever is cut off: never more than the limit, and in the end all of it. */
static void at_random(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct net n;

		net_open(&n, 2 + (uint32_t)(seed % (NODES - 1)), seed);
		n.lost = (uint32_t)(seed % 50);
		for (int step = 0; step < 400; step++) {
			uint32_t i = chance(&n, n.count);

			if (chance(&n, 50) == 0)
				n.cut[i] = !n.cut[i];
			if (chance(&n, 3))
				(void)takes(&n, i, LIMIT);
			else if (n.used[i])
				gives(&n, i);
			net_wait_ms(&n, chance(&n, 30));
			assert_true(net_used(&n) <= LIMIT);
		}
		n.lost = 0;
		for (uint32_t i = 0; i < n.count; i++) {
			n.cut[i] = false;
			while (n.used[i])
				gives(&n, i);
		}
		assert_int_equal(takes_all(&n, 0, LIMIT), LIMIT);
		net_close(&n);
	}
}

/* What means nothing here changes nothing. */
static void strangers(void **state)
{
	struct share_word words[] = {
		{ .process = 5, .limit = LIMIT, .given = 9 },
		{ .process = 5, .limit = LIMIT, .want = 9 },
		{ .process = 0, .limit = LIMIT, .given = 9 },
		{ .process = 5, .limit = 0, .want = UINT64_MAX },
	};
	struct share_word out;
	struct net n;

	(void)state;
	net_open(&n, 2, 17);
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		words[i].id = n.id;
		shares_hear(n.nodes[0], &words[i]);
	}
	words[0].process = n.processes[0]; /* itself */
	shares_hear(n.nodes[0], &words[0]);
	assert_false(shares_next(n.nodes[0], &out));
	assert_int_equal(share_of(n.nodes[0], n.id, LIMIT, 0, n.now_ns), LIMIT / 2);
	net_close(&n);
}

static void net_seconds(struct net *n, uint32_t s)
{
	for (uint32_t second = 0; second < s; second++) {
		for (uint32_t i = 0; i < n->count; i++)
			shares_expire(n->nodes[i], n->now_ns);
		net_wait_ms(n, 1000);
	}
}

/* Two nodes come where one of two has given all: who has more than is its part by then gives it back as soon as it can, though the other one is
 * called by nobody. */
static void nodes_come(void **state)
{
	struct net n;

	(void)state;
	net_open(&n, NODES, 31);
	n.count = 2;
	net_know(&n);
	assert_int_equal(takes_all(&n, 0, LIMIT), LIMIT);
	n.count = NODES;
	net_know(&n);
	while (n.used[0])
		gives(&n, 0);
	net_seconds(&n, 5);
	for (int round = 0; round < 100; round++) {
		for (uint32_t i = 0; i < NODES; i++)
			(void)(i != 1 && takes(&n, i, LIMIT));
		net_wait_ms(&n, 10);
	}
	assert_int_equal(net_used(&n), LIMIT);
	net_close(&n);
}

/* Others are restarted one after the other: what each of them gave before, and has anew, is no more than the limit at one node. */
static void restarted_in_turn(void **state)
{
	struct net n;

	(void)state;
	net_open(&n, 3, 37);
	for (uint64_t round = 0; round < 6; round++) {
		n.count = 2; /* the third is gone, */
		net_know(&n);
		assert_int_equal(takes_all(&n, 0, LIMIT), LIMIT);
		shares_close(n.nodes[2]);
		assert_int_equal(shares_open(&n.nodes[2], n.tenants, 16), 0);
		n.processes[2] = rand_u64_from(&n.rand) | 1;
		n.count = 3; /* and comes back */
		net_know(&n);
		assert_int_equal(takes_all(&n, 0, LIMIT), 0);
		while (n.used[0])
			gives(&n, 0);
		net_seconds(&n, 5);
		assert_int_equal(takes_all(&n, 2, LIMIT) + takes_all(&n, 0, LIMIT), LIMIT);
		for (uint32_t i = 0; i < 3; i++) {
			while (n.used[i])
				gives(&n, i);
		}
	}
	net_close(&n);
}

static uint64_t id_of_day(const struct net *n, uint64_t day)
{
	return share_id(n->nodes[0], SHARE_MINUTES_OUTSIDE, TENANT_DEFAULT, BYTES_LIT("1001"), day);
}

/* A day that is over takes no room, at nodes where nobody called, either. */
static void days_go_by(void **state)
{
	struct net n;

	(void)state;
	net_open(&n, 2, 23);
	for (uint64_t day = 1; day <= 100; day++) {
		uint64_t id = id_of_day(&n, day), used = 0;

		for (int round = 0; round < 9; round++) {
			used = share_of(n.nodes[0], id, MINUTES_MS, used, n.now_ns);
			share_note(n.nodes[0], id, used);
			net_wait_ms(&n, 200);
		}
		assert_int_equal(used, MINUTES_MS);
		share_drop(n.nodes[0],
			   id); /* its account has another day; the other node has none */
		net_day(&n);
	}
	assert_int_equal(takes_all(&n, 0, LIMIT), LIMIT);
	net_close(&n);
}

/* The process is killed and started again: of what it has spent and was given it knows the former alone. */
static void net_restart(struct net *n, uint32_t node)
{
	shares_close(n->nodes[node]);
	assert_int_equal(shares_open(&n->nodes[node], n->tenants, 16), 0);
	n->processes[node] = rand_u64_from(&n->rand) | 1;
	net_know(n);
	share_note(n->nodes[node], n->id, n->used[node]);
}

/* A node talks on as long as it may, some seconds. */
static void talks_on(struct net *n, uint32_t node, uint32_t s)
{
	for (uint32_t second = 0; second < s; second++) {
		if (n->used[node] <
		    share_of(n->nodes[node], n->id, MINUTES_MS, n->used[node], n->now_ns)) {
			n->used[node] += 30000;
			share_note(n->nodes[node], n->id, n->used[node]);
		}
		net_seconds(n, 1);
	}
}

/* What was spent of a day was spent, whoever gave it to whom before: a restart gives nobody as much again. */
static void restarted_in_a_day(void **state)
{
	(void)state;
	for (uint32_t first = 0; first < 2; first++) {
		struct net n;

		net_open(&n, 2, 41);
		n.id = id_of_day(&n, 7);
		talks_on(&n, first, 200); /* of 240 */
		assert_int_equal(n.used[first], 200 * 30000);
		net_restart(&n, 0); /* who was given, or who gave */
		net_seconds(&n, 3);
		talks_on(&n, !first, 300);
		assert_true(net_used(&n) >= MINUTES_MS);
		assert_true(net_used(&n) <= MINUTES_MS + MINUTES_MS / 4);
		talks_on(&n, first, 20);
		assert_true(net_used(&n) <= MINUTES_MS + MINUTES_MS / 4);
		net_close(&n);
	}
}

/* A neighbour is restarted day after day: what those who are gone gave and got takes no room. */
static void neighbours_go_by(void **state)
{
	struct share_counts counts;
	struct net n;
	uint64_t most = 0;

	(void)state;
	net_open(&n, 2, 43);
	for (int round = 0; round < 400; round++) {
		assert_int_equal(takes_all(&n, 1, LIMIT), LIMIT);
		while (n.used[1])
			gives(&n, 1);
		net_restart(&n, 1);
		n.now_ns += 600 * NS_PER_S;
		net_seconds(&n, 2);
		shares_counts(n.nodes[0], &counts);
		most = counts.neighbours > most ? counts.neighbours : most;
	}
	assert_true(most < 20);
	assert_int_equal(takes_all(&n, 0, LIMIT), LIMIT);
	net_close(&n);
}

/* It does not come up, all day long: each process asks, and is gone. */
static void neighbour_starts_again_and_again(void **state)
{
	struct share_counts counts;
	struct net n;

	(void)state;
	net_open(&n, 2, 47);
	for (int round = 0; round < 3000; round++) {
		assert_int_equal(takes_all(&n, 1, LIMIT), LIMIT);
		while (n.used[1])
			gives(&n, 1);
		net_restart(&n, 1);
		net_seconds(&n, 1);
	}
	shares_counts(n.nodes[0], &counts);
	assert_in_range(counts.neighbours, 1, 4 * SHARE_NODES_MAX);
	assert_int_equal(takes_all(&n, 0, LIMIT), LIMIT);
	net_close(&n);
}

/* Clocks are set: nobody waits for them before others are asked. */
static void clock_is_set_back(void **state)
{
	struct share_word word;
	struct net n;

	(void)state;
	net_open(&n, 2, 29);
	n.now_ns = 7200 * NS_PER_S;
	(void)share_of(n.nodes[0], n.id, LIMIT, LIMIT / 2, n.now_ns);
	assert_true(shares_next(n.nodes[0], &word)); /* lost */
	n.now_ns -= 3600 * NS_PER_S;
	(void)share_of(n.nodes[0], n.id, LIMIT, LIMIT / 2, n.now_ns);
	assert_true(shares_next(n.nodes[0], &word));
	net_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(goes_where_it_is_needed),
		cmocka_unit_test(is_asked_for_ahead),
		cmocka_unit_test(is_call_back),
		cmocka_unit_test(comes_back_unseen),
		cmocka_unit_test(of_two_one_each),
		cmocka_unit_test(alone),
		cmocka_unit_test(less_than_nodes),
		cmocka_unit_test(a_node_dies),
		cmocka_unit_test(at_random),
		cmocka_unit_test(strangers),
		cmocka_unit_test(nodes_come),
		cmocka_unit_test(restarted_in_turn),
		cmocka_unit_test(days_go_by),
		cmocka_unit_test(clock_is_set_back),
		cmocka_unit_test(restarted_in_a_day),
		cmocka_unit_test(neighbours_go_by),
		cmocka_unit_test(neighbour_starts_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
