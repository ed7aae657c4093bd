/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded before the C library (LD_PRELOAD), so that a test can step the wall clock of a process: to CLOCK_REALTIME, gettimeofday and time
 * are added as many seconds as the file STEP_CLOCK has, a binary int64_t that all processes share and that may change at any time. Other
 * clocks are the kernel's. It calls nothing of the C library but getenv, open and mmap, for it runs before malloc is there.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const _Atomic int64_t *g_step_s;

__attribute__((constructor)) static void step_clock_open(void)
{
	const char *path = getenv("STEP_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *at =
		fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*g_step_s), PROT_READ, MAP_SHARED, fd, 0);

	if (fd >= 0)
		(void)close(fd);
	if (at == MAP_FAILED)
		abort();
	g_step_s = at;
}

static int64_t step_s(void)
{
	return g_step_s ? atomic_load_explicit(g_step_s, memory_order_relaxed) : 0;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *now)
{
	long err = syscall(SYS_clock_gettime, id, now);

	if (err == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		now->tv_sec += step_s();
	return (int)err;
}

__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict now,
							void *restrict zone)
{
	struct timespec at;

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &at);
	*now = (struct timeval){ .tv_sec = at.tv_sec, .tv_usec = at.tv_nsec / 1000 };
	return 0;
}

__attribute__((visibility("default"))) time_t time(time_t *out)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}
