/* SPDX-License-Identifier: Apache-2.0 */
/* Octet by octet, and once by the kernel itself, in a network of the test's own. */
#include "tests/unit/test.h"

#include <assert.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/keeper/address.h"
#include "engine/net/netlink.h"
#include "tests/unit/netns.h"

enum { LO = 1 };

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

/* The numbers are those of the machine's order: little-endian here, as on all that the node runs on. */
static void an_address_is_added(void **state)
{
	static const uint8_t want[] = {
		48, 0,  0, 0, 20,  0, 5, 5, 7, 0, 0, 0, 0,   0, 0, 0, /* RTM_NEWADDR, and its flags */
		2,  32, 0, 0, 3,   0, 0, 0, /* AF_INET, /32, interface 3 */
		8,  0,  2, 0, 192, 0, 2, 9, 8, 0, 1, 0, 192, 0, 2, 9, 5, 0, 11, 0, 't', 0, 0, 0,
	};
	struct addr ip = address("192.0.2.9");
	uint8_t out[128];
	struct writer w = writer_over(out, sizeof(out));

	(void)state;
	address_write_add(&w, 7, 3, &ip);
	assert_int_equal(w.n, sizeof(want));
	assert_memory_equal(out, want, sizeof(want));
}

static void nothing_is_cut(void **state)
{
	struct addr ip = address("2001:db8::9");
	uint8_t out[99];
	struct writer w = writer_over(out, sizeof(out));

	(void)state;
	address_write_add(&w, 7, 3, &ip);
	assert_int_equal(w.n, 0);
}

/* What the kernel answers to one command: 0 or -errno. */
static int ask(int fd, const struct writer *w)
{
	_Alignas(8) uint8_t buffer[4096];
	struct netlink_message m;
	struct bytes rest;
	ssize_t n;

	assert_true(send(fd, w->p, w->n, 0) == (ssize_t)w->n);
	n = recv(fd, buffer, sizeof(buffer), 0);
	assert_true(n > 0);
	rest = bytes_mem(buffer, (size_t)n);
	assert_int_equal(netlink_next(&rest, &m), 0);
	assert_int_equal(m.kind, NETLINK_ERROR);
	return m.error;
}

/* Among all of its family that the kernel has: whose it is; -1: none of the machine. */
static int owner(int fd, const struct addr *ip)
{
	_Alignas(8) uint8_t buffer[8192];
	uint8_t out[64];
	struct writer w = writer_over(out, sizeof(out));
	struct netlink_message m;
	bool done = false;
	int found = -1;

	address_ask_all(&w, 9, ip->family);
	assert_true(send(fd, w.p, w.n, 0) == (ssize_t)w.n);
	while (!done) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
		struct bytes rest = bytes_mem(buffer, n > 0 ? (size_t)n : 0);

		assert_true(n > 0);
		while (netlink_next(&rest, &m) == 0) {
			done = done || m.kind == NETLINK_DONE;
			if (m.local && addr_ip_eq(&m.to, ip))
				found = m.protocol;
		}
	}
	return found;
}

static void the_kernel_agrees(void **state)
{
	static const char *const texts[] = { "192.0.2.9", "2001:db8::9" };
	int fd;

	(void)state;
	assert_true(netns_enter());
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	assert_true(fd >= 0);
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct addr ip = address(texts[i]);
		uint8_t out[5][128];
		struct writer w[5];

		for (size_t k = 0; k < COUNT_OF(w); k++)
			w[k] = writer_over(out[k], sizeof(out[k]));
		address_write_add(&w[0], 1, LO, &ip);
		address_write_delete(&w[1], 2, LO, &ip);
		address_write_prohibit(&w[2], 3, &ip);
		address_write_allow(&w[3], 4, &ip);
		assert_int_equal(owner(fd, &ip), -1);
		assert_int_equal(ask(fd, &w[0]), 0);
		assert_int_equal(owner(fd, &ip), KEEPER_PROTOCOL);
		assert_int_equal(ask(fd, &w[0]), 0); /* again: the same */
		assert_int_equal(ask(fd, &w[2]), 0);
		assert_int_equal(ask(fd, &w[1]), 0);
		assert_int_equal(owner(fd, &ip), -1);
		assert_true(ask(fd, &w[1]) < 0);
		assert_int_equal(ask(fd, &w[3]), 0);
		assert_true(ask(fd, &w[3]) < 0);
	}
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_added),
		cmocka_unit_test(nothing_is_cut),
		cmocka_unit_test(the_kernel_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
