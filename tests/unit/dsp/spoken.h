/* SPDX-License-Identifier: Apache-2.0 */
/* What is like speech, made of sines and noise: syllables with a pitch and formants, hisses, pauses; and noise. */
#ifndef TESTS_UNIT_DSP_SPOKEN_H
#define TESTS_UNIT_DSP_SPOKEN_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/unit/dsp/measure.h"

struct spoken {
	uint64_t seed;
	double pitch, phase;
};

/* -1 to 1 */
static inline double spoken_random(struct spoken *s)
{
	s->seed ^= s->seed << 13;
	s->seed ^= s->seed >> 7;
	s->seed ^= s->seed << 17;
	return (double)(s->seed >> 11) / 4503599627370496.0 - 1;
}

static inline double spoken_normal(struct spoken *s)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum += spoken_random(s);
	return sum / 2;
}

/* How loud a harmonic is: three formants over a slope. */
static inline double spoken_formants(double hz, const double formants[3])
{
	double sum = 0.02;

	for (int i = 0; i < 3; i++)
		sum += exp(-pow((hz - formants[i]) / (120 + 60 * i), 2)) / (1 + i);
	return sum / (1 + hz / 1500);
}

static inline void spoken_vowel(struct spoken *s, double *out, size_t n, double rate)
{
	double formants[3] = { 500 + 250 * spoken_random(s), 1400 + 500 * spoken_random(s),
			       2600 + 300 * spoken_random(s) };

	s->pitch = 130 + 50 * spoken_random(s);
	for (int k = 1; k * s->pitch < 3600; k++) {
		double loud = spoken_formants(k * s->pitch, formants),
		       phase = M_PI * spoken_random(s);

		for (size_t i = 0; i < n; i++) {
			double t = (double)i / rate;

			out[i] += loud * sin(2 * M_PI * k * s->pitch * t * (1 - 0.05 * t) + phase);
		}
	}
}

static inline void spoken_hiss(struct spoken *s, double *out, size_t n)
{
	double before = 0;

	for (size_t i = 0; i < n; i++) {
		double now = spoken_normal(s);

		out[i] += 0.15 * (now - 0.7 * before);
		before = now;
	}
}

/* n samples with syllables of 120 to 280 ms, a word of four, a pause of 0.3 to 0.9 s. speaks: of each ms. Peaks of loud. */
static inline void spoken_make(struct spoken *s, int16_t *pcm, bool *speaks, size_t n, double rate,
			       double loud)
{
	static double one[48000];
	size_t ms = (size_t)rate / 1000, at = ms * 2000; /* at first there is nothing */

	memset(pcm, 0, n * sizeof(*pcm));
	memset(speaks, 0, n / ms);
	for (int syllable = 0;; syllable++) {
		size_t length = ms * (size_t)(200 + 80 * spoken_random(s));

		if (at + length > n)
			return;
		memset(one, 0, length * sizeof(*one));
		if (syllable % 3 == 2)
			spoken_hiss(s, one, length);
		else
			spoken_vowel(s, one, length, rate);
		for (size_t i = 0; i < length; i++) {
			double v = loud / 3 * one[i] * sin(M_PI * (double)i / (double)length);

			pcm[at + i] = (int16_t)fmax(-32768, fmin(32767, v));
		}
		memset(speaks + at / ms + length / ms / 10, 1, length / ms * 8 / 10);
		at += length;
		if (syllable % 4 == 3)
			at += ms * (size_t)(600 + 300 * spoken_random(s));
	}
}

static inline void spoken_add_noise(struct spoken *s, int16_t *pcm, size_t n, double rms)
{
	for (size_t i = 0; i < n; i++) {
		double v = pcm[i] + rms * spoken_normal(s);

		pcm[i] = (int16_t)fmax(-32768, fmin(32767, v));
	}
}

#endif
