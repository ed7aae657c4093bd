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
/*
 * For tests that must see minutes pass: from origin_ns on (CLOCK_BOOTTIME of the kernel) clock_now_ns runs `rate` times as fast. Processes
 * with the same two values agree. The wall clock stays what it is, for Redis has it too. Once, before there are threads. Rates of 1 to 100;
 * a rate of 1 is the kernel's time.
 */
void clock_scale(uint32_t rate, uint64_t origin_ns);
/* Reads "RATE@ORIGIN_NS", as TANDEM_CLOCK has it. NULL: nothing was asked for. 0 or -EINVAL. */
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

/*
 * A wall clock that never steps: the wall's time when it was opened, and from then on what CLOCK_BOOTTIME adds. Durations and deadlines
 * are on it, so that nobody who sets the machine's clock makes a call an hour longer or a registration run out. Records name it by a
 * mark, and another process finds by that how much its own differs. Pure; whoever shows a time to people adds steady_off_wall.
 */

struct steady {
	uint64_t boot;     /* of which start of the machine ns are (clock_boot); 0: not known */
	int64_t offset_ms; /* UTC - CLOCK_BOOTTIME, for ever */
};

/* What a record says of the clock its times are of. All zero: it says nothing. */
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
/* What makes times of the mark's clock times of ours. The same start of the machine: exact, whatever the walls showed. Else by the wall: as
 * if at most a day had passed, and no time where it went back. */
int64_t steady_shift(const struct steady *s, const struct steady_mark *m, uint64_t ns);
/* utc_ms + ms; 0 stays 0, and nothing else becomes it. */
uint64_t steady_add(uint64_t utc_ms, int64_t ms);

#endif
