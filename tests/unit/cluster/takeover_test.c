/* SPDX-License-Identifier: Apache-2.0 */
/* Three processes on one machine, which hear each other by UDP and share what stands for Redis. One is killed: another one has its shard. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "cluster/peer/claims.h"
#include "cluster/peer/peers.h"

enum { NODES = 3, SHARD = 9 };
#define LENGTH_NS   NS_PER_S
#define BEAT_NS     (10 * NS_PER_MS)
#define PATIENCE_NS (30 * NS_PER_S)

/* What one process tells the test, and its keeper. */
struct told {
	_Atomic uint32_t port;
	_Atomic uint64_t valid_until_ns;
	_Atomic uint64_t gone; /* epoch whose process is, as it has heard */
	uint8_t notice[NODES][PEER_PACKET_MAX];
	size_t notice_n[NODES];
	_Atomic uint64_t noticed; /* epoch that the notices are of */
};

static struct shared {
	struct claim_lease redis;
	struct told nodes[NODES];
} * g_shared;
#define GET(word)        atomic_load_explicit(&(word), memory_order_acquire)
#define PUT(word, value) atomic_store_explicit(&(word), (value), memory_order_release)
static int g_lock; /* of redis; a process that is killed gives it back */
static pid_t g_processes[NODES];

/* ---- in a process: a node ---- */

static struct node {
	uint64_t id;
	int lock;
	struct rand_source rand;
	struct peers *peers;
	struct claims *claims;
	struct lease lease;
	bool looks, claimed;
	struct claim claim;
} g_node;

static void redis_hold(bool hold)
{
	if (flock(g_node.lock, hold ? LOCK_EX : LOCK_UN))
		abort();
}

static bool owns_in_redis(void)
{
	const struct lease_epoch *a = &g_shared->redis.epoch, *b = &g_node.lease.epoch;

	return a->counter == b->counter && a->incarnation == b->incarnation;
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

/* What is asked of Redis is answered at once. */
static void lease_event(struct lease_event event)
{
	struct lease *l = &g_node.lease;
	unsigned actions = lease_step(l, &event, clock_now_ns());
	struct lease_event answer = { .answer = true, .kept = true };

	if (actions & LEASE_ANNOUNCE)
		named_told(g_node.claims, l);
	if (!(actions & (LEASE_SEND_RENEW | LEASE_SEND_ASSERT)))
		return;
	redis_hold(true);
	answer.type = owns_in_redis() ? LEASE_GRANTED : LEASE_SEEN;
	answer.epoch = g_shared->redis.epoch;
	if (answer.type == LEASE_GRANTED) {
		g_shared->redis.renewal = l->renewal;
		g_shared->redis.named = l->named;
	}
	redis_hold(false);
	lease_event(answer);
}

static void node_look(uint16_t shard, void *arg)
{
	(void)shard;
	(void)arg;
	g_node.looks = true;
}

static void node_claim(uint16_t shard, const struct claim *c, void *arg)
{
	(void)shard;
	(void)arg;
	g_node.claimed = true;
	g_node.claim = *c;
}

static void own(struct lease_epoch epoch, const struct members *named, uint64_t renewal,
		uint64_t sent_ns)
{
	lease_name(&g_node.lease, named, clock_now_ns());
	lease_event((struct lease_event){
		.type = LEASE_CLAIMED, .epoch = epoch, .renewal = renewal, .sent_ns = sent_ns });
}

static void node_owned(uint16_t shard, const struct claim *c, void *arg)
{
	(void)shard;
	(void)arg;
	own(c->next, &c->named, c->seen.renewal + 1, c->asked_ns);
}

static bool node_owning(uint16_t shard, void *arg)
{
	const struct lease *l = &g_node.lease;

	(void)shard;
	(void)arg;
	return (l->state == LEASE_HELD || l->state == LEASE_DOUBT) &&
	       clock_now_ns() <= atomic_load_explicit(&l->valid_until_ns, memory_order_relaxed);
}

static void node_heard(uint16_t shard, uint64_t from, uint64_t sent_ns, void *arg)
{
	(void)shard;
	(void)arg;
	lease_event((struct lease_event){ .type = LEASE_ACK, .from = from, .sent_ns = sent_ns });
}

static void node_seen(uint16_t shard, struct lease_epoch epoch, void *arg)
{
	(void)shard;
	(void)arg;
	lease_event((struct lease_event){ .type = LEASE_SEEN, .epoch = epoch });
}

static void node_renewed(uint16_t shard, struct lease_epoch epoch, void *arg)
{
	(void)shard;
	(void)arg;
	lease_event((struct lease_event){ .type = LEASE_RENEWED, .epoch = epoch });
}

static void node_say(uint64_t to, const struct peer_item *item, void *arg)
{
	(void)arg;
	peers_queue(g_node.peers, to, item);
}

static void on_item(const struct peer_item *item, uint64_t from, void *arg)
{
	(void)arg;
	claims_item(g_node.claims, item, from, clock_now_ns());
}

static void on_alive(uint64_t id, bool heard, void *arg)
{
	(void)id;
	(void)heard;
	(void)arg;
}

static void redis_answers(void)
{
	const struct claim *c = &g_node.claim;
	bool looks = g_node.looks, claimed = g_node.claimed, won = false;
	struct claim_lease seen;

	g_node.looks = g_node.claimed = false;
	redis_hold(true);
	if (claimed)
		won = c->seen.renewal == g_shared->redis.renewal &&
		      c->seen.epoch.counter == g_shared->redis.epoch.counter &&
		      c->seen.epoch.incarnation == g_shared->redis.epoch.incarnation;
	if (won)
		g_shared->redis = (struct claim_lease){ 1, c->next, g_node.id, c->seen.renewal + 1,
							c->next_named };
	seen = g_shared->redis;
	redis_hold(false);
	if (claimed)
		claims_answered(g_node.claims, SHARD, won, true, clock_now_ns());
	if (looks)
		claims_looked(g_node.claims, SHARD, &seen, clock_now_ns());
}

/* What a keeper would hold. */
static void notices_write(void)
{
	struct peer_item dead = { .kind = PEER_DEAD, .shard = SHARD, .epoch = g_node.lease.epoch };
	uint8_t octets[PEER_ITEM_MAX];
	struct writer w = writer_over(octets, sizeof(octets));
	struct told *own_told = &g_shared->nodes[g_node.id - 1];

	if (!node_owning(SHARD, NULL) || GET(own_told->noticed) == dead.epoch.counter ||
	    !peer_item_write(&w, &dead))
		return;
	for (uint64_t i = 1; i <= NODES; i++) {
		struct addr to;
		size_t n = 0;

		if (i != g_node.id &&
		    peers_gone(g_node.peers, i, writer_done(&w), &to, own_told->notice[i - 1], &n))
			abort();
		own_told->notice_n[i - 1] = n;
	}
	PUT(own_told->noticed, dead.epoch.counter);
}

static void node_beat(void *arg)
{
	const struct lease *l = &g_node.lease;
	struct told *told = &g_shared->nodes[g_node.id - 1];

	(void)arg;
	redis_answers();
	lease_event((struct lease_event){ .type = LEASE_TIMER });
	claims_beat(g_node.claims, clock_now_ns());
	peers_beat(g_node.peers, clock_now_ns());
	notices_write();
	PUT(told->gone, claims_of(g_node.claims, SHARD)->gone.counter);
	PUT(told->valid_until_ns, node_owning(SHARD, NULL) ? GET(l->valid_until_ns) : 0);
	if (loop_timer(clock_now_ns() + BEAT_NS, node_beat, NULL))
		abort();
}

static void others_know(void)
{
	for (uint32_t i = 0; i < NODES; i++) {
		static const uint8_t loopback[4] = { 127, 0, 0, 1 };
		struct addr address = { 0 };

		while (!GET(g_shared->nodes[i].port))
			(void)usleep(1000);
		addr_set_v4(&address, loopback, (uint16_t)GET(g_shared->nodes[i].port));
		if (peers_know(g_node.peers, i + 1, &address))
			abort();
	}
}

static void node_open(uint32_t i, const char *lock)
{
	static const struct claims_handlers handlers = { node_look,    node_claim, node_owned,
							 node_owning,  node_heard, node_seen,
							 node_renewed, node_say };
	struct peers_settings s = {
		.id = i + 1, .incarnation = 0xa1 + i, .lease_ns = LENGTH_NS, .rand = &g_node.rand
	};

	g_node.id = s.id;
	g_node.lock = open(lock, O_RDWR | O_CLOEXEC);
	rand_open_system(&g_node.rand);
	memset(s.key, 7, sizeof(s.key));
	if (g_node.lock < 0 || loop_open(64) || addr_parse(&s.listen, bytes_str("127.0.0.1:0")) ||
	    peers_open(&g_node.peers, &s, on_item, on_alive, NULL) ||
	    claims_open(&g_node.claims, s.id, s.incarnation, LENGTH_NS, &handlers, NULL) ||
	    claims_watch(g_node.claims, SHARD, clock_now_ns()))
		abort();
	PUT(g_shared->nodes[i].port, peers_address(g_node.peers)->port);
	others_know();
	lease_open(&g_node.lease, s.incarnation, LENGTH_NS);
	lease_event((struct lease_event){ .type = LEASE_LINK_UP });
}

static void node_run(uint32_t i, const char *lock)
{
	static const struct members named = { { 2, 3 }, 2 };

	node_open(i, lock);
	if (i == 0)
		own((struct lease_epoch){ 4, 0xa1 }, &named, 1, clock_now_ns());
	if (loop_timer(0, node_beat, NULL) || loop_run())
		abort();
}

/* ---- the test ---- */

static bool lives(uint32_t i)
{
	return g_processes[i] > 0;
}

/* Of those that live the one that may speak, NODES: nobody. Never are there two. */
static uint32_t owner(void)
{
	uint64_t until_ns[NODES], now_ns;
	uint32_t found = NODES;

	for (uint32_t i = 0; i < NODES; i++)
		until_ns[i] = lives(i) ? GET(g_shared->nodes[i].valid_until_ns) : 0;
	now_ns = clock_now_ns();
	for (uint32_t i = 0; i < NODES; i++) {
		assert_true(until_ns[i] <= now_ns || found == NODES);
		if (until_ns[i] > now_ns)
			found = i;
	}
	return found;
}

static uint32_t wait_owner(uint32_t not_this)
{
	uint64_t since_ns = clock_now_ns();
	uint32_t found = owner();

	while (found == NODES || found == not_this) {
		assert_true(clock_now_ns() < since_ns + PATIENCE_NS);
		(void)usleep(1000);
		found = owner();
	}
	return found;
}

static void node_kill(uint32_t i)
{
	if (!lives(i))
		return;
	assert_int_equal(kill(g_processes[i], SIGKILL), 0);
	assert_int_equal(waitpid(g_processes[i], NULL, 0), g_processes[i]);
	g_processes[i] = 0;
}

static int setup(void **state)
{
	static char lock[] = "/tmp/tandem-takeover-XXXXXX";

	(void)state;
	(void)memcpy(lock + sizeof(lock) - 7, "XXXXXX", 6);
	g_lock = mkstemp(lock);
	g_shared = mmap(NULL, sizeof(*g_shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (g_lock < 0 || g_shared == MAP_FAILED)
		return -1;
	g_shared->redis = (struct claim_lease){ 1, { 4, 0xa1 }, 1, 1, { { 2, 3 }, 2 } };
	for (uint32_t i = 0; i < NODES; i++) {
		g_processes[i] = fork();
		if (g_processes[i] == 0) {
			node_run(i, lock);
			_exit(1);
		}
	}
	for (uint32_t i = 0; i < NODES; i++) {
		while (!GET(g_shared->nodes[i].port))
			(void)usleep(1000);
	}
	(void)unlink(lock);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < NODES; i++)
		node_kill(i);
	(void)close(g_lock);
	return munmap(g_shared, sizeof(*g_shared));
}

/* The owner, when it has renewed its lease a few times: the others are past their start. */
static uint32_t owner_settled(void)
{
	(void)wait_owner(NODES);
	while (g_shared->redis.renewal < 6)
		(void)usleep(1000);
	return wait_owner(NODES);
}

/* By itself: the lease is past, and the two that are left agree who has it. */
static void test_killed(void **state)
{
	uint32_t first = owner_settled(), next;
	uint64_t counter = g_shared->redis.epoch.counter;

	(void)state;
	node_kill(first);
	next = wait_owner(first);
	assert_true(g_shared->redis.epoch.counter > counter);
	assert_int_equal(GET(g_shared->nodes[next].gone), 0);
}

static void keeper_sends(uint32_t of)
{
	static const uint8_t loopback[4] = { 127, 0, 0, 1 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	for (uint32_t i = 0; i < NODES; i++) {
		const struct told *told = &g_shared->nodes[of];
		struct sockaddr_storage sa;
		struct addr to = { 0 };
		socklen_t n;

		addr_set_v4(&to, loopback, (uint16_t)GET(g_shared->nodes[i].port));
		n = addr_to_sockaddr(&to, &sa);
		if (i != of)
			assert_int_equal(sendto(fd, told->notice[i], told->notice_n[i], 0,
						(const struct sockaddr *)&sa, n),
					 told->notice_n[i]);
	}
	(void)close(fd);
}

/* Its keeper says so: who has it next has heard that. */
static void test_notice(void **state)
{
	uint32_t first = owner_settled(), next;
	uint64_t counter;

	(void)state;
	while (!GET(g_shared->nodes[first].noticed))
		(void)usleep(1000);
	counter = GET(g_shared->nodes[first].noticed);
	node_kill(first);
	keeper_sends(first);
	next = wait_owner(first);
	assert_true(g_shared->redis.epoch.counter > counter);
	assert_int_equal(GET(g_shared->nodes[next].gone), counter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notice, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
