/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which layer of a picture a viewer has: a browser sends it in several sizes at once (media_layers). Pure: rates and times in, decisions out.
 *
 * It is the largest one that fits into what the viewer shall have. Rates go up and down, and each change costs a new picture, so one that is there
 * stays for a while, also when it is a bit too much.
 */
#ifndef ENGINE_JOB_VIDEO_LAYERS_H
#define ENGINE_JOB_VIDEO_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "media/job.h"

enum {
	LAYER_NONE = UINT8_MAX,
	LAYER_UP_MS = 3000, /* so long a viewer has one before it gets a larger one */
	LAYER_DOWN_MS = 1500,
	LAYER_RATE_MS = 500, /* a rate is read so often */
	LAYER_STEADY = 2,    /* and says something after so many times */
	/* It has stopped: nothing of it came for so long, and others have so many pictures since. All come at the same rate, which may be low. */
	LAYER_SILENT_MS = 500,
	LAYER_MISSED = 12,
};

/* How much comes of one. All zero: nothing did yet. */
struct layer_rate {
	uint64_t read_ns;
	uint32_t octets; /* since then */
	uint32_t kbps;   /* over two seconds, about */
	uint8_t times;   /* it was read; up to LAYER_STEADY */
};

static inline void layer_rate_note(struct layer_rate *r, uint32_t octets)
{
	r->octets += octets;
}

void layer_rate_read(struct layer_rate *r, uint64_t now_ns);

struct layer_seen {
	bool comes;
	bool steady;     /* its rate is known */
	uint32_t kbps;   /* valid with steady */
	uint32_t pixels; /* 0: not known */
};

/* most_kbps 0: there is no limit. now: the one that the viewer has for kept_ms; LAYER_NONE: none of these. LAYER_NONE: none comes. */
uint8_t layer_choose(const struct layer_seen *list, uint8_t count, uint32_t most_kbps, uint8_t now,
		     uint32_t kept_ms);

/*
 * How much of a picture a viewer is sent whose line loses packets. What it reports is all that is known of its line (RFC 3550 6.4.1). Pure: reports
 * and times in, a limit out.
 *
 * Where it loses much for a while the limit goes below what it has. When it has lost next to nothing for long the limit is doubled, again and again,
 * until it is away. What was lost again soon behind that is waited for twice as long: so a line that bears one layer and not the next is not tried all
 * the time, for each try costs new pictures, and what is lost meanwhile.
 */

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
