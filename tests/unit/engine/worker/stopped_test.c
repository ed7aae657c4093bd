/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that has flows is stopped at any moment, its lease runs out, and it goes on: nothing leaves after that, but what one system
 * call sends. Between the look at the clock and that call it may be stopped, too, and nobody can look later. Real sockets, real signals.
 * TANDEM_ROUNDS=60 tries more often.
 */
#include "tests/unit/test.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rand.h"
#include "base/validity.h"
#include "engine/port/port.h"
#include "engine/worker/control.h"
#include "engine/worker/worker.h"
#include "tests/unit/netns.h"

enum { PAIRS = 64, PLACE = 1, ROUNDS = 5, LEASE_US = 6000, BUFFERS = 256, PATIENCE_MS = 20000 };

typedef int open_fn(struct port **out, const struct port_settings *settings);

/* What both processes see. */
struct both {
	struct validity validity;
	_Atomic uint64_t steps;
	_Atomic bool refused; /* no such port here */
};

struct rig {
	struct both *both;
	int from, sink; /* the party that speaks, and where all that it says arrives */
	struct addr from_at, sink_at;
	int fd[2 * PAIRS];
	struct addr at[2 * PAIRS];
	pid_t child;
	uint16_t sequence;
	struct rand_source rand;
};

static struct addr socket_open(int *fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct addr a;

	*fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(*fd >= 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&ss, &len), 0);
	assert_int_equal(addr_from_sockaddr(&a, (struct sockaddr *)&ss), 0);
	return a;
}

/* ---- the process that is stopped ---- */

static void flow_add(struct worker *w, const struct rig *r, uint32_t slot)
{
	const bool hears = slot % 2;
	struct media_command c = {
		.kind = MEDIA_FLOW_OPEN,
		.rtp_fd = r->fd[slot],
		.rtcp_fd = -1,
		.spec = { .id = { .slot = slot, .generation = 1 },
			  .peer = { .slot = slot ^ 1, .generation = 1 },
			  .call = 1,
			  .local_rtp = r->at[slot],
			  .remote_rtp = hears ? r->sink_at : r->from_at,
			  .ssrc_out = 1000 + slot,
			  .latch = LATCH_SAME_IP,
			  .receive = 1,
			  .send = 1,
			  .rtcp_mux = 1,
			  .place = PLACE,
			  .event_pt = PAYLOAD_NONE,
			  .rule_count = 1,
			  .rules = { { .clock_hz = 8000 } } },
	};

	if (hears)
		c.spec.resume.source_rtp = r->sink_at;
	(void)ring_push(&w->commands, &c);
	control_drain(w, clock_now_ns());
}

static _Noreturn void child_run(const struct rig *r, open_fn *open_port)
{
	static struct media_metrics metrics;
	struct worker *w = aligned_alloc(alignof(struct worker), sizeof(*w));
	const struct worker_settings settings = { .slots = 2 * PAIRS,
						  .jobs = 1,
						  .commands = 64,
						  .events = 64,
						  .validity = &r->both->validity,
						  .metrics = &metrics };
	struct port_settings port = { .slots = 2 * PAIRS, .buffers = BUFFERS, .wake_fd = -1 };

	media_metrics_register_of(&metrics, 0);
	if (!w || worker_open(w, &settings) || open_port(&w->port, &port)) {
		atomic_store(&r->both->refused, true);
		_exit(0);
	}
	for (uint32_t slot = 0; slot < 2 * PAIRS; slot++)
		flow_add(w, r, slot);
	for (;;) {
		worker_step(w);
		atomic_fetch_add(&r->both->steps, 1);
	}
}

/* ---- the one that stops it ---- */

static uint64_t real_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* One packet of each pair. */
static void speak(struct rig *r)
{
	uint8_t rtp[12 + 160] = { 0x80, 0 };
	uint16_t sequence = ++r->sequence;

	be16_put(rtp + 2, sequence);
	be32_put(rtp + 4, sequence * 160U);
	be32_put(rtp + 8, 77);
	for (uint32_t slot = 0; slot < 2 * PAIRS; slot += 2) {
		struct sockaddr_storage ss;
		socklen_t len = addr_to_sockaddr(&r->at[slot], &ss);

		(void)sendto(r->from, rtp, sizeof(rtp), 0, (struct sockaddr *)&ss, len);
	}
}

/* When it was sent: the kernel's note of it is as old as the packet. */
static uint64_t packet_stamp(const struct msghdr *m)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct timespec ts;

	if (!c || c->cmsg_type != SCM_TIMESTAMPNS)
		return UINT64_MAX; /* counts as late: the test is to fail then */
	memcpy(&ts, CMSG_DATA(c), sizeof(ts));
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* All that has arrived: how many in all, and how many were sent since then. */
static uint32_t sink_read(const struct rig *r, uint64_t since_real_ns, uint32_t *late)
{
	_Alignas(struct cmsghdr) uint8_t control[64];
	uint8_t data[256];
	uint32_t n = 0;

	for (;; n++) {
		struct iovec part = { data, sizeof(data) };
		struct msghdr m = { .msg_iov = &part,
				    .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof(control) };

		if (recvmsg(r->sink, &m, MSG_DONTWAIT) < 0)
			return n;
		*late += packet_stamp(&m) >= since_real_ns;
	}
}

static void nap_us(uint64_t us)
{
	(void)usleep((useconds_t)us);
}

/* Every moment of its work: it has more to do than it sleeps. */
static void speak_for_us(struct rig *r, uint64_t us)
{
	uint64_t end_ns = clock_now_ns() + us * NS_PER_US;

	while (clock_now_ns() < end_ns) {
		speak(r);
		nap_us(300);
	}
}

static void until_heard(struct rig *r)
{
	uint64_t end_ns = clock_now_ns() + PATIENCE_MS * NS_PER_MS;
	uint32_t ignored = 0, n = 0;

	while (n < 2 * PAIRS) {
		assert_true(clock_now_ns() < end_ns);
		speak_for_us(r, 2000);
		n += sink_read(r, UINT64_MAX, &ignored);
	}
}

/* What it finds in its sockets, and what comes now, has gone its way and was withheld. */
static void until_withheld(struct rig *r, uint64_t before)
{
	uint64_t end_ns = clock_now_ns() + PATIENCE_MS * NS_PER_MS, steps;

	while (validity_withheld(&r->both->validity, PLACE) < before + PAIRS) {
		assert_true(clock_now_ns() < end_ns);
		speak_for_us(r, 2000);
	}
	steps = atomic_load(&r->both->steps);
	while (atomic_load(&r->both->steps) < steps + 4) {
		assert_true(clock_now_ns() < end_ns);
		speak_for_us(r, 1000);
	}
}

/* A lease is longer or over in life, and never shorter than it was believed to be. Here it is, once: whoever was at work on packets meanwhile may
 * send them all. So until that is behind it, and there is some time left; until then it is made longer. */
static uint64_t lease_begin(struct rig *r)
{
	struct both *b = r->both;
	uint64_t end_ns = clock_now_ns() + PATIENCE_MS * NS_PER_MS, until_ns, steps;

	do {
		assert_true(clock_now_ns() < end_ns);
		until_ns = clock_now_ns() + LEASE_US * NS_PER_US;
		validity_set(&b->validity, PLACE, until_ns);
		steps = atomic_load(&b->steps);
		while (atomic_load(&b->steps) < steps + 2 && clock_now_ns() < until_ns)
			speak_for_us(r, 300);
	} while (clock_now_ns() + LEASE_US * NS_PER_US / 2 > until_ns);
	return until_ns;
}

static uint32_t round_of(struct rig *r)
{
	struct both *b = r->both;
	uint64_t until_ns, before, go_on_ns;
	uint32_t late = 0;
	int status;

	validity_set(&b->validity, PLACE, UINT64_MAX - 1);
	until_heard(r);
	until_ns = lease_begin(r);
	speak_for_us(r, rand_below(&r->rand, LEASE_US));
	assert_int_equal(kill(r->child, SIGSTOP), 0);
	assert_int_equal(waitpid(r->child, &status, WUNTRACED), r->child);
	assert_true(WIFSTOPPED(status));
	while (clock_now_ns() < until_ns)
		nap_us(500);
	before = validity_withheld(&b->validity, PLACE);
	go_on_ns = real_ns();
	assert_int_equal(kill(r->child, SIGCONT), 0);
	until_withheld(r, before);
	(void)sink_read(r, go_on_ns, &late);
	return late;
}

static void rig_open(struct rig *r, open_fn *open_port)
{
	int on = 1, room = 1 << 22;

	*r = (struct rig){ 0 };
	rand_open_system(&r->rand);
	r->both = mmap(NULL, sizeof(*r->both), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	assert_ptr_not_equal(r->both, MAP_FAILED);
	validity_open(&r->both->validity, PLACE);
	r->from_at = socket_open(&r->from);
	r->sink_at = socket_open(&r->sink);
	assert_int_equal(setsockopt(r->sink, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)), 0);
	(void)setsockopt(r->sink, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	for (uint32_t slot = 0; slot < 2 * PAIRS; slot++)
		r->at[slot] = socket_open(&r->fd[slot]);
	r->child = fork();
	assert_true(r->child >= 0);
	if (r->child == 0)
		child_run(r, open_port);
	for (uint32_t slot = 0; slot < 2 * PAIRS; slot++)
		(void)close(r->fd[slot]);
}

static void rig_close(struct rig *r)
{
	(void)kill(r->child, SIGKILL);
	(void)waitpid(r->child, NULL, 0);
	(void)close(r->from);
	(void)close(r->sink);
	(void)munmap(r->both, sizeof(*r->both));
}

static bool is_refused(const struct rig *r)
{
	while (atomic_load(&r->both->steps) == 0 && !atomic_load(&r->both->refused))
		nap_us(1000);
	return atomic_load(&r->both->refused);
}

/* call_most: packets of one system call. */
static void nothing_leaves(open_fn *open_port, uint32_t call_most)
{
	const char *asked = getenv("TANDEM_ROUNDS");
	long rounds = asked ? strtol(asked, NULL, 10) : ROUNDS;
	uint32_t leaks = 0, packets = 0, worst = 0;
	struct rig r;

	rig_open(&r, open_port);
	if (is_refused(&r)) {
		rig_close(&r);
		print_message("# not allowed on this machine\n");
		skip();
	}
	for (long i = 0; i < rounds; i++) {
		uint32_t late = round_of(&r);

		leaks += late > 0;
		packets += late;
		worst = late > worst ? late : worst;
	}
	print_message("# %ld rounds, %u with a leak, %u packets\n", rounds, leaks, packets);
	rig_close(&r);
	assert_true(worst <= call_most);
	assert_true(leaks <= 1 + rounds / 20);
}

static void uring_sends_nothing(void **state)
{
	(void)state;
	nothing_leaves(port_uring_open, PAIRS);
}

static void epoll_sends_nothing(void **state)
{
	(void)state;
	nothing_leaves(port_epoll_open, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uring_sends_nothing),
		cmocka_unit_test(epoll_sends_nothing),
	};

	if (!netns_enter())
		print_message("# others may take our ports\n");
	return cmocka_run_group_tests_name("engine/stopped", tests, NULL, NULL);
}
