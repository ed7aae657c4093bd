/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How hard encoders of transcoders try, by how busy the worker is: with less complexity Opus takes a third of the time, and sounds a little
 * worse. Once a second it is less by a step at once where the worker is busier than it should be, and more again only after some calm. So
 * it does not swing with its own effect. What is decided is a function of the figures it is given.
 */
#ifndef ENGINE_JOB_EASE_H
#define ENGINE_JOB_EASE_H

#include <stdint.h>

struct worker;

enum {
	EASE_STEPS = 2,      /* full, half, least */
	EASE_BUSY = 700,     /* by default: thousandths of a core */
	EASE_CALM_PART = 75, /* so many percent of that are calm */
	EASE_CALM_TICKS = 5, /* in a row */
	EASE_FULL_RATE =
		1
		<< 24, /* in the word: Opus of transcoders that open from now on runs at 48,000 Hz */
};

struct ease {
	uint8_t step; /* 0: full complexity */
	uint8_t calm; /* ticks */
};

/* What the worker was told, in one word. */
static inline uint32_t ease_pack(uint32_t complexity, uint32_t busy)
{
	return complexity << 16 | busy;
}

static inline uint32_t ease_most(uint32_t word)
{
	return word >> 16 & UINT8_MAX;
}

/* A second has passed. */
void ease_tick(struct ease *e, uint32_t busy, uint32_t limit);
/* Of Opus, where most is what it has with time. */
uint8_t ease_complexity(const struct ease *e, uint32_t most);
/* By w->busy: the complexity of the worker's transcoders from now on, and its metric. */
void ease_set(struct worker *w);

#endif
