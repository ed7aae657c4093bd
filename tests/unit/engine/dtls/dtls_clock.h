/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL times its retransmissions by gettimeofday(3). This one takes its place in a test, so that time is what the test says. */
#ifndef TESTS_UNIT_ENGINE_DTLS_DTLS_CLOCK_H
#define TESTS_UNIT_ENGINE_DTLS_DTLS_CLOCK_H

#include <sys/time.h>

#include "base/clock.h"

static uint64_t g_now_ns = 1000 * NS_PER_S;

#pragma GCC visibility push(default)
int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	(void)tz;
	tv->tv_sec = (time_t)(g_now_ns / NS_PER_S);
	tv->tv_usec = (suseconds_t)(g_now_ns % NS_PER_S / NS_PER_US);
	return 0;
}
#pragma GCC visibility pop

#endif
