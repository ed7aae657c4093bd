/* SPDX-License-Identifier: Apache-2.0 */
#include "media/report.h"

#include <assert.h>

#define NS_PER_S UINT64_C(1000000000)

/* Wraps as timestamps do. */
static uint32_t in_timestamp_units(uint64_t ns, uint32_t clock_hz)
{
	return (uint32_t)(ns / NS_PER_S * clock_hz + ns % NS_PER_S * clock_hz / NS_PER_S);
}

void jitter_update(struct jitter *j, uint64_t arrival_ns, uint32_t timestamp, uint32_t clock_hz)
{
	uint32_t transit = in_timestamp_units(arrival_ns, clock_hz) - timestamp;
	uint32_t difference = transit - j->transit;

	assert(clock_hz > 0);
	j->transit = transit;
	if (!j->started || j->clock_hz != clock_hz) {
		j->started = 1;
		j->clock_hz = clock_hz;
		j->scaled = 0;
		return;
	}
	if (difference > INT32_MAX) /* negative: its absolute value */
		difference = -difference;
	j->scaled += difference;
	j->scaled -= (j->scaled - difference + 8) >> 4;
}

uint32_t jitter_timestamp_units(const struct jitter *j)
{
	return (uint32_t)(j->scaled >> 4);
}

uint32_t jitter_us(const struct jitter *j)
{
	uint64_t us = j->started ? (j->scaled >> 4) * 1000000 / j->clock_hz : 0;

	return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}
