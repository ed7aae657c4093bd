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
/* For tests in which minutes pass: from origin_ns on (the kernel's CLOCK_BOOTTIME) clock_now_ns
 * runs `rate` times as fast, and processes with the same two values agree. The wall clock is
 * unchanged, because Redis uses it, too. Called once, before threads start. Rates of 1 to 100; a
 * rate of 1 is the kernel's time. */
void clock_scale(uint32_t rate, uint64_t origin_ns);
/* Reads "RATE@ORIGIN_NS", the form of TANDEM_CLOCK. NULL is fine and changes nothing. Returns 0 or
 * -EINVAL. */
int clock_scale_by(const char *text);
/* A time of clock_now_ns as the kernel's timers want it; UINT64_MAX stays that. */
uint64_t clock_to_kernel(uint64_t ns);
/* Names the start of the machine that clock_now_ns is of, and the time namespace; 0: not known. */
uint64_t clock_boot(void);
/* CPU time of the calling thread and of the process, ns. */
uint64_t clock_thread_cpu_ns(void);
uint64_t clock_process_cpu_ns(void);

/* Both clocks of one moment, handed to pure code. */
struct instant {
	uint64_t ns;     /* clock_now_ns */
	uint64_t utc_ms; /* clock_utc_ms */
};
struct instant clock_instant(void);

/* A wall clock that never steps: the wall time when it was opened, plus what CLOCK_BOOTTIME adds.
 * Durations and deadlines use it, so that setting the machine's clock neither makes a call an hour
 * longer nor expires a registration. Records name it by a mark, from which another process computes
 * the difference of its own clock. Pure. Add steady_off_wall before a time is shown to people. */

struct steady {
	uint64_t boot;     /* of which start of the machine ns are (clock_boot); 0: not known */
	int64_t offset_ms; /* UTC - CLOCK_BOOTTIME, for ever */
};

/* A record's mark of the clock of its times. All zero: unknown. */
struct steady_mark {
	uint64_t boot;
	int64_t offset_ms;
	uint64_t utc_ms; /* of this clock, when the record was written */
};

void steady_open(struct steady *s, uint64_t boot, struct instant now);
uint64_t steady_utc_ms(const struct steady *s, uint64_t ns);
/* What the wall shows more than this clock. */
int64_t steady_off_wall(const struct steady *s, struct instant now);
struct steady_mark steady_mark(const struct steady *s, uint64_t ns);
/* What turns times of the mark's clock into times of ours. Exact within the same start of the
 * machine. Otherwise by the wall clock: as if at most a day had passed, and no time at all where
 * the wall clock went back. */
int64_t steady_shift(const struct steady *s, const struct steady_mark *m, uint64_t ns);
/* utc_ms + ms; 0 stays 0, and nothing else becomes it. */
uint64_t steady_add(uint64_t utc_ms, int64_t ms);

#endif
