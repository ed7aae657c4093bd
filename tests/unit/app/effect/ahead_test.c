/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets at an address that comes later. */
#include "app/effect/ahead.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "tests/unit/netns.h"
#include "tests/unit/test.h"

enum { PORT = 20000, DSCP = 46 };

static struct addr at(const char *ip, unsigned port)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(ip)), 0);
	a.port = (uint16_t)port;
	return a;
}

static const char g_ip[] = "192.0.2.9";

static void bind_pair(struct ahead *a, unsigned port)
{
	const struct addr rtp = at(g_ip, port), rtcp = at(g_ip, port + 1);

	prebound_bind(a, &rtp, &rtcp, DSCP);
}

static bool take_pair(struct ahead *a, unsigned port, uint8_t dscp, int fd[2])
{
	const struct addr rtp = at(g_ip, port), rtcp = at(g_ip, port + 1);

	return prebound_pop(a, &rtp, &rtcp, dscp, fd);
}

/* By anybody else. */
static bool is_free(unsigned port)
{
	const struct addr rtp = at(g_ip, port), none = { 0 };
	int fd = -1, no_fd;
	int err = engine_prebind(&rtp, &none, DSCP, &fd, &no_fd);

	if (fd >= 0)
		(void)close(fd);
	assert_true(!err || err == -EADDRINUSE);
	return !err;
}

static void test_bound_and_taken(void **state)
{
	struct ahead a;
	int fd[2];

	(void)state;
	assert_int_equal(prebound_open(&a, 8), 0);
	assert_false(take_pair(&a, PORT, DSCP, fd));
	bind_pair(&a, PORT);
	bind_pair(&a, PORT); /* a record that came twice */
	bind_pair(&a, PORT + 2);
	assert_int_equal(a.count, 2);
	assert_false(is_free(PORT) || is_free(PORT + 3));
	assert_true(take_pair(&a, PORT, DSCP, fd));
	assert_false(take_pair(&a, PORT, DSCP, fd)); /* once */
	assert_int_equal(a.left, 1);
	prebound_close(&a);
	assert_true(is_free(PORT + 2) && is_free(PORT + 3));
	assert_false(is_free(PORT)); /* the flow's by now */
	(void)close(fd[0]);
	(void)close(fd[1]);
	assert_true(is_free(PORT) && is_free(PORT + 1));
}

/* Whoever opens the flow binds its ports then, and is alone there. */
static void test_of_another_flow(void **state)
{
	const struct addr none = { 0 }, rtp = at(g_ip, PORT), rtcp = at(g_ip, PORT + 1);
	struct ahead a;
	int fd[2];

	(void)state;
	assert_int_equal(prebound_open(&a, 8), 0);
	bind_pair(&a, PORT);
	bind_pair(&a, PORT + 2);
	assert_true(prebound_has(&a, &rtp, &rtcp, DSCP));
	assert_false(prebound_has(&a, &rtp, &rtcp, 0) || prebound_has(&a, &rtp, &none, DSCP));
	assert_false(prebound_pop(&a, &rtp, &none, DSCP, fd));
	assert_false(take_pair(&a, PORT + 2, 0, fd));
	assert_int_equal(a.left, 0);
	assert_true(is_free(PORT) && is_free(PORT + 2));
	prebound_close(&a);
}

static void test_no_more_than(void **state)
{
	struct ahead a;

	(void)state;
	assert_int_equal(prebound_open(&a, 2), 0);
	for (unsigned i = 0; i < 3; i++)
		bind_pair(&a, PORT + 2 * i);
	assert_int_equal(a.count, 2);
	assert_true(is_free(PORT + 4));
	prebound_close(&a);
}

/* Many grow the list. */
static void test_many(void **state)
{
	enum { MANY = 200 };
	struct ahead a;
	int fd[2];

	(void)state;
	assert_int_equal(prebound_open(&a, MANY), 0);
	for (unsigned i = 0; i < MANY; i++)
		bind_pair(&a, PORT + 2 * i);
	assert_int_equal(a.left, MANY);
	for (unsigned i = MANY; i-- > 0;) {
		assert_true(take_pair(&a, PORT + 2 * i, DSCP, fd));
		(void)close(fd[0]);
		(void)close(fd[1]);
	}
	prebound_close(&a);
	assert_true(is_free(PORT));
}

static void address_add(void)
{
	struct ifreq lo = { .ifr_name = "lo:1" };
	struct sockaddr_in in = { .sin_family = AF_INET };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, g_ip, &in.sin_addr), 1);
	memcpy(&lo.ifr_addr, &in, sizeof(in));
	assert_int_equal(ioctl(s, SIOCSIFADDR, &lo), 0);
	(void)close(s);
}

/* The address comes, and the socket hears what is sent there, and answers from it. */
static void test_the_address_comes(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) }, from;
	const struct timeval patience = { .tv_sec = 10 };
	socklen_t n = sizeof(from);
	struct ahead a;
	int fd[2], phone = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[8];

	(void)state;
	assert_int_equal(prebound_open(&a, 8), 0);
	bind_pair(&a, PORT);
	assert_int_equal(inet_pton(AF_INET, g_ip, &to.sin_addr), 1);
	assert_true(sendto(phone, "early", 5, 0, (struct sockaddr *)&to, sizeof(to)) < 0);
	address_add();
	assert_int_equal(sendto(phone, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5);
	assert_true(take_pair(&a, PORT, DSCP, fd));
	assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
			 0);
	assert_int_equal(recvfrom(fd[0], text, sizeof(text), 0, (struct sockaddr *)&from, &n), 5);
	assert_int_equal(setsockopt(phone, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
			 0);
	assert_int_equal(sendto(fd[0], "back", 4, 0, (struct sockaddr *)&from, n), 4);
	n = sizeof(from);
	assert_int_equal(recvfrom(phone, text, sizeof(text), 0, (struct sockaddr *)&from, &n), 4);
	assert_int_equal(from.sin_addr.s_addr, to.sin_addr.s_addr);
	(void)close(fd[0]);
	(void)close(fd[1]);
	(void)close(phone);
	prebound_close(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound_and_taken),   cmocka_unit_test(test_of_another_flow),
		cmocka_unit_test(test_no_more_than),      cmocka_unit_test(test_many),
		cmocka_unit_test(test_the_address_comes),
	};

	if (!netns_enter()) {
		print_message("1..0 # SKIP no network of its own is allowed here\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
