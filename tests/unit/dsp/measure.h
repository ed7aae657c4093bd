/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that tests make, and what they measure of others. */
#ifndef TESTS_UNIT_DSP_MEASURE_H
#define TESTS_UNIT_DSP_MEASURE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* Adds a sine. */
static inline void measure_add_sine(int16_t *pcm, size_t n, double rate, double hz, double peak)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = (int16_t)lrint(pcm[i] + peak * sin(2 * M_PI * hz * (double)i / rate));
}

/* The peak of the sine of hz in it, by Goertzel's filter under a Hann window. */
static inline double measure_peak(const int16_t *pcm, size_t n, double rate, double hz)
{
	double w = 2 * M_PI * hz / rate, coefficient = 2 * cos(w), before = 0, last = 0, sum = 0;

	for (size_t i = 0; i < n; i++) {
		double window = 1 - cos(2 * M_PI * ((double)i + 0.5) / (double)n);
		double now = pcm[i] * window + coefficient * last - before;

		sum += window;
		before = last;
		last = now;
	}
	return 2 * sqrt(before * before + last * last - coefficient * before * last) / sum;
}

static inline double measure_rms(const int16_t *pcm, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)pcm[i] * pcm[i];
	return n ? sqrt(sum / (double)n) : 0;
}

/* Signal to noise in dB of what came back lag samples late, at its best gain. */
static inline double measure_snr_at(const int16_t *sent, const int16_t *back, size_t n, size_t lag)
{
	double ss = 0, sb = 0, bb = 0;

	for (size_t i = lag; i < n; i++) {
		ss += (double)sent[i - lag] * sent[i - lag];
		sb += (double)sent[i - lag] * back[i];
		bb += (double)back[i] * back[i];
	}
	return sb <= 0 ? -99 : 10 * log10(sb * sb / ss / (bb - sb * sb / ss + 1e-9));
}

/* At the best lag of those below lag_max. */
static inline double measure_snr(const int16_t *sent, const int16_t *back, size_t n, size_t lag_max)
{
	double best = -99;

	for (size_t lag = 0; lag < lag_max; lag++)
		best = fmax(best, measure_snr_at(sent, back, n, lag));
	return best;
}

#endif
