/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callers and the application that they are with, in one process, so that one clock has both. Says the application's port first. Then a
 * line "FROM TO" for each caller, and an empty one; then two turns are measured: all read, and those at /slow do not.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "bench/live.h"
#include "bench/load/fail.h"

enum { EVENTS = 256, GAP_MS = 100, DRAIN_S = 2, SETTLE_S = 1 };

static void ready_all(struct live_load *l, int wait_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(l->poll_fd, events, EVENTS, wait_ms);

	l->now_ns = clock_now_ns();
	for (int i = 0; i < n; i++) {
		struct live_ready *r = events[i].data.ptr;

		r->ready(l, r, events[i].events);
	}
}

static void run(struct live_load *l, double seconds)
{
	uint64_t start_ns = clock_now_ns(),
		 end_ns = start_ns + (uint64_t)(seconds * (double)NS_PER_S);
	uint32_t ms = 0;

	l->round_ns = start_ns;
	for (l->now_ns = start_ns; l->now_ns < end_ns;) {
		ready_all(l, 1);
		if (l->now_ns - l->round_ns > l->round_max_ns)
			l->round_max_ns = l->now_ns - l->round_ns;
		l->round_ns = l->now_ns;
		for (; start_ns + ms * NS_PER_MS <= l->now_ns; ms++) {
			live_phones_tick(l, ms);
			if (ms % 20 == 0)
				live_app_tick(l);
		}
	}
}

static void counts_clear(struct live_load *l)
{
	l->sent = l->heard = l->echoes = l->delayed_packets = 0;
	l->round_trip = (struct load_latency){ 0 };
	l->round_max_ns = 0;
	live_phones_begin(l);
}

static double cpu_seconds(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void turn(struct live_load *l, const char *name, double seconds)
{
	uint64_t missed = l->missed_frames;
	double cpu_s;
	uint32_t delayed;

	live_app_clear(l);
	run(l, SETTLE_S);
	counts_clear(l);
	cpu_s = cpu_seconds();
	l->measures = true;
	run(l, seconds);
	delayed = live_phones_delayed(l);
	cpu_s = cpu_seconds() - cpu_s;
	l->measures = false;
	l->slow_sleeps = false;
	run(l, DRAIN_S); /* those who were slow read what they missed */
	(void)printf(
		"{\"turn\":\"%s\",\"calls\":%u,\"packets_sent\":%llu,\"packets_heard\":%llu,"
		"\"echoes\":%llu,\"calls_delayed\":%u,\"gaps\":%llu,\"round_trip_p50_ms\":%.1f,"
		"\"round_trip_p99_ms\":%.1f,\"round_trip_p999_ms\":%.1f,\"round_trip_max_ms\":%.1f,"
		"\"missed_frames_told\":%llu,\"connections\":%llu,\"load_cpu\":%.2f,"
		"\"load_late_max_ms\":%.1f}\n",
		name, live_phones_count(), (unsigned long long)l->sent,
		(unsigned long long)l->heard, (unsigned long long)l->echoes, delayed,
		(unsigned long long)l->delayed_packets, load_latency_us(&l->round_trip, 0.5) / 1000,
		load_latency_us(&l->round_trip, 0.99) / 1000,
		load_latency_us(&l->round_trip, 0.999) / 1000, (double)l->round_trip.max_ns / 1e6,
		(unsigned long long)(l->missed_frames - missed), (unsigned long long)l->connections,
		cpu_s / seconds, (double)l->round_max_ns / 1e6);
	(void)fflush(stdout);
}

/* The application listens meanwhile: calls connect to it before all callers are known. */
static void callers_read(struct live_load *l)
{
	struct live_ready none = { 0 };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &none }, events[EVENTS];
	char line[256], from[64], to[64];

	if (epoll_ctl(l->poll_fd, EPOLL_CTL_ADD, 0, &event))
		load_fail("stdin", errno);
	for (;;) {
		int n = epoll_wait(l->poll_fd, events, EVENTS, 100);

		l->now_ns = clock_now_ns();
		for (int i = 0; i < n; i++) {
			struct live_ready *r = events[i].data.ptr;

			if (r->ready) {
				r->ready(l, r, events[i].events);
				continue;
			}
			if (!fgets(line, sizeof(line), stdin) || line[0] == '\n')
				return;
			if (sscanf(line, "%63s %63s", from, to) != 2)
				load_fail("a line of stdin", EINVAL);
			live_phone_add(l, from, to);
		}
	}
}

int main(int argc, char **argv)
{
	static struct live_load load = { .gap_ns = GAP_MS * NS_PER_MS };
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 10;

	(void)prctl(PR_SET_TIMERSLACK, 1);
	(void)setvbuf(stdin, NULL, _IONBF, 0); /* what epoll says waits in the pipe */
	load.poll_fd = epoll_create1(EPOLL_CLOEXEC);
	(void)printf("%u\n", live_app_open(&load));
	(void)fflush(stdout);
	callers_read(&load);
	(void)epoll_ctl(load.poll_fd, EPOLL_CTL_DEL, 0, NULL);
	run(&load, 3);
	turn(&load, "all_read", seconds);
	load.slow_sleeps = true;
	turn(&load, "some_slow", seconds);
	return 0;
}
