/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The egress program on an interface: a TAP device, whose other side is this program. A process that speaks from floating addresses is
 * stopped beyond the end of their lease and goes on. Nothing comes out of the interface for them any more, neither from it nor from the
 * kernel, which repeats TCP and answers ARP and neighbour solicitations by itself.
 */
#include "engine/port/egress.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/validity.h"
#include "tests/unit/netns.h"
#include "tests/unit/test.h"

enum {
	PLACE = 1,
	ROOM = 2048,
	PATIENCE_MS = 20000,
	PORT = 5060,
	PEER_PORT = 40000,
	TCP_SYN = 2,
	TCP_ACK = 16
};

#define V4    "192.0.2.1" /* both float */
#define V6    "2001:db8::1"
#define OWN   "192.0.2.3" /* does not */
#define PEER4 "192.0.2.2"
#define PEER6 "2001:db8::2"

static const uint8_t PEER_MAC[6] = { 2, 0, 0, 0, 0, 2 };

/* What was seen of frames that left. */
struct seen {
	uint32_t udp4, udp6, tcp, arp, advertisement; /* of floating addresses */
	uint32_t own;
	uint32_t sequence, acknowledged; /* of the last TCP segment */
};

struct rig {
	int tap;
	uint8_t mac[6];
	struct validity validity;
	struct egress egress;
	struct seen seen;
	pid_t child;
};

/* ---- interface ---- */

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static _Noreturn void leave(const char *why)
{
	print_message("# %s\n", why);
	skip();
	abort();
}

static void tap_open(struct rig *r)
{
	struct ifreq request = { .ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI };
	int s;

	if (!netns_enter())
		leave("no network namespaces for us here");
	r->tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (r->tap < 0 || ioctl(r->tap, TUNSETIFF, &request) != 0)
		leave("no TAP devices here");
	run("ip link set tap0 txqueuelen 10000 up"); /* frames wait there for a slow machine */
	run("ip addr add " V4 "/24 dev tap0; ip addr add " OWN "/24 dev tap0");
	run("ip addr add " V6 "/64 dev tap0 nodad");
	run("ip neigh add " PEER4 " lladdr 02:00:00:00:00:02 dev tap0 nud permanent");
	run("ip neigh add " PEER6 " lladdr 02:00:00:00:00:02 dev tap0 nud permanent");
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(ioctl(s, SIOCGIFHWADDR, &request), 0);
	memcpy(r->mac, request.ifr_hwaddr.sa_data, sizeof(r->mac));
	(void)close(s);
}

/* ---- frames that come in ---- */

static uint32_t sum_add(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static uint16_t sum_end(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint8_t *ethernet(const struct rig *r, uint8_t *frame, uint16_t type)
{
	memcpy(frame, r->mac, 6);
	memcpy(frame + 6, PEER_MAC, 6);
	be16_put(frame + 12, type);
	return frame + 14;
}

static void ip_put(uint8_t *at, const char *text)
{
	assert_int_equal(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, at), 1);
}

static void put_in(const struct rig *r, const uint8_t *frame, size_t n)
{
	assert_int_equal(write(r->tap, frame, n), n);
}

static void ask_arp(const struct rig *r)
{
	uint8_t frame[64] = { 0 }, *p = ethernet(r, frame, 0x0806);

	memcpy(p, (const uint8_t[]){ 0, 1, 8, 0, 6, 4, 0, 1 }, 8);
	memcpy(p + 8, PEER_MAC, 6);
	ip_put(p + 14, PEER4);
	ip_put(p + 24, V4);
	put_in(r, frame, 14 + 28);
}

/* RFC 4861 4.3. */
static void ask_neighbour(const struct rig *r)
{
	uint8_t frame[128] = { 0 }, *p = ethernet(r, frame, 0x86dd), *icmp = p + 40;

	p[0] = 0x60;
	p[5] = 32;
	p[6] = IPPROTO_ICMPV6;
	p[7] = 255;
	ip_put(p + 8, PEER6);
	ip_put(p + 24, V6);
	icmp[0] = 135;
	ip_put(icmp + 8, V6);
	icmp[24] = icmp[25] = 1; /* our link-layer address */
	memcpy(icmp + 26, PEER_MAC, 6);
	be16_put(icmp + 2, sum_end(sum_add(32 + IPPROTO_ICMPV6, p + 8, 32 + 32)));
	put_in(r, frame, 14 + 40 + 32);
}

static void segment_in(const struct rig *r, uint8_t flags, uint32_t sequence, uint32_t acknowledged)
{
	uint8_t frame[64] = { 0 }, *p = ethernet(r, frame, 0x0800), *tcp = p + 20;

	p[0] = 0x45;
	p[3] = 40;
	p[8] = 64;
	p[9] = IPPROTO_TCP;
	ip_put(p + 12, PEER4);
	ip_put(p + 16, V4);
	be16_put(p + 10, sum_end(sum_add(0, p, 20)));
	be16_put(tcp, PEER_PORT);
	be16_put(tcp + 2, PORT);
	be32_put(tcp + 4, sequence);
	be32_put(tcp + 8, acknowledged);
	tcp[12] = 0x50;
	tcp[13] = flags;
	be16_put(tcp + 14, 0xffff);
	be16_put(tcp + 16, sum_end(sum_add(20 + IPPROTO_TCP, p + 12, 8 + 20)));
	put_in(r, frame, 14 + 40);
}

/* ---- frames that go out ---- */

static bool is_ip(const uint8_t *at, const char *text)
{
	uint8_t ip[16];

	ip_put(ip, text);
	return memcmp(at, ip, strchr(text, ':') ? 16 : 4) == 0;
}

static void see_v4(struct seen *s, const uint8_t *p)
{
	const uint8_t *tcp = p + 20;

	if (p[9] == IPPROTO_UDP && is_ip(p + 12, OWN))
		s->own++;
	if (!is_ip(p + 12, V4))
		return;
	s->udp4 += p[9] == IPPROTO_UDP;
	if (p[9] != IPPROTO_TCP)
		return;
	s->tcp++;
	s->sequence = be32_get(tcp + 4);
	s->acknowledged = be32_get(tcp + 8);
}

static void see_v6(struct seen *s, const uint8_t *p)
{
	s->udp6 += p[6] == IPPROTO_UDP && is_ip(p + 8, V6);
	s->advertisement += p[6] == IPPROTO_ICMPV6 && p[40] == 136 && is_ip(p + 48, V6);
}

/* All that has left so far. */
static void look(struct rig *r)
{
	uint8_t frame[ROOM] = { 0 };

	while (read(r->tap, frame, sizeof(frame)) > 0) {
		uint16_t type = be16_get(frame + 12);

		if (type == 0x0800)
			see_v4(&r->seen, frame + 14);
		if (type == 0x86dd)
			see_v6(&r->seen, frame + 14);
		if (type == 0x0806)
			r->seen.arp += is_ip(frame + 14 + 14, V4);
	}
}

/* Looks until it is so. */
#define UNTIL(r, condition)                                                            \
	do {                                                                           \
		uint64_t end_ns = clock_now_ns() + PATIENCE_MS * NS_PER_MS;            \
                                                                                       \
		for (look(r); !(condition); look(r)) {                                 \
			struct pollfd until_fd = { .fd = (r)->tap, .events = POLLIN }; \
                                                                                       \
			if (clock_now_ns() > end_ns)                                   \
				fail_msg("not so: %s", #condition);                    \
			(void)poll(&until_fd, 1, 10);                                  \
		}                                                                      \
	} while (0)

/* ---- the process that is stopped ---- */

static int bound(const char *text, int type, uint16_t port)
{
	struct sockaddr_storage ss;
	struct addr a;
	int on = 1, fd;

	if (addr_parse(&a, bytes_str(text)))
		_exit(1);
	a.port = port;
	fd = socket(a.family == ADDR_V6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&ss, addr_to_sockaddr(&a, &ss)) != 0)
		_exit(2);
	return fd;
}

static int towards(const char *from, const char *to)
{
	struct sockaddr_storage ss;
	struct addr a;
	int fd = bound(from, SOCK_DGRAM, 0);

	if (addr_parse(&a, bytes_str(to)))
		_exit(3);
	a.port = PEER_PORT;
	if (connect(fd, (struct sockaddr *)&ss, addr_to_sockaddr(&a, &ss)) != 0)
		_exit(4);
	return fd;
}

/* Says all the time something over UDP, and once something over TCP, which nobody acknowledges. It knows of no lease. */
static _Noreturn void child_run(int listener)
{
	int fds[] = { towards(V4, PEER4), towards(V6, PEER6), towards(OWN, PEER4) };
	int stream = accept(listener, NULL, NULL);

	if (stream < 0 || send(stream, "heard?", 6, MSG_NOSIGNAL) != 6)
		_exit(5);
	for (;;) {
		for (size_t i = 0; i < COUNT_OF(fds); i++)
			(void)send(fds[i], "RTP", 3, 0);
		(void)usleep(2000);
	}
}

static void child_open(struct rig *r)
{
	int listener = bound(V4, SOCK_STREAM, PORT);

	assert_int_equal(listen(listener, 1), 0);
	r->child = fork();
	if (r->child == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
		child_run(listener);
	assert_true(r->child > 0);
	segment_in(r, TCP_SYN, 100, 0);
	UNTIL(r, r->seen.acknowledged == 101);
	segment_in(r, TCP_ACK, 101, r->seen.sequence + 1);
	(void)close(listener);
}

static void child_stop(const struct rig *r)
{
	int status;

	assert_int_equal(kill(r->child, SIGSTOP), 0);
	assert_int_equal(waitpid(r->child, &status, WUNTRACED), r->child);
	assert_true(WIFSTOPPED(status));
}

/* ---- the process that opens it, and is killed ---- */

static void fds_send(int to, const int *fds, uint32_t count)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int) * EGRESS_FDS_MAX)] = { 0 };
	struct iovec part = { &count, sizeof(count) };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = CMSG_SPACE(sizeof(int) * count) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
	if (sendmsg(to, &m, 0) < 0)
		_exit(6);
}

/* 0: there is no privilege. */
static uint32_t fds_receive(int from, int fds[EGRESS_FDS_MAX])
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int) * EGRESS_FDS_MAX)];
	uint32_t count = 0;
	struct iovec part = { &count, sizeof(count) };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };

	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) <= 0 || count == 0)
		return 0;
	assert_non_null(CMSG_FIRSTHDR(&m));
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int) * count);
	return count;
}

/* Its lease is over from the beginning. */
static _Noreturn void opener_run(int to)
{
	const char *const interfaces[] = { "tap0" };
	int fds[EGRESS_FDS_MAX];
	char why[EGRESS_WHY_MAX];
	struct egress e;
	struct addr v4;

	if (egress_open(&e, interfaces, 1, why) || addr_parse(&v4, BYTES_LIT(V4)) ||
	    egress_address(&e, &v4, PLACE))
		_exit(7);
	fds_send(to, fds, egress_fds(&e, fds));
	for (;;)
		(void)pause();
}

/* ---- tests ---- */

static void rig_open(struct rig *r)
{
	const char *const interfaces[] = { "tap0", "tap0" }; /* of two networks */
	struct addr v4, v6;
	char why[EGRESS_WHY_MAX];
	int err;

	*r = (struct rig){ .tap = -1 };
	tap_open(r);
	err = egress_open(&r->egress, interfaces, COUNT_OF(interfaces), why);
	if (err == -EPERM || err == -EACCES)
		leave(why);
	if (err)
		fail_msg("%s", why);
	assert_int_equal(r->egress.interface_count, 1);
	assert_int_equal(addr_parse(&v4, BYTES_LIT(V4)), 0);
	assert_int_equal(addr_parse(&v6, BYTES_LIT(V6)), 0);
	assert_int_equal(egress_address(&r->egress, &v4, PLACE), 0);
	assert_int_equal(egress_address(&r->egress, &v6, PLACE), 0);
	validity_open(&r->validity, 1);
	validity_follow(&r->validity, egress_valid, &r->egress);
}

static void rig_close(struct rig *r)
{
	int status;

	assert_int_equal(kill(r->child, SIGKILL), 0);
	assert_int_equal(waitpid(r->child, &status, 0), r->child);
	egress_close(&r->egress);
	(void)close(r->tap);
}

static uint64_t kept(const struct rig *r, enum egress_kind kind)
{
	return egress_withheld(&r->egress, kind);
}

/* It is asked again until it has answered: what comes in may be lost on a machine with much to do. */
static bool all_is_heard(struct rig *r)
{
	ask_arp(r);
	ask_neighbour(r);
	look(r);
	return r->seen.udp4 && r->seen.udp6 && r->seen.own && r->seen.arp &&
	       r->seen.advertisement && r->seen.tcp;
}

static void until_all_is_heard(struct rig *r)
{
	r->seen = (struct seen){ 0 };
	UNTIL(r, all_is_heard(r));
}

static bool all_is_withheld(struct rig *r)
{
	ask_arp(r);
	ask_neighbour(r);
	return kept(r, EGRESS_ARP) && kept(r, EGRESS_NDP) && kept(r, EGRESS_TCP);
}

static void check_silent(const struct seen *s)
{
	assert_int_equal(s->udp4, 0);
	assert_int_equal(s->udp6, 0);
	assert_int_equal(s->tcp, 0);
	assert_int_equal(s->arp, 0);
	assert_int_equal(s->advertisement, 0);
}

static void stopped_beyond_its_lease(void **state)
{
	struct rig r;
	uint64_t until_ns, udp;

	(void)state;
	rig_open(&r);
	validity_set(&r.validity, PLACE, UINT64_MAX);
	child_open(&r);
	until_all_is_heard(&r);
	assert_int_equal(kept(&r, EGRESS_UDP) + kept(&r, EGRESS_TCP) + kept(&r, EGRESS_ARP), 0);

	until_ns = clock_now_ns() + 5 * NS_PER_MS;
	validity_set(&r.validity, PLACE, until_ns);
	child_stop(&r);
	while (clock_now_ns() < until_ns)
		(void)usleep(500);
	look(&r);
	r.seen = (struct seen){ 0 };
	UNTIL(&r, all_is_withheld(&r));
	udp = kept(&r, EGRESS_UDP);
	assert_int_equal(kill(r.child, SIGCONT), 0);
	UNTIL(&r, kept(&r, EGRESS_UDP) >= udp + 100 && r.seen.own >= 50);
	check_silent(&r.seen);

	validity_set(&r.validity, PLACE, clock_now_ns() + 60 * NS_PER_S);
	until_all_is_heard(&r);
	rig_close(&r);
}

/* Says this much over UDP from the address that does not float and from the one that does; how often the latter came out. */
static uint32_t came_out(struct rig *r, uint32_t count)
{
	int fds[] = { towards(V4, PEER4), towards(OWN, PEER4) };

	look(r);
	r->seen = (struct seen){ 0 };
	for (uint32_t i = 0; i < count; i++)
		for (size_t f = 0; f < COUNT_OF(fds); f++)
			(void)send(fds[f], "RTP", 3, 0);
	UNTIL(r, r->seen.own == count);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return r->seen.udp4;
}

/* Who holds its descriptors holds it, also when the process that opened it was killed. */
static void held_by_another_process(void **state)
{
	struct rig r = { .tap = -1 };
	int pair[2], fds[EGRESS_FDS_MAX], status;
	uint32_t count;

	(void)state;
	tap_open(&r);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	r.child = fork();
	if (r.child == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
		opener_run(pair[1]);
	(void)close(pair[1]);
	count = fds_receive(pair[0], fds);
	assert_int_equal(kill(r.child, SIGKILL), 0);
	assert_int_equal(waitpid(r.child, &status, 0), r.child);
	if (count == 0)
		leave("the egress program cannot be opened: needs CAP_BPF and CAP_NET_ADMIN");
	assert_int_equal(came_out(&r, 10), 0);
	for (uint32_t i = 0; i < count; i++)
		(void)close(fds[i]);
	if (count > EGRESS_MAPS) /* by a link: gone with its last descriptor */
		assert_int_equal(came_out(&r, 10), 10);
	(void)close(pair[0]);
	(void)close(r.tap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stopped_beyond_its_lease),
		cmocka_unit_test(held_by_another_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
