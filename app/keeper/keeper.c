/* SPDX-License-Identifier: Apache-2.0 */
/* The node's side. */
#include "app/keeper/keeper.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/keeper/order.h"
#include "base/clock.h"
#include "base/loop.h"

/* For what a keeper does after the node's end, several times over. */
#define END_NS (500 * NS_PER_MS)

struct keeper {
	int fd; /* -1: it has died */
	pid_t pid;
	keeper_answer_fn *fn;
	void *arg;
};

/* All but the orders and the log: whoever waits for the end of a descriptor of the node's must not wait for the keeper. */
static void others_close(int orders)
{
	if (orders > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned)orders - 1, 0);
	(void)close_range((unsigned)orders + 1, ~0U, 0);
}

/* A stop of the node's whole group of processes is none of the keeper's: it ends when the node has. */
static void keeper_child(int orders, const struct keeper_settings *s)
{
	(void)setsid();
	(void)prctl(PR_SET_NAME, "tandem-keeper");
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	others_close(orders);
	keeper_run(orders, s);
	_exit(0);
}

static int keeper_start(struct keeper *k, const struct keeper_settings *s)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	k->pid = fork();
	if (k->pid == 0)
		keeper_child(pair[1], s);
	(void)close(pair[1]);
	k->fd = pair[0];
	return k->pid < 0 ? -errno : 0;
}

int keeper_fork(struct keeper **out, const struct keeper_settings *s)
{
	struct keeper *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	k->fd = -1;
	err = keeper_start(k, s);
	if (err) {
		if (k->fd >= 0)
			(void)close(k->fd);
		free(k);
		return err;
	}
	keeper_crash_tell(k->fd);
	*out = k;
	return 0;
}

/* ---- answers ---- */

static void keeper_died(struct keeper *k)
{
	const struct keeper_answer died = { .event = KEEPER_DIED };

	loop_unwatch(k->fd);
	keeper_crash_tell(-1);
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

int keeper_take(struct keeper *k, const struct addr *address, const char *interface)
{
	struct keeper_order order = order_of(KEEPER_TAKE, address);

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

int keeper_notice(struct keeper *k, const struct addr *peer, struct bytes datagram)
{
	struct keeper_order order = order_of(KEEPER_NOTICE, peer);

	assert(datagram.n <= sizeof(order.datagram));
	if (datagram.n)
		memcpy(order.datagram, datagram.p, datagram.n);
	return order_send(k, &order, datagram.n);
}

/* ---- the end ---- */

/* One that hangs is left alone: the next start ends it. */
static void child_await(pid_t pid)
{
	uint64_t end_ns = clock_now_ns() + END_NS;

	while (waitpid(pid, NULL, WNOHANG) == 0 && clock_now_ns() < end_ns)
		(void)usleep(500);
}

void keeper_close(struct keeper *k)
{
	if (!k)
		return;
	if (k->fd >= 0) {
		if (k->fn)
			loop_unwatch(k->fd);
		keeper_crash_tell(-1);
		(void)close(k->fd);
	}
	child_await(k->pid);
	free(k);
}
