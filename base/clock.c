/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <assert.h>
#include <time.h>

static uint64_t read_ns(clockid_t id)
{
	struct timespec ts;
	int err = clock_gettime(id, &ts);

	assert(err == 0); /* fails only for a clock this kernel does not have */
	(void)err;
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t clock_now_ns(void)
{
	return read_ns(CLOCK_BOOTTIME);
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
