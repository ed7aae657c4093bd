/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a sum of voices in 32 bits into samples of 16 bits. Where it is too loud the gain goes down
 * within some samples, and up again over half a second; a sum that fits passes bit for bit. Without
 * delay: what is too loud before the gain is down is cut off, never wrapped. 20 ms at 8000 Hz take
 * 25 ns where they fit, else 60 (Zen 5, gcc 12, 2026-11).
 */
#ifndef DSP_LIMITER_H
#define DSP_LIMITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIMITER_ATTACK = 32 }; /* samples */

/* All zeros at the beginning. */
struct limiter {
	float loss; /* 1 less the gain at the end of the last frame */
};

/* True if a frame with nothing beyond +-32767 passes bit for bit, and will continue to. */
bool limiter_rests(const struct limiter *l);
void limiter_frame(struct limiter *l, uint32_t rate, const int32_t *sum, int16_t *pcm, size_t n);
/* The same of a sum that is no louder than peak, either way, and somewhere as loud. */
void limiter_frame_of(struct limiter *l, uint32_t rate, const int32_t *sum, int16_t *pcm, size_t n,
		      float peak);

#endif
