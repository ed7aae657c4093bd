/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sum of voices in 32 bits becomes samples of 16 bits. Where it is too loud the gain goes down within some samples, and up again over half
 * a second; a sum that fits is what it was, to the bit. Nothing is delayed: what is too loud before the gain is down is cut off, never wrapped.
 * 20 ms at 8000 Hz take 25 ns where they fit, else 60 (Zen 5, gcc 12, 2026-11).
 */
#ifndef DSP_LIMITER_H
#define DSP_LIMITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsp/voice.h"

enum { LIMITER_ATTACK = 32 }; /* samples */

/* All zeros at the beginning. */
struct limiter {
	float loss; /* 1 less the gain at the end of the last frame */
};

/* A frame that has nothing beyond 32767, either way, is what it was, to the bit, and this stays so. */
bool limiter_rests(const struct limiter *l);
void limiter_frame(struct limiter *l, uint32_t rate, const int32_t *sum, int16_t *pcm, size_t n);
/* The same of a sum that is no louder than peak, either way, and somewhere as loud. */
void limiter_frame_of(struct limiter *l, uint32_t rate, const int32_t *sum, int16_t *pcm, size_t n,
		      float peak);

/*
 * A party that is too quiet or too loud becomes as loud as others: what it says is brought to -26 dBov (ITU-T P.56's nominal level) over some
 * seconds. The gain is only changed while it speaks, so noise in pauses does not swell. 20 ms at 8000 Hz take 70 ns (Zen 5, gcc 12, 2026-11).
 */

enum {
	GAIN_TARGET_DBOV = -26,
	GAIN_DB_MAX = 15, /* both ways */
};

/* All zeros at the beginning. */
struct gain {
	float energy;  /* of a sample, while it speaks */
	float heard_s; /* how much of that was heard, at most the memory of it */
	float db;
};

/* A frame of at most 60 ms, and what voice_frame says of it. The result is no more than 6 times as large: it fits a sum of 10,000. */
void gain_frame(struct gain *g, uint32_t rate, const int16_t *pcm, size_t n,
		struct voice_heard heard, int32_t *out);

#endif
