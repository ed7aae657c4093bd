/* SPDX-License-Identifier: Apache-2.0 */
/* Interarrival jitter (RFC 3550 6.4.1, A.8) as integer arithmetic. */
#ifndef MEDIA_REPORT_H
#define MEDIA_REPORT_H

#include <stdint.h>

/* One SSRC. Zero-initialised is "nothing received". */
struct jitter {
	uint64_t scaled; /* 16 times the estimate, in timestamp units */
	uint32_t transit;
	uint32_t clock_hz;
	uint8_t started;
};

/* Another clock begins anew. The packets of a telephone event share one timestamp and so raise the estimate, which
 * RFC 4733 2.5.2.2 wants in a report; for the ear it means nothing. */
void jitter_update(struct jitter *j, uint64_t arrival_ns, uint32_t timestamp, uint32_t clock_hz);
/* For a report block: timestamp units. */
uint32_t jitter_timestamp_units(const struct jitter *j);
uint32_t jitter_us(const struct jitter *j);

#endif
