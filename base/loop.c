/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libre's loop waits on epoll, calls the handlers of all ready descriptors, then its own due
 * timers, and waits again. So a libre timer with zero delay, started by the first handler of a
 * round, is the hook at the end of that round. It is the only libre timer here, because libre's
 * timers run on the wall clock.
 */

#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <re/re.h>

#include "base/clock.h"

enum { SIGNALS_PER_READ = 8 };

struct watch {
	loop_fd_fn *fn;
	void *arg;
};

struct hook {
	loop_timer_fn *fn;
	void *arg;
};

static _Thread_local struct loop {
	struct watch *watches; /* by descriptor */
	unsigned fd_max;
	struct tmr round_end;
	struct hook after_round;
	struct hook timer;
	uint64_t armed_ns; /* what the timerfd is set to; UINT64_MAX: stopped */
	int timer_fd;
	int signal_fd;
	loop_signal_fn *signal_fn;
	void *signal_arg;
	bool beside; /* of a thread beside the one that has the process's */
} g_loop = { .timer_fd = -1, .signal_fd = -1 };

static void on_round_end(void *arg)
{
	struct hook hook = g_loop.after_round;

	(void)arg;
	if (hook.fn)
		hook.fn(hook.arg);
}

/* Asks for fn at the end of this round. Needed only in handlers the loop does not see: those libre
 * calls by itself (its DNS client). */
static void loop_round_end(void)
{
	/* always started anew: if the wall clock was set back while the timer waited, the next
	 * handler corrects it */
	tmr_start(&g_loop.round_end, 0, on_round_end, NULL);
}

static unsigned events_from(int flags)
{
	return (flags & FD_READ ? LOOP_READ : 0U) | (flags & FD_WRITE ? LOOP_WRITE : 0U) |
	       (flags & FD_EXCEPT ? LOOP_ERROR : 0U);
}

static int flags_from(unsigned events)
{
	return (events & LOOP_READ ? FD_READ : 0) | (events & LOOP_WRITE ? FD_WRITE : 0);
}

static void loop_on_fd(int flags, void *arg)
{
	const struct watch *slot = arg;
	struct watch watch = *slot; /* the handler may unwatch or replace itself */
	int fd = (int)(slot - g_loop.watches);

	loop_round_end();
	if (watch.fn)
		watch.fn(fd, events_from(flags), watch.arg);
}

int loop_watch(int fd, unsigned events, loop_fd_fn *fn, void *arg)
{
	struct watch *slot;

	assert(fd >= 0 && fn && (events & ~(unsigned)(LOOP_READ | LOOP_WRITE)) == 0);
	if ((unsigned)fd >= g_loop.fd_max)
		return -EMFILE;
	slot = &g_loop.watches[fd];
	*slot = (struct watch){ .fn = fn, .arg = arg };
	/* fd_listen replaces mask and handler; without flags it removes the descriptor from
	 * epoll */
	return -fd_listen(fd, flags_from(events), loop_on_fd, slot);
}

void loop_unwatch(int fd)
{
	assert(fd >= 0);
	if ((unsigned)fd >= g_loop.fd_max || !g_loop.watches[fd].fn)
		return;
	g_loop.watches[fd] = (struct watch){ 0 };
	fd_close(fd);
}

static void on_timer(int fd, unsigned events, void *arg)
{
	struct hook hook = g_loop.timer;
	uint64_t count;

	(void)events;
	(void)arg;
	/* EAGAIN: set anew since the kernel reported it */
	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return;
	g_loop.armed_ns = UINT64_MAX;
	hook.fn(hook.arg);
}

int loop_timer(uint64_t deadline_ns, loop_timer_fn *fn, void *arg)
{
	/* an all-zero time would stop it, so the dawn of time is one nanosecond late */
	uint64_t kernel_ns = clock_to_kernel(deadline_ns);
	uint64_t at = deadline_ns == UINT64_MAX ? 0 : kernel_ns + (kernel_ns == 0);
	struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(at / NS_PER_S), .tv_nsec = (long)(at % NS_PER_S) },
	};

	assert(fn);
	g_loop.timer = (struct hook){ .fn = fn, .arg = arg };
	if (deadline_ns == g_loop.armed_ns)
		return 0;
	if (timerfd_settime(g_loop.timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		return -errno;
	g_loop.armed_ns = deadline_ns;
	return 0;
}

void loop_after_round(loop_timer_fn *fn, void *arg)
{
	g_loop.after_round = (struct hook){ .fn = fn, .arg = arg };
}

static void on_signal(int fd, unsigned events, void *arg)
{
	struct signalfd_siginfo infos[SIGNALS_PER_READ];
	ssize_t n = read(fd, infos, sizeof(infos));

	(void)events;
	(void)arg;
	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(infos[0]); i++)
		g_loop.signal_fn((int)infos[i].ssi_signo, g_loop.signal_arg);
}

int loop_signals(const int *signals, size_t n, loop_signal_fn *fn, void *arg)
{
	sigset_t set;
	int err;

	assert(fn && g_loop.signal_fd < 0);
	(void)sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		(void)sigaddset(&set, signals[i]);
	err = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (err)
		return -err;
	g_loop.signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (g_loop.signal_fd < 0)
		return -errno;
	g_loop.signal_fn = fn;
	g_loop.signal_arg = arg;
	return loop_watch(g_loop.signal_fd, LOOP_READ, on_signal, NULL);
}

static int libre_open(unsigned fd_max)
{
	int err = g_loop.beside ? re_thread_init() : libre_init();

	if (err)
		return -err;
	/* libre_init has put a handler of its own there */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	/* first the size: it is fixed once the method is */
	err = fd_setsize((int)fd_max);
	return err ? -err : -poll_method_set(METHOD_EPOLL);
}

static int timer_open(void)
{
	g_loop.timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (g_loop.timer_fd < 0)
		return -errno;
	return loop_watch(g_loop.timer_fd, LOOP_READ, on_timer, NULL);
}

int loop_open_second(unsigned fd_max)
{
	g_loop.beside = true;
	return loop_open(fd_max);
}

int loop_open(unsigned fd_max)
{
	int err;

	assert(fd_max > 0 && fd_max <= INT32_MAX && !g_loop.watches);
	g_loop.fd_max = fd_max;
	g_loop.armed_ns = UINT64_MAX;
	tmr_init(&g_loop.round_end);
	g_loop.watches = calloc(fd_max, sizeof(*g_loop.watches));
	if (!g_loop.watches)
		return -ENOMEM;
	err = libre_open(fd_max);
	if (!err)
		err = timer_open();
	if (err)
		loop_close();
	return err;
}

static void fd_end(int *fd)
{
	if (*fd < 0)
		return;
	loop_unwatch(*fd);
	(void)close(*fd);
	*fd = -1;
}

void loop_close(void)
{
	tmr_cancel(&g_loop.round_end);
	fd_end(&g_loop.timer_fd);
	fd_end(&g_loop.signal_fd);
	if (g_loop.beside)
		re_thread_close();
	else
		libre_close();
	free(g_loop.watches);
	g_loop = (struct loop){ .timer_fd = -1, .signal_fd = -1 };
}

int loop_run(void)
{
	loop_round_end(); /* what was queued before the first round */
	return -re_main(NULL);
}

void loop_stop(void)
{
	re_cancel();
}
