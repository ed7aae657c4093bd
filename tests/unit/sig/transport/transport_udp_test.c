/* SPDX-License-Identifier: Apache-2.0 */
/* Real sockets on loopback, on the real loop. */
#include "tests/unit/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metric.h"
#include "sig/transport/transport_udp.h"

enum { DATAGRAMS_MAX = 1024, DEADLINE_MS = 5000 };

struct inbox {
	struct transport_udp *t;
	unsigned count, wanted;
	unsigned errors, errors_wanted;
	int last_error;
	size_t bytes;
	size_t longest;
	struct sip_hop from, error_hop;
	bool echo;
	bool late;
	uint64_t busy_ns; /* what each datagram costs */
	unsigned rounds;
};

static void stop_when_done(const struct inbox *in)
{
	if (in->count >= in->wanted && in->errors >= in->errors_wanted)
		loop_stop();
}

static void on_datagram(const struct sip_hop *from, struct bytes datagram, void *arg)
{
	struct inbox *in = arg;

	in->count++;
	in->bytes += datagram.n;
	in->longest = datagram.n > in->longest ? datagram.n : in->longest;
	in->from = *from;
	for (uint64_t end_ns = clock_now_ns() + in->busy_ns; clock_now_ns() < end_ns;)
		;
	if (in->echo && datagram.n && datagram.p[0] == '?')
		assert_int_equal(transport_udp_send(in->t, from, BYTES_LIT("!")), 0);
	stop_when_done(in);
}

static void on_error(const struct sip_hop *to, int error, void *arg)
{
	struct inbox *in = arg;

	in->errors++;
	in->last_error = error;
	in->error_hop = *to;
	stop_when_done(in);
}

static void on_deadline(void *arg)
{
	struct inbox *in = arg;

	in->late = true;
	loop_stop();
}

static void on_round(void *arg)
{
	struct inbox *in = arg;

	in->rounds++;
	transport_udp_flush(in->t);
}

static const struct addr V4 = { .ip = { 127, 0, 0, 1 }, .family = ADDR_V4 };
static const struct addr V6 = { .ip = { [15] = 1 }, .family = ADDR_V6 };

static void open_guarded(struct inbox *in, const struct addr *binds, uint32_t n,
			 struct guard *guard)
{
	const struct transport_udp_settings settings = {
		.binds = binds, .count = n, .dscp = 24, .guard = guard
	};

	memset(in, 0, sizeof(*in));
	assert_int_equal(loop_open(256), 0);
	assert_int_equal(transport_udp_open(&in->t, &settings, on_datagram, on_error, in), 0);
	loop_after_round(on_round, in);
}

static void open_on(struct inbox *in, const struct addr *binds, uint32_t n)
{
	open_guarded(in, binds, n, NULL);
}

static void run(struct inbox *in)
{
	transport_udp_flush(in->t);
	assert_int_equal(loop_timer(clock_now_ns() + DEADLINE_MS * NS_PER_MS, on_deadline, in), 0);
	assert_int_equal(loop_run(), 0);
	assert_false(in->late);
}

static void close_all(struct inbox *in)
{
	transport_udp_close(in->t);
	loop_close();
}

static struct sip_hop hop_to(const struct inbox *in, uint16_t local, uint32_t target)
{
	return (struct sip_hop){ .transport = SIP_UDP,
				 .local = local,
				 .remote = *transport_udp_bound(in->t, target) };
}

static uint64_t metric_of(const struct inbox *in, enum udp_metric metric)
{
	return metric_value(in->t->metrics[metric]);
}

static void check_echo(const struct addr *address)
{
	const struct addr binds[] = { *address, *address };
	struct inbox in;
	struct sip_hop hop;

	open_on(&in, binds, 2);
	in.echo = true;
	in.wanted = 2;
	hop = hop_to(&in, 0, 1);
	assert_int_equal(transport_udp_send(in.t, &hop, BYTES_LIT("?")), 0);
	run(&in);
	assert_int_equal(in.from.local,
			 0); /* the answer came to the first again, from the second */
	assert_true(addr_eq(&in.from.remote, transport_udp_bound(in.t, 1)));
	close_all(&in);
}

static void test_echo_v4(void **state)
{
	(void)state;
	check_echo(&V4);
}

static void test_echo_v6(void **state)
{
	(void)state;
	check_echo(&V6);
}

/* More than a batch and more than a round's budget, none lost, the longest whole. */
static void test_many(void **state)
{
	static uint8_t text[UDP_PAYLOAD_MAX];
	const struct addr binds[] = { V4, V4 };
	uint64_t sent;
	struct inbox in;
	struct sip_hop hop;

	(void)state;
	open_on(&in, binds, 2);
	in.wanted = 601;
	sent = metric_of(&in, UDP_SENT);
	hop = hop_to(&in, 1, 0);
	for (unsigned i = 0; i < 600; i++)
		assert_int_equal(transport_udp_send(in.t, &hop, bytes_mem(text, i)), 0);
	assert_int_equal(transport_udp_send(in.t, &hop, bytes_mem(text, sizeof(text))), 0);
	run(&in);
	assert_int_equal(in.bytes, 600 * 599 / 2 + UDP_PAYLOAD_MAX);
	assert_int_equal(in.longest, UDP_PAYLOAD_MAX);
	assert_int_equal(metric_of(&in, UDP_SENT) - sent, 601);
	close_all(&in);
}

/* Others have their turn after UDP_ROUND_MS, however much lies there: Redis must not seem late because calls come. */
static void test_a_round_is_short(void **state)
{
	enum { MANY = 4 * UDP_BATCH };
	struct inbox in;
	struct sip_hop here = { .transport = SIP_UDP };

	(void)state;
	open_on(&in, &V4, 1);
	here.remote = *transport_udp_bound(in.t, 0);
	in.wanted = MANY;
	in.busy_ns = UDP_ROUND_MS * NS_PER_MS * 2 / UDP_BATCH;
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(transport_udp_send(in.t, &here, BYTES_LIT("?")), 0);
	run(&in);
	assert_int_equal(in.count, MANY);
	assert_true(in.rounds >= MANY / UDP_BATCH - 1);
	close_all(&in);
}

static void test_bounds(void **state)
{
	static uint8_t text[UDP_PAYLOAD_MAX + 1];
	const struct addr binds[] = { V4 };
	uint64_t dropped;
	struct inbox in;
	struct sip_hop hop;

	(void)state;
	open_on(&in, binds, 1);
	hop = hop_to(&in, 0, 0);
	dropped = metric_of(&in, UDP_DROP_QUEUE);
	assert_int_equal(transport_udp_send(in.t, &hop, bytes_mem(text, sizeof(text))), -EMSGSIZE);
	hop.local = 1;
	assert_int_equal(transport_udp_send(in.t, &hop, bytes_mem(text, 1)), -ENOENT);
	hop.local = 0;
	for (unsigned i = 0; i < UDP_QUEUE_MAX; i++)
		assert_int_equal(transport_udp_send(in.t, &hop, bytes_mem(text, 1)), 0);
	assert_int_equal(transport_udp_send(in.t, &hop, bytes_mem(text, 1)), -ENOBUFS);
	assert_int_equal(metric_of(&in, UDP_DROP_QUEUE) - dropped, 1);
	transport_udp_flush(in.t);
	assert_int_equal(transport_udp_send(in.t, &hop, bytes_mem(text, 1)), 0);
	close_all(&in);
}

static void test_byte_bound(void **state)
{
	static uint8_t text[UDP_PAYLOAD_MAX];
	const struct addr binds[] = { V4 };
	unsigned taken = 0;
	struct inbox in;
	struct sip_hop hop;

	(void)state;
	open_on(&in, binds, 1);
	hop = hop_to(&in, 0, 0);
	while (transport_udp_send(in.t, &hop, bytes_mem(text, sizeof(text))) == 0)
		taken++;
	assert_int_equal(taken, UDP_QUEUE_BYTES / UDP_PAYLOAD_MAX);
	close_all(&in);
}

/* A port nobody listens on: the ICMP error comes back with the hop, and the next datagram goes all the same. */
static void check_icmp(const struct addr *address)
{
	const struct addr binds[] = { *address, *address };
	struct inbox in;
	struct sip_hop dead;
	struct sip_hop alive;
	struct transport_udp *other;

	open_on(&in, binds, 2);
	assert_int_equal(
		transport_udp_open(&other,
				   &(struct transport_udp_settings){ .binds = address, .count = 1 },
				   on_datagram, on_error, &in),
		0);
	dead = hop_to(&in, 0, 0);
	dead.remote = *transport_udp_bound(other, 0);
	transport_udp_close(other);
	alive = hop_to(&in, 0, 1);
	in.wanted = 1;
	in.errors_wanted = 1;
	assert_int_equal(transport_udp_send(in.t, &dead, BYTES_LIT("x")), 0);
	transport_udp_flush(in.t);
	assert_int_equal(transport_udp_send(in.t, &alive, BYTES_LIT("y")), 0);
	run(&in);
	assert_int_equal(in.last_error, ECONNREFUSED);
	assert_int_equal(in.error_hop.local, 0);
	assert_true(addr_eq(&in.error_hop.remote, &dead.remote));
	assert_int_equal(in.count, 1);
	close_all(&in);
}

static void test_icmp_v4(void **state)
{
	(void)state;
	check_icmp(&V4);
}

static void test_icmp_v6(void **state)
{
	(void)state;
	check_icmp(&V6);
}

/* What our own kernel refuses is reported at once, and does not hold up what waits behind it. */
static void test_refused_here(void **state)
{
	const struct addr binds[] = { V4 };
	uint64_t dropped;
	struct inbox in;
	struct sip_hop hop;
	struct sip_hop self;

	(void)state;
	open_on(&in, binds, 1);
	dropped = metric_of(&in, UDP_DROP_REFUSED);
	self = hop_to(&in, 0, 0);
	hop = self;
	hop.remote.port = 0; /* sendmsg(2): EINVAL */
	in.wanted = 1;
	in.errors_wanted = 1;
	assert_int_equal(transport_udp_send(in.t, &hop, BYTES_LIT("x")), 0);
	assert_int_equal(transport_udp_send(in.t, &self, BYTES_LIT("y")), 0);
	run(&in);
	assert_int_equal(in.last_error, EINVAL);
	assert_int_equal(in.error_hop.remote.port, 0);
	assert_int_equal(metric_of(&in, UDP_DROP_REFUSED) - dropped, 1);
	close_all(&in);
}

/* Of a stranger's flood the limit is heard, of whom we trust all; and whom we call we know. */
static void test_guarded(void **state)
{
	static const struct guard_limits limits = { .per_s = { 0, 0, 1, 1, 1000 } };
	const struct addr binds[] = { V4, V4 };
	struct rand_source rand;
	struct guard *guard;
	struct sip_hop to;
	struct inbox in;

	(void)state;
	guard_setup();
	rand_open_seed(&rand, 1);
	assert_int_equal(guard_open(&guard, 100, 60 * NS_PER_S, &rand, NULL), 0);
	guard_configure(guard, &limits, 60 * NS_PER_S);
	open_guarded(&in, binds, 2, guard);
	to = hop_to(&in, 0, 1);
	for (int i = 0; i < 100; i++)
		assert_int_equal(transport_udp_send(in.t, &to, BYTES_LIT("x")), 0);
	in.wanted = 6; /* one a second, and five seconds at once */
	run(&in);
	assert_int_equal(in.count, 6);
	transport_udp_trust(in.t, transport_udp_bound(in.t, 0), false);
	for (int i = 0; i < 100; i++)
		assert_int_equal(transport_udp_send(in.t, &to, BYTES_LIT("x")), 0);
	in.wanted += 100;
	run(&in);
	assert_false(guard_is_known(guard, &to.remote));
	assert_int_equal(transport_udp_send(in.t, &to, BYTES_LIT("OPTIONS x")), 0);
	assert_true(guard_is_known(guard, &to.remote));
	close_all(&in);
	guard_close(guard);
}

/* All or none, and never two on one address. */
static void test_open_fails(void **state)
{
	struct addr binds[] = { V4, V4 };
	const struct transport_udp_settings two = { .binds = binds, .count = 2 };
	struct transport_udp *t = NULL;
	struct inbox in;

	(void)state;
	log_level_set(LOG_LEVEL_ERROR);
	open_on(&in, binds, 1);
	binds[1] = *transport_udp_bound(in.t, 0);
	assert_int_equal(transport_udp_open(&t, &two, on_datagram, on_error, &in), -EADDRINUSE);
	binds[1] = (struct addr){ .ip = { 192, 0, 2, 1 }, .port = 5060, .family = ADDR_V4 };
	assert_int_equal(transport_udp_open(&t, &two, on_datagram, on_error, &in), -EADDRNOTAVAIL);
	assert_null(t);
	transport_udp_close(NULL);
	close_all(&in);
}

/* The second socket is another shard's until somebody takes that. */
static void test_listened_to_later(void **state)
{
	const struct addr binds[] = { V4, V4 };
	const bool later[] = { false, true };
	const struct transport_udp_settings settings = { .binds = binds,
							 .later = later,
							 .count = 2 };
	struct inbox in = { 0 };
	struct sip_hop hop;

	(void)state;
	assert_int_equal(loop_open(256), 0);
	assert_int_equal(transport_udp_open(&in.t, &settings, on_datagram, on_error, &in), 0);
	loop_after_round(on_round, &in);
	hop = hop_to(&in, 1, 0);
	assert_int_equal(transport_udp_send(in.t, &hop, BYTES_LIT("early")), -ENOENT);
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(transport_udp_listen(in.t, 1), 0);
		assert_int_equal(transport_udp_listen(in.t, 1), 0);
		hop = hop_to(&in, 0, 1);
		in.wanted = in.count + 1;
		assert_int_equal(transport_udp_send(in.t, &hop, BYTES_LIT("hello")), 0);
		run(&in);
		assert_int_equal(in.from.local, 1);
		assert_int_equal(transport_udp_send(in.t, &in.from, BYTES_LIT("late")), 0);
		transport_udp_unlisten(in.t, 1); /* with what waits */
		transport_udp_unlisten(in.t, 1);
		assert_int_equal(transport_udp_send(in.t, &in.from, BYTES_LIT("x")), -ENOENT);
	}
	close_all(&in);
}

static void test_dscp(void **state)
{
	const struct addr binds[] = { V4, V6 };
	struct inbox in;
	int value = 0;
	socklen_t n = sizeof(value);

	(void)state;
	open_on(&in, binds, 2);
	assert_int_equal(getsockopt(in.t->sockets[0].fd, IPPROTO_IP, IP_TOS, &value, &n), 0);
	assert_int_equal(value, 24 << 2);
	assert_int_equal(getsockopt(in.t->sockets[1].fd, IPPROTO_IPV6, IPV6_TCLASS, &value, &n), 0);
	assert_int_equal(value, 24 << 2);
	close_all(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo_v4),
		cmocka_unit_test(test_echo_v6),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_byte_bound),
		cmocka_unit_test(test_icmp_v4),
		cmocka_unit_test(test_icmp_v6),
		cmocka_unit_test(test_refused_here),
		cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_open_fails),
		cmocka_unit_test(test_listened_to_later),
		cmocka_unit_test(test_dscp),
		cmocka_unit_test(test_a_round_is_short),

	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
