/* SPDX-License-Identifier: Apache-2.0 */
/* Real connections on loopback, on the real loop. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metric.h"
#include "base/validity.h"
#include "sig/transport/transport.h"
#include "tests/unit/sig/rig.h"

enum { TICK_MS = 5, LIMIT_MS = 5000, KEPT = 4096 };

#define MESSAGE "OPTIONS sip:x SIP/2.0\r\nContent-Length: 3\r\n\r\nabc"
#define METRIC(name, label) \
	metric_value(metric_register(METRIC_COUNTER, "tandem_sip_stream_" name, label, ""))
#define ENDS(reason) METRIC("ends_total", "reason=\"" reason "\"")

struct net {
	struct transport *t;
	struct validity validity; /* of one shard */
	unsigned messages, errors, closed;
	int error;
	struct sip_hop from, gone;
	char last[KEPT];
	size_t last_n;
	bool answer;
	bool trust; /* all who speak */
	uint64_t until_ns;
	bool (*done)(const struct net *r);
	bool late;
};

static void on_message(const struct sip_hop *from, struct bytes message, void *arg)
{
	struct net *r = arg;

	r->messages++;
	r->from = *from;
	r->last_n = message.n;
	memcpy(r->last, message.p, message.n < KEPT ? message.n : KEPT);
	if (r->trust)
		transport_trust(r->t, from, false);
	if (r->answer)
		assert_int_equal(transport_send(r->t, from, BYTES_LIT("SIP/2.0 200 OK\r\n\r\n")),
				 0);
}

static void on_error(const struct sip_hop *to, int error, void *arg)
{
	struct net *r = arg;

	r->errors++;
	r->gone = *to;
	r->error = error;
}

static void on_closed(const struct sip_hop *hop, void *arg)
{
	struct net *r = arg;

	r->closed++;
	r->gone = *hop;
}

static void on_round(void *arg)
{
	struct net *r = arg;

	transport_flush(r->t);
}

static void on_tick(void *arg)
{
	struct net *r = arg;
	uint64_t now = clock_now_ns();

	transport_expire(r->t, now);
	r->late = now >= r->until_ns;
	if (r->late || r->done(r)) {
		loop_stop();
		return;
	}
	assert_int_equal(loop_timer(now + TICK_MS * NS_PER_MS, on_tick, r), 0);
}

/* Until done() says so; false: it never did. */
static bool run_for(struct net *r, bool (*done)(const struct net *r), uint64_t ms)
{
	r->done = done;
	r->until_ns = clock_now_ns() + ms * NS_PER_MS;
	assert_int_equal(loop_timer(clock_now_ns(), on_tick, r), 0);
	assert_int_equal(loop_run(), 0);
	return !r->late;
}

static bool run(struct net *r, bool (*done)(const struct net *r))
{
	return run_for(r, done, LIMIT_MS);
}

static const struct transport_limits GENEROUS = {
	.connections = 32,
	.connections_per_source = 16,
	.idle_ns = 60 * NS_PER_S,
	.patience_ns = 60 * NS_PER_S,
	.handshakes = { 1, 1 },
	.handshakes_per_source = { 1, 1 },
};

static void open_rig(struct net *r, const struct transport_limits *limits)
{
	struct transport_listener listeners[] = {
		{ SIP_UDP, rig_addr("127.0.0.1") },
		{ SIP_TCP, rig_addr("127.0.0.1") },
		{ SIP_TCP, rig_addr("::1") },
	};
	const struct transport_settings settings = {
		.listeners = listeners,
		.count = COUNT_OF(listeners),
		.dscp = 24,
		.limits = *limits,
		.validity = &r->validity,
	};
	const struct transport_handlers handlers = { on_message, on_error, on_closed, r };

	memset(r, 0, sizeof(*r));
	validity_open(&r->validity, 1);
	validity_set(&r->validity, 1, UINT64_MAX);
	assert_int_equal(loop_open(256), 0);
	assert_int_equal(transport_open(&r->t, &settings, &handlers), 0);
	loop_after_round(on_round, r);
}

static void close_rig(struct net *r)
{
	transport_close(r->t);
	loop_close();
}

static int dial(const struct net *r, uint32_t local)
{
	struct sockaddr_storage sa;
	const struct addr *to = transport_bound(r->t, local);
	socklen_t n = addr_to_sockaddr(to, &sa);
	int fd = socket(to->family == ADDR_V4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, n), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static bool got_one(const struct net *r)
{
	return r->messages >= 1;
}

static bool got_two(const struct net *r)
{
	return r->messages >= 2;
}

static bool got_three(const struct net *r)
{
	return r->messages >= 3;
}

static bool got_closed(const struct net *r)
{
	return r->closed >= 1;
}

static bool got_error(const struct net *r)
{
	return r->errors >= 1;
}

static int g_fd;

static bool peer_can_read(const struct net *r)
{
	char c;

	(void)r;
	return recv(g_fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static bool peer_is_closed(const struct net *r)
{
	char c;

	(void)r;
	return recv(g_fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Closed or reset, whatever was said before. */
static bool peer_is_gone(const struct net *r)
{
	char c[256];
	ssize_t n;

	(void)r;
	while ((n = recv(g_fd, c, sizeof(c), MSG_DONTWAIT)) > 0)
		;
	return n == 0 || errno == ECONNRESET;
}

static void test_messages_and_answers(void **state)
{
	struct net r;
	char text[64] = "";

	(void)state;
	for (uint32_t local = 1; local <= 2; local++) {
		open_rig(&r, &GENEROUS);
		r.answer = true;
		g_fd = dial(&r, local);
		say(g_fd, MESSAGE "\r\n\r\n" MESSAGE "OPTIONS sip:");
		assert_true(run(&r, got_two));
		say(g_fd, "x SIP/2.0\r\nl: 0\r\n\r\n");
		assert_true(run(&r, got_three));
		assert_int_equal(r.from.transport, SIP_TCP);
		assert_int_equal(r.from.local, local);
		assert_true(r.from.inbound && r.from.connection);
		assert_true(peer_can_read(&r));
		assert_true(recv(g_fd, text, sizeof(text) - 1, 0) > 0);
		/* the pong stands where the ping came */
		assert_non_null(strstr(text, "SIP/2.0 200 OK\r\n\r\n\r\nSIP/2.0 200 OK\r\n\r\n"));
		(void)close(g_fd);
		assert_true(run(&r, got_closed));
		assert_true(r.gone.connection == r.from.connection);
		assert_int_equal(transport_send(r.t, &r.from, BYTES_LIT("x")), -ENOTCONN);
		close_rig(&r);
	}
}

static uint64_t ends_of(const char *reason)
{
	static char labels[64][48]; /* a metric keeps its label's pointer */
	static size_t used;
	char *label = labels[used++ % COUNT_OF(labels)];

	(void)snprintf(label, sizeof(labels[0]), "reason=\"%s\"", reason);
	return metric_value(
		metric_register(METRIC_COUNTER, "tandem_sip_stream_ends_total", label, ""));
}

/* What ends a connection, and under what name. */
static void test_ends(void **state)
{
	static const struct {
		const char *name, *say;
		bool trust;
		unsigned after_ms;
	} rows[] = {
		{ "no_message", "", true, 150 },
		{ "no_message", "\r\n\r\n", true, 150 },
		{ "slow_sender", MESSAGE "OPTIONS sip:x SIP/2.0\r\nVia", true, 150 },
		{ "not_authenticated", MESSAGE, false, 150 },
		{ "idle", MESSAGE, true, 300 },
		{ "not_sip", "\x16\x03\x01\x02", true, 0 },
		{ "content_length_missing", "A: b\r\n\r\n", true, 0 },
		{ "content_length_malformed", "A: b\r\nl: 1\r\nl: 2\r\n\r\n", true, 0 },
		{ "message_too_large", "A: b\r\nl: 70000\r\n\r\n", true, 0 },
	};
	struct transport_limits impatient = GENEROUS;

	(void)state;
	impatient.patience_ns = 150 * NS_PER_MS;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t before = ends_of(rows[i].name), began = clock_now_ns();
		struct net r;

		impatient.idle_ns = (rows[i].trust ? 300 : 60000) * NS_PER_MS;
		open_rig(&r, &impatient);
		r.trust = rows[i].trust;
		g_fd = dial(&r, 1);
		if (rows[i].say[0])
			say(g_fd, rows[i].say);
		ROW_ASSERT(rows[i].name, run(&r, got_closed));
		ROW_ASSERT(rows[i].name, ends_of(rows[i].name) == before + 1);
		ROW_ASSERT(rows[i].name, clock_now_ns() - began >= rows[i].after_ms * NS_PER_MS);
		ROW_ASSERT(rows[i].name, transport_connections(r.t, SIP_TCP) == 0);
		(void)close(g_fd);
		close_rig(&r);
	}
}

/* What it asked before it fell silent is answered. */
static void test_half_closed(void **state)
{
	struct net r;

	(void)state;
	open_rig(&r, &GENEROUS);
	r.answer = true;
	g_fd = dial(&r, 1);
	say(g_fd, MESSAGE);
	assert_int_equal(shutdown(g_fd, SHUT_WR), 0);
	assert_true(run(&r, peer_can_read));
	(void)close(g_fd);
	assert_true(run(&r, got_closed));
	close_rig(&r);
}

static struct transport_limits few(uint32_t connections, uint32_t per_source)
{
	struct transport_limits limits = GENEROUS;

	limits.connections = connections;
	limits.connections_per_source = per_source;
	return limits;
}

/* Those who are trusted keep their places. */
static void test_limits(void **state)
{
	struct transport_limits limits = few(3, 2);
	uint64_t source = METRIC("refused_total", "reason=\"source_full\"");
	uint64_t full = METRIC("refused_total", "reason=\"connections_full\"");
	int fds[4];
	struct net r;

	(void)state;
	open_rig(&r, &limits);
	r.trust = true;
	for (int i = 0; i < 2; i++) {
		fds[i] = dial(&r, 1);
		say(fds[i], MESSAGE);
	}
	assert_true(run(&r, got_two));
	g_fd = fds[2] = dial(&r, 1);
	assert_true(run(&r, peer_is_closed)); /* the third of one address */
	assert_int_equal(METRIC("refused_total", "reason=\"source_full\""), source + 1);
	fds[3] = dial(&r, 2); /* another address */
	say(fds[3], MESSAGE);
	assert_true(run(&r, got_three));
	assert_int_equal(transport_connections(r.t, SIP_TCP), 3);
	g_fd = dial(&r, 2);
	assert_true(run(&r, peer_is_closed)); /* and the fourth of all */
	assert_int_equal(METRIC("refused_total", "reason=\"connections_full\""), full + 1);
	for (int i = 0; i < 4; i++)
		(void)close(fds[i]);
	(void)close(g_fd);
	close_rig(&r);
}

/* Who is not trusted gives its place to who comes later, whatever that one will say: of all places, and of those of one address. */
static void test_makes_room(void **state)
{
	static const struct {
		const char *name;
		struct transport_limits limits;
		bool speaks;
		uint32_t newcomer;
	} rows[] = {
		{ "silent, of all", { .connections = 3, .connections_per_source = 3 }, false, 2 },
		{ "stranger, of all", { .connections = 3, .connections_per_source = 3 }, true, 2 },
		{ "silent, of one", { .connections = 9, .connections_per_source = 3 }, false, 1 },
		{ "stranger, of one", { .connections = 9, .connections_per_source = 3 }, true, 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct transport_limits limits =
			few(rows[i].limits.connections, rows[i].limits.connections_per_source);
		uint64_t full = METRIC("refused_total", "reason=\"connections_full\"");
		uint64_t source = METRIC("refused_total", "reason=\"source_full\"");
		uint64_t room = ends_of("made_room");
		int fds[4];
		struct net r;

		open_rig(&r, &limits);
		fds[0] = dial(&r, 1);
		say(fds[0], MESSAGE);
		r.trust = true;
		assert_true(run(&r, got_one));
		r.trust = false;
		g_fd = fds[1] = dial(&r, 1); /* it came first, so it goes first */
		(void)run_for(&r, got_two, 20);
		fds[2] = dial(&r, 1);
		for (int k = 1; k < 3 && rows[i].speaks; k++)
			say(fds[k], MESSAGE);
		if (rows[i].speaks)
			assert_true(run(&r, got_three));
		fds[3] = dial(&r, rows[i].newcomer);
		ROW_ASSERT(rows[i].name, run(&r, peer_is_gone));
		say(fds[3], MESSAGE);
		r.messages = 0;
		ROW_ASSERT(rows[i].name, run(&r, got_one));
		ROW_ASSERT(rows[i].name, transport_connections(r.t, SIP_TCP) == 3);
		ROW_ASSERT(rows[i].name, ends_of("made_room") == room + 1);
		ROW_ASSERT(rows[i].name,
			   METRIC("refused_total", "reason=\"connections_full\"") == full);
		ROW_ASSERT(rows[i].name,
			   METRIC("refused_total", "reason=\"source_full\"") == source);
		for (int k = 0; k < 4; k++)
			(void)close(fds[k]);
		close_rig(&r);
	}
}

/* One that we made to send a request over keeps its place; one that only an answer went over does not. */
static void test_makes_room_of_ours(void **state)
{
	struct transport_limits limits = few(2, 2);
	static const char *const messages[] = { "SIP/2.0 200 OK\r\nl: 0\r\n\r\n", MESSAGE };

	(void)state;
	for (unsigned own = 0; own < 2; own++) {
		uint64_t room = ends_of("made_room");
		struct sip_hop to = { .transport = SIP_TCP, .local = 1 };
		struct sockaddr_storage sa;
		socklen_t n = sizeof(sa);
		int fds[2], listener;
		struct net r;

		open_rig(&r, &limits);
		listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(listen(listener, 4), 0);
		assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &n), 0);
		assert_int_equal(addr_from_sockaddr(&to.remote, (struct sockaddr *)&sa), 0);
		to.remote.ip[0] = 127;
		to.remote.ip[3] = 1;
		assert_int_equal(transport_send(r.t, &to, bytes_str(messages[own])), 0);
		for (int i = 0; i < 2; i++) {
			fds[i] = dial(&r, 1);
			say(fds[i], MESSAGE);
			assert_true(run(&r, i ? got_two : got_one));
		}
		assert_true(r.closed == 1); /* somebody had to go */
		assert_true(r.gone.inbound == (bool)own);
		assert_int_equal(ends_of("made_room"), room + 1);
		for (int i = 0; i < 2; i++)
			(void)close(fds[i]);
		(void)close(listener);
		close_rig(&r);
	}
}

/* A peer that does not read: first the kernel takes it, then the queue, then there is an end. */
static void test_queue_overflow(void **state)
{
	static char big[32768];
	uint64_t before = ends_of("send_queue_full");
	struct net r;
	int err = 0;

	(void)state;
	memset(big, 'x', sizeof(big));
	open_rig(&r, &GENEROUS);
	g_fd = dial(&r, 1);
	say(g_fd, MESSAGE);
	assert_true(run(&r, got_one));
	for (int i = 0; i < 4096 && !err; i++) {
		err = transport_send(r.t, &r.from, bytes_mem(big, sizeof(big)));
		transport_flush(r.t);
	}
	assert_int_equal(err, -ENOBUFS);
	assert_true(run(&r, got_closed));
	assert_int_equal(ends_of("send_queue_full"), before + 1);
	assert_int_equal(transport_send(r.t, &r.from, BYTES_LIT("x")), -ENOTCONN);
	(void)close(g_fd);
	close_rig(&r);
}

/* The queue has room, but nothing of it moves. Less than a queue at a time, and then more than its patience: however much the kernel
 * takes, the queue never overflows. */
static void test_stalled(void **state)
{
	struct transport_limits impatient = GENEROUS;
	static char big[60000];
	uint64_t before = ends_of("peer_unresponsive");
	int small = 4096;
	struct net r;

	(void)state;
	memset(big, 'x', sizeof(big));
	impatient.patience_ns = 60 * NS_PER_MS;
	open_rig(&r, &impatient);
	g_fd = dial(&r, 1);
	assert_int_equal(setsockopt(g_fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	say(g_fd, MESSAGE);
	assert_true(run(&r, got_one));
	for (int i = 0; i < 100 && !r.closed; i++) {
		for (int k = 0; k < 4; k++)
			(void)transport_send(r.t, &r.from, bytes_mem(big, sizeof(big)));
		(void)run_for(&r, got_closed, 100);
	}
	assert_int_equal(r.closed, 1);
	assert_int_equal(ends_of("peer_unresponsive"), before + 1);
	(void)close(g_fd);
	close_rig(&r);
}

/* To whom we were not connected: one is made, used again, and made anew after its end. */
static void test_connects(void **state)
{
	struct net r;
	struct sip_hop to = { .transport = SIP_TCP, .local = 1 };
	uint64_t first;

	(void)state;
	open_rig(&r, &GENEROUS);
	to.remote = *transport_bound(r.t, 1); /* ourselves */
	for (int i = 0; i < 3; i++)
		assert_int_equal(transport_send(r.t, &to, BYTES_LIT(MESSAGE)), 0);
	assert_true(run(&r, got_three));
	assert_int_equal(transport_connections(r.t, SIP_TCP), 2); /* both ends of one */
	assert_memory_equal(r.last, MESSAGE, sizeof(MESSAGE) - 1);
	first = r.from.connection;
	r.messages = 0;
	to.connection = 12345; /* of a former life */
	assert_int_equal(transport_send(r.t, &to, BYTES_LIT(MESSAGE)), 0);
	assert_true(run(&r, got_one));
	assert_true(r.from.connection == first);
	to.inbound = true; /* nobody listens there */
	assert_int_equal(transport_send(r.t, &to, BYTES_LIT(MESSAGE)), -ENOTCONN);
	close_rig(&r);
}

/* What was queued while it might still speak does not leave when it may not any more; what is the node's does. */
static void test_withheld(void **state)
{
	static const char *const drops[] = { "tandem_sip_udp_drops_total",
					     "tandem_sip_stream_drops_total" };

	(void)state;
	for (uint16_t local = 0; local < COUNT_OF(drops); local++) {
		metric_id fenced =
			metric_register(METRIC_COUNTER, drops[local], "reason=\"fenced\"", "");
		uint64_t before = metric_value(fenced);
		struct sip_hop to = { .transport = local ? SIP_TCP : SIP_UDP, .local = local };
		struct net r;

		open_rig(&r, &GENEROUS);
		to.remote = *transport_bound(r.t, local); /* ourselves */
		for (int i = 0; i < 2; i++)
			assert_int_equal(transport_send_for(r.t, 1, &to, BYTES_LIT("x" MESSAGE)),
					 0);
		assert_int_equal(transport_send(r.t, &to, BYTES_LIT(MESSAGE)), 0);
		validity_set(&r.validity, 1, 1);
		assert_true(run(&r, got_one));
		assert_memory_equal(r.last, MESSAGE, sizeof(MESSAGE) - 1);
		assert_int_equal(metric_value(fenced) - before, 2);
		assert_int_equal(validity_withheld(&r.validity, 1), 2);

		validity_set(&r.validity, 1, UINT64_MAX);
		assert_int_equal(transport_send_for(r.t, 1, &to, BYTES_LIT("x" MESSAGE)), 0);
		assert_true(run(&r, got_two));
		close_rig(&r);
	}
}

static void test_cannot_connect(void **state)
{
	struct net r;
	struct sip_hop to = { .transport = SIP_TCP, .local = 1, .remote = rig_addr("127.0.0.1:1") };

	(void)state;
	open_rig(&r, &GENEROUS);
	assert_int_equal(transport_send(r.t, &to, BYTES_LIT(MESSAGE)), 0);
	assert_true(run(&r, got_error));
	assert_int_equal(r.error, ECONNREFUSED);
	assert_true(addr_eq(&r.gone.remote, &to.remote));
	assert_int_equal(r.closed, 0);
	to.local = 0; /* a UDP listener */
	assert_int_equal(transport_send(r.t, &to, BYTES_LIT(MESSAGE)), -ENOENT);
	to.local = 2; /* an IPv6 one */
	assert_int_equal(transport_send(r.t, &to, BYTES_LIT(MESSAGE)), -EAFNOSUPPORT);
	to.local = 99;
	assert_int_equal(transport_send(r.t, &to, BYTES_LIT(MESSAGE)), -ENOENT);
	to = (struct sip_hop){ .transport = SIP_TLS,
			       .local = 1,
			       .remote = rig_addr("127.0.0.1:1") };
	assert_int_equal(transport_send(r.t, &to, BYTES_LIT(MESSAGE)), -ENOENT);
	close_rig(&r);
}

/* RFC 5626 3.5.2 on the UDP port beside SIP. */
static void test_stun_on_udp(void **state)
{
	static const uint8_t request[20] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 9, 8, 7 };
	struct sockaddr_storage sa;
	uint8_t answer[128];
	struct net r;
	socklen_t n;

	(void)state;
	open_rig(&r, &GENEROUS);
	n = addr_to_sockaddr(transport_bound(r.t, 0), &sa);
	g_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(g_fd, (const struct sockaddr *)&sa, n), 0);
	assert_int_equal(send(g_fd, request, sizeof(request), 0), sizeof(request));
	assert_true(run(&r, peer_can_read));
	assert_int_equal(recv(g_fd, answer, sizeof(answer), 0), 32);
	assert_int_equal(answer[0] << 8 | answer[1], 0x0101);
	assert_int_equal(r.messages, 0);
	(void)close(g_fd);
	close_rig(&r);
}

static int setup(void **state)
{
	(void)state;
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_and_answers),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_makes_room),
		cmocka_unit_test(test_makes_room_of_ours),
		cmocka_unit_test(test_queue_overflow),
		cmocka_unit_test(test_stalled),
		cmocka_unit_test(test_connects),
		cmocka_unit_test(test_withheld),
		cmocka_unit_test(test_cannot_connect),
		cmocka_unit_test(test_stun_on_udp),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
