/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver against a name server of this process, on the real loop: one that answers, lies, cuts, refuses, or is silent. */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/dns/resolver.h"
#include "base/clock.h"
#include "base/loop.h"
#include "tests/unit/test.h"

enum behaviour { ANSWERS, LIES_FIRST, CUTS, REFUSES, SILENT, OTHER_ID };

struct server {
	int udp, tcp, connection;
	struct addr at;
	enum behaviour behaviour;
	unsigned asked, over_tcp;
	uint16_t ports[8];
};

static struct server g_servers[2];
static struct resolver *g_resolver;
static struct rand_source g_rand;
static struct lookup_reply g_news;
static uint64_t g_call, g_end_ns, g_ahead_ns;
static uint8_t g_message[1024];

/* "sip.test" has 192.0.2.1; what else is asked has nothing. */
static size_t message_make(const struct server *s, const uint8_t *query, size_t n, bool tcp)
{
	static const uint8_t record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1 };
	bool known = n > 12 + 10 && !memcmp(query + 12, "\3sip\4test", 10) &&
		     be16_get(query + 12 + 10) == 1;
	bool cut = s->behaviour == CUTS && !tcp;

	memcpy(g_message, query, n);
	be16_put(g_message + 2, s->behaviour == REFUSES ? 0x8185 : cut ? 0x8380 : 0x8180);
	if (s->behaviour == OTHER_ID)
		g_message[0] ^= 1;
	if (!known || cut || s->behaviour == REFUSES)
		return n;
	g_message[7] = 1;
	memcpy(g_message + n, record, sizeof(record));
	return n + sizeof(record);
}

static void on_udp(int fd, unsigned events, void *arg)
{
	struct server *s = arg;
	struct sockaddr_storage from;
	socklen_t from_n = sizeof(from);
	uint8_t query[512];
	struct addr a;
	ssize_t n = recvfrom(fd, query, sizeof(query), 0, (struct sockaddr *)&from, &from_n);
	size_t size;

	(void)events;
	assert_true(n > 12);
	assert_int_equal(addr_from_sockaddr(&a, (struct sockaddr *)&from), 0);
	s->ports[s->asked++ % COUNT_OF(s->ports)] = a.port;
	if (s->behaviour == SILENT)
		return;
	size = message_make(s, query, (size_t)n, false);
	if (s->behaviour == LIES_FIRST) { /* another question's answer, and octets */
		g_message[13] = 'x';
		assert_true(sendto(fd, g_message, size, 0, (struct sockaddr *)&from, from_n) > 0);
		assert_true(sendto(fd, "xx", 2, 0, (struct sockaddr *)&from, from_n) > 0);
		g_message[13] = 's';
	}
	assert_true(sendto(fd, g_message, size, 0, (struct sockaddr *)&from, from_n) > 0);
}

static void on_connection(int fd, unsigned events, void *arg)
{
	struct server *s = arg;
	uint8_t query[514], head[2];
	ssize_t n = recv(fd, query, sizeof(query), 0);
	size_t size;

	(void)events;
	if (n <= 2) {
		loop_unwatch(fd);
		(void)close(fd);
		return;
	}
	s->over_tcp++;
	size = message_make(s, query + 2, (size_t)n - 2, true);
	be16_put(head, (uint16_t)size);
	assert_int_equal(send(fd, head, 1, 0), 1); /* in pieces */
	assert_int_equal(send(fd, head + 1, 1, 0), 1);
	assert_int_equal(send(fd, g_message, size, 0), (ssize_t)size);
}

static void on_listener(int fd, unsigned events, void *arg)
{
	int connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK);

	(void)events;
	assert_true(connection >= 0);
	assert_int_equal(loop_watch(connection, LOOP_READ, on_connection, arg), 0);
}

/* One number for both. False: somebody has it for TCP. */
static bool ports_open(struct server *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);

	s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(s->udp, (struct sockaddr *)&at, n), 0);
	assert_int_equal(getsockname(s->udp, (struct sockaddr *)&at, &n), 0);
	assert_int_equal(addr_from_sockaddr(&s->at, (struct sockaddr *)&at), 0);
	s->tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(s->tcp, (struct sockaddr *)&at, n) == 0)
		return true;
	(void)close(s->udp);
	(void)close(s->tcp);
	return false;
}

static void server_open(struct server *s, enum behaviour behaviour)
{
	*s = (struct server){ .behaviour = behaviour };
	for (int left = 50; !ports_open(s); left--)
		assert_true(left > 0);
	assert_int_equal(listen(s->tcp, 4), 0);
	assert_int_equal(loop_watch(s->udp, LOOP_READ, on_udp, s), 0);
	assert_int_equal(loop_watch(s->tcp, LOOP_READ, on_listener, s), 0);
}

static void server_close(struct server *s)
{
	loop_unwatch(s->udp);
	loop_unwatch(s->tcp);
	(void)close(s->udp);
	(void)close(s->tcp);
}

static unsigned g_turns; /* with more to do behind them */

static void on_time(void *arg)
{
	(void)arg;
	resolver_expire(g_resolver, clock_now_ns());
}

static void on_round(void *arg)
{
	uint64_t next = resolver_next_ns(g_resolver);

	(void)arg;
	if (resolver_pop(g_resolver, &g_call, &g_news, clock_now_ns())) {
		loop_stop();
		return;
	}
	g_turns += resolver_next_ns(g_resolver) == 0;
	assert_true(clock_now_ns() < g_end_ns);
	assert_int_equal(loop_timer(next < g_end_ns ? next : g_end_ns, on_time, NULL), 0);
}

static const struct lookup_want g_want = {
	.host = "sip.test", .port = 5070, .v4 = true, .speaks = 1 << SIP_UDP
};

static void look_up(const struct lookup_want *want)
{
	static uint64_t serial;

	g_end_ns = clock_now_ns() + 8 * NS_PER_S;
	g_news = (struct lookup_reply){ 0 };
	resolver_start(g_resolver, 7, ++serial, want, clock_now_ns() + g_ahead_ns);
	assert_int_equal(loop_run(), 0);
	assert_true(g_call == 7 && g_news.serial == serial);
}

static void assert_found(void)
{
	assert_int_equal(g_news.state, LOOKUP_DONE);
	assert_int_equal(g_news.count, 1);
	assert_int_equal(g_news.targets[0].to.ip[3], 1);
	assert_int_equal(g_news.targets[0].to.port, 5070);
}

static void begin(enum behaviour first, enum behaviour second, uint32_t servers)
{
	struct addr list[2];

	rand_open_system(&g_rand);
	assert_int_equal(loop_open(1024), 0);
	loop_after_round(on_round, NULL);
	server_open(&g_servers[0], first);
	server_open(&g_servers[1], second);
	list[0] = g_servers[0].at;
	list[1] = g_servers[1].at;
	assert_int_equal(resolver_open(&g_resolver, &g_rand), 0);
	resolver_servers(g_resolver, list, servers, NULL);
}

static void end(void)
{
	resolver_close(g_resolver);
	server_close(&g_servers[0]);
	server_close(&g_servers[1]);
	loop_close();
}

/* One question, from a port of its own; what is known asks nobody. */
static void test_answers(void **state)
{
	static struct lookup found;

	(void)state;
	begin(ANSWERS, SILENT, 1);
	resolver_find(g_resolver, &g_want, clock_now_ns(), &found);
	assert_int_equal(found.state, LOOKUP_REQUEST);
	look_up(&g_want);
	assert_found();
	assert_int_equal(g_servers[0].asked, 1);
	resolver_find(g_resolver, &g_want, clock_now_ns(), &found);
	assert_int_equal(found.state, LOOKUP_DONE);
	look_up(&g_want);
	assert_found();
	assert_int_equal(g_servers[0].asked, 1);
	end();
}

/* No two tries have the same port, but by chance. */
static void test_ports(void **state)
{
	unsigned same = 0;

	(void)state;
	begin(ANSWERS, SILENT, 1);
	for (unsigned i = 0; i < 8; i++) {
		struct lookup_want want = g_want;

		(void)snprintf(want.host, sizeof(want.host), "n%u.test", i);
		look_up(&want);
		assert_int_equal(g_news.state, LOOKUP_NOTHING);
	}
	for (unsigned i = 1; i < 8; i++)
		same += g_servers[0].ports[i] == g_servers[0].ports[i - 1];
	assert_true(same < 3);
	end();
}

static void test_forged_answers_are_passed_over(void **state)
{
	(void)state;
	begin(LIES_FIRST, SILENT, 1);
	look_up(&g_want);
	assert_found();
	end();
}

static void test_over_tcp(void **state)
{
	(void)state;
	begin(CUTS, SILENT, 1);
	look_up(&g_want);
	assert_found();
	assert_int_equal(g_servers[0].over_tcp, 1);
	end();
}

/* The next server is asked: at once where one refuses, after a while where it says nothing, or nothing that is believed. */
static void test_other_server(void **state)
{
	static const enum behaviour rows[] = { REFUSES, SILENT, OTHER_ID };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		begin(rows[i], ANSWERS, 2);
		look_up(&g_want);
		assert_found();
		assert_int_equal(g_servers[0].asked, 1);
		/* from now on the one that answers is the first */
		struct lookup_want other = g_want;

		(void)snprintf(other.host, sizeof(other.host), "other.test");
		look_up(&other);
		assert_int_equal(g_news.state, LOOKUP_NOTHING);
		assert_int_equal(g_servers[0].asked, 1);
		end();
	}
}

/* Nobody listens there: it is known at once, and for a moment only. */
static void test_nobody(void **state)
{
	struct addr dead;
	uint64_t begun_ns;

	(void)state;
	begin(ANSWERS, ANSWERS, 2);
	dead = g_servers[0].at;
	server_close(&g_servers[0]);
	resolver_servers(g_resolver, &dead, 1, NULL);
	begun_ns = clock_now_ns();
	look_up(&g_want);
	assert_int_equal(g_news.state, LOOKUP_FAILED);
	assert_true(clock_now_ns() - begun_ns < 2 * DNS_TRY_NS); /* and no second try */
	server_open(&g_servers[0], ANSWERS);
	end();
}

static void file_write(const char *path, const struct server *server)
{
	char text[ADDR_TEXT_MAX];
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fprintf(f, "search x\nnameserver %s\n", addr_text(&server->at, text)) > 0);
	assert_int_equal(fclose(f), 0);
}

/* The file is read with the first question, and again when it has changed; without it what was read last holds. */
static void test_file(void **state)
{
	char path[] = "/tmp/resolv_conf_XXXXXX";
	struct lookup_want want = g_want;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	begin(ANSWERS, ANSWERS, 1);
	file_write(path, &g_servers[0]);
	resolver_servers(g_resolver, NULL, 0, path);
	look_up(&want);
	assert_found();
	assert_int_equal(g_servers[0].asked, 1);
	file_write(path, &g_servers[1]);
	(void)snprintf(want.host, sizeof(want.host), "a.test");
	look_up(&want); /* not looked at again so soon */
	assert_int_equal(g_servers[0].asked, 2);
	g_ahead_ns = 6 * NS_PER_S;
	(void)snprintf(want.host, sizeof(want.host), "b.test");
	look_up(&want);
	assert_int_equal(g_servers[1].asked, 1);
	assert_int_equal(unlink(path), 0);
	g_ahead_ns = 12 * NS_PER_S;
	(void)snprintf(want.host, sizeof(want.host), "c.test");
	look_up(&want);
	assert_int_equal(g_servers[1].asked, 2);
	g_ahead_ns = 0;
	end();
}

/* More at once than may wait: they have no outcome, and the others have theirs. */
static void test_full(void **state)
{
	unsigned taken = 0;

	(void)state;
	begin(ANSWERS, SILENT, 1);
	for (unsigned i = 0; i < RESOLVER_WAITS_MAX + 10; i++)
		resolver_start(g_resolver, 7, i, &g_want, clock_now_ns());
	g_end_ns = clock_now_ns() + 8 * NS_PER_S;
	assert_int_equal(loop_run(), 0);
	assert_int_equal(g_servers[0].asked, 1); /* the same question */
	do {
		taken++;
		assert_found();
	} while (resolver_pop(g_resolver, &g_call, &g_news, clock_now_ns()));
	assert_int_equal(taken, RESOLVER_WAITS_MAX);
	end();
}

/* Who waits no longer keeps no place, and asks nobody else: who comes next is not behind a thousand names of those who gave up. */
static void test_given_up(void **state)
{
	struct lookup_want want = g_want;

	(void)state;
	begin(SILENT, SILENT, 1);
	for (unsigned i = 0; i < RESOLVER_WAITS_MAX; i++) {
		(void)snprintf(want.host, sizeof(want.host), "n%u.test", i);
		resolver_start(g_resolver, 9, i, &want, clock_now_ns());
	}
	on_time(NULL);
	for (unsigned i = 0; i < RESOLVER_WAITS_MAX; i++)
		resolver_stop(g_resolver, 9, i);
	resolver_stop(g_resolver, 9, 0); /* twice means nothing */
	g_servers[0].behaviour = ANSWERS;
	look_up(&g_want);
	assert_found();
	assert_in_range(g_servers[0].asked, 1, DNS_SOCKETS_MAX + 1);
	end();
}

/* Of two who wait for one name one gives up: the other one has its answer. */
static void test_one_gives_up(void **state)
{
	(void)state;
	begin(ANSWERS, SILENT, 1);
	resolver_start(g_resolver, 9, 1, &g_want, clock_now_ns());
	resolver_start(g_resolver, 9, 2, &g_want, clock_now_ns());
	resolver_stop(g_resolver, 9, 1);
	g_end_ns = clock_now_ns() + 8 * NS_PER_S;
	assert_int_equal(loop_run(), 0);
	assert_int_equal(g_news.serial, 2);
	assert_found();
	assert_false(resolver_pop(g_resolver, &g_call, &g_news, clock_now_ns()));
	end();
}

/* An outcome that nobody has taken yet is nobody's. */
static void test_given_up_late(void **state)
{
	(void)state;
	begin(ANSWERS, SILENT, 1);
	look_up(&g_want);
	resolver_start(g_resolver, 9, 1, &g_want, clock_now_ns()); /* it is known */
	assert_int_equal(resolver_next_ns(g_resolver), 0);
	resolver_stop(g_resolver, 9, 1);
	assert_false(resolver_pop(g_resolver, &g_call, &g_news, clock_now_ns()));
	assert_true(resolver_next_ns(g_resolver) > 0);
	look_up(&g_want);
	assert_found();
	end();
}

/* Many wait for the same name: each asks the next question in its turn, and others have theirs in between. */
static void test_turns(void **state)
{
	struct lookup_want want = { .host = "sip.test", .v4 = true, .speaks = 1 << SIP_UDP };
	unsigned taken = 0;

	(void)state;
	begin(ANSWERS, SILENT, 1);
	for (unsigned i = 0; i < 160; i++)
		resolver_start(g_resolver, 7, i, &want, clock_now_ns());
	g_end_ns = clock_now_ns() + 8 * NS_PER_S;
	g_turns = 0;
	do {
		assert_int_equal(loop_run(), 0);
		assert_int_equal(g_news.state, LOOKUP_DONE);
	} while (++taken < 160);
	assert_in_range(g_turns, 2, 160);        /* those behind find what the first ones asked */
	assert_int_equal(g_servers[0].asked, 3); /* NAPTR, SRV, A: once for all */
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_forged_answers_are_passed_over),
		cmocka_unit_test(test_over_tcp),
		cmocka_unit_test(test_other_server),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_one_gives_up),
		cmocka_unit_test(test_given_up_late),
		cmocka_unit_test(test_turns),
	};

	resolver_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
