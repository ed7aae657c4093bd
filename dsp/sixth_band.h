/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Six times the rate, and a sixth of it: 8000 to 48000 Hz and back, for sound that has no more than 8000 Hz can carry. A half band
 * (dsp/half_band.h) says what the telephone band is; between 16000 and 48000 Hz a filter of 39 taps is enough: even to 0.1 dB up to
 * 4 kHz, -74 dB and less from 9.6 on, so that Opus hears no band there and spends nothing on one. 20 ms take 2.1 us up and 1.4 down, by the
 * compiler's vectors (Zen 5, gcc 12 -O3, 2026-11), where dsp/resampler.h takes 9 each.
 */
#ifndef DSP_SIXTH_BAND_H
#define DSP_SIXTH_BAND_H

#include "dsp/half_band.h"

enum {
	SIXTH_BAND_UP_BEFORE = 12,                         /* samples of 16000 Hz */
	SIXTH_BAND_DOWN_BEFORE = 36,                       /* of 48000 */
	SIXTH_BAND_UP_DELAY = 3 * HALF_BAND_UP_DELAY + 19, /* of 48000 Hz by which it is late */
	SIXTH_BAND_DOWN_DELAY = 3 * HALF_BAND_DOWN_DELAY + 17,
};

/* What came before. All zeros at the beginning. One for each direction of a stream. */
struct sixth_band {
	struct half_band half;
	int16_t before[SIXTH_BAND_DOWN_BEFORE];
};

/* n samples become 6 * n. */
void sixth_band_up(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out);
/* 6 * n samples become n. */
void sixth_band_down(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out);

#endif
