/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What codecs take for a voice, at any rate and always the same: pulses of a pitch that moves, through three formants that change from
 * syllable to syllable, a hiss at the end of each, and every second a pause.
 */
#ifndef TESTS_UNIT_DSP_SPEECH_H
#define TESTS_UNIT_DSP_SPEECH_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPEECH_FORMANTS = 3, SPEECH_VOWELS = 5 };

struct speech {
	double rate; /* Hz; all else begins at 0 */
	double pitch;
	double past[SPEECH_FORMANTS][2];
	double hissed;
	uint64_t at;
	uint32_t noise;
};

static inline double speech_noise(struct speech *s)
{
	s->noise = s->noise * 1664525 + 1013904223;
	return (double)(int32_t)s->noise / 2147483648.0;
}

static inline double speech_formant(double past[2], double in, double hz, double rate)
{
	double r = exp(-M_PI * 90 / rate), w = 2 * M_PI * hz / rate;
	double out = in * (1 - r) + 2 * r * cos(w) * past[0] - r * r * past[1];

	past[1] = past[0];
	past[0] = out;
	return out;
}

/* One where a period begins. */
static inline double speech_pulse(struct speech *s, double t)
{
	s->pitch += (120 + 25 * sin(2 * M_PI * 0.7 * t) + 8 * sin(2 * M_PI * 3.1 * t)) / s->rate;
	if (s->pitch < 1)
		return 0;
	s->pitch -= 1;
	return 1;
}

static inline int16_t speech_sample(struct speech *s)
{
	static const double VOWELS[SPEECH_VOWELS][SPEECH_FORMANTS] = { { 700, 1220, 2600 },
								       { 300, 2200, 2900 },
								       { 500, 1800, 2500 },
								       { 320, 800, 2240 },
								       { 550, 950, 2400 } };
	double t = (double)s->at / s->rate, in_second = t - floor(t);
	double place = fmod(in_second, 0.2) / 0.2; /* within a syllable */
	const double *vowel = VOWELS[(uint64_t)(t / 0.2) * 7 % SPEECH_VOWELS];
	bool pauses = in_second > 0.8;
	double loud = pauses ? 0 : sin(M_PI * fmin(place / 0.8, 1)), sum = 0;
	double noise = speech_noise(s), hiss = noise - s->hissed;
	double pulse = speech_pulse(s, t) + 0.02 * noise;

	for (int i = 0; i < SPEECH_FORMANTS; i++)
		sum += speech_formant(s->past[i], pulse * loud, vowel[i], s->rate) / (1 + i);
	s->hissed = noise;
	s->at++;
	sum = 90000 * sum + (place > 0.8 && !pauses ? 900 * hiss : 3 * noise);
	return (int16_t)lrint(fmax(-32768, fmin(32767, sum)));
}

static inline void speech_make(struct speech *s, int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = speech_sample(s);
}

#endif
