/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "cluster/peer/peers.h"

enum { SIDES = 2, ITEMS_MAX = 256 };
#define LENGTH_NS   (300 * NS_PER_MS)
#define PATIENCE_NS (20 * NS_PER_S)
#define BEAT_NS     (5 * NS_PER_MS)

struct side {
	struct rand_source rand;
	struct peers *peers;
	struct peer_item items[ITEMS_MAX];
	uint64_t from[ITEMS_MAX];
	uint32_t count;
	uint32_t heard, unheard;
};

static struct side g_sides[SIDES];
static bool (*g_until)(void);
static uint64_t g_give_up_ns;
static bool g_mute; /* the second one does not beat */

static void on_item(const struct peer_item *item, uint64_t from, void *arg)
{
	struct side *s = arg;

	assert_true(s->count < ITEMS_MAX);
	s->from[s->count] = from;
	s->items[s->count++] = *item;
}

static void on_alive(uint64_t id, bool heard, void *arg)
{
	struct side *s = arg;

	assert_true(id >= 1 && id <= SIDES);
	*(heard ? &s->heard : &s->unheard) += 1;
}

static void side_open(uint32_t i, uint64_t incarnation)
{
	struct peers_settings s = { .id = i + 1,
				    .incarnation = incarnation,
				    .lease_ns = LENGTH_NS,
				    .rand = &g_sides[i].rand };

	g_sides[i] = (struct side){ 0 };
	rand_open_seed(&g_sides[i].rand, incarnation);
	memset(s.key, 7, sizeof(s.key));
	assert_int_equal(addr_parse(&s.listen, bytes_str("127.0.0.1:0")), 0);
	assert_int_equal(peers_open(&g_sides[i].peers, &s, on_item, on_alive, &g_sides[i]), 0);
}

static void know(uint32_t i, uint32_t other)
{
	assert_int_equal(
		peers_know(g_sides[i].peers, other + 1, peers_address(g_sides[other].peers)), 0);
}

static void on_beat(void *arg)
{
	uint64_t now_ns = clock_now_ns();

	(void)arg;
	for (uint32_t i = 0; i < SIDES; i++) {
		if (!g_mute || !i)
			peers_beat(g_sides[i].peers, now_ns);
	}
	if (g_until() || now_ns > g_give_up_ns)
		loop_stop();
	else
		assert_int_equal(loop_timer(now_ns + BEAT_NS, on_beat, NULL), 0);
}

static void wait_until(bool (*until)(void))
{
	g_until = until;
	g_give_up_ns = clock_now_ns() + PATIENCE_NS;
	assert_int_equal(loop_timer(0, on_beat, NULL), 0);
	assert_int_equal(loop_run(), 0);
	assert_true(until());
}

static int setup(void **state)
{
	(void)state;
	g_mute = false;
	assert_int_equal(loop_open(64), 0);
	side_open(0, 0xa1);
	side_open(1, 0xb1);
	know(0, 1);
	know(1, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SIDES; i++)
		peers_close(g_sides[i].peers);
	loop_close();
	return 0;
}

/* What was said before they have met counts for nothing: it is said again by whoever needs it. */
static bool met(void)
{
	static const struct peer_item ack = { .kind = PEER_ACK, .shard = 9, .sent_ns = 77 };

	for (uint32_t i = 0; i < SIDES; i++)
		peers_queue(g_sides[i].peers, 2 - i, &ack);
	return g_sides[0].count && g_sides[1].count;
}

static void test_meet(void **state)
{
	struct member members[PEERS_MAX];

	(void)state;
	assert_int_equal(peers_members(g_sides[0].peers, members), 1);
	assert_int_equal(members[0].received_ns, 0);
	wait_until(met);
	for (uint32_t i = 0; i < SIDES; i++) {
		assert_int_equal(g_sides[i].items[0].kind, PEER_ACK);
		assert_int_equal(g_sides[i].items[0].sent_ns, 77);
		assert_int_equal(g_sides[i].from[0], 2 - i);
		assert_int_equal(g_sides[i].heard, 1);
		assert_int_equal(peers_members(g_sides[i].peers, members), 1);
		assert_true(members[0].received_ns && !members[0].leaving);
		assert_int_equal(members[0].id, 2 - i);
	}
}

static bool leaves(void)
{
	struct member members[PEERS_MAX];

	return peers_members(g_sides[0].peers, members) == 1 && members[0].leaving;
}

static void test_leaves(void **state)
{
	(void)state;
	wait_until(met);
	peers_leave(g_sides[1].peers, clock_now_ns());
	wait_until(leaves);
}

static bool all_came(void)
{
	const struct side *s = &g_sides[1];

	return s->count && s->items[s->count - 1].kind == PEER_NEWER &&
	       s->items[s->count - 1].shard == 100;
}

/* A process that ends closes its socket right behind: no beat comes any more, and no answer. */
static void test_leaves_and_ends(void **state)
{
	(void)state;
	wait_until(met);
	g_mute = true;
	peers_leave(g_sides[1].peers, clock_now_ns());
	peers_close(g_sides[1].peers);
	g_sides[1].peers = NULL;
	wait_until(leaves);
}

/* More than one datagram holds, all in their order, in few of them. */
static void test_many(void **state)
{
	uint64_t sent;

	(void)state;
	wait_until(met);
	peers_flush(g_sides[0].peers, clock_now_ns());
	sent = peers_counts(g_sides[0].peers)->sent;
	g_sides[1].count = 0;
	for (uint32_t i = 1; i <= 100; i++)
		peers_queue(g_sides[0].peers, 2,
			    &(struct peer_item){ .kind = PEER_NEWER, .shard = (uint16_t)i });
	peers_flush(g_sides[0].peers, clock_now_ns());
	assert_true(peers_counts(g_sides[0].peers)->sent - sent <= 4);
	wait_until(all_came);
	assert_true(g_sides[1].count >= 100);
	for (uint32_t i = 1; i <= 100; i++)
		assert_int_equal(g_sides[1].items[g_sides[1].count - 101 + i].shard, i);
}

static bool unheard(void)
{
	return g_sides[0].unheard == 1;
}

static void test_unheard(void **state)
{
	struct member members[PEERS_MAX];
	uint64_t before_ns = clock_now_ns();

	(void)state;
	wait_until(met);
	g_mute = true;
	peers_forget(g_sides[1].peers, 1);
	wait_until(unheard);
	assert_true(clock_now_ns() - before_ns >= MEMBER_UNHEARD_NS);
	assert_int_equal(peers_members(g_sides[1].peers, members), 0);
}

/* A notice is heard at once, and from whoever sends it. */
static void test_notice(void **state)
{
	static const struct peer_item dead = { .kind = PEER_DEAD, .shard = 9, .epoch = { 4, 1 } };
	uint8_t items[PEER_ITEM_MAX], packet[PEER_PACKET_MAX];
	struct writer w = writer_over(items, sizeof(items));
	struct sockaddr_storage sa;
	struct addr to;
	socklen_t sa_n;
	size_t n;
	int fd;

	(void)state;
	wait_until(met);
	assert_true(peer_item_write(&w, &dead));
	assert_int_equal(peers_gone(g_sides[1].peers, 1, writer_done(&w), &to, packet, &n), 0);
	assert_int_equal(peers_gone(g_sides[1].peers, 7, writer_done(&w), &to, packet, &n),
			 -ENOENT);
	g_mute = true;
	g_sides[0].count = 0;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	sa_n = addr_to_sockaddr(&to, &sa);
	assert_int_equal(sendto(fd, packet, n, 0, (const struct sockaddr *)&sa, sa_n), n);
	(void)close(fd);
	wait_until(unheard);
	assert_int_equal(g_sides[0].items[g_sides[0].count - 1].kind, PEER_DEAD);
	assert_int_equal(g_sides[0].items[g_sides[0].count - 1].epoch.counter, 4);
	assert_int_equal(g_sides[0].from[g_sides[0].count - 1], 0);
}

static bool refused(void)
{
	const struct peers_counts *c = peers_counts(g_sides[0].peers);

	return c->refused[PEERS_MALFORMED] == 2 && c->refused[PEERS_VERSION] == 1 &&
	       c->refused[PEERS_STRANGER] == 1 && c->refused[PEERS_FORGED] == 1;
}

/* Each by its reason, and none is answered. */
static void test_refused(void **state)
{
	static uint8_t packet[PEER_PACKET_MAX + 1] = { 1, 0 };
	struct sockaddr_storage sa;
	socklen_t sa_n = addr_to_sockaddr(peers_address(g_sides[0].peers), &sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, sa_n), 0);
	assert_int_equal(send(fd, packet, 10, 0), 10);
	assert_int_equal(send(fd, packet, sizeof(packet), 0), sizeof(packet));
	assert_int_equal(send(fd, "\2 of a later program", 20, 0), 20);
	packet[9] = 9; /* from */
	packet[17] = 1;
	assert_int_equal(send(fd, packet, 100, 0), 100);
	packet[9] = 2;
	assert_int_equal(send(fd, packet, 100, 0), 100);
	wait_until(refused);
	assert_true(peers_stranger(g_sides[0].peers));
	assert_false(peers_stranger(g_sides[0].peers));
	assert_int_equal(recv(fd, packet, sizeof(packet), MSG_DONTWAIT), -1);
	(void)close(fd);
}

static bool heard_twice(void)
{
	(void)met();
	return g_sides[0].count > 0 && g_sides[1].count > 0;
}

/* A process that starts again at another port is heard soon, though the one before it said nothing of its end. */
static void test_starts_again(void **state)
{
	(void)state;
	wait_until(met);
	peers_close(g_sides[1].peers);
	side_open(1, 0xb2);
	know(1, 0);
	know(0, 1);
	g_sides[0].count = 0;
	wait_until(heard_twice);
	assert_int_equal(g_sides[0].unheard, 0);
}

static void test_room(void **state)
{
	struct peers *p = g_sides[0].peers;
	struct member members[PEERS_MAX];

	(void)state;
	for (uint64_t id = 3; id < PEERS_MAX + 2; id++)
		assert_int_equal(peers_know(p, id, peers_address(g_sides[1].peers)), 0);
	assert_int_equal(peers_know(p, PEERS_MAX + 2, peers_address(p)), -ENOSPC);
	assert_int_equal(peers_know(p, 1, peers_address(p)), 0); /* itself */
	peers_forget(p, 3);
	peers_forget(p, 3);
	assert_int_equal(peers_know(p, PEERS_MAX + 2, peers_address(p)), 0);
	assert_int_equal(peers_members(p, members), PEERS_MAX);
	wait_until(met);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_meet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leaves, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leaves_and_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unheard, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_starts_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_room, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
