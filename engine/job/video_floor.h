/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose picture is shown where several may talk, and when a source is asked for a new one. Pure: indexes and times in, decisions out.
 *
 * All see who talks, and that one sees who talked before. Another one is shown when it has been the loudest for a while, pauses between its words
 * apart, and who is shown has been so for some time. So neither a cough nor a "yes" turns the picture.
 */
#ifndef ENGINE_JOB_VIDEO_FLOOR_H
#define ENGINE_JOB_VIDEO_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum {
	FLOOR_NOBODY = UINT32_MAX,
	FLOOR_TALKS_MS = 600,  /* so long a rival talks before it is shown */
	FLOOR_KEEPS_MS = 1500, /* so long who is shown is so, at least */
};

#define VIDEO_AGAIN_NS (500 * NS_PER_MS) /* from one request to the next, at least */

struct floor {
	uint32_t shown, before; /* FLOOR_NOBODY: nobody */
	uint32_t rival;
	uint32_t rival_ms; /* it has talked */
	uint32_t kept_ms;  /* shown is so */
};

/* May it be shown? A higher one goes first. */
enum floor_claim {
	FLOOR_NONE,  /* it sends no picture, or none that is for all */
	FLOOR_MUTED, /* it is not heard: it is shown where nobody else can be */
	FLOOR_SPEAKS,
};

static inline struct floor floor_empty(void)
{
	return (struct floor){ .shown = FLOOR_NOBODY,
			       .before = FLOOR_NOBODY,
			       .rival = FLOOR_NOBODY };
}

/* For so many ms nobody was louder; FLOOR_NOBODY: all were silent. Its claim is FLOOR_SPEAKS. True: it is shown from now on. */
bool floor_talks(struct floor *f, uint32_t talker, uint32_t ms);
/* Who may not be shown any more is not. claims: of each of count. True: others are shown than were. */
bool floor_review(struct floor *f, const enum floor_claim *claims, uint32_t count);
/* What that one is to see. */
static inline uint32_t floor_seen_by(const struct floor *f, uint32_t index)
{
	return index == f->shown ? f->before : f->shown;
}

/* Requests for a new picture of one source. All zero: none is wanted. */
struct keyframe_need {
	uint64_t asked_ns; /* 0: never */
	bool wanted;
};

static inline void keyframe_want(struct keyframe_need *a)
{
	a->wanted = true;
}

/* It is there. */
static inline void keyframe_came(struct keyframe_need *a)
{
	a->wanted = false;
}

/* True: it is to be asked now. Who wants one still is asked for again, whoever lost the request or the picture. */
bool keyframe_is_due(struct keyframe_need *a, uint64_t now_ns);

#endif
