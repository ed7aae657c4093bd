/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which packets of one source are missing, and when it is asked for them again (generic NACK, RFC 4585 6.2.1). Pure: numbers and times in,
 * decisions out. Each number is asked for a few times, and given up when that did not help: then only a new picture does. A gap with more than
 * can be asked for is given up at once.
 */
#ifndef ENGINE_JOB_VIDEO_LOSSES_H
#define ENGINE_JOB_VIDEO_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum {
	LOSSES_MAX = 64, /* numbers that may be missing at a time */
	LOSS_TRIES = 4,
};

#define LOSS_OLD_NS     (400 * NS_PER_MS) /* a picture that is later than that has stood still */
#define LOSSES_EVERY_NS (10 * NS_PER_MS)  /* from one request to the next, at least */

struct loss {
	uint64_t since_ns;
	uint64_t due_ns;
	uint16_t sequence;
	uint8_t tries; /* so often it was asked for */
};

/* All zero: nothing is missing. */
struct losses {
	uint64_t asked_ns; /* the last request; 0: there was none */
	uint8_t count;
	struct loss list[LOSSES_MAX]; /* in the order of their numbers */
};

/* A packet came; `highest` is the highest number before it. False: so many are missing that all are given up. */
bool losses_note(struct losses *l, uint16_t highest, uint16_t sequence, uint64_t now_ns);
/* Something is to be asked for now, or given up. */
bool losses_are_due(const struct losses *l, uint64_t now_ns);

struct losses_asked {
	uint8_t count;     /* numbers to ask for, in their order */
	uint8_t given_up;  /* so many others are not missed any more */
	uint64_t since_ns; /* those are missing since then, at the latest */
	uint16_t numbers[LOSSES_MAX];
};

/* They count as asked for, and are due again after again_ns. */
void losses_ask(struct losses *l, uint64_t now_ns, uint64_t again_ns, struct losses_asked *out);
/* None is missed any more. */
static inline void losses_forget(struct losses *l)
{
	l->count = 0;
}

#endif
