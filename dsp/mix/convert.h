/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of a mix at the rate of an encoder. Whoever goes on in place of another takes over what came before: so nobody hears a step.
 * Memory is allocated at open alone. 8000 and 16000 Hz, and 8000 and 48000, have filters of our own; all else is speexdsp's.
 */
#ifndef DSP_MIX_CONVERT_H
#define DSP_MIX_CONVERT_H

#include <stdint.h>

#include "base/compiler.h"
#include "dsp/half_band.h"
#include "dsp/mix/mix.h"
#include "dsp/resampler.h"
#include "dsp/sixth_band.h"

struct convert {
	uint32_t from, to; /* Hz */
	uint32_t samples;  /* of a frame, at the rate it comes in */
	struct half_band half;
	struct sixth_band sixth;
	struct resampler *other;       /* NULL: one of those above, or the rates are equal */
	int16_t last[MIX_SAMPLES_MAX]; /* frame that `other` has had */
};

/* 0, -EINVAL, -ENOMEM. A frame has whole ms, and MIX_SAMPLES_MAX samples at most. */
int convert_open(struct convert *c, uint32_t from, uint32_t to, uint32_t samples) NODISCARD;
void convert_close(struct convert *c); /* all zeros is fine */
/* A frame. How many samples it has become: samples * to / from. */
uint32_t convert_frame(struct convert *c, const int16_t *in, int16_t *out);
/* From now on `to` makes what `from` makes of the same frames. Both were opened alike. */
void convert_copy(struct convert *to, const struct convert *from);

#endif
