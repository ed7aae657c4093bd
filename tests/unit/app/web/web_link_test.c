/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of the rings: first on one thread, so that each step is certain, then on two (for TSan). */
#include "app/web/web_link.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/validity.h"
#include "tests/unit/test.h"

enum { PLACES = 20, MANY = 20000 };

static struct {
	struct web_link *link;
	struct transport_provider to;
	uint32_t received, closed, wakes;
	struct sip_hop from, gone;
	char last[64];
	uint32_t stop_at; /* messages; 0: when nothing more comes */
	bool echo;
} g;

static void on_receive(const struct sip_hop *from, struct bytes message, void *arg)
{
	(void)arg;
	g.received++;
	g.from = *from;
	(void)bytes_cstr(bytes_sub(message, 0, sizeof(g.last) - 1), g.last, sizeof(g.last));
	if (g.echo)
		(void)g.to.send(g.to.arg, VALID_ALWAYS, from, message);
	if (g.received == g.stop_at)
		loop_stop();
}

static void on_closed(const struct sip_hop *hop, void *arg)
{
	(void)arg;
	g.closed++;
	g.gone = *hop;
}

static void on_wake(void *arg)
{
	(void)arg;
	g.wakes++;
}

static void on_time(void *arg)
{
	(void)arg;
	loop_stop();
}

/* Some rounds of the loop. */
static void settle(void)
{
	assert_int_equal(loop_timer(clock_now_ns() + 20 * NS_PER_MS, on_time, NULL), 0);
	assert_int_equal(loop_run(), 0);
}

static int setup(void **state)
{
	const struct transport_handlers handlers = { .receive = on_receive, .closed = on_closed };

	(void)state;
	memset(&g, 0, sizeof(g));
	assert_int_equal(loop_open(64), 0);
	web_link_setup();
	assert_int_equal(web_link_open(&g.link, PLACES, &handlers, NULL), 0);
	web_link_attach(g.link, on_wake, NULL);
	g.to = web_link_provider(g.link);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	web_link_close(g.link);
	loop_close();
	return 0;
}

static struct sip_hop hop_at(uint32_t place)
{
	return (struct sip_hop){ .transport = SIP_WS,
				 .connection = web_link_name(g.link, place),
				 .inbound = true };
}

static int send_to(const struct sip_hop *hop, const char *text)
{
	return g.to.send(g.to.arg, VALID_ALWAYS, hop, bytes_str(text));
}

static void done(struct web_link_out *out)
{
	web_link_sent(g.link, out);
	free(out->data);
}

static void test_there_and_back(void **state)
{
	struct sip_hop hop = hop_at(3);
	struct web_link_out out;

	(void)state;
	assert_int_equal(web_link_place(hop.connection), 3);
	assert_int_equal(send_to(&hop, "early"), -ENOTCONN); /* it has said nothing yet */
	assert_int_equal(web_link_bring(g.link, &hop, BYTES_LIT("hello")), 0);
	settle();
	assert_int_equal(g.received, 1);
	assert_string_equal(g.last, "hello");
	assert_int_equal(g.from.connection, hop.connection);
	assert_int_equal(g.to.connections(g.to.arg, SIP_WS), 1);
	assert_int_equal(g.to.connections(g.to.arg, SIP_WSS), 0);
	assert_int_equal(send_to(&hop, "answer"), 0);
	assert_int_equal(g.wakes, 0);
	g.to.flush(g.to.arg);
	g.to.flush(g.to.arg);
	assert_int_equal(g.wakes, 1);
	assert_true(web_link_pop(g.link, &out));
	assert_int_equal(out.connection, hop.connection);
	assert_true(bytes_is(bytes_mem(out.data + WEB_LINK_ROOM, out.n), "answer"));
	done(&out);
	assert_false(web_link_pop(g.link, &out));
}

/* Its place has another one meanwhile: what is for the old one goes nowhere. */
static void test_the_next_in_its_place(void **state)
{
	struct sip_hop first = hop_at(0), second = hop_at(0), foreign = first;

	(void)state;
	assert_true(first.connection != second.connection);
	assert_int_equal(web_link_bring(g.link, &first, BYTES_LIT("1")), 0);
	assert_true(web_link_ended(g.link, &first));
	assert_int_equal(web_link_bring(g.link, &second, BYTES_LIT("2")), 0);
	settle();
	assert_int_equal(g.closed, 1);
	assert_int_equal(g.gone.connection, first.connection);
	assert_int_equal(g.to.connections(g.to.arg, SIP_WS), 1);
	assert_int_equal(send_to(&first, "x"), -ENOTCONN);
	assert_int_equal(send_to(&second, "x"), 0);
	foreign.connection = 0; /* of a record */
	assert_int_equal(send_to(&foreign, "x"), -ENOTCONN);
	foreign.connection = 77; /* of a TCP connection */
	assert_int_equal(send_to(&foreign, "x"), -ENOTCONN);
	foreign.connection = TRANSPORT_PROVIDED | 60000; /* of no place */
	assert_int_equal(send_to(&foreign, "x"), -ENOTCONN);
	foreign = second;
	foreign.transport = SIP_WSS;
	assert_int_equal(send_to(&foreign, "x"), -ENOTCONN);
}

static void test_one_sends_too_fast(void **state)
{
	struct sip_hop fast = hop_at(1), other = hop_at(2);

	(void)state;
	for (int i = 0; i < WEB_LINK_IN_EACH; i++)
		assert_int_equal(web_link_bring(g.link, &fast, BYTES_LIT("x")), 0);
	assert_int_equal(web_link_bring(g.link, &fast, BYTES_LIT("x")), -EAGAIN);
	assert_int_equal(web_link_bring(g.link, &other, BYTES_LIT("y")), 0);
	settle();
	assert_int_equal(g.received, WEB_LINK_IN_EACH + 1);
	assert_int_equal(web_link_bring(g.link, &fast, BYTES_LIT("x")), 0);
}

/* An end is told as well, later; a full ring loses nothing. */
static void test_the_ring_is_full(void **state)
{
	struct sip_hop hops[PLACES];
	uint32_t brought = 0;

	(void)state;
	for (uint32_t i = 0; i < PLACES; i++) {
		hops[i] = hop_at(i);
		while (!web_link_bring(g.link, &hops[i], BYTES_LIT("x")))
			brought++;
	}
	assert_int_equal(brought, WEB_LINK_IN);
	assert_false(web_link_ended(g.link, &hops[0]));
	settle();
	assert_int_equal(g.received, WEB_LINK_IN);
	assert_true(web_link_ended(g.link, &hops[0]));
	settle();
	assert_int_equal(g.closed, 1);
}

/* 256 KB may wait for one; then it is cut off, once, and others are not touched. */
static void test_one_reads_too_slowly(void **state)
{
	static uint8_t large[60000];
	struct sip_hop slow = hop_at(1), other = hop_at(2);
	struct web_link_out out;
	uint32_t sent = 0, cuts = 0;

	(void)state;
	assert_int_equal(web_link_bring(g.link, &slow, BYTES_LIT("x")), 0);
	assert_int_equal(web_link_bring(g.link, &other, BYTES_LIT("x")), 0);
	settle();
	while (!g.to.send(g.to.arg, VALID_ALWAYS, &slow, bytes_mem(large, sizeof(large))))
		sent++;
	assert_int_equal(sent, WEB_LINK_OUT_OCTETS / sizeof(large));
	assert_int_equal(send_to(&slow, "x"), -ENOTCONN);
	assert_int_equal(send_to(&other, "x"), 0);
	while (web_link_pop(g.link, &out)) {
		cuts += !out.data;
		assert_true(out.data || out.connection == slow.connection);
		if (out.data)
			done(&out);
	}
	assert_int_equal(cuts, 1);
}

static void test_too_much_for_all(void **state)
{
	static uint8_t too_large[STREAM_MESSAGE_MAX + 1];
	struct sip_hop hop = hop_at(0);
	uint32_t sent = 0;

	(void)state;
	assert_int_equal(web_link_bring(g.link, &hop, BYTES_LIT("x")), 0);
	settle();
	assert_int_equal(g.to.send(g.to.arg, VALID_ALWAYS, &hop,
				   bytes_mem(too_large, sizeof(too_large))),
			 -EMSGSIZE);
	while (!send_to(&hop, "x"))
		sent++;
	assert_int_equal(sent, WEB_LINK_OUT);
	assert_int_equal(send_to(&hop, "x"), -ENOBUFS);
}

/* The web thread: brings MANY messages and takes as many back. */
static void *web_thread(void *arg)
{
	struct sip_hop hop = hop_at(5);
	uint32_t brought = 0, taken = 0;
	struct web_link_out out;

	(void)arg;
	while (taken < MANY) {
		if (brought < MANY && !web_link_bring(g.link, &hop, BYTES_LIT("again and again")))
			brought++;
		while (web_link_pop(g.link, &out)) {
			taken++;
			done(&out);
		}
	}
	while (!web_link_ended(g.link, &hop))
		continue;
	return NULL;
}

static void test_two_threads(void **state)
{
	pthread_t thread;

	(void)state;
	g.echo = true;
	g.stop_at = MANY;
	assert_int_equal(pthread_create(&thread, NULL, web_thread, NULL), 0);
	assert_int_equal(loop_run(), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	settle();
	assert_int_equal(g.received, MANY);
	assert_int_equal(g.closed, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_there_and_back),       TEST(test_the_next_in_its_place),
		TEST(test_one_sends_too_fast),   TEST(test_the_ring_is_full),
		TEST(test_one_reads_too_slowly), TEST(test_too_much_for_all),
		TEST(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
