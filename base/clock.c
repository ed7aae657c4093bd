/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

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

struct instant clock_instant(void)
{
	return (struct instant){ .ns = clock_now_ns(), .utc_ms = clock_utc_ms() };
}
