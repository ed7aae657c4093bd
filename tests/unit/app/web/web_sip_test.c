/* SPDX-License-Identifier: Apache-2.0 */
/* The limits in time of a WebSocket, and what becomes of a message when the loop does not come round. */
#include "app/web/web_sip.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/web/web_link.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metric.h"
#include "base/validity.h"
#include "tests/unit/test.h"

#define PATIENCE_NS (200 * NS_PER_MS)
#define IDLE_NS     (600 * NS_PER_MS)

enum { PLACES = 3, MESSAGES = 400 };

static struct {
	struct web *web;
	struct web_link *link;
	struct transport_provider to;
	struct health health;
	struct validity validity; /* of one shard, which may not speak any more */
	struct addr address;
	uint32_t received, closed;
	struct sip_hop from;
} g;

static void on_receive(const struct sip_hop *from, struct bytes message, void *arg)
{
	(void)message;
	(void)arg;
	g.received++;
	g.from = *from;
}

static void on_closed(const struct sip_hop *hop, void *arg)
{
	(void)hop;
	(void)arg;
	g.closed++;
}

static void on_time(void *arg)
{
	(void)arg;
	loop_stop();
}

static void run_for(uint64_t ns)
{
	assert_int_equal(loop_timer(clock_now_ns() + ns, on_time, NULL), 0);
	assert_int_equal(loop_run(), 0);
}

static uint64_t ends(const char *labels)
{
	return metric_value(metric_register(METRIC_COUNTER, "tandem_sip_ws_ends_total", labels,
					    "Ends of SIP WebSockets"));
}

/* Until that end was counted once more, 5 s at most. */
static void await_end(const char *labels, uint64_t before)
{
	for (int i = 0; i < 500 && ends(labels) == before; i++)
		run_for(10 * NS_PER_MS);
	if (ends(labels) != before + 1)
		fail_msg("no end with %s", labels);
}

static void free_port(void)
{
	struct sockaddr_storage sa;
	socklen_t size = sizeof(sa);
	uint32_t n;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(addr_parse(&g.address, BYTES_LIT("127.0.0.1")), 0);
	n = addr_to_sockaddr(&g.address, &sa);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &size), 0);
	assert_int_equal(addr_from_sockaddr(&g.address, (const struct sockaddr *)&sa), 0);
	(void)close(fd);
}

static void put(int fd, const void *p, size_t n)
{
	assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* The status of its answer. */
static int ask(int *fd, const char *request)
{
	struct timeval limit = { .tv_sec = 5 };
	int little = 4096, small = 536; /* small segments keep the other side's buffer small */
	struct sockaddr_storage sa;
	uint32_t n = addr_to_sockaddr(&g.address, &sa);
	char answer[1024] = "";
	size_t got = 0;

	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(setsockopt(*fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little)), 0);
	assert_int_equal(setsockopt(*fd, IPPROTO_TCP, TCP_MAXSEG, &small, sizeof(small)), 0);
	assert_int_equal(connect(*fd, (const struct sockaddr *)&sa, n), 0);
	put(*fd, request, strlen(request));
	while (!strstr(answer, "\r\n\r\n") && got < sizeof(answer) - 1) {
		ssize_t one = recv(*fd, answer + got, sizeof(answer) - 1 - got, 0);

		if (one <= 0)
			break;
		got += (size_t)one;
	}
	return strncmp(answer, "HTTP/1.", 7) == 0 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

static int dial(int *fd)
{
	return ask(fd, "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
		       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		       "Sec-WebSocket-Protocol: sip\r\n\r\n");
}

/* A frame of less than 126 octets, masked with zeros. */
static void say(int fd, uint8_t head, const char *text)
{
	uint8_t frame[132] = { head, (uint8_t)(0x80 | strlen(text)) };

	memcpy(frame + 6, text, strlen(text));
	put(fd, frame, 6 + strlen(text));
}

static int setup(void **state)
{
	const struct transport_handlers handlers = { .receive = on_receive, .closed = on_closed };
	struct web_settings settings = { .health = &g.health,
					 .places = PLACES,
					 .per_source = 100,
					 .idle_ns = IDLE_NS,
					 .patience_ns = PATIENCE_NS };

	(void)state;
	memset(&g, 0, sizeof(g));
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	assert_int_equal(loop_open(64), 0);
	web_setup();
	free_port();
	settings.bind = g.address;
	validity_open(&g.validity, 1);
	assert_int_equal(web_link_open(&g.link, PLACES, &handlers, &g.validity), 0);
	settings.link = g.link;
	g.to = web_link_provider(g.link);
	return web_open(&g.web, &settings);
}

static int teardown(void **state)
{
	(void)state;
	web_close(g.web);
	web_link_close(g.link);
	loop_close();
	return 0;
}

static uint64_t refused(void)
{
	return metric_value(metric_register(METRIC_COUNTER, "tandem_sip_ws_refused_total",
					    "reason=\"connections_full\"", ""));
}

/* So many messages came in all, and the last one's sender has proved who it is. */
static void trust_next(uint32_t received)
{
	while (g.received < received)
		run_for(5 * NS_PER_MS);
	g.to.trust(g.to.arg, &g.from);
	g.to.flush(g.to.arg);
	run_for(20 * NS_PER_MS);
}

/* As TCP does: the stranger that came first goes for a newcomer, whatever it has said, and whom SIP knows stays. */
static void test_strangers_make_room(void **state)
{
	uint64_t before = ends("reason=\"made_room\""), refused_before = refused();
	int fds[PLACES], more;
	char octet;

	(void)state;
	for (int i = 0; i < PLACES; i++) {
		assert_int_equal(dial(&fds[i]), 101);
		say(fds[i], 0x81, "one");
		if (i == 0)
			trust_next(1);
	}
	assert_int_equal(dial(&more), 101);
	run_for(20 * NS_PER_MS);
	assert_int_equal(recv(fds[1], &octet, 1, 0), 1);
	assert_int_equal((uint8_t)octet, 0x88); /* Close */
	(void)close(fds[1]);
	await_end("reason=\"made_room\"", before);
	assert_int_equal(recv(fds[0], &octet, 1, MSG_DONTWAIT), -1); /* it is there still */
	assert_int_equal(refused(), refused_before);
	(void)close(more);
	for (int i = 0; i < PLACES; i++) {
		if (i != 1)
			(void)close(fds[i]);
	}
}

/* Of a shard that may not speak any more nothing is written; others are heard. */
static void test_withheld(void **state)
{
	static const char frame[] = "\x81\x04"
				    "node";
	char got[sizeof(frame)] = "";
	int fd;

	(void)state;
	assert_int_equal(dial(&fd), 101);
	say(fd, 0x81, "one");
	trust_next(1);
	assert_int_equal(g.to.send(g.to.arg, 1, &g.from, BYTES_LIT("late")), 0);
	assert_int_equal(g.to.send(g.to.arg, VALID_ALWAYS, &g.from, BYTES_LIT("node")), 0);
	assert_int_equal(g.to.send(g.to.arg, 1, &g.from, BYTES_LIT("late")), 0);
	g.to.flush(g.to.arg);
	assert_int_equal(recv(fd, got, sizeof(frame) - 1, MSG_WAITALL), sizeof(frame) - 1);
	assert_string_equal(got, frame);
	for (int i = 0; i < 500 && validity_withheld(&g.validity, 1) < 2; i++)
		run_for(10 * NS_PER_MS);
	assert_int_equal(validity_withheld(&g.validity, 1), 2);
	assert_int_equal(recv(fd, got, 1, MSG_DONTWAIT), -1);
	(void)close(fd);
}

/* Whoever proves nothing goes after a time without a word; a proof is worth more. */
static void test_strangers_go_when_silent(void **state)
{
	uint64_t before = ends("reason=\"not_authenticated\"");
	int fd, known;

	(void)state;
	assert_int_equal(dial(&known), 101);
	say(known, 0x81, "one");
	trust_next(1);
	assert_int_equal(dial(&fd), 101);
	say(fd, 0x81, "one");
	await_end("reason=\"not_authenticated\"", before);
	assert_int_equal(ends("reason=\"not_authenticated\""), before + 1);
	(void)close(fd);
	(void)close(known);
}

static void test_who_says_nothing(void **state)
{
	uint64_t before = ends("reason=\"no_message\"");
	int fd;

	(void)state;
	assert_int_equal(dial(&fd), 101);
	say(fd, 0x81, "\r\n\r\n"); /* buys no time */
	await_end("reason=\"no_message\"", before);
	assert_int_equal(g.closed, 0); /* the loop never knew it */
	(void)close(fd);
}

static void test_who_never_ends(void **state)
{
	uint64_t before = ends("reason=\"slow_sender\"");
	int fd;

	(void)state;
	assert_int_equal(dial(&fd), 101);
	say(fd, 0x81, "one");
	trust_next(1);
	say(fd, 0x01, "begun and"); /* not the last of its frames */
	await_end("reason=\"slow_sender\"", before);
	run_for(20 * NS_PER_MS);
	assert_int_equal(g.received, 1);
	assert_int_equal(g.closed, 1);
	(void)close(fd);
}

static void test_who_is_idle(void **state)
{
	uint64_t before = ends("reason=\"idle\"");
	int fd;

	(void)state;
	assert_int_equal(dial(&fd), 101);
	say(fd, 0x81, "one");
	trust_next(1);
	await_end("reason=\"idle\"", before);
	(void)close(fd);
}

/* Its socket takes little, so some of this waits; less than what cuts it off at once. */
static void test_who_does_not_read(void **state)
{
	static uint8_t large[40000];
	uint64_t before = ends("reason=\"peer_unresponsive\"");
	int fd;

	(void)state;
	assert_int_equal(dial(&fd), 101);
	say(fd, 0x81, "one");
	trust_next(1);
	for (size_t i = 0; i < WEB_LINK_OUT_OCTETS / sizeof(large); i++)
		assert_int_equal(g.to.send(g.to.arg, VALID_ALWAYS, &g.from,
					   bytes_mem(large, sizeof(large))),
				 0);
	g.to.flush(g.to.arg);
	await_end("reason=\"peer_unresponsive\"", before);
	(void)close(fd);
}

/* Its places are all taken by those who have proved who they are: 503; then one is free again. */
static void test_places(void **state)
{
	int fds[PLACES], more;

	(void)state;
	for (int i = 0; i < PLACES; i++) {
		assert_int_equal(dial(&fds[i]), 101);
		say(fds[i], 0x81, "here");
		trust_next((uint32_t)i + 1);
	}
	assert_int_equal(dial(&more), 503);
	(void)close(more);
	(void)close(fds[0]);
	for (int i = 0; i < 500 && !g.closed; i++)
		run_for(5 * NS_PER_MS);
	assert_int_equal(g.closed, 1);
	assert_int_equal(dial(&more), 101);
	(void)close(more);
	for (int i = 1; i < PLACES; i++)
		(void)close(fds[i]);
}

/* Within HTTP/2 connections would come that nobody counts: only a WebSocket is another protocol of ours. */
static void test_upgrade_to_something_else(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(ask(&fd, "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\n"
				  "Connection: Upgrade, HTTP2-Settings\r\n"
				  "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"
				  "Sec-WebSocket-Protocol: sip\r\n\r\n"),
			 400);
	(void)close(fd);
}

/* The loop stands still: what comes waits in the socket, and none is lost. */
static void test_the_loop_stands_still(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(dial(&fd), 101);
	for (int i = 0; i < MESSAGES; i++)
		say(fd, 0x82, "message");
	(void)usleep(100 * 1000);
	assert_int_equal(g.received, 0);
	for (int i = 0; i < 500 && g.received < MESSAGES; i++)
		run_for(5 * NS_PER_MS);
	assert_int_equal(g.received, MESSAGES);
	(void)close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_says_nothing),
		TEST(test_strangers_make_room),
		TEST(test_withheld),
		TEST(test_strangers_go_when_silent),
		TEST(test_who_never_ends),
		TEST(test_who_is_idle),
		TEST(test_who_does_not_read),
		TEST(test_places),
		TEST(test_upgrade_to_something_else),
		TEST(test_the_loop_stands_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
