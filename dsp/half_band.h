/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Twice the rate, and half of it: 8000 to 16000 Hz and back. A filter of 31 taps, half of which are zero: even up to
 * 3 kHz, -0.3 dB at 3.4 and -6 at 4.0, -52 and less from 4.8 on. It stands between two G.711 or G.722 worlds.
 */
#ifndef DSP_HALF_BAND_H
#define DSP_HALF_BAND_H

#include <stddef.h>
#include <stdint.h>

enum {
	HALF_BAND_TAPS = 16,       /* those that are not zero, without the middle one */
	HALF_BAND_UP_DELAY = 16,   /* samples of 16000 Hz by which it is late */
	HALF_BAND_DOWN_DELAY = 14, /* samples of 16000 Hz */
};

/* What came before. All zeros at the beginning. One for each direction of a stream. */
struct half_band {
	int16_t odd[HALF_BAND_TAPS - 1];  /* of 8000 Hz, or every other one of 16000 */
	int16_t even[HALF_BAND_TAPS - 1]; /* down: the others */
};

/* n samples become 2 * n. */
void half_band_up(struct half_band *h, const int16_t *in, size_t n, int16_t *out);
/* 2 * n samples become n. */
void half_band_down(struct half_band *h, const int16_t *in, size_t n, int16_t *out);

#endif
