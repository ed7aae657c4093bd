/* SPDX-License-Identifier: Apache-2.0 */
/* Servers of a Redis Cluster of the test's own. */
#ifndef TESTS_UNIT_CLUSTER_SLOTS_H
#define TESTS_UNIT_CLUSTER_SLOTS_H

#include "tests/unit/cluster/server.h"

#include <arpa/inet.h>
#include <sys/socket.h>

struct slots_ports {
	uint16_t commands, bus;
};

UNUSED static uint16_t port_take(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(close(fd), 0);
	return ntohs(at.sin_port);
}

/* It takes two seconds before it believes that it has all slots. */
UNUSED static void slots_wait(const struct server *s)
{
	uint64_t until_ns = clock_now_ns() + 30 * NS_PER_S;

	while (!strstr(server_ask(s, "CLUSTER INFO"), "cluster_state:ok")) {
		assert_true(clock_now_ns() < until_ns);
		nap_ms(20);
	}
}

/* One that has these slots, and knows no other one yet. */
UNUSED static struct slots_ports slots_run(struct server *s, unsigned first, unsigned last)
{
	struct slots_ports ports = { port_take(), port_take() };
	char port[8], bus[8];
	const char *extra[] = { "--cluster-enabled", "yes", "--bind", "127.0.0.1", "--port", port,
				"--cluster-port",    bus,   NULL };

	(void)snprintf(port, sizeof(port), "%u", ports.commands);
	(void)snprintf(bus, sizeof(bus), "%u", ports.bus);
	server_dir(s);
	server_start(s, extra);
	assert_string_equal(server_ask(s, "CLUSTER ADDSLOTSRANGE %u %u", first, last), "OK");
	(void)snprintf(s->url, sizeof(s->url), "redis+cluster://127.0.0.1:%u", ports.commands);
	return ports;
}

/* One that has all of them. */
UNUSED static void slots_start(struct server *s)
{
	(void)slots_run(s, 0, 16383);
	slots_wait(s);
}

#endif
