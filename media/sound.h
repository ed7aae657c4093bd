/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound in memory, mono. It does not change once somebody else knows it: so any thread may read it, and it crosses the threads by
 * reference where all else crosses by value. References are counted by control's thread alone, which frees it with the last one:
 * a worker says when it does not read it any more (MEDIA_JOB_CLOSED).
 */
#ifndef MEDIA_SOUND_H
#define MEDIA_SOUND_H

#include "base/bytes.h"

struct media_sound {
	uint32_t references;
	uint32_t rate_hz;
	uint32_t length;   /* samples; not 0 */
	int16_t samples[]; /* written by whoever made it */
};

/* With one reference, silent. NULL: no memory. */
struct media_sound *media_sound_make(uint32_t rate_hz, uint32_t length);
/* One reference more. */
struct media_sound *media_sound_take(struct media_sound *s);
/* One less; NULL is none. */
void media_sound_drop(struct media_sound *s);

#endif
