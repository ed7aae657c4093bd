/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only file that asks the kernel for the time; every other function gets the time as an
 * argument, so tests can choose it. Deadlines use CLOCK_BOOTTIME, which never steps. Durations that
 * must survive a restart or move to another node use the steady clock (struct steady): wall time at
 * the start plus elapsed CLOCK_BOOTTIME, with a mark in each record that lets another process
 * convert it. TANDEM_CLOCK makes the clock run faster in tests.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/table.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static int64_t ms_of(uint64_t ns)
{
	return (int64_t)(ns / NS_PER_MS);
}

void steady_open(struct steady *s, uint64_t boot, struct instant now)
{
	*s = (struct steady){ .boot = boot, .offset_ms = (int64_t)now.utc_ms - ms_of(now.ns) };
}

uint64_t steady_utc_ms(const struct steady *s, uint64_t ns)
{
	return (uint64_t)(s->offset_ms + ms_of(ns));
}

int64_t steady_off_wall(const struct steady *s, struct instant now)
{
	return (int64_t)now.utc_ms - (int64_t)steady_utc_ms(s, now.ns);
}

struct steady_mark steady_mark(const struct steady *s, uint64_t ns)
{
	return (struct steady_mark){ .boot = s->boot,
				     .offset_ms = s->offset_ms,
				     .utc_ms = steady_utc_ms(s, ns) };
}

int64_t steady_shift(const struct steady *s, const struct steady_mark *m, uint64_t ns)
{
	int64_t now = (int64_t)steady_utc_ms(s, ns), then = (int64_t)m->utc_ms, passed;

	if (m->utc_ms == 0 || m->utc_ms > INT64_MAX / 2)
		return 0;
	if (m->boot && m->boot == s->boot && m->offset_ms + ms_of(ns) >= then)
		return s->offset_ms - m->offset_ms;
	passed = now - then;
	if (passed < 0)
		passed = 0;
	if (passed > DAY_MS)
		passed = DAY_MS;
	return now - then - passed;
}

uint64_t steady_add(uint64_t utc_ms, int64_t ms)
{
	if (utc_ms == 0)
		return 0;
	if (ms < 0 && utc_ms <= (uint64_t)-ms)
		return 1;
	return utc_ms + (uint64_t)ms;
}

static uint64_t read_ns(clockid_t id)
{
	struct timespec ts;
	int err = clock_gettime(id, &ts);

	assert(err == 0); /* fails only for a clock this kernel does not have */
	(void)err;
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

enum { RATE_MAX = 100 };

static struct {
	uint64_t rate, origin_ns;
} g_scale = { .rate = 1 };

void clock_scale(uint32_t rate, uint64_t origin_ns)
{
	assert(rate >= 1 && rate <= RATE_MAX);
	g_scale.rate = rate;
	g_scale.origin_ns = origin_ns;
}

int clock_scale_by(const char *text)
{
	char *end;
	unsigned long rate;
	unsigned long long origin_ns;

	if (!text)
		return 0;
	errno = 0;
	rate = strtoul(text, &end, 10);
	if (end == text || *end != '@' || rate < 1 || rate > RATE_MAX)
		return -EINVAL;
	text = end + 1;
	origin_ns = strtoull(text, &end, 10);
	if (end == text || *end || errno || origin_ns > read_ns(CLOCK_BOOTTIME))
		return -EINVAL;
	clock_scale((uint32_t)rate, origin_ns);
	return 0;
}

uint64_t clock_now_ns(void)
{
	uint64_t ns = read_ns(CLOCK_BOOTTIME);

	return g_scale.rate == 1 ? ns : ns + (ns - g_scale.origin_ns) * (g_scale.rate - 1);
}

uint64_t clock_to_kernel(uint64_t ns)
{
	if (g_scale.rate == 1 || ns == UINT64_MAX || ns <= g_scale.origin_ns)
		return ns;
	/* late rather than early: an early timer finds nothing due and is set again */
	return g_scale.origin_ns + (ns - g_scale.origin_ns + g_scale.rate - 1) / g_scale.rate;
}

uint64_t clock_utc_ms(void)
{
	return read_ns(CLOCK_REALTIME) / NS_PER_MS;
}

uint64_t clock_thread_cpu_ns(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t clock_process_cpu_ns(void)
{
	return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static size_t clock_read_some(const char *path, uint8_t *out, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, cap);

	if (fd >= 0)
		(void)close(fd);
	return n > 0 ? (size_t)n : 0;
}

/* A container may have a CLOCK_BOOTTIME of its own (time_namespaces(7)). */
uint64_t clock_boot(void)
{
	static const struct hash_key key = { 0 };
	uint8_t text[512];
	size_t n = clock_read_some("/proc/sys/kernel/random/boot_id", text, sizeof(text) / 2);
	uint64_t boot;

	if (n == 0)
		return 0;
	n += clock_read_some("/proc/self/timens_offsets", text + n, sizeof(text) - n);
	boot = hash_sip(&key, bytes_mem(text, n));
	return boot ? boot : 1;
}

struct instant clock_instant(void)
{
	return (struct instant){ .ns = clock_now_ns(), .utc_ms = clock_utc_ms() };
}
