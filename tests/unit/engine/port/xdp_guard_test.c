/* SPDX-License-Identifier: Apache-2.0 */
/* The guard's program on a real socket of loopback. */
#include "engine/port/xdp_guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/test.h"

static const struct guard_limits LIMITS = { .per_s = { [GUARD_STRANGER] = 1 } };

struct rig {
	struct xdp_guard *kernel;
	struct guard *guard;
	struct guard_kernel shared;
	int in, out; /* sockets */
	struct addr from;
};

static int bound(int family, struct addr *at)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_storage sa;
	socklen_t n;

	assert_true(fd >= 0);
	assert_int_equal(
		addr_parse(at, family == AF_INET6 ? BYTES_LIT("::1") : BYTES_LIT("127.0.0.1")), 0);
	n = addr_to_sockaddr(at, &sa);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	assert_int_equal(addr_from_sockaddr(at, (struct sockaddr *)&sa), 0);
	return fd;
}

static void rig_open(struct rig *r, int family)
{
	struct sockaddr_storage sa;
	struct rand_source rand;
	char why[XDP_WHY_MAX];
	struct addr to;
	int filter, err = xdp_guard_open(&r->kernel, guard_sets(100), why);

	if (err) {
		print_message("# %s\n", why);
		if (err == -EPERM || err == -EACCES)
			skip();
		fail();
	}
	rand_open_seed(&rand, 3);
	r->shared = xdp_guard_kernel(r->kernel);
	assert_int_equal(guard_open(&r->guard, 100, 60 * NS_PER_S, &rand, &r->shared), 0);
	guard_configure(r->guard, &LIMITS, 60 * NS_PER_S);
	r->in = bound(family, &to);
	r->out = bound(family, &r->from);
	filter = xdp_guard_filter(r->kernel);
	assert_int_equal(setsockopt(r->in, SOL_SOCKET, SO_ATTACH_BPF, &filter, sizeof(filter)), 0);
	assert_int_equal(connect(r->out, (struct sockaddr *)&sa, addr_to_sockaddr(&to, &sa)), 0);
}

static void rig_close(struct rig *r)
{
	(void)close(r->in);
	(void)close(r->out);
	guard_close(r->guard);
	xdp_guard_close(r->kernel);
}

/* How many of n reach the socket. */
static unsigned passed(const struct rig *r, unsigned n)
{
	unsigned came = 0;
	char octet;

	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(send(r->out, "x", 1, 0), 1);
		came += recv(r->in, &octet, 1, 0) == 1;
	}
	return came;
}

static void check(int family)
{
	struct rig r;
	unsigned came;

	rig_open(&r, family);
	came = passed(&r, 200);
	assert_in_range(came, 6, 12); /* one a second, and five seconds at once */
	assert_int_equal(r.shared.at_sockets->by_class[GUARD_STRANGER], 200 - came);
	assert_int_equal(guard_socket_drops(r.guard), 200 - came);
	guard_know(r.guard, &r.from, clock_now_ns());
	assert_int_equal(passed(&r, 200), 200);
	rig_close(&r);
}

/* Whom the settings trust is in nobody's limit, from the first datagram on. */
static void check_trusted(int family)
{
	struct guard_trusted peer = { .bits = family == AF_INET6 ? 128 : 32 };
	struct rig r;

	rig_open(&r, family);
	peer.net = r.from;
	peer.net.port = 0;
	assert_true(guard_trust(r.guard, &peer, 1));
	assert_int_equal(passed(&r, 200), 200);
	assert_int_equal(guard_socket_drops(r.guard), 0);
	assert_true(guard_trust(r.guard, &peer, 0));
	assert_in_range(passed(&r, 200), 6, 12);
	rig_close(&r);
}

static void test_trusted(void **state)
{
	(void)state;
	check_trusted(AF_INET);
	check_trusted(AF_INET6);
}

static void test_v4(void **state)
{
	(void)state;
	check(AF_INET);
}

static void test_v6(void **state)
{
	(void)state;
	check(AF_INET6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v4),
		cmocka_unit_test(test_v6),
		cmocka_unit_test(test_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
