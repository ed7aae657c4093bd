/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wall clock that never steps: the wall's time when it was opened, and from then on what CLOCK_BOOTTIME adds. Durations and deadlines
 * are on it, so that nobody who sets the machine's clock makes a call an hour longer or a registration run out. Records name it by a
 * mark, and another process finds by that how much its own differs. Pure; whoever shows a time to people adds steady_off_wall.
 */
#ifndef BASE_STEADY_H
#define BASE_STEADY_H

#include "base/clock.h"

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
