/* SPDX-License-Identifier: Apache-2.0 */
/* Interarrival jitter (RFC 3550 6.4.1, A.8) as integer arithmetic. */
#ifndef MEDIA_RTP_REPORT_H
#define MEDIA_RTP_REPORT_H

#include "base/compiler.h"

/* One SSRC. Zero-initialised is "nothing received". */
struct arrival_jitter {
	uint64_t scaled; /* 16 times the estimate, in timestamp units */
	uint32_t
		transit; /* of the packet before: arrival - timestamp, in timestamp units modulo 2^32 */
	uint32_t clock_hz; /* 0: nothing received */
};

/* When a packet came, in units of its payload type's clock, which wrap as timestamps do. arrival_ns: of any clock that never steps. */
uint32_t jitter_arrival(uint64_t arrival_ns, uint32_t clock_hz);

/* timestamp: of the RTP head; clock_hz: not 0; another clock begins anew. The packets of a telephone event share one timestamp and so raise
 * the estimate, which RFC 4733 2.5.2.2 wants in a report; for the ear it means nothing. */
static inline void jitter_update_at(struct arrival_jitter *j, uint32_t arrival, uint32_t timestamp,
				    uint32_t clock_hz)
{
	uint32_t transit = arrival - timestamp;
	uint32_t difference = transit - j->transit;

	j->transit = transit;
	if (UNLIKELY(j->clock_hz != clock_hz)) {
		j->clock_hz = clock_hz;
		j->scaled = 0;
		return;
	}
	if (difference > INT32_MAX) /* negative: its absolute value */
		difference = -difference;
	j->scaled += difference;
	j->scaled -= (j->scaled - difference + 8) >> 4;
}

/* For a report block: timestamp units. */
uint32_t jitter_timestamp_units(const struct arrival_jitter *j);
/* 0 where nothing was received. */
uint32_t jitter_us(const struct arrival_jitter *j);

#endif
