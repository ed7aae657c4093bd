/* SPDX-License-Identifier: Apache-2.0 */
/* The node's side of the keeper: forks it before there are threads and sockets, sends it orders,
 * and takes its answers and the descriptors that come with them. keeper_hold_memory lets another
 * process share the node's memory, so that the kernel closes the node's descriptors before it frees
 * the memory: the keeper notices the end at once. */

#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/child/descriptors.h"
#include "app/keeper/keeper.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"

static_assert((int)KEEPER_FDS_MAX < (int)DESCRIPTORS_MAX, "all of an answer at once");

void keeper_answer_send(int to, const struct keeper_answer *answer, const int *fds, uint32_t count)
{
	struct keeper_answer copy = *answer;

	copy.fd_count = count;
	(void)!descriptors_send(to, bytes_mem(&copy, sizeof(copy)), fds, count, 0);
}

/* answer's descriptors are the receiver's. 0, -EAGAIN, or -EPIPE: the other end is gone. */
static int keeper_answer_receive(int from, struct keeper_answer *answer)
{
	int fds[KEEPER_FDS_MAX + 1];
	uint32_t count = KEEPER_FDS_MAX;
	ssize_t n = descriptors_receive(from, answer, sizeof(*answer), fds, &count, MSG_DONTWAIT);

	if (n == -EAGAIN)
		return -EAGAIN;
	if (n == (ssize_t)sizeof(*answer) && count == answer->fd_count &&
	    answer->word_n <= sizeof(answer->word)) {
		memcpy(answer->fds, fds, sizeof(int) * count);
		return 0;
	}
	while (count)
		(void)close(fds[--count]);
	return -EPIPE;
}

/* For what a keeper does after the node's end, several times over. */
#define END_NS (500 * NS_PER_MS)

struct keeper {
	int fd;      /* -1: it has died */
	int sockets; /* -1: none are held */
	pid_t pid;
	keeper_answer_fn *fn;
	void *arg;
};

static void between_close(int above, int below)
{
	if (below > above + 1)
		(void)close_range((unsigned)above + 1, (unsigned)below - 1, 0);
}

/* Closes all but these two and the log: nothing that waits for the end of the node's descriptors
 * may wait for the keeper. sockets may be -1. */
static void others_close(int orders, int sockets)
{
	int low = sockets >= 0 && sockets < orders ? sockets : orders;
	int high = sockets > orders ? sockets : orders;

	between_close(STDERR_FILENO, low);
	between_close(low, high);
	(void)close_range((unsigned)high + 1, ~0U, 0);
}

/* A signal to the node's process group must not end the keeper: it ends after the node. */
static void keeper_child(int orders, int sockets, const struct keeper_settings *s)
{
	(void)setsid();
	(void)prctl(PR_SET_NAME, "tandem-keeper");
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	others_close(orders, sockets);
	keeper_run(orders, sockets, s);
	_exit(0);
}

static int keeper_start(struct keeper *k, const struct keeper_settings *s)
{
	int orders[2], sockets[2] = { -1, -1 }, err = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, orders) < 0)
		return -errno;
	if (s->flows && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		LOG_WARN("keeper", 0, "media sockets are not held",
			 LOG_STR("error", strerror(errno)));
	k->pid = fork();
	if (k->pid == 0)
		keeper_child(orders[1], sockets[1], s);
	if (k->pid < 0)
		err = -errno;
	(void)close(orders[1]);
	if (sockets[1] >= 0)
		(void)close(sockets[1]);
	k->fd = orders[0];
	k->sockets = sockets[0];
	return err;
}

int keeper_fork(struct keeper **out, const struct keeper_settings *s)
{
	struct keeper *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	k->fd = k->sockets = -1;
	err = keeper_start(k, s);
	if (err) {
		if (k->fd >= 0)
			(void)close(k->fd);
		if (k->sockets >= 0)
			(void)close(k->sockets);
		free(k);
		return err;
	}
	keeper_on_crash_notify(k->fd);
	*out = k;
	return 0;
}

/* ---- answers ---- */

static void keeper_died(struct keeper *k)
{
	const struct keeper_answer died = { .event = KEEPER_DIED };

	loop_unwatch(k->fd);
	keeper_on_crash_notify(-1);
	(void)close(k->fd);
	k->fd = -1;
	k->fn(&died, k->arg);
}

static void keeper_on_fd(int fd, unsigned events, void *arg)
{
	struct keeper *k = arg;
	struct keeper_answer answer;

	(void)events;
	for (;;) {
		int err = keeper_answer_receive(fd, &answer);

		if (err == -EAGAIN)
			return;
		if (err) {
			keeper_died(k);
			return;
		}
		k->fn(&answer, k->arg);
	}
}

void keeper_answer_remains(const struct keeper_answer *a, struct remains *out)
{
	*out = (struct remains){ .fd_count = a->fd_count, .word_n = a->word_n };
	memcpy(out->fds, a->fds, sizeof(int) * a->fd_count);
	memcpy(out->word, a->word, a->word_n);
}

void keeper_remains_await(struct keeper *k, struct remains *out, uint64_t patience_ns)
{
	uint64_t now_ns, end_ns = clock_now_ns() + patience_ns;
	struct pollfd wait = { .fd = k->fd, .events = POLLIN };
	struct keeper_answer answer;

	*out = (struct remains){ .fd_count = 0 };
	while (k->fd >= 0 && (now_ns = clock_now_ns()) < end_ns) {
		int err;

		(void)poll(&wait, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1);
		err = keeper_answer_receive(k->fd, &answer);
		if (err == -EPIPE)
			return; /* the loop is told */
		if (!err && answer.event == KEEPER_REMAINS) {
			keeper_answer_remains(&answer, out);
			return;
		}
		if (!err && k->fn)
			k->fn(&answer, k->arg);
	}
}

int keeper_watch(struct keeper *k, keeper_answer_fn *fn, void *arg)
{
	k->fn = fn;
	k->arg = arg;
	return loop_watch(k->fd, LOOP_READ, keeper_on_fd, k);
}

/* ---- orders ---- */

static int order_send(const struct keeper *k, const struct keeper_order *order, size_t datagram)
{
	size_t n = offsetof(struct keeper_order, datagram) + datagram;

	if (k->fd < 0)
		return -EPIPE;
	return send(k->fd, order, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n ? 0 : -errno;
}

static struct keeper_order order_of(enum keeper_word word, const struct addr *address)
{
	struct keeper_order order;

	memset(&order, 0, sizeof(order));
	order.word = word;
	order.address = *address;
	return order;
}

int keeper_claim(struct keeper *k, const struct addr *address, const char *interface)
{
	struct keeper_order order = order_of(KEEPER_CLAIM, address);

	if (strlen(interface) >= sizeof(order.interface))
		return -ENODEV;
	memcpy(order.interface, interface, strlen(interface));
	return order_send(k, &order, 0);
}

int keeper_leave(struct keeper *k, const struct addr *address)
{
	struct keeper_order order = order_of(KEEPER_LEAVE, address);

	return order_send(k, &order, 0);
}

int keeper_remain(struct keeper *k, const struct remains *r)
{
	const struct addr nobody = { .family = ADDR_NONE };
	struct keeper_order order = order_of(KEEPER_REMAIN, &nobody);
	size_t n = offsetof(struct keeper_order, datagram) + r->word_n;

	memcpy(order.datagram, r->word, r->word_n);
	if (k->fd < 0)
		return -EPIPE;
	return descriptors_send(k->fd, bytes_mem(&order, n), r->fds, r->fd_count, MSG_DONTWAIT);
}

int keeper_gone(struct keeper *k, const struct addr *peer, struct bytes datagram)
{
	struct keeper_order order = order_of(KEEPER_GONE, peer);

	assert(datagram.n <= sizeof(order.datagram));
	if (datagram.n)
		memcpy(order.datagram, datagram.p, datagram.n);
	return order_send(k, &order, datagram.n);
}

/* ---- the end ---- */

/* Waits until it closes its end after the deletion. One that hangs is killed by the next start. */
static void deleted_await(int orders)
{
	uint64_t now_ns, end_ns = clock_now_ns() + END_NS;
	struct keeper_answer answer;
	struct pollfd wait = { .fd = orders, .events = POLLIN };
	int err = 0;

	(void)shutdown(orders, SHUT_WR);
	while (err != -EPIPE && (now_ns = clock_now_ns()) < end_ns) {
		(void)poll(&wait, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1);
		err = keeper_answer_receive(orders, &answer);
		for (uint32_t i = 0; !err && i < answer.fd_count; i++)
			(void)close(answer.fds[i]);
	}
}

int keeper_sockets_fd(const struct keeper *k)
{
	return k ? k->sockets : -1;
}

void keeper_close(struct keeper *k)
{
	if (!k)
		return;
	if (k->fd >= 0) {
		if (k->fn)
			loop_unwatch(k->fd);
		keeper_on_crash_notify(-1);
		deleted_await(k->fd);
		(void)close(k->fd);
	}
	(void)waitpid(k->pid, NULL, WNOHANG); /* with sockets of calls it stays for a while */
	if (k->sockets >= 0)
		(void)close(k->sockets);
	free(k);
}

/* The kernel frees a process's memory before it closes its descriptors: 75 ms for each GiB, for
 * which the keeper would wait. So another process shares the memory and nothing else. It ends with
 * the node, and frees it then. */

#if THREAD_SANITIZER
/* Its runtime takes the other process for a thread that it does not know, and ends. */
int keeper_hold_memory(void)
{
	return 0;
}
#else
enum { STACK = 65536 };

static _Atomic bool g_holds;

/* It also shares the thread-local memory of the node's main thread, so it only makes system calls.
 * It gives up its privileges: a write to the node's memory would be one to its own. */
NOT_SANITIZED static int hold(void *node)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	(void)syscall(SYS_close_range, 0, ~0U, 0);
	(void)syscall(SYS_capset, &head, none);
	(void)syscall(SYS_prctl, PR_SET_NAME, "tandem-holder");
	(void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
	if (syscall(SYS_getppid) != *(const pid_t *)node)
		return 0; /* it is dead already */
	atomic_store(&g_holds, true);
	for (;;)
		(void)syscall(SYS_pause);
}

int keeper_hold_memory(void)
{
	uint8_t *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t node = getpid(), holder;

	if (stack == MAP_FAILED)
		return -errno;
	atomic_store(&g_holds, false);
	holder = clone(hold, stack + STACK, CLONE_VM | SIGCHLD, &node);
	if (holder < 0)
		return -errno;
	while (!atomic_load(&g_holds)) { /* until then errno is its own as well */
		if (waitpid(holder, NULL, WNOHANG) == holder)
			return -ECHILD;
		(void)sched_yield();
	}
	return 0;
}
#endif
