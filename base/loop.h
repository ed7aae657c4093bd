/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event loop, over libre's (epoll). loop.c is the only file of base that sees libre.
 * One loop of a thread, which runs it; handlers run on it. The control thread has the process's, with its signals.
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
int loop_open_beside(unsigned fd_max) NODISCARD;
void loop_close(void);
/* Adds fd or replaces its mask and handler; events 0 keeps it registered but quiet. 0 or -errno. */
int loop_watch(int fd, unsigned events, loop_fd_fn *fn, void *arg) NODISCARD;
void loop_unwatch(int fd);
/* The one timer of the loop (a timerfd on CLOCK_BOOTTIME): fn is called at or after deadline_ns. UINT64_MAX stops it.
 * Further timers are the owner's wheel. */
int loop_timer(uint64_t deadline_ns, loop_timer_fn *fn, void *arg) NODISCARD;
/* fn runs once after each round of handlers, before the loop sleeps: flush pipelines here. A round is
 * all handlers of the descriptors one wait found ready, the timer and signals among them. */
void loop_after_round(loop_timer_fn *fn, void *arg);
/* Signals arrive through a signalfd as ordinary events. Blocks them for the process: call before making threads. */
int loop_signals(const int *signals, size_t n, loop_signal_fn *fn, void *arg) NODISCARD;
/* Until loop_stop. 0 or -errno. */
int loop_run(void) NODISCARD;
void loop_stop(void);

#endif
