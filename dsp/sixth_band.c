/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/sixth_band.h"

#include <string.h>

enum {
	SIXTH_BLOCK = 160,
	SIXTH_WIDE = 2 * SIXTH_BLOCK,
	SIXTH_TAPS = 39,
	PHASES = 3,
	PHASE_TAPS = SIXTH_TAPS / PHASES,
	SIXTH_SHIFT = 15
};

/*
 * By least squares; their sum is one in 15 bits. Three times the sum of those that one sample meets on the way up fits into 32 bits, and so
 * does the sum of all on the way down.
 */
static const int16_t g_sixth_taps[SIXTH_TAPS] = {
	3,     11,    23,   24,   -9,   -81,  -145, -115, 71,   352,  512,  288,   -386,
	-1188, -1442, -478, 1874, 5002, 7692, 8752, 7692, 5002, 1874, -478, -1442, -1188,
	-386,  288,   512,  352,  71,   -115, -145, -81,  -9,   24,   23,   11,    3,
};

/* Every third of them, for samples in the order of time: between two that there are lie two zeros. */
static const int16_t g_phases[PHASES][PHASE_TAPS] = {
	{ 23, -81, 71, 288, -1442, 5002, 7692, -478, -386, 352, -145, 24, 3 },
	{ 11, -9, -115, 512, -1188, 1874, 8752, 1874, -1188, 512, -115, -9, 11 },
	{ 3, 24, -145, 352, -386, -478, 7692, 5002, -1442, 288, 71, -81, 23 },
};

static int16_t third_rounded(int32_t sum)
{
	int32_t v = (sum + (1 << (SIXTH_SHIFT - 1))) >> SIXTH_SHIFT;

	if (v > INT16_MAX)
		return INT16_MAX;
	return (int16_t)(v < INT16_MIN ? INT16_MIN : v);
}

/* All samples of a phase, so that the compiler has vectors of them. */
static void phase_up(const int16_t *taps, const int16_t *x, size_t n, int16_t *out)
{
	for (size_t i = 0; i < n; i++) {
		int32_t sum = 0;

		for (int k = 0; k < PHASE_TAPS; k++)
			sum += taps[k] * x[i + k];
		out[i] = third_rounded(PHASES * sum);
	}
}

static int16_t third_down(const int16_t *x)
{
	int32_t sum = 0;

	for (int i = 0; i < SIXTH_TAPS; i++)
		sum += g_sixth_taps[i] * x[i];
	return third_rounded(sum);
}

static void sixth_block_up(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out)
{
	int16_t line[SIXTH_BAND_UP_BEFORE + SIXTH_WIDE], phases[PHASES][SIXTH_WIDE];

	memcpy(line, s->before, SIXTH_BAND_UP_BEFORE * sizeof(*line));
	half_band_up(&s->half, in, n, line + SIXTH_BAND_UP_BEFORE);
	memcpy(s->before, line + 2 * n, SIXTH_BAND_UP_BEFORE * sizeof(*line));
	for (int p = 0; p < PHASES; p++)
		phase_up(g_phases[p], line, 2 * n, phases[p]);
	for (size_t i = 0; i < 2 * n; i++)
		for (size_t p = 0; p < PHASES; p++)
			out[PHASES * i + p] = phases[p][i];
}

static void sixth_block_down(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out)
{
	int16_t line[SIXTH_BAND_DOWN_BEFORE + 6 * SIXTH_BLOCK], wide[SIXTH_WIDE];

	memcpy(line, s->before, sizeof(s->before));
	memcpy(line + SIXTH_BAND_DOWN_BEFORE, in, 6 * n * sizeof(*in));
	memcpy(s->before, line + 6 * n, sizeof(s->before));
	for (size_t i = 0; i < 2 * n; i++)
		wide[i] = third_down(line + 3 * i);
	half_band_down(&s->half, wide, n, out);
}

void sixth_band_up(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out)
{
	for (size_t done = 0; done < n; done += SIXTH_BLOCK)
		sixth_block_up(s, in + done, n - done < SIXTH_BLOCK ? n - done : SIXTH_BLOCK,
			       out + 6 * done);
}

void sixth_band_down(struct sixth_band *s, const int16_t *in, size_t n, int16_t *out)
{
	for (size_t done = 0; done < n; done += SIXTH_BLOCK)
		sixth_block_down(s, in + 6 * done, n - done < SIXTH_BLOCK ? n - done : SIXTH_BLOCK,
				 out + done);
}
