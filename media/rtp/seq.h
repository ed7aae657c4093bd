/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTP sequence numbers: 48-bit index (RFC 3711 3.3.1), and what was expected, received and lost
 * (RFC 3550 A.1, A.3).
 */
#ifndef MEDIA_RTP_SEQ_H
#define MEDIA_RTP_SEQ_H

#include "base/compiler.h"

enum {
	SEQ_DROPOUT_MAX = 3000, /* a larger gap is a jump */
	SEQ_MISORDER_MAX = 100, /* packets older than that are a jump too */
};

/* seq_unwrap of one that is not ahead. */
uint64_t seq_unwrap_back(uint64_t highest, uint16_t sequence);

/* The 48-bit index nearest to `highest` that has `sequence` as its lower 16 bits; modulo 2^48. */
static inline uint64_t seq_unwrap(uint64_t highest, uint16_t sequence)
{
	uint16_t ahead = (uint16_t)(sequence - (uint16_t)highest);

	if (UNLIKELY(ahead > INT16_MAX))
		return seq_unwrap_back(highest, sequence);
	return (highest + ahead) & (BIT64(48) - 1);
}

enum seq_step {
	SEQ_FORWARD, /* next, or after a gap */
	SEQ_LATE,    /* reordered or repeated */
	SEQ_JUMP,    /* far away: not counted unless the very next packet follows it */
	SEQ_RESTART, /* it followed: the source began anew, and the count with it */
};

/* One SSRC. Zero-initialised is "nothing received". Unlike A.1 there is no probation: the source
 * was accepted before (latch), and the first packet of a call must not be lost. */
struct seq_count {
	uint64_t highest;      /* 48-bit index */
	uint32_t received;     /* this and the other counts: modulo 2^32 */
	uint16_t follows_jump; /* valid with jumped */
	uint8_t jumped;
	uint8_t started;
	uint64_t base;                             /* index of the first packet of this run */
	uint32_t expected_before, received_before; /* in earlier runs */
	uint32_t expected_prior, received_prior;   /* at the last report */
};

/* What is not ordinary. */
enum seq_step seq_update_odd(struct seq_count *s, uint16_t sequence);

static inline enum seq_step seq_update(struct seq_count *s, uint16_t sequence)
{
	uint16_t ahead = (uint16_t)(sequence - (uint16_t)s->highest);

	if (UNLIKELY(!s->started || ahead == 0 || ahead >= SEQ_DROPOUT_MAX))
		return seq_update_odd(s, sequence);
	s->received++;
	s->highest += ahead;
	return SEQ_FORWARD;
}

/* Over all runs. Negative where packets came twice. */
int64_t seq_lost(const struct seq_count *s);
/* seq_lost for a report block: clamped to 24 bits, two's complement (RFC 3550 A.3). */
uint32_t seq_lost_24(const struct seq_count *s);
/* Since the last call, in 1/256 (RFC 3550 6.4.1). */
uint8_t seq_fraction_lost(struct seq_count *s);
/* Of this run, for a report block: cycles in the upper half. */
uint32_t seq_extended_highest(const struct seq_count *s);

/* Interarrival jitter (RFC 3550 6.4.1, A.8) as integer arithmetic. */

/* One SSRC. Zero-initialised is "nothing received". */
struct arrival_jitter {
	uint64_t scaled; /* 16 times the estimate, in timestamp units */
	/* Of the packet before: arrival - timestamp, in timestamp units modulo 2^32. */
	uint32_t transit;
	uint32_t clock_hz; /* 0: nothing received */
};

/* A packet's arrival in units of its payload type's clock, wrapping like timestamps. arrival_ns:
 * any clock that never steps. */
uint32_t jitter_arrival(uint64_t arrival_ns, uint32_t clock_hz);

/* timestamp: of the RTP head; clock_hz: not 0; another clock begins anew. Packets of a telephone
 * event share one timestamp and so raise the estimate, as RFC 4733 2.5.2.2 wants it in a report; it
 * does not affect the audio. */
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
