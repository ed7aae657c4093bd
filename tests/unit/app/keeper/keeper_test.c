/* SPDX-License-Identifier: Apache-2.0 */
/* A keeper on a veth pair, in a network of the test's own. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/keeper/address.h"
#include "app/keeper/keeper.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/privilege.h"
#include "tests/unit/netns.h"

#define PATIENCE_NS (10 * NS_PER_S)

enum { FDS_MAX = 64, STEP_US = 1000, PLACE = 1 };

static char g_dir[] = "/tmp/tandem-keeper-XXXXXX";
static int g_peer = -1; /* a socket of the test itself */
static struct addr g_peer_at;
static struct keeper_answer g_answer;
static struct egress g_backstop; /* all zero: the test may not have one */

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

static void run(const char *words)
{
	assert_int_equal(system(words), 0);
}

/* 0: the machine has it, and says nothing else of it. */
static int bind_at(const char *text)
{
	struct addr ip = address(text);
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(&ip, &sa);
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = bind(fd, (const struct sockaddr *)&sa, n) < 0 ? -errno : 0;

	(void)close(fd);
	return err;
}

static bool become(const char *text, int wanted)
{
	uint64_t end_ns = clock_now_ns() + PATIENCE_NS;

	while (bind_at(text) != wanted && clock_now_ns() < end_ns)
		(void)usleep(STEP_US);
	return bind_at(text) == wanted;
}

/* ---- a keeper, and its answers ---- */

static struct keeper *keeper_of(const char *beside)
{
	static struct keeper_address all[2];
	struct keeper_settings s = { .dir = g_dir, .addresses = all, .count = COUNT_OF(all) };
	struct keeper *k = NULL;

	all[0] = (struct keeper_address){ .ip = address("192.0.2.17"), .place = PLACE };
	all[1] = (struct keeper_address){ .ip = address("2001:db8::17"), .place = PLACE };
	if (beside)
		s.beside = address(beside);
	assert_int_equal(keeper_fork(&k, &s), 0);
	return k;
}

static void on_answer(const struct keeper_answer *answer, void *arg)
{
	(void)arg;
	if (answer->event == KEEPER_REMAINS) /* there was no process before */
		return;
	if (answer->event == KEEPER_BACKSTOP) {
		assert_int_equal(egress_join(&g_backstop, answer->fds, answer->fd_count), 0);
		egress_valid(&g_backstop, PLACE, UINT64_MAX);
		return;
	}
	g_answer = *answer;
	loop_stop();
}

static void on_late(void *arg)
{
	(void)arg;
	loop_stop();
}

static struct keeper *keeper_in_loop(const char *beside)
{
	struct keeper *k = keeper_of(beside);

	assert_int_equal(loop_open(FDS_MAX), 0);
	assert_int_equal(keeper_watch(k, on_answer, NULL), 0);
	return k;
}

static void keeper_end(struct keeper *k)
{
	keeper_close(k);
	loop_close();
	egress_close(&g_backstop);
}

static struct keeper_answer answer_wait(void)
{
	memset(&g_answer, 0xff, sizeof(g_answer));
	assert_int_equal(loop_timer(clock_now_ns() + PATIENCE_NS, on_late, NULL), 0);
	assert_int_equal(loop_run(), 0);
	return g_answer;
}

static struct keeper_answer take(struct keeper *k, const char *text, const char *interface)
{
	struct addr ip = address(text);

	assert_int_equal(keeper_claim(k, &ip, interface), 0);
	return answer_wait();
}

static struct keeper_answer leave(struct keeper *k, const char *text)
{
	struct addr ip = address(text);

	assert_int_equal(keeper_leave(k, &ip), 0);
	return answer_wait();
}

/* ---- one that lives ---- */

/* What comes out at the other end of the wire. */
static int wire_open(uint16_t type)
{
	const struct sockaddr_ll at = { .sll_family = AF_PACKET,
					.sll_protocol = htons(type),
					.sll_ifindex = (int)if_nametoindex("k1") };
	const struct timeval patience = { .tv_sec = 10 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(type));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	return fd;
}

static void is_announced(int wire, const char *text)
{
	static const uint8_t mac[ANNOUNCEMENT_MAC_LEN] = { 2, 0, 0, 0, 0, 7 };
	struct addr ip = address(text);
	uint8_t want[ANNOUNCEMENT_MAX], frame[ETH_FRAME_LEN];
	size_t n = announcement_write(want, mac, &ip);

	for (unsigned seen = 0; seen < 3;) {
		ssize_t got = recv(wire, frame, sizeof(frame), 0);

		assert_true(got > 0);
		seen += (size_t)got >= n && !memcmp(frame, want, n);
	}
}

static void taken_and_left(void **state)
{
	static const char *const texts[] = { "192.0.2.17", "2001:db8::17" };
	struct keeper *k = keeper_in_loop(NULL);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		int wire = wire_open(i ? ETHERTYPE_IPV6 : ETHERTYPE_ARP);
		struct keeper_answer a = take(k, texts[i], "");

		assert_int_equal(a.event, KEEPER_TAKEN);
		assert_int_equal(a.error, 0);
		assert_false(a.standing || a.may_flip);
		assert_string_equal(a.interface, "k0");
		assert_int_equal(bind_at(texts[i]), 0);
		is_announced(wire, texts[i]);
		(void)close(wire);
		a = take(k, texts[i], ""); /* again: the same */
		assert_int_equal(a.error, 0);
		a = leave(k, texts[i]);
		assert_int_equal(a.event, KEEPER_LEFT);
		assert_int_equal(a.error, 0);
		assert_int_equal(bind_at(texts[i]), -EADDRNOTAVAIL);
		a = take(k, texts[i], "k0");
		assert_int_equal(a.error, 0);
		assert_int_equal(bind_at(texts[i]), 0);
	}
	keeper_end(k);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_int_equal(bind_at(texts[i]), -EADDRNOTAVAIL);
}

/* Nothing leaves from an address of IPv6 that was left, from sockets that were bound before either. */
static void prohibited(void **state)
{
	struct addr from = address("[2001:db8::17]:7000"), to = address("[2001:db8::2]:7000");
	struct keeper *k = keeper_in_loop(NULL);
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(&from, &sa);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(take(k, "2001:db8::17", "").error, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, n), 0);
	n = addr_to_sockaddr(&to, &sa);
	assert_int_equal(sendto(fd, "x", 1, 0, (const struct sockaddr *)&sa, n), 1);
	assert_int_equal(leave(k, "2001:db8::17").error, 0);
	assert_int_equal(sendto(fd, "x", 1, 0, (const struct sockaddr *)&sa, n), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(take(k, "2001:db8::17", "").error, 0);
	assert_int_equal(sendto(fd, "x", 1, 0, (const struct sockaddr *)&sa, n), 1);
	(void)close(fd);
	keeper_end(k);
}

/* As what a process had sent that stands still by now. */
static void past_its_time(void **state)
{
	struct addr from = address("192.0.2.17:7000"), to = address("192.0.2.255:7000");
	struct keeper *k = keeper_in_loop(NULL);
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(&from, &sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), yes = 1;

	(void)state;
	assert_int_equal(take(k, "192.0.2.17", "").error, 0);
	if (!g_backstop.until_ns)
		fail_msg("no program can be loaded: needs CAP_BPF");
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes)), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, n), 0);
	n = addr_to_sockaddr(&to, &sa);
	assert_int_equal(sendto(fd, "x", 1, 0, (const struct sockaddr *)&sa, n), 1);
	assert_int_equal(egress_withheld(&g_backstop, EGRESS_UDP), 0);
	egress_valid(&g_backstop, PLACE, clock_now_ns());
	(void)!sendto(fd, "x", 1, 0, (const struct sockaddr *)&sa, n);
	assert_int_equal(egress_withheld(&g_backstop, EGRESS_UDP), 1);
	(void)close(fd);
	keeper_end(k);
}

static void there_anyhow(void **state)
{
	static const char *const texts[] = { "127.0.0.17", "192.0.2.1" };
	struct keeper *k = keeper_in_loop(NULL);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct keeper_answer a = take(k, texts[i], "");

		assert_int_equal(a.error, 0);
		assert_true(a.standing);
		assert_int_equal(leave(k, texts[i]).error, 0);
		assert_int_equal(bind_at(texts[i]), 0);
	}
	keeper_end(k);
	assert_int_equal(bind_at("192.0.2.1"), 0);
}

static void of_no_network(void **state)
{
	struct keeper *k = keeper_in_loop(NULL);
	struct keeper_answer a;

	(void)state;
	assert_int_equal(take(k, "198.51.100.1", "").error, -ENODEV);
	assert_int_equal(take(k, "198.51.100.1", "none0").error, -ENODEV);
	keeper_end(k);
	k = keeper_in_loop("192.0.2.1");
	a = take(k, "198.51.100.1", "");
	assert_int_equal(a.error, 0);
	assert_string_equal(a.interface, "k0");
	keeper_end(k);
}

/* ---- a node that dies ---- */

enum what { PLAIN, NOT_ALLOWED, HELD, CRASHES };

/* Somebody else has its descriptors, and it writes no core: so only what it says itself is heard. */
static void crash(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	if (fork() != 0)
		abort();
	(void)close(g_peer);
	(void)alarm(20); /* for longer than anybody waits */
}

/* A process with a keeper, which is to take both addresses. */
static void node_run(enum what what)
{
	const struct addr a = address("192.0.2.17"), b = address("2001:db8::17");
	struct keeper *k;

	if (what == NOT_ALLOWED)
		privilege_drop();
	k = keeper_of(NULL);
	if (what == HELD)
		(void)!keeper_hold_memory();
	(void)!keeper_gone(k, &g_peer_at, BYTES_LIT("before"));
	(void)!keeper_gone(k, &g_peer_at, BYTES_LIT("it is dead"));
	(void)!keeper_claim(k, &a, "");
	(void)!keeper_claim(k, &b, "");
}

static pid_t node_start(enum what what)
{
	int said[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(said), 0);
	pid = fork();
	if (pid == 0) {
		node_run(what);
		(void)!write(said[1], "", 1);
		if (what == CRASHES)
			crash();
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(said[0], &byte, 1), 1);
	(void)close(said[0]);
	(void)close(said[1]);
	return pid;
}

static void node_kill(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A port of its own: the keeper before says three times that its node is dead, so the next test could hear that. */
static int peer_open(void)
{
	static uint16_t port = 7002;
	const struct timeval patience = { .tv_sec = 10 };
	struct addr at = address("192.0.2.1");
	struct sockaddr_storage sa;
	socklen_t n;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	at.port = port++;
	n = addr_to_sockaddr(&at, &sa);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, n), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	g_peer = fd;
	g_peer_at = at;
	return fd;
}

/* When others hear of it the addresses are gone. */
static void killed(void **state)
{
	char text[64];
	int peer = peer_open();
	pid_t node = node_start(PLAIN);

	(void)state;
	assert_true(become("192.0.2.17", 0) && become("2001:db8::17", 0));
	node_kill(node);
	assert_int_equal(recv(peer, text, sizeof(text), 0), 10);
	assert_memory_equal(text, "it is dead", 10);
	assert_int_equal(bind_at("192.0.2.17"), -EADDRNOTAVAIL);
	assert_int_equal(bind_at("2001:db8::17"), -EADDRNOTAVAIL);
	(void)close(peer);
}

/* Also where the kernel closes nothing for long. */
static void crashed(void **state)
{
	char text[64];
	int peer = peer_open();
	pid_t node = node_start(CRASHES);

	(void)state;
	assert_int_equal(recv(peer, text, sizeof(text), 0), 10);
	assert_memory_equal(text, "it is dead", 10);
	assert_int_equal(bind_at("192.0.2.17"), -EADDRNOTAVAIL);
	assert_int_equal(waitpid(node, NULL, 0), node);
	(void)close(peer);
}

#if !THREAD_SANITIZER /* there is none then: app/keeper/keeper.c */
/* The first process that such a command lists; 0: none. */
static pid_t process_of(const char *command, pid_t of)
{
	char words[256], line[32] = "";
	FILE *list;

	(void)snprintf(words, sizeof(words), "P=%d; %s", (int)of, command);
	list = popen(words, "re");
	if (list) {
		(void)!fgets(line, sizeof(line), list);
		(void)pclose(list);
	}
	return (pid_t)strtol(line, NULL, 10);
}

static bool lives(pid_t pid)
{
	return process_of("grep -qs '^State:.[^Z]' /proc/$P/status && echo $P", pid) != 0;
}

/* What shares its memory may do nothing, and ends with it. */
static void held(void **state)
{
	pid_t node = node_start(HELD);
	pid_t holder =
		process_of("cd /proc; for p in [0-9]*; do grep -qs \"^PPid:.$P$\" $p/status && "
			   "grep -qs holder $p/comm && echo $p; done",
			   node);
	uint64_t end_ns = clock_now_ns() + PATIENCE_NS;
	char words[128];

	(void)state;
	assert_true(holder > 0);
	(void)snprintf(words, sizeof(words),
		       "P=/proc/%d; test -z \"$(ls $P/fd)\" && grep -q 'CapPrm:.0*$' $P/status",
		       (int)holder);
	run(words);
	node_kill(node);
	while (lives(holder) && clock_now_ns() < end_ns)
		(void)usleep(STEP_US);
	assert_false(lives(holder));
	assert_true(become("192.0.2.17", -EADDRNOTAVAIL));
}
#endif

static pid_t keeper_pid(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/keeper", g_dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETLK, &lock), 0);
	(void)close(fd);
	return lock.l_pid;
}

/* Neither race with nor wait for ever for the keeper of the process before, which hangs. */
static void started_again(void **state)
{
	pid_t node = node_start(PLAIN);
	struct keeper *k;

	(void)state;
	assert_true(become("192.0.2.17", 0));
	assert_int_equal(kill(keeper_pid(), SIGSTOP), 0);
	node_kill(node);
	k = keeper_in_loop(NULL);
	assert_true(become("192.0.2.17", -EADDRNOTAVAIL)); /* which was left behind */
	assert_int_equal(take(k, "192.0.2.17", "").error, 0);
	keeper_end(k);
	assert_int_equal(bind_at("192.0.2.17"), -EADDRNOTAVAIL);
}

/* It tells of the death all the same: other programs may move addresses. */
static void not_allowed(void **state)
{
	char text[64];
	int peer = peer_open();
	pid_t node = node_start(NOT_ALLOWED);

	(void)state;
	node_kill(node);
	assert_int_equal(recv(peer, text, sizeof(text), 0), 10);
	assert_int_equal(bind_at("192.0.2.17"), -EADDRNOTAVAIL);
	(void)close(peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_and_left),
		cmocka_unit_test(prohibited),
		cmocka_unit_test(past_its_time),
		cmocka_unit_test(there_anyhow),
		cmocka_unit_test(of_no_network),
		cmocka_unit_test(killed),
		cmocka_unit_test(crashed),
#if !THREAD_SANITIZER
		cmocka_unit_test(held),
#endif
		cmocka_unit_test(started_again),
		cmocka_unit_test(not_allowed),
	};
	int failed;

	if (!netns_enter() || !mkdtemp(g_dir))
		return 1;
	run("ip link add k0 address 02:00:00:00:00:07 type veth peer name k1");
	run("ip link set k0 up; ip link set k1 up");
	run("ip addr add 192.0.2.1/24 dev k0; ip addr add 2001:db8::1/64 dev k0 nodad");
	run("echo 2 > /proc/sys/net/ipv4/conf/k0/arp_announce");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	{
		char words[64];

		(void)snprintf(words, sizeof(words), "rm -r %s", g_dir);
		run(words);
	}
	return failed;
}
