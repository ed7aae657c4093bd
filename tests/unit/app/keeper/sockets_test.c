/* SPDX-License-Identifier: Apache-2.0 */
/* Media sockets of processes that are killed, and of the next ones. */
#include "tests/unit/test.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/keeper/keeper.h"
#include "app/keeper/sockets.h"
#include "engine/port/xdp_forwards.h"
#include "tests/unit/netns.h"

#define PATIENCE_NS (10 * NS_PER_S)

enum { FLOWS = 300, ROUNDS = 20, STEP_US = 1000, ROOM = 4000, OTHER_PORT = 19999 };

static char g_dir[32];

static struct addr port_of(uint16_t port)
{
	struct addr a = { 0 };

	addr_set_v4(&a, (const uint8_t[4]){ 127, 0, 0, 1 }, port);
	return a;
}

static int bound(uint16_t port)
{
	struct addr a = port_of(port);
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(&a, &sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (bind(fd, (const struct sockaddr *)&sa, n) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static bool is_free(uint16_t port)
{
	int fd = bound(port);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static bool becomes_free(uint16_t port)
{
	uint64_t end_ns = clock_now_ns() + PATIENCE_NS;

	while (!is_free(port) && clock_now_ns() < end_ns)
		(void)usleep(STEP_US);
	return is_free(port);
}

static uint16_t rtp_port(uint32_t flow)
{
	return (uint16_t)(20000 + 2 * flow);
}

/* Every other flow has a socket for RTCP. */
static struct sockets flow_bound(uint32_t flow)
{
	struct sockets s = { .local = { port_of(rtp_port(flow)) }, .fd = { -1, -1 } };

	s.fd[0] = bound(rtp_port(flow));
	assert_true(s.fd[0] >= 0);
	if (flow % 2) {
		s.local[1] = port_of((uint16_t)(rtp_port(flow) + 1));
		s.fd[1] = bound((uint16_t)(rtp_port(flow) + 1));
		assert_true(s.fd[1] >= 0);
	}
	return s;
}

/* ---- processes ---- */

struct process {
	struct keeper *keeper;
	struct sockets_link link;
	uint32_t heard;
};

static struct process process_begin(void)
{
	static const struct keeper_address floats = { .ip = { .family = ADDR_V4,
							      .ip = { 127, 0, 0, 1 } } };
	const struct keeper_settings s = {
		.dir = g_dir, .flows = FLOWS, .addresses = &floats, .count = 1
	};
	struct process p = { 0 };

	assert_int_equal(keeper_fork(&p.keeper, &s), 0);
	assert_int_equal(sockets_open(&p.link, keeper_sockets_fd(p.keeper), FLOWS), 0);
	p.heard = sockets_await_left(&p.link, PATIENCE_NS);
	return p;
}

static void all_told(struct sockets_link *l)
{
	while (l->order_count)
		sockets_beat(l, clock_now_ns());
}

static void process_end(struct process *p)
{
	sockets_close(&p->link);
	keeper_close(p->keeper);
}

/* A process that is killed when it has done this. */
static void killed_after(void (*do_this)(struct process *p))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct process p = process_begin();

		do_this(&p);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void all_open(struct process *p)
{
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct sockets s = flow_bound(i);

		sockets_hold(&p->link, i, &s);
	}
	all_told(&p->link);
	if (p->link.held != FLOWS || p->link.refused)
		abort();
}

static bool claim(struct process *p, uint32_t flow, struct sockets *out)
{
	struct addr local[SOCKETS_PER_FLOW] = { port_of(rtp_port(flow)) };

	if (flow % 2)
		local[1] = port_of((uint16_t)(rtp_port(flow) + 1));
	/* another number than before */
	return sockets_claim(&p->link, FLOWS - 1 - flow, local, out);
}

static void all_claim(struct process *p)
{
	struct sockets s;

	if (p->heard != FLOWS)
		abort();
	for (uint32_t i = 0; i < FLOWS; i++) {
		if (!claim(p, i, &s))
			abort();
	}
	all_told(&p->link);
}

/* A killed one, and one that says nothing of the flows that it was given. */
static void nothing(struct process *p)
{
	if (p->heard != FLOWS)
		abort();
}

/* ---- what there is to see ---- */

static void say(uint16_t port, char what)
{
	struct addr a = port_of(port);
	struct sockaddr_storage sa;
	socklen_t n = addr_to_sockaddr(&a, &sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* twice: the second one would hear that nobody is there */
	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, n), 0);
	assert_int_equal(send(fd, &what, 1, 0), 1);
	assert_int_equal(send(fd, &what, 1, 0), 1);
	(void)close(fd);
}

static void hears(int fd, char what)
{
	char got[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 1);
		assert_int_equal(got[0], what);
	}
	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
}

static uint32_t own_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	uint32_t count = 0;

	assert_non_null(d);
	while (readdir(d))
		count++;
	(void)closedir(d);
	return count;
}

/* ---- tests ---- */

static void packets_wait(void **state)
{
	uint32_t before = own_descriptors();
	struct process p;

	(void)state;
	killed_after(all_open);
	for (uint32_t i = 0; i < FLOWS; i++)
		say(rtp_port(i), (char)('a' + i % 26));
	p = process_begin();
	assert_int_equal(p.heard, FLOWS);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct sockets s;

		assert_true(claim(&p, i, &s));
		assert_int_equal(s.fd[1] >= 0, i % 2);
		assert_true(clock_now_ns() - s.since_ns < PATIENCE_NS);
		hears(s.fd[0], (char)('a' + i % 26));
		assert_false(claim(&p, i, &s)); /* they are there once */
		sockets_let_go(&s);
		sockets_drop(&p.link, FLOWS - 1 - i);
	}
	all_told(&p.link);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_true(becomes_free(rtp_port(i)));
	process_end(&p);
	assert_int_equal(own_descriptors(), before);
}

static void all_open_told_later(struct process *p)
{
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct sockets s = flow_bound(i);

		sockets_hold_later(&p->link, i, &s);
		sockets_let_go(&s); /* the worker has closed its own by then */
	}
	if (p->link.held || p->link.order_count != FLOWS)
		abort();
	all_told(&p->link);
	if (p->link.held != FLOWS || p->link.refused)
		abort();
	sockets_drop(&p->link, 0);
	all_told(&p->link);
}

static void told_later(void **state)
{
	struct process p;
	struct sockets s;

	(void)state;
	killed_after(all_open_told_later);
	say(rtp_port(7), 'x');
	p = process_begin();
	assert_int_equal(p.heard, FLOWS - 1);
	assert_true(is_free(rtp_port(0)));
	assert_true(claim(&p, 7, &s));
	hears(s.fd[0], 'x');
	sockets_let_go(&s);
	sockets_beat(&p.link, clock_now_ns() + SOCKETS_HELD_NS);
	process_end(&p);
}

/* Whoever is killed before or behind its claims leaves all of them to the next one. */
static void killed_again_and_again(void **state)
{
	struct process p;

	(void)state;
	killed_after(all_open);
	for (uint32_t i = 0; i < ROUNDS; i++)
		killed_after(i % 3 ? all_claim : nothing);
	say(rtp_port(7), 'x');
	p = process_begin();
	assert_int_equal(p.heard, FLOWS);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct sockets s;

		assert_true(claim(&p, i, &s));
		if (i == 7)
			hears(s.fd[0], 'x');
		sockets_let_go(&s);
		sockets_drop(&p.link, FLOWS - 1 - i);
	}
	all_told(&p.link);
	process_end(&p);
	assert_true(becomes_free(rtp_port(FLOWS - 1)));
}

static void one_half_opens(struct process *p)
{
	all_open(p);
	for (uint32_t i = 0; i < FLOWS; i += 2)
		sockets_drop(&p->link, i);
	all_told(&p->link);
}

/* What nobody wants is let go: closed flows at once, others when the node says that it has what it needs. */
static void let_go(void **state)
{
	struct process p;
	struct sockets s;

	(void)state;
	killed_after(one_half_opens);
	p = process_begin();
	assert_int_equal(p.heard, FLOWS / 2);
	assert_true(is_free(rtp_port(0)));
	assert_false(is_free(rtp_port(1)));
	assert_true(claim(&p, 3, &s));
	sockets_beat(&p.link, clock_now_ns());
	assert_false(is_free(rtp_port(1)));
	sockets_beat(&p.link, clock_now_ns() + SOCKETS_HELD_NS);
	assert_true(becomes_free(rtp_port(1)));
	assert_false(is_free(rtp_port(3)));
	sockets_let_go(&s);
	assert_false(claim(&p, 1, &s));
	sockets_drop(&p.link, FLOWS - 1 - 3);
	process_end(&p);
}

/* Its address floats, and others hear of its death: whoever takes it binds these ports. */
static void others_are_notified(struct process *p, uint16_t port)
{
	const struct addr other = port_of(port);

	if (keeper_gone(p->keeper, &other, BYTES_LIT("dead")))
		abort();
}

static void others_take_it(struct process *p)
{
	all_open(p);
	others_are_notified(p, 9);
}

static void address_goes(void **state)
{
	(void)state;
	killed_after(others_take_it);
	for (uint32_t i = 0; i < FLOWS; i++)
		assert_true(becomes_free(rtp_port(i)));
}

/* The same port, and another one for RTCP than before: whoever binds them now is alone. */
static void other_ports(void **state)
{
	struct addr local[SOCKETS_PER_FLOW] = { port_of(rtp_port(1)) };
	struct process p;
	struct sockets s;

	(void)state;
	killed_after(all_open);
	p = process_begin();
	assert_false(sockets_claim(&p.link, 0, local, &s));
	assert_true(becomes_free(rtp_port(1)));
	process_end(&p);
}

/* There will be no next process. */
static void folder_removed(void **state)
{
	char other[] = "/tmp/tandem-sockets-XXXXXX", words[64];

	(void)state;
	assert_non_null(mkdtemp(other));
	(void)snprintf(g_dir, sizeof(g_dir), "%s", other);
	killed_after(all_open);
	assert_false(is_free(rtp_port(0)));
	(void)snprintf(words, sizeof(words), "rm -r %s", other);
	assert_int_equal(system(words), 0);
	assert_true(becomes_free(rtp_port(0)));
}

/* A keeper that has no room hears the newest word of each flow later, in their order, and no descriptor is lost. */
static void no_room(void **state)
{
	static struct sockets_message m;
	static struct sockets of[SOCKETS_BATCH];
	uint32_t before = own_descriptors(), heard[ROOM] = { 0 };
	const struct sockets s = { .local = { port_of(1) }, .fd = { STDIN_FILENO, -1 } };
	struct sockets_link l;
	int pair[2], err;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(sockets_open(&l, pair[0], ROOM), 0);
	for (uint32_t i = 0; i < ROOM; i++)
		sockets_hold(&l, i, &s);
	assert_true(l.order_count > 0);
	for (uint32_t i = 1; i < ROOM; i += 2)
		sockets_drop(&l, i);
	for (;;) {
		err = sockets_receive(pair[1], &m, of, MSG_DONTWAIT);
		if (err && !l.order_count)
			break;
		if (!err)
			heard[m.head.flow] = m.head.word;
		for (uint32_t i = 0; !err && i < m.head.count; i++)
			sockets_let_go(&of[i]);
		sockets_beat(&l, clock_now_ns());
	}
	assert_int_equal(err, -EAGAIN);
	for (uint32_t i = 0; i < ROOM; i++)
		assert_int_equal(heard[i], i % 2 ? SOCKETS_DROP : SOCKETS_HOLD);
	sockets_close(&l);
	(void)close(pair[0]);
	(void)close(pair[1]);
	assert_int_equal(own_descriptors(), before);
}

/* ---- what else goes on in the kernel ---- */

static const char WORD[] = "whose they are";

/* One descriptor, of memory that has this number in it. */
static void remain(struct process *p, char number)
{
	struct remains r = { .fd_count = 1, .word_n = sizeof(WORD) };

	r.fds[0] = memfd_create("remains", MFD_CLOEXEC);
	memcpy(r.word, WORD, sizeof(WORD));
	if (r.fds[0] < 0 || write(r.fds[0], &number, 1) != 1 || keeper_remain(p->keeper, &r))
		abort();
	remains_close(&r);
}

static void remains_1(struct process *p)
{
	all_open(p);
	remain(p, 0);
	remain(p, 1);
}

static void remains_without_sockets(struct process *p)
{
	remain(p, 1);
}

static void remains_no_more(struct process *p)
{
	const struct remains none = { .fd_count = 0 };

	all_claim(p);
	if (keeper_remain(p->keeper, &none))
		abort();
}

static int number_of(const struct remains *r)
{
	char number;

	assert_int_equal(r->fd_count, 1);
	assert_int_equal(r->word_n, sizeof(WORD));
	assert_memory_equal(r->word, WORD, sizeof(WORD));
	assert_int_equal(pread(r->fds[0], &number, 1, 0), 1);
	return number;
}

static struct remains remains_of_before(void)
{
	struct process p = process_begin();
	struct remains r;

	keeper_remains_await(p.keeper, &r, PATIENCE_NS);
	sockets_beat(&p.link, clock_now_ns() + SOCKETS_HELD_NS);
	process_end(&p);
	return r;
}

/* The last word counts, and it goes on from keeper to keeper until there is another one. */
static void remains_go_on(void **state)
{
	uint32_t before = own_descriptors();
	struct remains r;

	(void)state;
	killed_after(remains_1);
	killed_after(nothing);
	killed_after(all_claim);
	r = remains_of_before();
	assert_int_equal(number_of(&r), 1);
	remains_close(&r);
	assert_int_equal(own_descriptors(), before);
}

static void nothing_remains(void **state)
{
	struct remains r;

	(void)state;
	killed_after(remains_1);
	killed_after(remains_no_more);
	r = remains_of_before();
	assert_int_equal(r.fd_count, 0);
	killed_after(remains_without_sockets);
	r = remains_of_before();
	assert_int_equal(r.fd_count, 0);
}

/* The keeper tells others that the node is dead: by then nothing is forwarded for its shards. */
static int g_fence;

static void others_hear_of_it(struct process *p)
{
	const struct xdp_fence fence = { .version = XDP_FORWARD_VERSION,
					 .entry = sizeof(struct xdp_forward),
					 .valid_until = { UINT64_MAX, UINT64_MAX, UINT64_MAX } };
	struct remains r = { .fd_count = XDP_FORWARDS_FDS, .word_n = sizeof(WORD) };

	all_open(p);
	for (uint32_t i = 0; i < r.fd_count; i++)
		r.fds[i] = g_fence;
	if (pwrite(g_fence, &fence, sizeof(fence), 0) != (ssize_t)sizeof(fence) ||
	    keeper_remain(p->keeper, &r))
		abort();
	others_are_notified(p, OTHER_PORT);
}

static void what_is_forwarded_ends(void **state)
{
	struct xdp_fence fence;
	struct pollfd wait;
	char word[8];

	(void)state;
	g_fence = memfd_create("fence", MFD_CLOEXEC);
	assert_true(g_fence >= 0);
	wait = (struct pollfd){ .fd = bound(OTHER_PORT), .events = POLLIN };
	assert_true(wait.fd >= 0);
	killed_after(others_hear_of_it);
	assert_int_equal(poll(&wait, 1, (int)(PATIENCE_NS / NS_PER_MS)), 1);
	assert_int_equal(pread(g_fence, &fence, sizeof(fence), 0), sizeof(fence));
	assert_int_equal(recv(wait.fd, word, sizeof(word), 0), 4);
	assert_true(fence.valid_until[0] == UINT64_MAX); /* of no shard */
	assert_int_equal(fence.valid_until[1], 0);
	assert_int_equal(fence.valid_until[2], 0);
	(void)close(wait.fd);
	(void)close(g_fence);
}

static int folder_made(void **state)
{
	char dir[] = "/tmp/tandem-sockets-XXXXXX";

	(void)state;
	(void)snprintf(g_dir, sizeof(g_dir), "%s", mkdtemp(dir));
	return 0;
}

static int folder_gone(void **state)
{
	char words[64];

	(void)state;
	(void)snprintf(words, sizeof(words), "rm -rf %s", g_dir);
	if (system(words))
		return -1;
	for (uint32_t i = 0; i < FLOWS; i++) { /* for the next test */
		if (!becomes_free(rtp_port(i)))
			return -1;
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(packets_wait, folder_made, folder_gone),
		cmocka_unit_test_setup_teardown(told_later, folder_made, folder_gone),
		cmocka_unit_test_setup_teardown(killed_again_and_again, folder_made, folder_gone),
		cmocka_unit_test_setup_teardown(let_go, folder_made, folder_gone),
		cmocka_unit_test_setup_teardown(address_goes, folder_made, folder_gone),
		cmocka_unit_test_setup_teardown(other_ports, folder_made, folder_gone),
		cmocka_unit_test_setup_teardown(remains_go_on, folder_made, folder_gone),
		cmocka_unit_test_setup_teardown(nothing_remains, folder_made, folder_gone),
		cmocka_unit_test_setup_teardown(what_is_forwarded_ends, folder_made, folder_gone),
		cmocka_unit_test(folder_removed),
		cmocka_unit_test(no_room),
	};

	(void)netns_enter(); /* where it may, nobody else has its ports */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
