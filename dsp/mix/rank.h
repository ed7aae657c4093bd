/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who of many is heard: the loudest who speak have the places. A free place is taken at once. A taken place is kept over pauses, and lost
 * only to somebody who is clearly louder for some ticks. Noise takes none: what is no voice is not noted. A member who sends nothing
 * costs nothing.
 */
#ifndef DSP_MIX_RANK_H
#define DSP_MIX_RANK_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RANK_PLACES_MAX = 8,
	RANK_LEAD_DB = 6, /* so much louder is who takes a place over */
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
