/* SPDX-License-Identifier: Apache-2.0 */
/* What jitter.c, that takes packets, and jitter_play.c, that gives them, share. */
#ifndef MEDIA_RTP_JITTER_STATE_H
#define MEDIA_RTP_JITTER_STATE_H

#include "media/rtp/jitter.h"
#include "media/rtp/jitter_delay.h"
#include "media/rtp/seq.h"

struct jitter_slot {
	uint64_t index; /* seq_unwrap of its number */
	int64_t at;     /* its timestamp, counted on */
	uint32_t timestamp, units;
	uint32_t length; /* of its payload */
	uint8_t payload_type;
	bool used, pauses;
};

struct jitter {
	struct jitter_settings settings;
	struct jitter_counts counts;
	struct jitter_delay delay;
	struct seq_count numbers;
	uint32_t ssrc;
	uint32_t mask, kept;
	uint64_t next;     /* index of the packet that is played next */
	uint64_t played;   /* bit n: next - 1 - n was played */
	int64_t newest_at; /* timestamp of the newest number, counted on */
	uint32_t newest;   /* as it was sent */
	int64_t play_at;   /* timestamp behind what was played or concealed; valid while playing */
	int64_t paced_at;
	int64_t calm_at;    /* the delay was about what is wanted */
	uint32_t frame;     /* units of the last packet played */
	uint32_t concealed; /* frames since a packet was played */
	uint32_t passed;    /* numbers that never came, before packets without sound */
	bool hushed;        /* packets without sound came since: what is missing may be no sound */
	bool begun;         /* a packet was played */
	bool playing;       /* false: silence goes before the next one */
	struct jitter_slot *slots;
	uint8_t *octets;
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

static inline struct jitter_slot *jitter_slot_of(struct jitter *j, uint64_t index)
{
	return &j->slots[index & j->mask];
}

static inline uint8_t *jitter_octets_of(struct jitter *j, uint64_t index)
{
	return j->octets + (index & j->mask) * j->settings.octets;
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
