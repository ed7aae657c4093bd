/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that asks the kernel for the time. Everyone else is given it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

/* CLOCK_BOOTTIME in ns: never steps, goes on through suspend. */
uint64_t clock_now_ns(void);
/* Wall clock, ms since 1970 UTC: for records and logs only. */
uint64_t clock_utc_ms(void);
/* CPU time of the calling thread and of the process, ns. */
uint64_t clock_thread_cpu_ns(void);
uint64_t clock_process_cpu_ns(void);

/* Both clocks of one moment, handed to pure code. */
struct instant {
	uint64_t ns;     /* clock_now_ns */
	uint64_t utc_ms; /* clock_utc_ms */
};
struct instant clock_instant(void);

#endif
