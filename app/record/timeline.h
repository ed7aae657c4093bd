/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the samples of one side's packets go in a file whose time is the time of arrival. The first packet of a source is anchored where it
 * arrived, and those that follow it go by their RTP timestamps: jitter moves nothing. Where timestamps and arrival are too far apart, where
 * the source or its numbers are others, or where a newer packet would cover an older one, the next anchor is set. Nothing overlaps: what
 * comes twice is left out, what comes late goes where it belongs.
 *
 * Positions are samples of the file. What nothing came for is a gap: told when no late packet can fill it any more, and only where packets
 * are missing by their numbers. A sender that is silent loses nothing. A value; pure.
 */
#ifndef APP_RECORD_TIMELINE_H
#define APP_RECORD_TIMELINE_H

#include <stdbool.h>

#include "media/rtp/seq.h"

enum {
	TIMELINE_BEHIND_S = 2, /* so late a packet still goes where it belongs */
	/* so far before the time it is heard, as after a network that stood still */
	TIMELINE_AHEAD_S = 2,
	TIMELINE_EARLY_MS = 500, /* timestamps run so far ahead before they are anchored anew */
	TIMELINE_EXTENTS = 32,
	TIMELINE_SPANS = 4,
};

/* Samples without a hole in between. */
struct timeline_extent {
	int64_t from, to;
	uint16_t first, last; /* RTP numbers at its two ends */
	uint16_t source;
};

/* Between at and at + n there is silence, because packets are missing. */
struct timeline_gap {
	int64_t at, n;
};
typedef void timeline_gap_fn(const struct timeline_gap *gap, void *arg);

struct timeline {
	timeline_gap_fn *gap;
	void *arg;
	uint32_t rate; /* of the file */
	bool anchored;
	uint32_t ssrc, clock_hz;
	uint32_t timestamp; /* whose position is base */
	int64_t base;
	int64_t settled; /* what lies before it changes no more */
	uint16_t source; /* how many there were */
	uint32_t count;
	struct timeline_extent extents[TIMELINE_EXTENTS];
	struct seq_count numbers;
	int64_t lost_before; /* of earlier sources */
	uint64_t crowded;    /* packets that had no place */
};

struct timeline_packet {
	int64_t arrival; /* where in the file it arrived */
	uint32_t ssrc, timestamp, clock_hz;
	uint16_t sequence;
	uint32_t samples; /* of the file; 0: an event, or what cannot be decoded */
};

/* n samples of the packet from skip on, at their position. */
struct timeline_span {
	int64_t at;
	uint32_t skip, n;
};

void timeline_open(struct timeline *t, uint32_t rate, timeline_gap_fn *gap, void *arg);
/* Where the packet goes: mostly one span; none for what was there already. */
uint32_t timeline_place(struct timeline *t, const struct timeline_packet *p,
			struct timeline_span out[TIMELINE_SPANS]);
/* What lies before `until` changes no more: its gaps are told. */
void timeline_settle(struct timeline *t, int64_t until);
/* Packets that are missing by their numbers. */
uint64_t timeline_lost(const struct timeline *t);

#endif
