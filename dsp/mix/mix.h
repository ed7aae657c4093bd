/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conference's sound: members at one rate, tick by tick (mix_tick). In each tick the caller notes
 * which members speak (mix_note), has places assigned (mix_rank), decodes only those with a place
 * and puts their frames (mix_put), and has the sum made (mix_sum). mix_input then is what a member
 * hears: the shared frame, or a frame of its own if it talks or is coached. Members that hear the
 * shared frame may share its payloads.
 *
 * With MIX_TALKERS_ALL every member that is put is heard, and places tell who is the loudest.
 * Everything is added once, and a member's own frame is made when asked for: the sum less what it
 * said. So the cost is the same for many members in one room or a few in each of many.
 *
 * Memory is allocated at open only. One thread at a time uses a mix. A member costs nothing in a
 * tick in which it sends nothing.
 */
#ifndef DSP_MIX_MIX_H
#define DSP_MIX_MIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "dsp/wide.h"

enum {
	MIX_MEMBERS_MAX = 2000,
	MIX_TALKERS_MAX = 8,
	MIX_TALKERS_ALL = 255,
	MIX_SAMPLES_MAX = 960, /* 20 ms at 48000 Hz */
	MIX_GAIN_DB_MAX = 15,  /* both ways */
	MIX_NOBODY = UINT32_MAX,
};

struct mix_settings {
	uint32_t members; /* at most */
	uint32_t rate;    /* 8000, 16000 or 48000 Hz */
	uint32_t tick_ms; /* 10 or 20; 0: 20 */
	uint32_t talkers; /* heard at once; 0: 3; MIX_TALKERS_ALL: no matter how many */
	uint32_t hold_ms; /* a pause that keeps the place; 0: 500 */
	bool seams; /* a member that becomes audible or silent within a word fades over 5 ms */
	bool lent;  /* it has no space of its own: mix_lend comes before each mix_tick */
};

struct mix;
struct limiter;
/* Working frames. Mixes that one thread uses may share them, which keeps them in the cache. */
struct mix_space;

struct mix_space *mix_space_open(void) NODISCARD; /* NULL: no memory */
void mix_space_close(struct mix_space *space);    /* NULL is fine */

/* 0, -EINVAL, -ENOMEM */
int mix_open(struct mix **out, const struct mix_settings *s) NODISCARD;
void mix_close(struct mix *m);                            /* NULL is fine */
uint32_t mix_samples(const struct mix *m);                /* of a frame */
struct mix_settings mix_settings_of(const struct mix *m); /* with defaults */

/* A member hears all and is heard by all: that is to barge in, too. 0 and its number; -ENOSPC. */
int mix_join(struct mix *m, uint32_t *member) NODISCARD;
/* The member that it coached loses a coach; a coach of this member is heard by nobody until it
 * coaches another. */
void mix_leave(struct mix *m, uint32_t member);
/* A listener that never speaks is muted. */
void mix_mute(struct mix *m, uint32_t member, bool muted);
void mix_deafen(struct mix *m, uint32_t member, bool deaf);
/* How loud others hear it; fades over one tick, so nothing clicks. -EINVAL: more than
 * MIX_GAIN_DB_MAX. */
int mix_gain(struct mix *m, uint32_t member, int db) NODISCARD;
/* From now on one member alone hears the coach; MIX_NOBODY: all do again. Returns 0, or -EINVAL if
 * that member is the coach. */
int mix_coach(struct mix *m, uint32_t coach, uint32_t of_party) NODISCARD;

/* It speaks, at level -dBov: by voice_frame, or undecoded by its packet's header (RFC 6464 3). */
void mix_note(struct mix *m, uint32_t member, uint8_t level);
/* What a tick touches is on its way to the cache. */
void mix_fetch(const struct mix *m);
void mix_fetch_member(const struct mix *m, uint32_t member);
/* The frame that was put. */
void mix_fetch_input(const struct mix *m, uint32_t member);
/* From now on it uses that space. mix_shared is valid until another mix makes its sum there. */
void mix_lend(struct mix *m, struct mix_space *space);
/* Begins a tick. */
void mix_tick(struct mix *m);
/* Members with places: to be decoded, unless all are; at most 2 * MIX_TALKERS_MAX. Coaches have
 * places of their own. */
uint32_t mix_rank(struct mix *m, uint32_t members[2 * MIX_TALKERS_MAX]);
/* A frame of a member with a place; it must stay valid until the next mix_tick. Frames of other
 * members are ignored. */
void mix_put(struct mix *m, uint32_t member, const int16_t *pcm);
/* Sound of no member that all hear: a sound, or an application. Added to this tick, before
 * mix_sum. */
void mix_guest(struct mix *m, const int16_t *pcm);
/* Ends a tick. False: there is nothing for all, shared frames are silent. */
bool mix_sum(struct mix *m);
/* Behind it: what all hear, less what one guest has added. limiter: that guest's. */
void mix_minus_guest(const struct mix *m, const int16_t *pcm, struct limiter *limiter,
		     int16_t *out);

struct mix_input {
	/* NULL: it hears nothing. Valid until the next mix_input with that space, or mix_tick. */
	const int16_t *pcm;
	bool shared; /* it is what all others hear */
};

/* With mix_is_apart, the same for each call in a tick. */
struct mix_input mix_input(struct mix *m, uint32_t member);
bool mix_is_deaf(const struct mix *m, uint32_t member);
/* What all others hear. */
const int16_t *mix_shared(const struct mix *m);
/* It hears a frame of its own: as a talker, or coached. */
bool mix_is_apart(const struct mix *m, uint32_t member);
/* One of them after the other; at is 0 at first. False: those were all. */
bool mix_apart(const struct mix *m, uint32_t *at, uint32_t *member);

/* Frames of samples, and sums of them in 32 bits: as many as there are members fit into these. */

void sum_add(int32_t *sum, const int32_t *in, uint32_t n);
void sum_less(const int32_t *sum, const int32_t *in, int32_t *out, uint32_t n);

/* Decides which of many members are heard: the loudest speakers have the places. A free place is
 * taken at once. A taken place is kept over pauses, and lost only to a member that is clearly
 * louder for some ticks. Noise takes no place: what is not voice is not noted. A member that sends
 * nothing costs nothing. */

enum {
	RANK_PLACES_MAX = 8,
	RANK_LEAD_DB = 6, /* so much louder is a member that takes a place over */
	RANK_RUN = 3,     /* and so many ticks in a row */
	RANK_NOBODY = UINT32_MAX,
};

/* All zeros at the beginning. */
struct rank_member {
	float loud;   /* dB, smoothed */
	uint32_t at;  /* the tick in which it spoke last */
	uint32_t run; /* ticks in a row up to then */
};

struct rank {
	struct rank_member *members; /* the caller's */
	uint32_t tick;
	uint32_t hold;   /* ticks for which a pause keeps the place */
	uint32_t places; /* how many */
	uint32_t place[RANK_PLACES_MAX];
	uint32_t rivals[RANK_PLACES_MAX]; /* of this tick, the loudest first */
	uint32_t rivals_n;
};

void rank_open(struct rank *r, struct rank_member *members, uint32_t places, uint32_t hold);
/* It speaks in this tick, at level -dBov (RFC 6464 3). */
void rank_note(struct rank *r, uint32_t member, uint8_t level);
/* Gives the places away for this tick. Notes after it are of the next one. */
void rank_tick(struct rank *r);
/* It is not heard any more, from now on. */
void rank_forget(struct rank *r, uint32_t member);
bool rank_has(const struct rank *r, uint32_t member);

#endif
