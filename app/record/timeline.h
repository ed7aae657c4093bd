/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places samples of one side's packets in a file with time of arrival. The first packet of a source
 * is anchored at its arrival, and the following ones go by their RTP timestamps: jitter moves
 * nothing. A new anchor is set when timestamps and arrival differ too much, when source or sequence
 * numbers change, or when a newer packet would cover an older one. Nothing overlaps: duplicates are
 * left out, late packets go to their place.
 *
 * Positions are samples of the file. Missing samples are a gap, which is reported when no late
 * packet can fill it any more, and only if packets are missing by their sequence numbers: a silent
 * sender loses nothing. A value; pure.
 */
#ifndef APP_RECORD_TIMELINE_H
#define APP_RECORD_TIMELINE_H

#include <stdbool.h>

#include "media/rtp/seq.h"

enum {
	TIMELINE_BEHIND_S = 2, /* so late a packet still goes where it belongs */
	/* so far ahead of its arrival a packet may go, as after an outage of the network */
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

/* Silence between at and at + n for missing packets. */
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
	uint32_t timestamp; /* with position base */
	int64_t base;
	int64_t settled; /* positions before it change no more */
	uint16_t source; /* number of sources so far */
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
/* Spans for the packet: mostly one; none for a duplicate. */
uint32_t timeline_place(struct timeline *t, const struct timeline_packet *p,
			struct timeline_span out[TIMELINE_SPANS]);
/* Samples before `until` change no more: reports their gaps. */
void timeline_settle(struct timeline *t, int64_t until);
/* Packets that are missing by their numbers. */
uint64_t timeline_lost(const struct timeline *t);

#endif
