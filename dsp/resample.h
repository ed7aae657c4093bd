/* SPDX-License-Identifier: Apache-2.0 */
/* A whole sound at another rate: in time with the original, and as long. */
#ifndef DSP_RESAMPLE_H
#define DSP_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

enum { RESAMPLE_RATE_MIN = 4000, RESAMPLE_RATE_MAX = 192000 };

/* How many samples n become: rounded up. */
size_t resample_count(size_t n, uint32_t from, uint32_t to);
/* n samples of rate from become resample_count() ones of rate to. 0, -EINVAL (a rate), -ENOMEM. */
int resample_whole(const int16_t *in, size_t n, uint32_t from, int16_t *out, uint32_t to) NODISCARD;

/* Twice and half the rate: 8000 to 16000 Hz and back. A filter of 31 taps, half of which are zero:
 * flat up to 3 kHz, -0.3 dB at 3.4 and -6 at 4.0, -52 and less from 4.8 on. It connects narrowband
 * and wideband (G.711, G.722). */

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

/* Six times and a sixth of the rate: 8000 to 48000 Hz and back, for sound with no more than 8000 Hz
 * can carry. The half band above ends the telephone band; between 16000 and 48000 Hz a filter of 39
 * taps is enough: flat to 0.1 dB up to 4 kHz, -74 dB and less from 9.6 on, so that Opus finds no
 * band there and spends nothing on it. 20 ms take 2.1 us up and 1.4 down, by the compiler's vectors
 * (Zen 5, gcc 12 -O3, 2026-11), and 9 each by speexdsp. */

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

/* Converts a stream to another rate, late by its filter, about 2 ms. Allocates at open only. One
 * thread at a time. */

struct resampler;

/* Rates as of dsp/resample.h. 0, -EINVAL, -ENOMEM */
int resampler_open(struct resampler **out, uint32_t from, uint32_t to) NODISCARD;
void resampler_close(struct resampler *r); /* NULL is fine */
/* As after open: nothing of earlier input is left. */
void resampler_reset(struct resampler *r);
/* All of in; cap: room for n * to / from samples and one more. How many there are in out. */
uint32_t resampler_run(struct resampler *r, const int16_t *in, uint32_t n, int16_t *out,
		       uint32_t cap);

#endif
