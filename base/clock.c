/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/hash.h"

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
