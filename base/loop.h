/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event loop over libre's (epoll); loop.c is the only file of base that uses libre. Each loop
 * belongs to the thread that runs it, and its handlers run there. The control thread has the loop
 * of the process, with the signals.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include "base/bytes.h"

enum {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
	LOOP_ERROR = 4, /* delivered only */
};

typedef void loop_fd_fn(int fd, unsigned events, void *arg);
typedef void loop_timer_fn(void *arg);
typedef void loop_signal_fn(int signal, void *arg);

/* fd_max: most descriptors ever. SIGPIPE is ignored afterwards. 0 or -errno. */
int loop_open(unsigned fd_max) NODISCARD;
/* The same for a thread beside it, while that one is open. */
int loop_open_second(unsigned fd_max) NODISCARD;
void loop_close(void);
/* Adds fd or replaces its mask and handler; events 0 keeps it registered but quiet. 0 or -errno. */
int loop_watch(int fd, unsigned events, loop_fd_fn *fn, void *arg) NODISCARD;
void loop_unwatch(int fd);
/* The loop's only timer (a timerfd on CLOCK_BOOTTIME): calls fn at or after deadline_ns; UINT64_MAX
 * stops it. An owner that needs more timers has a wheel. */
int loop_timer(uint64_t deadline_ns, loop_timer_fn *fn, void *arg) NODISCARD;
/* Calls fn once after each round of handlers, before the loop sleeps: pipelines are flushed
 * here. A round is all handlers of the descriptors that one wait found ready, timer and signals
 * included. */
void loop_after_round(loop_timer_fn *fn, void *arg);
/* Signals arrive by a signalfd as events. Blocks them in the process: call before threads start. */
int loop_signals(const int *signals, size_t n, loop_signal_fn *fn, void *arg) NODISCARD;
/* Until loop_stop. 0 or -errno. */
int loop_run(void) NODISCARD;
void loop_stop(void);

#endif
