/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of a picture a viewer is sent whose line loses packets. What it reports is all that is known of its line (RFC 3550 6.4.1). Pure: reports
 * and times in, a limit out.
 *
 * Where it loses much for a while the limit goes below what it has. When it has lost next to nothing for long the limit is doubled, again and again,
 * until it is away. What was lost again soon behind that is waited for twice as long: so a line that bears one layer and not the next is not tried all
 * the time, for each try costs new pictures, and what is lost meanwhile.
 */
#ifndef ENGINE_JOB_PICTURE_LIMIT_H
#define ENGINE_JOB_PICTURE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum {
	LIMIT_LOSSY = 20,       /* 1/256 that are lost: much, 8 % */
	LIMIT_CLEAN = 5,        /* next to nothing, 2 % */
	LIMIT_LOSSY_MS = 2000,  /* so long it loses much before it has less */
	LIMIT_REST_MS = 3000,   /* then what it reports is of before */
	LIMIT_CLEAN_MS = 10000, /* so long it loses nothing before it may have more */
	LIMIT_TRIES = 3,        /* doublings of that */
	LIMIT_LEAST_KBPS = 30,
	LIMIT_MOST_KBPS = 20000, /* more is no limit */
};

/* All zero: there is none. */
struct video_limit {
	uint32_t kbps;       /* 0: none */
	uint64_t lossy_ns;   /* reports say so since then; 0: the last one did not */
	uint64_t clean_ns;   /* the same of nothing that is lost */
	uint64_t lowered_ns; /* 0: never */
	uint64_t raised_ns;  /* 0: not since it was lowered */
	uint8_t tries;       /* times that it was lowered soon behind that; up to LIMIT_TRIES */
};

/* lost: 1/256 of what was sent to it. has_kbps: what it has; 0: not known, or there is nothing less. True: the limit is another one. */
bool video_limit_report(struct video_limit *l, uint8_t lost, uint32_t has_kbps, uint64_t now_ns);
/* Of `lost`, which a viewer reports, what its own line lost: so many of `span` numbers never came to us. */
uint8_t video_limit_own(uint8_t lost, uint32_t span, uint32_t sent);

/* The lower one of two limits; 0: none. */
static inline uint32_t video_limit_least(uint32_t a, uint32_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

#endif
