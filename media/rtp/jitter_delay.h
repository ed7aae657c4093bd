/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long to wait for packets. The quickest of the last ten seconds is the floor; it follows a sender whose clock is not ours. How much
 * later than the floor the others came is in a histogram that forgets, and its 99th percentile is the delay that is wanted. All
 * times are in units of the RTP clock.
 */
#ifndef MEDIA_RTP_JITTER_DELAY_H
#define MEDIA_RTP_JITTER_DELAY_H

#include <stdint.h>

enum {
	JITTER_BINS = 128,
	JITTER_BIN_MS = 5, /* the last bin has all that is later */
	JITTER_FLOORS = 10,
};

struct jitter_delay {
	int64_t floor;       /* the least of arrival less timestamp */
	int64_t floor_until; /* the arrival that the present one of floors ends with */
	uint32_t floor_at;
	uint32_t clock_hz;
	uint32_t min, max;
	uint32_t bin; /* that the percentile is in */
	float below;  /* in all bins before it */
	float total;
	float next;                    /* what the next packet counts */
	int64_t floors[JITTER_FLOORS]; /* of a second each */
	float bins[JITTER_BINS];
};

/* start: what it is until packets say otherwise. */
void jitter_delay_open(struct jitter_delay *d, uint32_t clock_hz, uint32_t min, uint32_t start,
		       uint32_t max);
/* What came before has another clock: the floor begins anew; how late packets are, in the end, is kept. */
void jitter_delay_rebase(struct jitter_delay *d, int64_t arrival, int64_t timestamp);
/* A packet of so many units. */
void jitter_delay_note(struct jitter_delay *d, int64_t arrival, int64_t timestamp, uint32_t units);
uint32_t jitter_delay_target(const struct jitter_delay *d);

#endif
