/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rtp/report.h"

#include "base/clock.h"

uint32_t jitter_arrival(uint64_t arrival_ns, uint32_t clock_hz)
{
	return (uint32_t)(arrival_ns / NS_PER_S * clock_hz +
			  arrival_ns % NS_PER_S * clock_hz / NS_PER_S);
}

uint32_t jitter_timestamp_units(const struct arrival_jitter *j)
{
	return (uint32_t)(j->scaled >> 4);
}

uint32_t jitter_us(const struct arrival_jitter *j)
{
	uint64_t us = j->clock_hz ? (j->scaled >> 4) * 1000000 / j->clock_hz : 0;

	return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}
