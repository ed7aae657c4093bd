/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "cluster/peer/channels.h"

enum { SIDES = 2, LARGE = 40000 };
#define PATIENCE_NS (20 * NS_PER_S)
#define BEAT_NS     (5 * NS_PER_MS)

struct side {
	struct rand_source rand;
	struct channels *channels;
	uint32_t heard, lost;
	uint64_t from, incarnation; /* of the newest */
	struct parcel newest;
	size_t octets; /* of all that was heard */
};

static struct side g_sides[SIDES];
static uint8_t g_data[LARGE];
static bool (*g_until)(void);
static uint64_t g_give_up_ns;

static void on_parcel(const struct parcel *p, uint64_t id, uint64_t incarnation, void *arg)
{
	struct side *s = arg;

	assert_memory_equal(p->data.p, g_data, p->data.n);
	s->newest = *p;
	s->from = id;
	s->incarnation = incarnation;
	s->octets += p->data.n;
	s->heard++;
}

static void on_lost(const struct parcel *p, uint64_t incarnation, void *arg)
{
	struct side *s = arg;

	s->newest = *p;
	s->incarnation = incarnation;
	s->lost++;
}

static void side_open(uint32_t i, uint8_t secret)
{
	const struct channels_handlers handlers = { .parcel = on_parcel,
						    .lost = on_lost,
						    .arg = &g_sides[i] };
	struct channels_settings s = { .id = i + 1,
				       .incarnation = 0xa0 + i,
				       .rand = &g_sides[i].rand };

	g_sides[i] = (struct side){ 0 };
	rand_open_seed(&g_sides[i].rand, i + 1);
	memset(s.key, secret, sizeof(s.key));
	assert_int_equal(addr_parse(&s.listen, bytes_str("127.0.0.1:0")), 0);
	assert_int_equal(channels_open(&g_sides[i].channels, &s, &handlers), 0);
}

static void on_beat(void *arg)
{
	uint64_t now_ns = clock_now_ns();

	(void)arg;
	for (uint32_t i = 0; i < SIDES; i++) {
		if (channels_next_ns(g_sides[i].channels) <= now_ns)
			channels_expire(g_sides[i].channels, now_ns);
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

static int send_to(uint32_t from, uint64_t incarnation, size_t n)
{
	struct channel_to to = { .id = 2 - from,
				 .incarnation = incarnation,
				 .address = *channels_address(g_sides[1 - from].channels) };
	struct parcel p = {
		.kind = PARCEL_SEND, .transport = 1, .connection = 77, .data = bytes_mem(g_data, n)
	};

	assert_int_equal(addr_parse(&p.remote, bytes_str("192.0.2.7:40123")), 0);
	return channels_send(g_sides[from].channels, &to, &p);
}

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < LARGE; i++)
		g_data[i] = (uint8_t)(i * 31);
	assert_int_equal(loop_open(64), 0);
	side_open(0, 7);
	side_open(1, 7);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SIDES; i++)
		channels_close(g_sides[i].channels);
	loop_close();
	return 0;
}

static bool one_each(void)
{
	return g_sides[0].heard == 1 && g_sides[1].heard == 1;
}

static void test_both_ways(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SIDES; i++)
		assert_int_equal(send_to(i, 0xa1 - i, 300), 0);
	wait_until(one_each);
	for (uint32_t i = 0; i < SIDES; i++) {
		assert_int_equal(g_sides[i].newest.connection, 77);
		assert_int_equal(g_sides[i].from, 2 - i);
		assert_int_equal(g_sides[i].incarnation, 0xa1 - i);
		assert_int_equal(g_sides[i].lost, 0);
	}
}

static uint32_t g_sent;

static bool all_heard(void)
{
	return g_sides[1].heard == g_sent;
}

/* What does not fit is refused, and all that was taken arrives. */
static void test_queue_is_bounded(void **state)
{
	int err = 0;

	(void)state;
	for (g_sent = 0; !err; g_sent += !err)
		err = send_to(0, 0xa1, LARGE);
	assert_int_equal(err, -ENOBUFS);
	assert_int_equal(g_sent, CHANNEL_QUEUE_MAX / (LARGE + PARCEL_HEAD_LEN));
	wait_until(all_heard);
	assert_true(g_sides[1].octets == (size_t)g_sent * LARGE);
	assert_int_equal(send_to(0, 0xa1, LARGE), 0);
	g_sent++;
	wait_until(all_heard);
	assert_int_equal(channels_counts(g_sides[0].channels)->sent, g_sent);
}

static bool first_lost(void)
{
	return g_sides[0].lost == 1;
}

static void test_for_another_process(void **state)
{
	(void)state;
	assert_int_equal(send_to(0, 0xff, 10), 0);
	wait_until(first_lost);
	assert_int_equal(g_sides[0].incarnation, 0xff);
	assert_int_equal(g_sides[0].newest.connection, 77);
	g_sent = 1;
	assert_int_equal(send_to(0, 0xa1, 10), 0);
	wait_until(all_heard);
}

/* Without the key of the cluster nothing is heard, and nobody is believed. */
static void test_stranger(void **state)
{
	(void)state;
	channels_close(g_sides[1].channels);
	side_open(1, 8);
	assert_int_equal(send_to(0, 0xa1, 10), 0);
	g_sent = 0;
	while (channels_counts(g_sides[1].channels)->refused == 0)
		wait_until(all_heard);
	assert_int_equal(g_sides[1].heard, 0);
}

static void test_nobody_there(void **state)
{
	struct channel_to to = { .id = 2, .incarnation = 0xa1 };
	struct addr gone = *channels_address(g_sides[1].channels);
	struct parcel p = { .kind = PARCEL_SEND, .connection = 77 };

	(void)state;
	channels_close(g_sides[1].channels);
	g_sides[1].channels = NULL;
	side_open(1, 7); /* at another port */
	to.address = gone;
	assert_int_equal(addr_parse(&p.remote, bytes_str("192.0.2.7:40123")), 0);
	assert_int_equal(channels_send(g_sides[0].channels, &to, &p), 0);
	wait_until(first_lost);
	g_sent = 1;
	assert_int_equal(send_to(0, 0xa1, 10), 0); /* its node has moved */
	wait_until(all_heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_both_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_for_another_process, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stranger, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_there, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
