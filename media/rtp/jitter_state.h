/* SPDX-License-Identifier: Apache-2.0 */
/* What jitter.c, that takes packets, and jitter_play.c, that gives them, share. */
#ifndef MEDIA_RTP_JITTER_STATE_H
#define MEDIA_RTP_JITTER_STATE_H

#include "media/rtp/jitter.h"
#include "media/rtp/jitter_delay.h"
#include "media/rtp/seq.h"

enum {
	JITTER_NONE = UINT16_MAX,
	JITTER_LINE = 64,
	JITTER_FEW = 16, /* slots that are counted in the struct itself */
};

/* A packet that waits; its octets are behind it. */
struct jitter_slot {
	uint64_t index; /* seq_unwrap of its number */
	int64_t at;     /* its timestamp, counted on */
	uint32_t timestamp, units;
	uint16_t length; /* of its payload */
	uint16_t number; /* of this slot */
	uint8_t payload_type;
	bool pauses;
};

/*
 * What each packet touches lies in front, and the slots directly behind. The slot that was free last is taken first: where packets come in
 * order that is the first one, again and again. So of a thousand buffers the cache keeps one piece each, which is asked for at once.
 */
struct jitter {
	uint32_t ssrc;
	uint32_t mask, kept;
	uint32_t newest;   /* as it was sent */
	uint64_t next;     /* index of the packet that is played next */
	uint64_t played;   /* bit n: next - 1 - n was played */
	int64_t newest_at; /* timestamp of the newest number, counted on */
	int64_t play_at;   /* timestamp behind what was played or concealed; valid while playing */
	uint32_t frame;    /* units of the last packet played */
	uint32_t step, step_of; /* jitter_step, of packets of so many units */
	uint32_t concealed;     /* frames since a packet was played */
	uint32_t passed;        /* numbers that never came, before packets without sound */
	uint32_t unused_n;
	bool hushed;      /* packets without sound came since: what is missing may be no sound */
	bool begun;       /* a packet was played */
	bool playing;     /* false: silence goes before the next one */
	uint32_t stride;  /* from slot to slot */
	uint16_t *places; /* by index: number of its slot, or JITTER_NONE */
	uint16_t *unused; /* a stack of slots */
	int64_t paced_at;
	int64_t calm_at; /* the delay was about what is wanted */
	uint16_t few[2 * JITTER_FEW];
	struct jitter_settings settings;
	struct seq_count numbers;
	struct jitter_counts counts;
	struct jitter_delay delay;
} CACHE_ALIGNED;

static inline struct jitter_slot *jitter_slot(const struct jitter *j, uint16_t n)
{
	return (struct jitter_slot *)(void *)((char *)(uintptr_t)(j + 1) + (size_t)n * j->stride);
}

static inline int64_t jitter_units(const struct jitter *j, uint64_t ns)
{
	uint64_t s = ns / 1000000000, rest = ns % 1000000000;

	return (int64_t)(s * j->settings.clock_hz + rest * j->settings.clock_hz / 1000000000);
}

static inline uint32_t jitter_units_of_ms(const struct jitter *j, uint32_t ms)
{
	return j->settings.clock_hz / 1000 * ms;
}

/* NULL: that packet does not wait. */
static inline struct jitter_slot *jitter_find(struct jitter *j, uint64_t index)
{
	uint16_t n = j->places[index & j->mask];

	return n != JITTER_NONE && jitter_slot(j, n)->index == index ? jitter_slot(j, n) : NULL;
}

static inline uint8_t *jitter_octets_of(const struct jitter_slot *s)
{
	return (uint8_t *)(uintptr_t)(s + 1);
}

/* Its octets stay until the next one takes the slot. */
static inline void jitter_slot_give(struct jitter *j, struct jitter_slot *s)
{
	j->places[s->index & j->mask] = JITTER_NONE;
	j->unused[j->unused_n++] = s->number;
	j->kept--;
}

/* The next is the one behind this, whatever became of it. */
static inline void jitter_pass(struct jitter *j, uint64_t index, bool played)
{
	uint64_t by = index + 1 - j->next;

	j->played = by < 64 ? j->played << by | played : played;
	j->next = index + 1;
}

/* Frees all before index that are there. */
void jitter_drop_before(struct jitter *j, uint64_t index);

#endif
