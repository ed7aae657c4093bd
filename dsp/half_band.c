/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/half_band.h"

#include <string.h>

#include "dsp/half_band_wide.h"

enum {
	HALF_BLOCK = 160,
	BEFORE = HALF_BAND_TAPS - 1,
	HALF_SHIFT = 14,
	MIDDLE_UP = 7,
	MIDDLE_DOWN = 8
};

/*
 * By a Kaiser window of beta 5; their sum is one in 14 bits. Their absolute sum is 2.1, so 32 bits hold any sum of products.
 * Between two samples lie as many as before them, hence the symmetry.
 */
static const int16_t g_half_taps[HALF_BAND_TAPS] = {
	-49,   134,   -287, 540,  -954, 1671, -3216, 10353,
	10353, -3216, 1671, -954, 540,  -287, 134,   -49,
};

/* Half way between the two in the middle of 16. */
static int32_t half_way(const int16_t *x)
{
	int32_t sum = 0;

	for (int i = 0; i < HALF_BAND_TAPS; i++)
		sum += g_half_taps[i] * x[i];
	return sum;
}

static int16_t rounded(int32_t sum, int shift)
{
	int32_t v = (sum + (1 << (shift - 1))) >> shift;

	if (v > INT16_MAX)
		return INT16_MAX;
	return (int16_t)(v < INT16_MIN ? INT16_MIN : v);
}

/* What came before; behind it there is room for the new ones. */
static void before_put(int16_t *line, const int16_t *before)
{
	memcpy(line, before, BEFORE * sizeof(*line));
}

/* The last of n new ones come before the next ones. */
static void before_keep(int16_t *before, const int16_t *line, size_t n)
{
	memcpy(before, line + n, BEFORE * sizeof(*line));
}

static void block_up(struct half_band *h, const int16_t *in, size_t n, int16_t *out)
{
	int16_t line[BEFORE + HALF_BLOCK];

	before_put(line, h->odd);
	memcpy(line + BEFORE, in, n * sizeof(*in));
	before_keep(h->odd, line, n);
	for (size_t i = half_band_up_wide(g_half_taps, line, line + MIDDLE_UP, n, out); i < n;
	     i++) {
		out[2 * i] = line[i + MIDDLE_UP];
		out[2 * i + 1] = rounded(half_way(line + i), HALF_SHIFT);
	}
}

static void pairs_part(const int16_t *in, size_t n, int16_t *first, int16_t *second)
{
	for (size_t i = half_band_part_wide(in, n, first, second); i < n; i++) {
		first[i] = in[2 * i];
		second[i] = in[2 * i + 1];
	}
}

static void block_down(struct half_band *h, const int16_t *in, size_t n, int16_t *out)
{
	int16_t odd[BEFORE + HALF_BLOCK], even[BEFORE + HALF_BLOCK];

	before_put(even, h->even);
	before_put(odd, h->odd);
	pairs_part(in, n, even + BEFORE, odd + BEFORE);
	before_keep(h->even, even, n);
	before_keep(h->odd, odd, n);
	for (size_t i = half_band_down_wide(g_half_taps, odd, even + MIDDLE_DOWN, n, out); i < n;
	     i++) {
		int32_t middle = even[i + MIDDLE_DOWN] * (1 << (HALF_SHIFT - 1));

		out[i] = rounded(middle + half_way(odd + i) / 2, HALF_SHIFT);
	}
}

void half_band_up(struct half_band *h, const int16_t *in, size_t n, int16_t *out)
{
	for (size_t i = 0; i < n; i += HALF_BLOCK)
		block_up(h, in + i, n - i < HALF_BLOCK ? n - i : HALF_BLOCK, out + 2 * i);
}

void half_band_down(struct half_band *h, const int16_t *in, size_t n, int16_t *out)
{
	for (size_t i = 0; i < n; i += HALF_BLOCK)
		block_down(h, in + 2 * i, n - i < HALF_BLOCK ? n - i : HALF_BLOCK, out + i);
}
