/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tones of a telephone network. A tone is a function of time: sample n depends on n alone, so
 * it never drifts, continues at any n, and needs no state.
 */
#ifndef DSP_TONE_H
#define DSP_TONE_H

#include "base/bytes.h"

enum tone_kind {
	TONE_DIAL,
	TONE_RINGBACK,
	TONE_BUSY,
	TONE_CONGESTION, /* the call failed, and not because the party is busy */
	TONE_CALL_WAITING,
	TONE_INFORMATION,  /* special information tone (SIT): an announcement follows, or nothing */
	TONE_CONFIRMATION, /* what was asked for by a code was done (E.180: positive indication) */
	TONE_RECORDING,    /* in a conversation: it is recorded */
	TONE_KINDS
};

enum {
	TONE_PARTS_MAX = 3,
	TONE_STEPS_MAX = 6,
	TONE_RAMP_MS = 5, /* at both ends of a step, within its time: no click */
};

/* A sine. */
struct tone_part {
	uint16_t hz;   /* 0: silence */
	int16_t level; /* tenths of dBm0 */
};

/* Without parts it is silence. 0 ms: without end. */
struct tone_step {
	uint16_t ms;
	struct tone_part parts[TONE_PARTS_MAX];
};

/* From the first step again after the last. */
struct tone {
	uint32_t count;
	struct tone_step steps[TONE_STEPS_MAX];
};

/* Those of a country. */
struct tone_plan {
	const char *name; /* "de", or "etsi" */
	struct tone tones[TONE_KINDS];
};

/* By name, case-insensitive; NULL if there is no such plan. */
const struct tone_plan *tone_plan_find(struct bytes name);

/* Samples at to at + n of it. rate in Hz: a multiple of 1000, and 96000 at most. */
void tone_render(const struct tone *t, uint32_t rate, uint64_t at, int16_t *pcm, uint32_t n);
/* Its period in ms; 0: it lasts without end. */
uint32_t tone_period_ms(const struct tone *t);

#endif
