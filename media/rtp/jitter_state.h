/* SPDX-License-Identifier: Apache-2.0 */
/* What jitter.c, that takes packets, and jitter_play.c, that gives them, share. */
#ifndef MEDIA_RTP_JITTER_STATE_H
#define MEDIA_RTP_JITTER_STATE_H

#include "media/rtp/jitter.h"
#include "media/rtp/jitter_delay.h"
#include "media/rtp/seq.h"

enum { JITTER_NONE = UINT16_MAX };

/* A packet that waits. */
struct jitter_slot {
	uint64_t index; /* seq_unwrap of its number */
	int64_t at;     /* its timestamp, counted on */
	uint32_t timestamp, units;
	uint32_t length; /* of its payload */
	uint8_t payload_type;
	bool pauses;
};

/*
 * What each packet touches lies in front. The slot that was free last is taken first: where packets come in order it is mostly the same
 * one, and of a thousand buffers the cache keeps as many packets, and not sixteen times as many.
 */
struct jitter {
	uint32_t ssrc;
	uint32_t mask, kept;
	uint32_t newest;    /* as it was sent */
	uint64_t next;      /* index of the packet that is played next */
	uint64_t played;    /* bit n: next - 1 - n was played */
	int64_t newest_at;  /* timestamp of the newest number, counted on */
	int64_t play_at;    /* timestamp behind what was played or concealed; valid while playing */
	uint32_t frame;     /* units of the last packet played */
	uint32_t concealed; /* frames since a packet was played */
	uint32_t passed;    /* numbers that never came, before packets without sound */
	bool hushed;        /* packets without sound came since: what is missing may be no sound */
	bool begun;         /* a packet was played */
	bool playing;       /* false: silence goes before the next one */
	int64_t paced_at;
	int64_t calm_at; /* the delay was about what is wanted */
	struct jitter_settings settings;
	struct seq_count numbers;
	struct jitter_delay delay;
	struct jitter_counts counts;
	struct jitter_slot *slots;
	uint8_t *octets;
	uint16_t *places; /* by index: number of its slot, or JITTER_NONE */
	uint16_t *unused; /* a stack of slots */
	uint32_t unused_n;
};

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

	return n != JITTER_NONE && j->slots[n].index == index ? &j->slots[n] : NULL;
}

static inline uint8_t *jitter_octets_of(struct jitter *j, const struct jitter_slot *s)
{
	return j->octets + (size_t)(s - j->slots) * j->settings.octets;
}

/* Its octets stay until the next one takes the slot. */
static inline void jitter_slot_give(struct jitter *j, struct jitter_slot *s)
{
	j->places[s->index & j->mask] = JITTER_NONE;
	j->unused[j->unused_n++] = (uint16_t)(s - j->slots);
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
