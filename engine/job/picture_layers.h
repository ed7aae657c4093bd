/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which layer of a picture a viewer has: a browser sends it in several sizes at once (media_layers). Pure: rates and times in, decisions out.
 *
 * It is the largest one that fits into what the viewer shall have. Rates go up and down, and each change costs a new picture, so one that is there
 * stays for a while, also when it is a bit too much.
 */
#ifndef ENGINE_JOB_PICTURE_LAYERS_H
#define ENGINE_JOB_PICTURE_LAYERS_H

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

#endif
